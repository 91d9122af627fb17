/** The measured sessions in `bench/data/h200.json`, which `bench/compact.ts` makes. */
import { readFileSync } from "node:fs";

/** One load of one session: an entry per request. */
export interface FixtureLoad {
  concurrency: number;
  promptTokens: number;
  outputTokens: number;
  wallMs: number;
  startMs: number[];
  ttftMs: number[];
  e2eMs: number[];
  longestGapMs: number[];
}

/** One round of one server session. */
export interface FixtureSession {
  name: string;
  flags: string[];
  /** 0: the host of requests.json; 1: that of requests-again.json. */
  host: number;
  session: number;
  round: number;
  loads: Record<string, FixtureLoad>;
}

/** Reads them all. */
export function fixtureSessions(): FixtureSession[] {
  const text = readFileSync(new URL("data/h200.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { sessions: FixtureSession[] }).sessions;
}

/** The value below which a share of the values lies, by nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
