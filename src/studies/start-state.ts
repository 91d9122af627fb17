import { InvalidArgumentError } from "commander";
import type { GateConfig } from "../config/load.ts";
import type { ServerSpec } from "../config/server-spec.ts";
import { messageOf, UsageError } from "../domain/errors.ts";
import type { PageCacheState, TimedReading, WeightReading } from "../domain/start-study.ts";
import { serverEnvironment } from "../serve/environment.ts";
import { folderOfModel } from "../session-cold-start.ts";
import type { Surroundings } from "../surroundings.ts";
import {
  dropAllCaches,
  dropFromPageCache,
  readResidency,
  readThrough,
  type WeightFile,
  weightFiles,
} from "../telemetry/page-cache.ts";

/** Reading the weights alone is stopped after this: what is left would say the same. */
const READ_LIMIT_S = 60;

export type LaunchSpec = Extract<ServerSpec, { kind: "launch" }>;

/**
 * The server of a configuration, which a study of starts must start.
 *
 * @throws UsageError for one that is already running
 */
export function launchedServer({ server }: GateConfig, study: string): LaunchSpec {
  if (server.kind === "launch") return server;
  throw new UsageError(
    `study ${study} starts servers of its own: give a model in place of a server's address`,
  );
}

/** The weight files of a server's model, empty when they are not on this machine. */
export async function weightsOf(server: LaunchSpec, world: Surroundings): Promise<WeightFile[]> {
  const env = serverEnvironment(world.environment, server.env);
  const folder = await folderOfModel({ ...server, cwd: world.cwd, env });
  return folder === null ? [] : weightFiles(folder);
}

/**
 * @throws UsageError when this is not root
 */
export function needsRoot(option: string, what: string): void {
  if (process.getuid?.() !== 0) {
    throw new UsageError(
      `${option}: ${what}, which only root may do: run this command with sudo, or without ${option}`,
    );
  }
}

/**
 * Brings the weights into the page cache, or out of it.
 *
 * @param all - empties the whole page cache, which only root may
 * @throws UsageError when the kernel refuses
 */
export async function setPageCache(
  state: PageCacheState,
  files: readonly WeightFile[],
  all: boolean,
): Promise<void> {
  if (state === "warm") {
    await readThrough(files, READ_LIMIT_S);
    return;
  }
  await dropFromPageCache(files);
  if (!all) return;
  await dropAllCaches().catch((error: unknown) => {
    throw new UsageError(
      `--drop-caches: /proc/sys/vm/drop_caches cannot be written (${messageOf(error)}): a container without that right? Without the option the weights alone are dropped`,
    );
  });
}

/** Reads the weight files without a server, out of the page cache and in it. */
export async function readWeightsAlone(
  files: readonly WeightFile[],
  all: boolean,
): Promise<WeightReading | null> {
  if (files.length === 0) return null;
  await setPageCache("cold", files, all);
  const cold = await timed(files);
  return {
    files: files.length,
    sizeMib: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024 ** 2,
    cold,
    warm: await timed(files),
  };
}

async function timed(files: readonly WeightFile[]): Promise<TimedReading | null> {
  const { residentShare } = await readResidency(files);
  const { bytes, seconds } = await readThrough(files, READ_LIMIT_S);
  return seconds <= 0 ? null : { gbPerS: bytes / seconds / 1e9, readMib: bytes / 1024 ** 2, residentShare };
}

/** An option's whole number within bounds. */
export function whole(from: number, to: number) {
  return (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= from && value <= to)) {
      throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}`);
    }
    return value;
  };
}

/** An option's list, each of some words. */
export function listOf<T extends string>(words: readonly T[]) {
  return (text: string): T[] => {
    const given = [...new Set(text.split(",").map((each) => each.trim()))];
    const found = given.map((each) => words.find((word) => word === each));
    if (found.some((each) => each === undefined)) {
      throw new InvalidArgumentError(`expected of ${words.join(", ")}, separated by commas`);
    }
    return found as T[];
  };
}
