import { appendFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { runSide } from "./compare/sides.ts";
import type { GateConfig } from "./config/load.ts";
import { type Checkup, checkupSchema, QUICK_CHECK } from "./domain/doctor.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import type { Finding } from "./domain/node.ts";
import type { RunRecord, SessionRecord } from "./domain/run.ts";
import { concludeMeasuring, identify, measureSession, startRun } from "./measuring.ts";
import { headPlan } from "./run-plan.ts";
import type { Surroundings } from "./surroundings.ts";
import { makeFolder, readTextIfExists, sha256 } from "./system/files.ts";
import { judgeCheckup } from "./telemetry/judge-checkup.ts";

/** The seed's quick check: cold and warm time to first token, then a little batching. */
const PROBES: GateConfig["probes"] = {
  ttft: { cold: true, warmRequests: 10, promptTokens: 256, outputTokens: 64 },
  batching: { concurrency: [1, 8], waves: 3, promptTokens: 200, outputTokens: 64 },
  prefix: false,
  kv: false,
  traffic: false,
};
const BUDGET_MINUTES = 30;
const ROUNDS = 2;

/** What serving a model told about a node. */
export interface ProbedNode {
  readonly findings: readonly Finding[];
  readonly runDir: string;
  /** The file that this check was added to; null when nothing could be measured. */
  readonly history: string | null;
}

/**
 * Serves a small model once, measures the quick check, and holds it against what this node did before.
 *
 * @throws UsageError for a server that is already running: the check is of a start, too
 */
export async function probeModel(config: GateConfig, world: Surroundings): Promise<ProbedNode> {
  if (config.server.kind !== "launch") {
    throw new UsageError(
      "--probe: serves a model of its own, and this scenario names a server that is already running: use another --scenario, or none",
    );
  }
  const { model } = config.server;
  const quick: GateConfig = {
    ...config,
    probes: PROBES,
    traffic: null,
    base: null,
    rounds: ROUNDS,
    onDirty: "repeat",
    budgetMinutes: BUDGET_MINUTES,
  };
  const fingerprint = await identify(quick, world);
  const started = await startRun(quick, world, headPlan(quick, 1), fingerprint);
  const session = await measureSession(started, quick, world, { variant: "head" });
  const measured = await concludeMeasuring(started, quick, world);
  await measured.close();
  const { run, runDir } = measured;
  if (session?.outcome !== "ok") {
    return { findings: [didNotServe(model, session)], runDir, history: null };
  }
  const side = runSide(run, measured.measurements, "this check");
  const values = Object.fromEntries(
    QUICK_CHECK.flatMap(({ metric, direction }) => {
      const rounds = side.values[metric]?.flat() ?? [];
      const best = direction === "lower" ? Math.min(...rounds) : Math.max(...rounds);
      return rounds.length === 0 ? [] : [[metric, best]];
    }),
  );
  const history = historyPath(world.environment, run, model);
  const before = parseHistory((await readTextIfExists(history)) ?? "");
  const checkup: Checkup = {
    schemaVersion: 1,
    at: new Date().toISOString(),
    model,
    key: keyOf(run, session),
    vllmVersion: session.vllmVersion ?? null,
    values,
    usual: true,
  };
  const dirty = dirtyFindings(session);
  const findings = [...dirty, ...judgeCheckup(checkup, before)];
  const usual = findings.every(({ level }) => level === "ok" || level === "note");
  await makeFolder(join(history, ".."));
  await appendFile(history, `${JSON.stringify({ ...checkup, usual })}\n`).catch((error: unknown) => {
    world.log.warn(`${history}: this check is not remembered (${messageOf(error)})`);
  });
  return { findings, runDir, history };
}

function didNotServe(model: string, session: SessionRecord | null): Finding {
  return {
    id: "probe.serves",
    subject: "probe",
    level: "bad",
    value: `${model} could not be served`,
    reason: session?.cause ?? "it was not finished",
    matters: "No number can be had from this node.",
    fix: session?.hint ?? null,
  };
}

/** The check itself on a machine that was not quiet says nothing about what the machine can do. */
function dirtyFindings({ rounds = [], dirtyStart = [] }: SessionRecord): Finding[] {
  const reasons = [
    ...dirtyStart,
    ...rounds.filter(({ use }) => use === "untrusted").flatMap(({ dirty }) => dirty),
  ];
  const [first] = reasons;
  if (first === undefined) return [];
  return [
    {
      id: "probe.dirty",
      subject: "probe: quiet machine",
      level: "warn",
      value: `not quiet in ${rounds.filter(({ dirty }) => dirty.length > 0).length} of ${rounds.length} rounds`,
      reason: first,
      matters:
        "A gate run under this is invalid; the numbers below are not remembered as this node's usual ones.",
      fix: null,
    },
  ];
}

/** Numbers of another server, GPU, driver or limit are no measure of this one's health. */
function keyOf({ fingerprint, variants }: RunRecord, { vllmVersion }: SessionRecord): string {
  const { hostId: _, kernel: __, os: ___, memoryGib: ____, ...machine } = fingerprint;
  const head = variants["head"];
  return sha256(
    JSON.stringify([vllmVersion, head?.command, head?.args, head?.env, Object.entries(machine).sort()]),
  ).slice(0, 12);
}

/** `~/.cache/vllm-gate/doctor/<hostId>-<model>.jsonl` */
export function historyPath(
  environment: Readonly<Record<string, string | undefined>>,
  { fingerprint }: Pick<RunRecord, "fingerprint">,
  model: string,
): string {
  const cache = environment["XDG_CACHE_HOME"] || join(environment["HOME"] || homedir(), ".cache");
  const name = model.split("/").filter(Boolean).at(-1) ?? "model";
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 80);
  return join(
    cache,
    "vllm-gate",
    "doctor",
    `${fingerprint["hostId"] ?? "this-host"}-${slug || "model"}.jsonl`,
  );
}

/** Lines of another version, or cut off by a kill, are passed over. */
function parseHistory(text: string): Checkup[] {
  return text.split("\n").flatMap((line) => {
    try {
      const parsed = line === "" ? null : checkupSchema.safeParse(JSON.parse(line));
      return parsed?.success === true ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}
