import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Allocator } from "./domain/node.ts";
import { RUN_FILES, type SessionRecord } from "./domain/run.ts";
import type { TelemetrySample } from "./domain/telemetry.ts";
import type { LaunchedServer } from "./serve/launch.ts";
import type { GuardedContext } from "./session.ts";
import { monotonicS } from "./system/clock.ts";
import { dirtyStart } from "./telemetry/dirty.ts";
import { readAllocator } from "./telemetry/node-facts.ts";
import { rootReader } from "./telemetry/proc-files.ts";
import { type Sampler, startSampler, telemetryLines } from "./telemetry/sampler.ts";
import { sanityOf } from "./telemetry/sanity.ts";
import { summarize } from "./telemetry/summarize.ts";

/** How often the server's processes are looked for; in between the ones that are known are read. */
const PROCESSES_EVERY_S = 5;

/** The telemetry of one session. */
export interface SessionTelemetry {
  readonly sampler: Sampler;
  /** Tells the server's processes from all others, from now on. */
  watch(server: LaunchedServer): void;
  /** The memory allocator that is mapped into the server's engine; null when that cannot be seen. */
  allocator(): Promise<Allocator | null>;
  /** Ends it and writes what was sampled into the run folder. */
  stop(): Promise<TelemetrySample[]>;
}

/** Starts sampling the machine, before the session's server is there. */
export function startTelemetry(
  context: GuardedContext,
  serverEnv: Readonly<Record<string, string | undefined>>,
): SessionTelemetry {
  const { runDir, variant, index, log, machine = {} } = context;
  const sampler = startSampler({ ...machine, visibleDevices: serverEnv["CUDA_VISIBLE_DEVICES"] });
  let leaderPid: number | null = null;
  let known: { atS: number; pids: readonly number[] } | null = null;
  return {
    sampler,
    watch: (server) => {
      leaderPid = server.leader.pid;
      sampler.watch({
        zeroS: server.spawnedAtS,
        leaderPid: server.leader.pid,
        pids: async () => {
          if (known === null || monotonicS() - known.atS > PROCESSES_EVERY_S) {
            const found = await server.descendants();
            known = { atS: monotonicS(), pids: [server.leader.pid, ...found.map(({ pid }) => pid)] };
          }
          return known.pids;
        },
      });
    },
    allocator: async () => {
      // A worker holds the model, else the engine does; a server in one process is its leader. A child that was
      // seen under its parent's name may be gone by now, so the first that can be read tells.
      const processes = sampler.samples().at(-1)?.processes ?? [];
      const of = (wanted: string) => processes.filter(({ role }) => role === wanted).map(({ pid }) => pid);
      for (const pid of [...of("worker"), ...of("engine"), ...(leaderPid === null ? [] : [leaderPid])]) {
        const found = await readAllocator(rootReader(machine.root), pid);
        if (found !== null) return found;
      }
      return null;
    },
    stop: async () => {
      const samples = await sampler.stop();
      // A disk that is full must not cost the session.
      await appendFile(
        join(runDir, RUN_FILES.telemetry),
        telemetryLines(samples, { variant, session: index }),
      ).catch((error: unknown) => log.warn(`telemetry of session ${index}: ${String(error)}`));
      return samples;
    },
  };
}

/** What a session's samples add to its record. */
export function telemetryFacts(
  samples: readonly TelemetrySample[],
  record: SessionRecord,
): Pick<SessionRecord, "gpuMemory" | "dirtyStart" | "sanity"> {
  return {
    gpuMemory: gpuMemoryOf(samples, record),
    dirtyStart: dirtyStart(samples),
    sanity: sanityOf(samples, record.cases ?? []),
  };
}

function gpuMemoryOf(samples: readonly TelemetrySample[], record: SessionRecord): SessionRecord["gpuMemory"] {
  const { readyS, rounds = [] } = record;
  const endS = rounds.at(-1)?.toS ?? readyS;
  if (readyS === undefined || endS === undefined) return null;
  const sumOf = (values: readonly (number | null)[]): number | null =>
    values.length === 0 || values.some((value) => value === null)
      ? null
      : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  // The reading next to ready: a server that waits takes no more memory.
  const atReady = summarize(samples, readyS - 2, readyS + 2).gpus;
  const underLoad = summarize(samples, readyS, Math.max(endS, readyS + 1)).gpus;
  const readyMib = sumOf(atReady.map((gpu) => gpu.memorySteadyMib));
  const peakMib = sumOf(underLoad.map((gpu) => gpu.memoryPeakMib));
  const steadyMib = sumOf(underLoad.map((gpu) => gpu.memorySteadyMib));
  return readyMib === null || peakMib === null || steadyMib === null
    ? null
    : { readyMib, peakMib, steadyMib };
}
