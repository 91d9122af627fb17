/**
 * What deciding costs: `npm run bench:compare`. Writes run folders of 1,000,000 traces without arrivals, and of 100,000
 * with 128 each, halved between a base and a head of five and three sessions, and compares them as
 * `vllm-gate compare` does, in a process of its own. Prints seconds and the most memory; exits 1 beyond 10 s or 1 GB.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareRuns } from "../src/comparing.ts";
import { Random } from "../src/simulator/random.ts";

const LIMITS = { seconds: 10, bytes: 1e9 } as const;
const ROUNDS = 2;
const CASES = [1, 8, 32, 64] as const;
const OUTPUT_TOKENS = 128;

/** Writes a run folder of so many traces, spread over sessions, rounds and cases. */
async function writeRunFolder(
  folder: string,
  sessions: number,
  traces: number,
  withArrivals: boolean,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const run = {
    schemaVersion: 1,
    scenario: "scale",
    variants: { head: { args: [] } },
    fingerprint: { gpuModel: "none" },
    sessions: Array.from({ length: sessions }, (_, index) => ({ variant: "head", index, outcome: "ok" })),
  };
  await writeFile(join(folder, "run.json"), JSON.stringify(run));
  const out = createWriteStream(join(folder, "traces.jsonl"));
  const random = new Random(sessions);
  const each = Math.floor(traces / (sessions * ROUNDS * CASES.length));
  for (let session = 0; session < sessions; session += 1) {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const concurrency of CASES) {
        let lines = "";
        for (let index = 0; index < each; index += 1) {
          lines += `${traceLine(session, round, concurrency, index, random, withArrivals)}\n`;
          if (lines.length < 1e6) continue;
          if (!out.write(lines)) await once(out, "drain");
          lines = "";
        }
        if (!out.write(lines)) await once(out, "drain");
      }
    }
  }
  out.end();
  await once(out, "finish");
}

function traceLine(
  session: number,
  round: number,
  concurrency: number,
  index: number,
  random: Random,
  withArrivals: boolean,
): string {
  const micro = (seconds: number) => Math.round(seconds * 1e6) / 1e6;
  const startS = micro(10 + Math.floor(index / concurrency) * 0.3);
  const firstTokenS = micro(startS + 0.02 + random.next() * 0.002);
  const arrivals = Array.from({ length: OUTPUT_TOKENS }, (_, token) => [
    micro(firstTokenS + token * 0.002),
    1,
  ]);
  const lastTokenS = arrivals.at(-1)![0]!;
  return JSON.stringify({
    variant: "head",
    session,
    round,
    probe: "batching",
    case: `c${concurrency}`,
    phase: "measure",
    id: `batching.c${concurrency}.${index}`,
    promptTokens: 200,
    cachedTokens: null,
    outputTokens: OUTPUT_TOKENS,
    startS,
    firstTokenS,
    lastTokenS,
    endS: micro(lastTokenS + 0.0001),
    ...(withArrivals ? { arrivals } : {}),
    outcome: "ok",
    status: 200,
    error: null,
  });
}

async function measureHere(base: string, head: string): Promise<void> {
  const begun = performance.now();
  const { comparison, verdict } = await compareRuns([base], [head], () => null);
  const seconds = (performance.now() - begun) / 1000;
  const bytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(
    JSON.stringify({ seconds, bytes, verdict: verdict.verdict, metrics: comparison.comparisons.length }),
  );
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "vllm-gate-scale-"));
  try {
    for (const [name, traces, withArrivals] of [
      ["1,000,000 traces without arrivals", 1e6, false],
      ["100,000 traces with 128 arrivals each", 1e5, true],
    ] as const) {
      const [base, head] = [join(folder, "base"), join(folder, "head")];
      await writeRunFolder(base, 5, traces * (5 / 8), withArrivals);
      await writeRunFolder(head, 3, traces * (3 / 8), withArrivals);
      const text = execFileSync(process.execPath, [import.meta.filename, base, head], { encoding: "utf8" });
      const { seconds, bytes, verdict, metrics } = JSON.parse(text) as Record<string, number>;
      process.stdout.write(
        `${name}: ${seconds!.toFixed(1)} s, ${(bytes! / 1e6).toFixed(0)} MB, ${metrics} metrics, ${verdict}\n`,
      );
      if (seconds! > LIMITS.seconds || bytes! > LIMITS.bytes) process.exitCode = 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [base, head] = process.argv.slice(2);
if (base !== undefined && head !== undefined) await measureHere(base, head);
else await main();
