/**
 * Makes `src/simulator/noise-h200.json` from `bench/data/h200.json`: `node bench/make-noise.ts`.
 *
 * Residuals are what differs between requests of one sequential load of one session (base, noapc and mbt512 of the
 * first host; eager's are those of a host that launches kernels one by one), against the load's own median; kept as
 * their quantiles in 32 steps. Times between tokens come from the loads of 64 and 128 tokens.
 */
import { writeFileSync } from "node:fs";
import { type FixtureLoad, fixtureSessions, median } from "./fixture.ts";

const STEPS = 32;
const LOADS = ["warm", "uniq_1024", "prefix_1024", "sweep_1"];

function quantiles(values: number[], digits: number): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const scale = 10 ** digits;
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const value = sorted[Math.round((i / STEPS) * (sorted.length - 1))]!;
    return Math.round(value * scale) / scale;
  });
}

const firstTokenMs: number[] = [];
const tokenTimeShare: number[] = [];
const lateTokenMs: number[] = [];
for (const session of fixtureSessions()) {
  if (session.host !== 0 || session.name === "eager") continue;
  for (const name of LOADS) {
    const load: FixtureLoad | undefined = session.loads[name];
    if (load === undefined) continue;
    const tpot = load.e2eMs.map((e2e, i) => (e2e - load.ttftMs[i]!) / (load.outputTokens - 1));
    const middle = median(tpot);
    firstTokenMs.push(...load.ttftMs.map((ttft) => ttft - median(load.ttftMs)));
    if (load.outputTokens < 64) continue;
    tokenTimeShare.push(...tpot.map((value) => value / middle - 1));
    lateTokenMs.push(...load.longestGapMs.map((gap) => gap - middle));
  }
}
const table = {
  about: `Made by bench/make-noise.ts from ${firstTokenMs.length} sequential requests to vLLM 0.22.0 on an H200: quantiles 0, 1/${STEPS}, ... 1.`,
  firstTokenMs: quantiles(firstTokenMs, 2),
  tokenTimeShare: quantiles(tokenTimeShare, 4),
  lateTokenMs: quantiles(lateTokenMs, 2),
};
const lines = Object.entries(table).map(
  ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
);
writeFileSync(new URL("../src/simulator/noise-h200.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);
