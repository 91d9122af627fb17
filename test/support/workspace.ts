import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";

/** The simulator as a command of a scenario. */
export const SIMULATOR = [
  process.execPath,
  fileURLToPath(new URL("../../src/simulator/main.ts", import.meta.url)),
  "serve",
];

/** Small probes and a short start: a run of a few seconds. */
export interface WorkspaceOptions {
  /** Settings of the simulator, without their `VLLM_SIM_` prefix. */
  readonly simulator?: Record<string, string>;
  readonly args?: string;
  /** Keys of the scenario. */
  readonly scenario?: Record<string, unknown>;
  /** Keys beside `scenarios`. */
  readonly top?: Record<string, unknown>;
}

/** `vllm-gate.yml` with one scenario, `small`, served by the simulator. */
export function configText(options: WorkspaceOptions = {}): string {
  const settings = { STARTUP_SCALE: "0.001", ...options.simulator };
  return stringify({
    scenarios: {
      small: {
        model: "Qwen/Qwen2.5-1.5B-Instruct",
        command: SIMULATOR,
        args: options.args ?? "--max-model-len 4096",
        env: Object.fromEntries(Object.entries(settings).map(([name, value]) => [`VLLM_SIM_${name}`, value])),
        probes: {
          ttft: { warmRequests: 6, outputTokens: 16 },
          batching: { concurrency: [1, 4], waves: 2, outputTokens: 32 },
          prefix: false,
          kv: false,
        },
        // The simulator keeps real time on a machine that tests share.
        tolerances: {
          "ttft.warm.floor_ms": { relative: 0.5 },
          "batching.*.wave_tokens_per_s": { relative: 0.25 },
          "batching.*.tpot_floor_ms": { relative: 0.25 },
        },
        ...options.scenario,
      },
    },
    rounds: 2,
    recordSessions: 1,
    // Other tests run beside this one, and what takes more sessions takes more time.
    onDirty: "note",
    maxSessions: 1,
    policy: { allowCommands: [SIMULATOR] },
    ...options.top,
  });
}

/** A folder of its own with a configuration; removed when disposed. */
export async function createWorkspace(options: WorkspaceOptions = {}) {
  const cwd = await mkdtemp(join(tmpdir(), "vllm-gate-test-"));
  const configure = (changed: WorkspaceOptions) => writeFile(join(cwd, "vllm-gate.yml"), configText(changed));
  await configure(options);
  return {
    cwd,
    configure,
    [Symbol.asyncDispose]: () => rm(cwd, { recursive: true, force: true }),
  };
}
