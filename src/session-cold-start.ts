import { open } from "node:fs/promises";
import { join } from "node:path";
import { median } from "simple-statistics";
import { flagValue } from "./domain/flag-value.ts";
import type { CaseRecord, SessionRecord } from "./domain/run.ts";
import type { TelemetrySample } from "./domain/telemetry.ts";
import type { ColdStart } from "./domain/telemetry-start.ts";
import type { RequestTrace } from "./domain/trace.ts";
import { within } from "./system/clock.ts";
import { explainColdStart, type RequestTimes } from "./telemetry/cold-start.ts";
import { DIRTY_LIMITS, dirtyReasons } from "./telemetry/dirty.ts";
import { type Residency, readResidency, weightFiles } from "./telemetry/page-cache.ts";
import { modelFolder } from "./telemetry/preflight.ts";
import { parseServerLog } from "./telemetry/start-milestones.ts";
import { summarize } from "./telemetry/summarize.ts";

/** A start waits no longer than this for word of the page cache. */
const RESIDENCY_MS = 5_000;
/** A start says less than this, unless it prints a model. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** A server that loads its model makes tasks wait for the disk and for memory itself. */
const OF_A_START = { ...DIRTY_LIMITS, ioPressure: 1, memoryPressure: 1 };

/** Where a server's model lies. */
export interface ModelPlace {
  readonly model: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Follows one session, to take its start apart in the end. */
export interface StartAccount {
  /** Takes the session's requests as they come. */
  note(traces: readonly RequestTrace[]): void;
  /** The account, or null for a server that never was ready. Never rejects. */
  explain(
    record: SessionRecord,
    samples: readonly TelemetrySample[],
    folder: string,
  ): Promise<ColdStart | null>;
}

/** Begins the account: how much of the weights lies in the page cache is to be known before the spawn. */
export async function beginStartAccount(place: ModelPlace): Promise<StartAccount> {
  const residency = await residencyOf(place);
  const ttftsS: Record<"cold" | "warm", number[]> = { cold: [], warm: [] };
  return {
    note: (traces) => {
      for (const { probe, case: name, phase, outcome, firstTokenS, startS } of traces) {
        if (probe !== "ttft" || phase !== "measure" || outcome !== "ok" || firstTokenS === null) continue;
        if (name === "cold" || name === "warm") ttftsS[name].push(firstTokenS - startS);
      }
    },
    explain: async (record, samples, folder) => {
      const { readyS } = record;
      if (readyS === undefined) return null;
      const log = parseServerLog(await beginningOf(join(folder, "server.log")));
      const times = (name: "cold" | "warm") => timesOf(ttftsS[name], casesOf(record, name));
      const facts = { log, readyS, samples, residency, cold: times("cold"), warm: times("warm") };
      return {
        ...explainColdStart(facts),
        disturbed: dirtyReasons(summarize(samples, 0, readyS), OF_A_START),
      };
    },
  };
}

/** The folder of a server's model on this machine; null when it is not here yet, or its place cannot be told. */
export async function folderOfModel({ model, args, cwd, env }: ModelPlace): Promise<string | null> {
  const revision = flagValue(args, "--revision") ?? "main";
  // It becomes part of a path.
  if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(revision) || revision.includes("..")) return null;
  return modelFolder(model, cwd, env, revision).catch(() => null);
}

async function residencyOf(place: ModelPlace): Promise<Residency | null> {
  const look = async (): Promise<Residency | null> => {
    const folder = await folderOfModel(place);
    return folder === null ? null : readResidency(await weightFiles(folder));
  };
  return (
    (await within(
      RESIDENCY_MS,
      look().catch(() => null),
    )) ?? null
  );
}

function casesOf(record: SessionRecord, name: "cold" | "warm"): CaseRecord[] {
  return (record.cases ?? []).filter((each) => each.probe === "ttft" && each.case === name);
}

/** A typical request: the client's time to its first token, and the server's own times of it. */
function timesOf(ttftsS: readonly number[], cases: readonly CaseRecord[]): RequestTimes | null {
  if (ttftsS.length === 0) return null;
  return {
    ttftS: median([...ttftsS]),
    prefillS: meanOf(cases, "prefillS", "prefills"),
    queueS: meanOf(cases, "queueS", "queued"),
  };
}

function meanOf(
  cases: readonly CaseRecord[],
  sum: "prefillS" | "queueS",
  count: "prefills" | "queued",
): number | null {
  const total = (name: typeof sum | typeof count) =>
    cases.reduce((all, { counters }) => all + (counters?.[name] ?? 0), 0);
  return total(count) > 0 ? total(sum) / total(count) : null;
}

/** The beginning of a file, empty when it cannot be read. */
async function beginningOf(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_LOG_BYTES) });
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  }
}
