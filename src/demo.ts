import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig, policyOf, resolveConfig } from "./config/load.ts";
import { EXIT } from "./domain/verdict.ts";
import { runAndRecord, runGate } from "./gate.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Log } from "./system/log.ts";

/** The simulator's program: beside this file when bundled, in its folder when run from source. */
export function simulatorPath(): string {
  const source = import.meta.url.endsWith(".ts");
  return fileURLToPath(new URL(source ? "./simulator/main.ts" : "./simulator.js", import.meta.url));
}

export interface DemoOptions {
  readonly out: (text: string) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly hurry?: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Smaller than the default probes, so that four server starts fit in a minute. */
const CONFIG = `
scenarios:
  chat:
    model: Qwen/Qwen2.5-1.5B-Instruct
    args: --max-model-len 4096
    env:
      VLLM_SIM_GPU: h200
      VLLM_SIM_STARTUP_SCALE: 0.02
    probes:
      ttft: { warmRequests: 20, outputTokens: 16 }
      batching: { concurrency: [1, 8], waves: 2, outputTokens: 96 }
      prefix: false
      kv: false
    # The simulator keeps time on whatever machine this is, beside whatever else runs there.
    tolerances:
      ttft.warm.floor_ms: { relative: 0.25 }
      batching.*.wave_tokens_per_s: { relative: 0.1 }
      batching.*.tpot_floor_ms: { relative: 0.1 }
sessions: 1
rounds: 1
recordSessions: 2
baselineDir: baselines
onDirty: note
`;

/**
 * Records a baseline, gates the same flags, then gates a flag that makes decoding slower, all on the built-in
 * simulator, and prints both comments.
 *
 * @returns 0 when the first gate passed and the second found the regression; else 3
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { out, log } = options;
  const cwd = await mkdtemp(join(tmpdir(), "vllm-gate-demo-"));
  const command = [process.execPath, simulatorPath(), "serve"];
  const file = parseConfig(CONFIG, "demo.yml");
  const policy = { ...policyOf(file, "demo.yml"), allowCommands: [command] };
  const configFor = (args: string) =>
    resolveConfig({
      file: {
        ...file,
        scenarios: Object.fromEntries(
          Object.entries(file.scenarios).map(([name, section]) => [name, { ...section, command }]),
        ),
      },
      fileName: "demo.yml",
      overrides: { args },
      nameOverride: () => "args",
      policy,
    });
  const world: Surroundings = {
    cwd,
    environment: options.environment,
    log,
    signal: options.signal,
    ...(options.hurry === undefined ? {} : { hurry: options.hurry }),
    runsDir: join(cwd, "runs"),
  };
  const flags = "--max-model-len 4096";
  const worse = `${flags} --no-async-scheduling`;

  title(out, `1. The base branch records a baseline: vllm serve Qwen/Qwen2.5-1.5B-Instruct ${flags}`);
  const recorded = await runAndRecord(configFor(flags), world);
  if (recorded.recorded === null) {
    out(recorded.comment);
    return recorded.verdict.exitCode;
  }
  out(`${recorded.verdict.headline}.\n`);

  title(out, "2. A pull request that changes nothing for the server");
  const same = await runGate(configFor(flags), world);
  out(same.comment);

  title(out, "3. A pull request that adds --no-async-scheduling");
  const slower = await runGate(configFor(worse), world);
  out(slower.comment);

  title(out, "What happened");
  out(`Unchanged flags: exit ${same.verdict.exitCode} (${same.verdict.verdict}).\n`);
  out(`--no-async-scheduling: exit ${slower.verdict.exitCode} (${slower.verdict.verdict}).\n`);
  out(`Every file of the runs, baseline included, is in ${cwd}\n`);
  const asTold = same.verdict.exitCode === EXIT.pass && slower.verdict.exitCode === EXIT.regressed;
  return options.signal.aborted ? slower.verdict.exitCode : asTold ? EXIT.pass : EXIT.noVerdict;
}

function title(out: DemoOptions["out"], text: string): void {
  out(`\n${"─".repeat(80)}\n${text}\n${"─".repeat(80)}\n`);
}
