import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { toArguments } from "./config/arguments.ts";
import type { GateConfig } from "./config/load.ts";
import { examineNode, type Patient } from "./doctor.ts";
import { type ProbedNode, probeModel } from "./doctor-probe.ts";
import type { Diagnosis } from "./domain/doctor.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT, type ExitCode } from "./domain/verdict.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { Interruption } from "./interruption.ts";
import { printable } from "./report/terminal.ts";
import { interruptions, log, prepare, type ServeOptions, withServerOptions } from "./serve-options.ts";
import type { Surroundings } from "./surroundings.ts";
import { renderDiagnosis } from "./telemetry/doctor.ts";

interface DoctorOptions extends ServeOptions {
  strict?: boolean;
  probe?: string;
}

/** Adds `doctor`. */
export function addDoctorCommand(
  program: Command,
  { out, finish }: { out: (text: string) => void; finish: (code: number) => void },
): void {
  withServerOptions(
    program.command("doctor").description("can this machine give a verdict? node probes and preflight"),
  )
    .option("--strict", "a degraded machine exits 3 as well, not only an unfit one")
    .option("--probe <model>", "also serve this small model and compare with what this node did before")
    .option("--json", "print the findings as JSON")
    .action(async (options: DoctorOptions) => finish(await doctor(options, out)));
}

async function doctor(options: DoctorOptions, out: (text: string) => void): Promise<ExitCode> {
  const { patient, config, world } = await patientOf(options);
  let probed: ProbedNode | null = null;
  const diagnosis = await examineNode(patient, world, async () => {
    if (options.probe === undefined || config === null) return [];
    probed = await probeModel(config, world);
    return probed.findings;
  });
  if (world.signal.reason instanceof Interruption) return world.signal.reason.exitCode;
  const { runDir, history } = (probed as ProbedNode | null) ?? { runDir: null, history: null };
  if (options.json === true) {
    out(`${JSON.stringify({ schemaVersion: 1, ...diagnosis, runDir, history }, null, 1)}\n`);
  } else {
    const kept = history === null ? [] : ["", `What this node did before: ${history}`];
    out(printable(`${[...renderDiagnosis(diagnosis), ...kept].join("\n")}\n`));
  }
  return exitOf(diagnosis, options.strict === true);
}

/** 3 for a machine that can give no verdict; under `--strict` also for one that gives a worse one. */
export function exitOf({ verdict }: Diagnosis, strict: boolean): ExitCode {
  return verdict === "unfit" || (strict && verdict === "degraded") ? EXIT.noVerdict : EXIT.pass;
}

/** What would be served: by the configuration and its options, or, where neither says, any vLLM. */
async function patientOf(
  options: DoctorOptions,
): Promise<{ patient: Patient; config: GateConfig | null; world: Surroundings }> {
  const { probe } = options;
  const unsaid = options.config === undefined && !existsSync(resolve(CONFIG_FILE));
  if (!unsaid || options.model !== undefined || probe !== undefined) {
    // The scenario's flags are made for another model.
    const given = probe === undefined ? options : { ...options, model: probe, args: options.args ?? "" };
    const { config, world } = await prepare(given);
    return { patient: config.server, config, world };
  }
  if (options.scenario !== undefined) {
    throw new UsageError(`--scenario: there is no ${CONFIG_FILE} here that could have a scenario`);
  }
  const cwd = process.cwd();
  const command =
    options.command === undefined ? ["vllm", "serve"] : toArguments(options.command, "--command");
  const runsDir = resolve(cwd, options.runsDir);
  return {
    patient: { kind: "launch", model: null, command, env: {} },
    config: null,
    world: { cwd, environment: process.env, log, ...interruptions(), runsDir },
  };
}
