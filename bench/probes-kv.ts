/** Bytes per KV token and block size as the study of the KV cache measures them, against the simulator's own. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig, policyOf, resolveConfig } from "../src/config/load.ts";
import { deploy } from "../src/simulator/deployment.ts";
import { parseFlags } from "../src/simulator/flags.ts";
import { findGpu } from "../src/simulator/gpu.ts";
import { findModel } from "../src/simulator/model-config.ts";
import { readSettings } from "../src/simulator/settings.ts";
import { KV_STUDY } from "../src/studies/kv.ts";
import { runStudy, type StudyRequest, type StudyResult } from "../src/study.ts";
import { readTextIfExists } from "../src/system/files.ts";

/** A server whose KV cache is measured: model, device and flags. */
export interface KvDeploymentCase {
  readonly name: string;
  /** A name that the simulator knows, or a `config.json` of a model that it does not. */
  readonly model: string | Readonly<Record<string, unknown>>;
  /** A name that the simulator knows, or the fields of a device that it does not. */
  readonly gpu: string | Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is true of a deployment. */
export interface KvTruth {
  readonly bytesPerToken: number;
  readonly blockSize: number;
}

const LLAMA = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 32000,
  max_position_embeddings: 8192,
  torch_dtype: "bfloat16",
  tie_word_embeddings: false,
};

/** A device that no constant of the simulator was fitted to. */
const UNSEEN_GPU = {
  name: "NVIDIA Imaginary 48GB",
  device: "cuda",
  computeCapability: 9.0,
  memoryMiB: 48_500,
  driverMiB: 510,
  reservedMiB: 300,
  hbmGBps: 1700,
  bf16Tflops: 420,
  nvlinkGBps: 100,
  bandwidthEfficiency: 0.8,
  flopsEfficiency: 0.6,
  layerOverheadUs: 45,
  loadGBps: 4,
  source: "Made up for the bench",
};

/** Known and unseen models and devices, with grouped queries, other block sizes, types and parallelism. */
export const KV_DEPLOYMENTS: readonly KvDeploymentCase[] = [
  { name: "Qwen2.5-1.5B on an H200", model: "Qwen/Qwen2.5-1.5B-Instruct", gpu: "h200", args: [] },
  { name: "Phi-3-mini on an A100", model: "microsoft/Phi-3-mini-4k-instruct", gpu: "a100", args: [] },
  {
    name: "Qwen2.5-1.5B on an L4, fp8 KV",
    model: "Qwen/Qwen2.5-1.5B-Instruct",
    gpu: "l4",
    args: ["--kv-cache-dtype", "fp8"],
  },
  {
    name: "SmolLM2 on a CPU, 0.32",
    model: "HuggingFaceTB/SmolLM2-135M-Instruct",
    gpu: "cpu",
    args: ["--kv-cache-memory-bytes", "1500000000"],
    env: { VLLM_SIM_VERSION: "0.32.0" },
  },
  {
    name: "unseen model, 7 of 35 heads, unseen GPU",
    model: {
      ...LLAMA,
      hidden_size: 2240,
      intermediate_size: 6000,
      num_hidden_layers: 23,
      num_attention_heads: 35,
      num_key_value_heads: 7,
    },
    gpu: UNSEEN_GPU,
    args: ["--block-size", "32"],
  },
  {
    name: "unseen model, heads of 96, two ranks of unseen GPUs",
    model: {
      ...LLAMA,
      hidden_size: 3072,
      head_dim: 96,
      intermediate_size: 9000,
      num_hidden_layers: 31,
      num_attention_heads: 32,
      num_key_value_heads: 4,
    },
    gpu: UNSEEN_GPU,
    args: ["--tensor-parallel-size", "2"],
  },
];

/** A deployment as files and variables of a scenario. */
export interface StagedDeployment {
  readonly model: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly truth: KvTruth;
}

/** Writes what a deployment needs into a folder, and says what is true of it by the simulator's own arithmetic. */
export async function stageDeployment(folder: string, given: KvDeploymentCase): Promise<StagedDeployment> {
  await mkdir(join(folder, "model"), { recursive: true });
  const put = async (name: string, value: string | object) => {
    if (typeof value === "string") return value;
    await writeFile(join(folder, name), JSON.stringify(value));
    return join(folder, name);
  };
  const modelPath = await put("model/config.json", given.model);
  const model = typeof given.model === "string" ? modelPath : join(folder, "model");
  const env = {
    VLLM_SIM_STARTUP_SCALE: "0.001",
    VLLM_SIM_COMPILE_CACHE: "warm",
    ...given.env,
    VLLM_SIM_GPU: await put("gpu.json", given.gpu),
  };
  return { model, args: given.args, env, truth: truthOf(model, given.args, env) };
}

