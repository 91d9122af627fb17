/** One server's life: check the configuration, start up in vLLM's words, listen, end. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Deployment, deploy } from "./deployment.ts";
import { deviceFailure, linesBefore, printDeviceFailure } from "./device-failures.ts";
import type { Flags } from "./flags.ts";
import { findGpu } from "./gpu.ts";
import { VllmLog } from "./log.ts";
import { fitContext, planMemory } from "./memory-plan.ts";
import { findModel } from "./model-config.ts";
import { type ApiServer, buildServer } from "./server.ts";
import type { Settings } from "./settings.ts";
import { printCrash, printShutdown, spawnOrphan } from "./shutdown.ts";
import {
  contextFailure,
  kvFailure,
  parallelFailure,
  portTaken,
  printConfigFailure,
  printKvFailure,
  printModelFailure,
  printPortFailure,
} from "./startup-failures.ts";
import { bannerLines, engineLines, readyLines, type StartupLine } from "./startup-log.ts";
import { startupTimes } from "./startup-times.ts";
import { reportThroughput } from "./stats-log.ts";

/**
 * Runs a server until it is asked to end.
 *
 * @param env consulted for `VLLM_API_KEY`
 * @returns the exit code when it could not start; a running server ends the process itself
 */
export async function launch(
  flags: Flags,
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  const gpu = findGpu(settings.gpu);
  const child = settings.faults.orphanChild ? spawnOrphan() : undefined;
  const enginePid = child?.pid ?? process.pid;
  const log = new VllmLog(settings.version, {
    APIServer: process.pid,
    EngineCore: enginePid,
    Worker: enginePid,
  });
  const server: { current?: ApiServer } = {};
  handleSignals(settings, log, server);

  const say = (lines: readonly StartupLine[]): Promise<void> => print(log, lines, settings.startupScale);
  if (await portTaken(flags.port, flags.host)) {
    printPortFailure(log);
    return 1;
  }
  await say(bannerLines({ flags, settings }));
  if (settings.startupScale !== 1) {
    const message = `Simulated start-up: durations are as logged, ${settings.startupScale} real seconds pass for each.`;
    log.line("APIServer", "INFO", "simulator.py:1", message);
  }
  const lookup = findModel(flags.model);
  if (lookup.kind !== "found") {
    printModelFailure(log, flags.model, lookup);
    return 1;
  }
  const deployment = deploy(flags, settings, gpu, lookup.shape);
  const tooLong = env["VLLM_ALLOW_LONG_MAX_MODEL_LEN"] === "1" ? undefined : contextFailure(deployment);
  if (tooLong !== undefined) {
    printConfigFailure(log, tooLong);
    return 1;
  }
  const indivisible = parallelFailure(deployment);
  if (indivisible !== undefined) {
    printConfigFailure(log, indivisible, "VllmConfig");
    return 1;
  }
  const profiled = planMemory(deployment);
  const times = startupTimes(deployment, profiled);
  const lines = engineLines(deployment, profiled, times);
  const device = deviceFailure(deployment, profiled);
  await say(linesBefore(lines, device));
  if (device !== undefined) {
    printDeviceFailure(log, device);
    return 1;
  }
  const kv = kvFailure(deployment, profiled);
  if (kv !== undefined) {
    printKvFailure(log, kv);
    return 1;
  }
  const fitted = fitContext(deployment, profiled);
  await say(readyLines(fitted, planMemory(fitted), times));
  if (settings.faults.slowStartS > 0) await sleep(settings.faults.slowStartS * 1000);
  const developer = env["VLLM_SERVER_DEV_MODE"] === "1";
  const crash = (): void => {
    printCrash(log);
    server.current?.truth?.close();
    process.exit(1);
  };
  server.current = buildServer(fitted, { log, keys: apiKeys(flags, env), developer, crash });
  if (!(await listen(server.current, deployment))) {
    printPortFailure(log);
    return 1;
  }
  log.raw(
    "APIServer",
    `INFO:     Started server process [${process.pid}]\nINFO:     Waiting for application startup.`,
  );
  log.raw("APIServer", "INFO:     Application startup complete.");
  reportThroughput(deployment, log, server.current);
  return undefined;
}

function apiKeys(flags: Flags, env: Readonly<Record<string, string | undefined>>): string[] {
  if (flags.apiKeys.length > 0) return flags.apiKeys;
  const key = env["VLLM_API_KEY"];
  return key === undefined || key === "" ? [] : [key];
}

async function print(log: VllmLog, lines: readonly StartupLine[], scale: number): Promise<void> {
  let due = performance.now();
  for (const line of lines) {
    due += line.after * scale * 1000;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    log.line(line.speaker, line.level, line.source, line.message);
  }
}

function listen(server: ApiServer, deployment: Deployment): Promise<boolean> {
  const { host, port } = deployment.flags;
  return new Promise((resolve) => {
    server.http.once("error", () => resolve(false));
    server.http.listen(port, host ?? "0.0.0.0", () => resolve(true));
  });
}

function handleSignals(settings: Settings, log: VllmLog, server: { current?: ApiServer }): void {
  const end = (): void => {
    if (settings.faults.ignoreSigterm) return;
    if (server.current !== undefined) {
      server.current.driver.stop();
      printShutdown(log, settings.version);
      server.current.http.close();
      server.current.http.closeAllConnections();
      server.current.truth?.close();
    }
    process.exit(0);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}
