/**
 * A competing load on the server's cores: two runs of one server, the second beside `stress-ng` from its third round
 * on. Prints what each round says of the machine; exits 1 unless exactly the rounds beside the load are dirty.
 *
 *     npm run bench:contention [-- CONFIG]
 *
 * Serves the built-in simulator, or the one scenario of a `vllm-gate.yml`. Needs stress-ng (Debian: apt-get install
 * stress-ng) and a machine on which nothing else runs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GateConfig, resolveConfig } from "../src/config/load.ts";
import { configSchema } from "../src/config/schema.ts";
import type { RoundRecord } from "../src/domain/run.ts";
import { loadConfig } from "../src/inputs.ts";
import { identify, measureSession, startRun } from "../src/measuring.ts";
import { headPlan } from "../src/run-plan.ts";
import type { Surroundings } from "../src/surroundings.ts";

const ROUNDS = 4;
/** Counted from 0: where the competing load begins. */
const BESIDE_FROM = 2;
const [configPath] = process.argv.slice(2);

async function configOf(cwd: string): Promise<GateConfig> {
  const nameOverride = (key: string) => key;
  if (configPath !== undefined) {
    return loadConfig({ cwd: process.cwd(), configPath, overrides: {}, nameOverride });
  }
  const command = [
    process.execPath,
    fileURLToPath(new URL("../src/simulator/main.ts", import.meta.url)),
    "serve",
  ];
  const file = configSchema.parse({
    scenarios: {
      contention: {
        model: "Qwen/Qwen2.5-1.5B-Instruct",
        command,
        env: { VLLM_SIM_STARTUP_SCALE: "0.02" },
        probes: { ttft: {}, batching: { concurrency: [1, 8], waves: 6 }, prefix: false, kv: false },
      },
    },
  });
  const policy = { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [command] };
  return resolveConfig({ file, fileName: join(cwd, "bench"), overrides: {}, nameOverride, policy });
}

function stress(): ChildProcess {
  const cores = String(availableParallelism());
  const child = spawn("stress-ng", ["--cpu", cores, "--timeout", "600", "--quiet"], { stdio: "ignore" });
  child.on("error", (error) => {
    process.stderr.write(`stress-ng: ${error.message}\n`);
    process.exitCode = 1;
  });
  return child;
}

async function rounds(runsDir: string, besideLoad: boolean): Promise<readonly RoundRecord[]> {
  let load: ChildProcess | null = null;
  const world: Surroundings = {
    cwd: process.cwd(),
    environment: process.env,
    log: {
      step: (message) => {
        process.stderr.write(`${message}\n`);
        if (besideLoad && message.includes(`: round ${BESIDE_FROM + 1} of `)) load = stress();
      },
      warn: (message) => process.stderr.write(`${message}\n`),
    },
    signal: new AbortController().signal,
    runsDir,
  };
  const config: GateConfig = { ...(await configOf(runsDir)), rounds: ROUNDS, onDirty: "note" };
  const started = await startRun(config, world, headPlan(config, 1), await identify(config, world));
  try {
    const session = await measureSession(started, config, world, { variant: "head" });
    if (session?.outcome !== "ok") throw new Error(session?.cause ?? "nothing was measured");
    return session.rounds ?? [];
  } finally {
    (load as ChildProcess | null)?.kill("SIGTERM");
    started.ownCost.stop();
    await started.state.close();
  }
}

const share = (value: number | null | undefined) =>
  (value == null ? "–" : `${Math.round(value * 100)} %`).padStart(6);

const runsDir = await mkdtemp(join(tmpdir(), "vllm-gate-contention-"));
try {
  let right = true;
  process.stdout.write("run         round  others  waited (PSI)  verdict\n");
  for (const besideLoad of [false, true]) {
    for (const { round, dirty, telemetry } of await rounds(runsDir, besideLoad)) {
      const expected = besideLoad && round >= BESIDE_FROM;
      right &&= dirty.length > 0 === expected;
      const name = besideLoad ? (expected ? "stress-ng" : "before it") : "alone";
      process.stdout.write(
        `${name.padEnd(10)}  ${String(round + 1).padStart(5)}  ${share(telemetry?.cpu?.outside)}  ` +
          `${share(telemetry?.pressure?.cpuSome).padStart(12)}  ${dirty.length === 0 ? "clean" : `dirty: ${dirty.join("; ")}`}\n`,
      );
    }
  }
  process.stdout.write(right ? "exactly the rounds beside the load are dirty\n" : "NOT as expected\n");
  if (!right) process.exitCode = 1;
} finally {
  await rm(runsDir, { recursive: true, force: true });
}