/** What the simulator holds to be true: its own sizes, not what it reports. */
export function truthOf(
  model: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): KvTruth {
  const settings = readSettings(env);
  const found = findModel(model);
  if (found.kind !== "found") throw new Error(`${model}: the simulator knows no such model`);
  const deployment = deploy(parseFlags([model, ...args]), settings, findGpu(settings.gpu), found.shape);
  return { bytesPerToken: deployment.kvBytesPerToken, blockSize: deployment.blockSize };
}

/** What a study of a staged deployment left. */
export interface MeasuredDeployment extends StudyResult {
  /** Rows of `csv/kv_cache_scaling.csv` as text, the header first. */
  readonly csv: readonly string[];
  readonly report: string;
}

const COMMAND = [
  process.execPath,
  fileURLToPath(new URL("../src/simulator/main.ts", import.meta.url)),
  "serve",
];

/**
 * Runs `vllm-gate study kv` on the simulator.
 *
 * @param folder - where model and device were staged; the run folder is made there
 * @throws UsageError as the study does
 */
export async function measureDeployment(
  folder: string,
  { model, args, env }: Omit<StagedDeployment, "truth">,
  given: { readonly lens: string; readonly wantConcurrency?: string },
  request: Pick<StudyRequest, "budgetMinutes"> = {},
): Promise<MeasuredDeployment> {
  const file = parseConfig(
    JSON.stringify({
      scenarios: { kv: { model, command: COMMAND, args, env } },
      policy: { allowCommands: [COMMAND] },
    }),
    "bench",
  );
  const config = resolveConfig({
    file,
    fileName: "bench",
    overrides: {},
    nameOverride: (key) => key,
    policy: policyOf(file, "bench"),
  });
  const result = await runStudy(
    KV_STUDY,
    KV_STUDY.readOptions(given),
    config,
    {
      cwd: folder,
      environment: process.env,
      log: { step: () => {}, warn: () => {} },
      signal: new AbortController().signal,
      runsDir: join(folder, "runs"),
    },
    { command: `vllm-gate study kv --lens ${given.lens}`, ...request },
  );
  const read = (name: string) => readTextIfExists(join(result.runDir, name));
  const csv = (await read("csv/kv_cache_scaling.csv")) ?? "";
  return { ...result, csv: csv.trimEnd().split("\n"), report: (await read("report.md")) ?? "" };
}

/** One deployment: measured beside true. */
export interface KvProbeRow {
  readonly name: string;
  readonly measuredBytes: number;
  readonly measuredStep: number;
  readonly truth: KvTruth;
  /** Relative error of the bytes. */
  readonly error: number;
}

/** Measures deployments one after another. */
export async function kvProbeRows(
  folder: string,
  deployments: readonly KvDeploymentCase[] = KV_DEPLOYMENTS,
  lens = "2048",
): Promise<KvProbeRow[]> {
  const rows: KvProbeRow[] = [];
  for (const [index, each] of deployments.entries()) {
    const own = join(folder, String(index));
    const staged = await stageDeployment(own, each);
    const { csv, summary } = await measureDeployment(own, staged, { lens });
    const [header, last] = [csv[0]?.split(",") ?? [], csv.at(-1)?.split(",") ?? []];
    const cell = (name: string) => Number(last[header.indexOf(name)] || Number.NaN);
    const measuredBytes = cell("bytes_per_token_measured");
    if (!(measuredBytes > 0)) throw new Error(`${each.name}: nothing was measured\n${summary}`);
    const { truth } = staged;
    const measuredStep = cell("step_tokens");
    rows.push({
      name: each.name,
      measuredBytes,
      measuredStep,
      truth,
      error: measuredBytes / truth.bytesPerToken - 1,
    });
  }
  return rows;
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), "vllm-gate-kv-"));
  const rows = await kvProbeRows(folder);
  for (const { name, measuredBytes, measuredStep, truth, error } of rows) {
    process.stdout.write(
      `${name.padEnd(52)} ${measuredBytes.toFixed(1).padStart(10)} B  truth ${String(truth.bytesPerToken).padStart(7)} B  ` +
        `${(error * 100).toFixed(3).padStart(7)} %  step ${measuredStep}, truth ${truth.blockSize}\n`,
    );
  }
  await rm(folder, { recursive: true });
  const met = rows.every((row) => Math.abs(row.error) <= 0.01 && row.measuredStep === row.truth.blockSize);
  process.exitCode = met ? 0 : 1;
}
