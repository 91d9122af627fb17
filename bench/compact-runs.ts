/**
 * Puts sessions that vllm-gate measured into `bench/data/h200-second-host.json`: `node bench/compact-runs.ts RUN...`.
 *
 * Each RUN is a run folder. Sessions of the same name (the flags' own, see {@link NAMES}) that the file holds are
 * replaced by those of the runs given; the rest stays. Kept of each request: TTFT and end-to-end time in milliseconds.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PHI, QWEN } from "./deployments.ts";

interface Run {
  scenario: string;
  fingerprint: { model: string; hostId: string };
  variants: Record<string, { args: string[] }>;
  sessions: { variant: string; index: number; outcome: string }[];
}

interface Trace {
  session: number;
  round: number;
  case: string;
  phase: string;
  outcome: string;
  promptTokens: number;
  outputTokens: number;
  startS: number;
  firstTokenS: number;
  lastTokenS: number;
  endS: number;
}

interface Session {
  name: string;
  [field: string]: unknown;
}

/** Flags that every session has. */
const COMMON = ["--load-format", "dummy", "--max-model-len", "4096"];
/** Names of flag sets of scenario `base`. */
const NAMES: Readonly<Record<string, string>> = {
  "": "base",
  "--no-async-scheduling": "noasync",
  "--max-num-seqs 4": "seqs4",
  "--gpu-memory-utilization 0.5": "util",
  "--kv-cache-dtype fp8": "fp8",
  "--enforce-eager": "eager",
};
const FILE = new URL("data/h200-second-host.json", import.meta.url);
const ms = (seconds: number): number => Math.round(seconds * 1e5) / 100;

function sessionsOf(folder: string): Session[] {
  const run = JSON.parse(readFileSync(join(folder, "run.json"), "utf8")) as Run;
  const lines = readFileSync(join(folder, "traces.jsonl"), "utf8").trim().split("\n");
  const traces = lines.map((line) => JSON.parse(line) as Trace);
  return run.sessions
    .filter((session) => session.outcome === "ok")
    .map(({ variant, index }) => {
      const flags = run.variants[variant]!.args.slice(COMMON.length);
      const log = readFileSync(join(folder, "sessions", `${index}`, "server.log"), "utf8");
      const tokens = /GPU KV cache size: ([\d,]+) tokens/.exec(log)?.[1] ?? "";
      const name = run.scenario === "base" ? NAMES[flags.join(" ")] : run.scenario;
      if (name === undefined) throw new Error(`${folder}: no name for the flags '${flags.join(" ")}'`);
      return {
        name,
        model: run.fingerprint.model.includes("phi") ? PHI : QWEN,
        flags,
        host: run.fingerprint.hostId,
        kvTokens: Number(tokens.replaceAll(",", "")),
        loads: loadsOf(traces.filter((trace) => trace.session === index)),
      };
    });
}

function loadsOf(traces: readonly Trace[]): object[] {
  const measured = traces.filter((trace) => trace.phase === "measure" && trace.outcome === "ok");
  const groups = Map.groupBy(
    measured.filter((trace) => trace.case !== "cold"),
    (trace) => `${trace.round} ${trace.case}`,
  );
  return [...groups.values()].map((group) => {
    const [first] = group as [Trace];
    const start = Math.min(...group.map((trace) => trace.startS));
    return {
      case: first.case.startsWith("c") ? `batching.${first.case}` : `ttft.${first.case}`,
      round: first.round,
      concurrency: first.case.startsWith("c") ? Number(first.case.slice(1)) : 1,
      promptTokens: first.promptTokens,
      outputTokens: first.outputTokens,
      wallMs: ms(Math.max(...group.map((trace) => trace.endS)) - start),
      ttftMs: group.map((trace) => ms(trace.firstTokenS - trace.startS)),
      e2eMs: group.map((trace) => ms(trace.lastTokenS - trace.startS)),
    };
  });
}

const ABOUT =
  "vLLM 0.22.0, random weights, one NVIDIA H200 of other hosts (by their salted ids) than h200.json's; measured by " +
  "vllm-gate; made by bench/compact-runs.ts; milliseconds";
const file = JSON.parse(readFileSync(FILE, "utf8")) as { sessions: Session[] };
const added = process.argv.slice(2).flatMap(sessionsOf);
const names = [...new Set([...file.sessions, ...added].map((session) => session.name))];
const sessions = names.flatMap((name) => {
  const of = (all: readonly Session[]): Session[] => all.filter((session) => session.name === name);
  return of(added).length > 0 ? of(added) : of(file.sessions);
});
const rows = sessions.map((session) => `    ${JSON.stringify(session)}`);
writeFileSync(
  FILE,
  `{\n  "about": ${JSON.stringify(ABOUT)},\n  "sessions": [\n${rows.join(",\n")}\n  ]\n}\n`,
);
