import type { Gauges, SessionRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { caseRecord, session, timedTrace } from "./builders.ts";

/** A server whose cache is filled, and how its gauges are read. */
export interface FilledServer {
  readonly blocks: number;
  readonly blockSize: number;
  readonly lengths: readonly number[];
  /** Blocks that a context holds. */
  readonly held?: (tokens: number) => number;
  /** The null block counts as one of the cache, as before vLLM 0.10. */
  readonly countsNull?: boolean;
  readonly gaugesEveryMs?: number;
  readonly tpotMs?: number;
  /** How late a reading is against its own time stamp. */
  readonly lateMs?: number;
  readonly running?: (index: number) => number | null;
  readonly session?: Partial<SessionRecord>;
}

/** A session that filled its cache as the probe does, and its traces. */
export function filledSession(server: FilledServer): { record: SessionRecord; traces: RequestTrace[] } {
  const { blocks, blockSize, tpotMs = 2.1, gaugesEveryMs = 17, lateMs = 0 } = server;
  const held = server.held ?? ((tokens: number) => Math.ceil(tokens / blockSize));
  const traces = server.lengths.map((promptTokens, index) =>
    timedTrace(
      { startS: 50 + index, ttftMs: 40, tpotMs, tokens: 64 },
      { probe: "kv", case: "fill", id: `kv.fill.${index}`, promptTokens },
    ),
  );
  const usable = server.countsNull ? blocks : blocks - 1;
  const gauges: Gauges[] = [];
  for (let atMs = 50_000; atMs < 50_000 + server.lengths.length * 1000; atMs += gaugesEveryMs) {
    const atS = atMs / 1000;
    const trueS = atS + lateMs / 1000;
    const trace = traces.find(
      ({ startS, lastTokenS }) => startS + 0.02 <= trueS && trueS <= (lastTokenS ?? 0),
    );
    const generated = trace?.arrivals?.filter(([arrivedS]) => arrivedS <= trueS).length ?? 0;
    const taken =
      trace === undefined ? 0 : held((trace.promptTokens ?? 0) + generated) + (server.countsNull ? 1 : 0);
    const running = server.running?.(gauges.length) ?? (trace === undefined ? 0 : 1);
    gauges.push({ atS, kvUsage: taken / usable, running, waiting: 0 });
  }
  const cases = [caseRecord({ probe: "kv", case: "fill", concurrency: 1, mustMiss: false, gauges })];
  const kv = {
    blocks,
    blockSize,
    capacityTokens: blocks * blockSize,
    maxConcurrency: null,
    prefixCaching: true,
  };
  return { record: session({ kv, cases, ...server.session }), traces };
}
