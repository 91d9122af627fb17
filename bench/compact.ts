/**
 * Makes `bench/data/h200.json` from the raw fixtures: `node bench/compact.ts DIR`, where DIR holds `requests.json` and
 * `requests-again.json`. Kept of each request: its start since the load's first one, TTFT, end-to-end time and longest
 * gap between tokens, in milliseconds; a round of `requests-again.json` becomes a session of its own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface RawRequest {
  start: number;
  ttft: number;
  e2e: number;
  n: number;
  p: number;
  itl_max: number;
}

interface RawLoad {
  conc: number;
  wall: number;
  res: RawRequest[];
}

type RawSession = Record<string, unknown> & { name: string; rep: number; flags: string[] };

const LOADS = [
  "cold",
  "warm",
  "uniq_1024",
  "prefix_1024",
  "sweep_1",
  "sweep_4",
  "sweep_8",
  "sweep_16",
  "sweep_32",
];
const ms = (seconds: number): number => Math.round(seconds * 1e5) / 100;

function compactLoad(load: RawLoad): object {
  const first = Math.min(...load.res.map((request) => request.start));
  return {
    concurrency: load.conc,
    promptTokens: load.res[0]!.p,
    outputTokens: load.res[0]!.n,
    wallMs: ms(load.wall),
    startMs: load.res.map((request) => ms(request.start - first)),
    ttftMs: load.res.map((request) => ms(request.ttft)),
    e2eMs: load.res.map((request) => ms(request.e2e)),
    longestGapMs: load.res.map((request) => ms(request.itl_max)),
  };
}

function loadsOf(fields: Record<string, unknown>): Record<string, object> {
  const found = LOADS.filter((name) => fields[name] !== undefined);
  return Object.fromEntries(found.map((name) => [name, compactLoad(fields[name] as RawLoad)]));
}

const folder = process.argv[2] ?? ".";
const sessions: object[] = [];
for (const [host, file] of ["requests.json", "requests-again.json"].entries()) {
  for (const raw of JSON.parse(readFileSync(join(folder, file), "utf8")) as RawSession[]) {
    const head = { name: raw.name, flags: raw.flags, host, session: raw.rep };
    const blocks = raw["blocks"] as Record<string, unknown>[] | undefined;
    if (blocks === undefined) sessions.push({ ...head, round: 0, loads: loadsOf(raw) });
    else {
      blocks.forEach((block, round) => {
        const cold = round === 0 ? loadsOf({ cold: raw["cold"] }) : {};
        sessions.push({ ...head, round, loads: { ...cold, ...loadsOf(block) } });
      });
    }
  }
}
const lines = sessions.map((session) => `    ${JSON.stringify(session)}`);
const about =
  "vLLM 0.22.0, Qwen2.5-1.5B shape, one NVIDIA H200, 16 vCPU; made by bench/compact.ts; milliseconds";
const text = `{\n  "about": ${JSON.stringify(about)},\n  "sessions": [\n${lines.join(",\n")}\n  ]\n}\n`;
writeFileSync(new URL("data/h200.json", import.meta.url), text);
