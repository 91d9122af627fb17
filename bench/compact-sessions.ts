/**
 * Makes `bench/data/h200-later.json` from run folders of vllm-gate: `node bench/compact-sessions.ts RUN...`, in the order
 * in which they ran. Kept of each session: the flags beside the common ones, the GPU, what was counted and not timed, and
 * of each request of a round its start since the case's first one, TTFT and end-to-end time, in milliseconds.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measurementsFileSchema } from "../src/domain/measurements.ts";
import { runRecordSchema } from "../src/domain/run.ts";
import { type RequestTrace, requestTraceSchema } from "../src/domain/trace.ts";

/** Flags that every session has. */
const COMMON = ["--load-format", "dummy", "--max-model-len", "4096"];
const COUNTED = ["kv.capacity_tokens", "kv.available_gib", "memory.weights_gib", "prefix.1024.c1.hit_rate"];
const FILE = new URL("data/h200-later.json", import.meta.url);
const ABOUT =
  "Server starts of vLLM 0.22.0 (Qwen2.5-1.5B shape) on two NVIDIA H200 of one host, in turn without and with flags, as " +
  "vllm-gate measured them after the decision's constants were fixed; made by bench/compact-sessions.ts";

const read = (folder: string, name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
const ms = (seconds: number): number => Math.round(seconds * 1e5) / 100;

/** The case as `bench/gate-sessions.ts` calls it. */
function nameOf({ probe, case: name }: RequestTrace): string {
  return `${probe}.${name.replace(/\.c1$/, "")}`;
}

function roundOf(traces: readonly RequestTrace[]): Record<string, object> {
  const cases = Map.groupBy(traces, nameOf);
  return Object.fromEntries(
    [...cases].map(([name, group]) => {
      const beganS = Math.min(...group.map(({ startS }) => startS));
      const times = (of: (trace: RequestTrace) => number) => group.map((trace) => ms(of(trace)));
      return [
        name,
        {
          concurrency: Number(/^batching\.c(\d+)$/.exec(name)?.[1] ?? 1),
          outputTokens: group[0]?.outputTokens,
          startMs: times(({ startS }) => startS - beganS),
          ttftMs: times(({ startS, firstTokenS }) => (firstTokenS as number) - startS),
          e2eMs: times(({ startS, lastTokenS }) => (lastTokenS as number) - startS),
        },
      ];
    }),
  );
}

function sessionsOf(folder: string): object[] {
  const run = runRecordSchema.parse(read(folder, "run.json"));
  const { measurements } = measurementsFileSchema.parse(read(folder, "measurements.json"));
  const traces = readFileSync(join(folder, "traces.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => requestTraceSchema.parse(JSON.parse(line)))
    .filter(({ phase, outcome, probe, case: name }) => {
      return phase === "measure" && outcome === "ok" && probe !== "kv" && name !== "cold";
    });
  return run.sessions
    .filter(({ outcome }) => outcome === "ok")
    .map(({ variant, index, startedAt }) => {
      const { args = [], env = {} } = run.variants[variant] ?? {};
      const own = traces.filter(({ session }) => session === index);
      const rounds = [...new Set(own.map(({ round }) => round))].sort((a, b) => a - b);
      return {
        flags: args.slice(COMMON.length).join(" "),
        gpu: Number(env["CUDA_VISIBLE_DEVICES"]),
        startedAt,
        counted: Object.fromEntries(
          COUNTED.map((id) => [
            id,
            measurements
              .filter(({ metric, session }) => metric === id && session === index)
              .map(({ value }) => value),
          ]),
        ),
        rounds: rounds.map((round) => roundOf(own.filter((trace) => trace.round === round))),
      };
    });
}

const sessions = process.argv.slice(2).flatMap(sessionsOf);
const rows = sessions.map((session) => `    ${JSON.stringify(session)}`);
writeFileSync(
  FILE,
  `{\n  "about": ${JSON.stringify(ABOUT)},\n  "sessions": [\n${rows.join(",\n")}\n  ]\n}\n`,
);
