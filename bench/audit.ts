// How long an audit of a long history takes. `npm run bench:audit [-- --commits 10000]`
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { runAudit } from "../src/audit.ts";
import { formatBaseline, sealed } from "../src/baseline/baseline-text.ts";
import type { Baseline } from "../src/domain/baseline.ts";

const METRICS = 40;
const SESSIONS = 5;
/** Every so many commits change the configuration, the others a baseline. */
const POLICY_EVERY = 10;

const { values: options } = parseArgs({ options: { commits: { type: "string", default: "10000" } } });
const commits = Number(options.commits);

function baselineAt(index: number): Baseline {
  const recordedAt = new Date(Date.UTC(2024, 0, 1) + index * 3_600_000).toISOString();
  const value = 4 + 0.1 * Math.sin(index / 7);
  return sealed({
    schemaVersion: 2,
    contentSha256: null,
    scenario: `s${index % 20}`,
    change: { kind: "recorded", at: recordedAt, reason: "nightly", metrics: null },
    fingerprint: { gpuModel: "NVIDIA H200", gpuCount: 1, model: "m" },
    args: [],
    serverSha256: null,
    vllmVersion: "0.32.0",
    sessions: Array.from({ length: SESSIONS }, (_, session) => ({
      run: `r${index}`,
      recordedAt,
      commit: null,
      toolVersion: "0.1.0",
      vllmVersion: "0.32.0",
      hostId: "h",
      runSha256: `${index}-${session}`,
    })),
    metrics: Object.fromEntries(
      Array.from({ length: METRICS }, (_, metric) => [
        `batching.c${metric + 1}.tpot_floor_ms`,
        {
          unit: "ms",
          n: SESSIONS * 2,
          spread: 0.01,
          sessions: Array.from({ length: SESSIONS }, () => [value, value]),
        },
      ]),
    ),
  });
}

/** A `git fast-import` stream of a linear history. */
function* history(): Generator<string> {
  for (let index = 0; index < commits; index += 1) {
    const isPolicy = index % POLICY_EVERY === 0;
    const text = isPolicy
      ? `scenarios:\n${Array.from({ length: 20 }, (_, each) => `  s${each}:\n    model: m\n    tolerances:\n      batching.*.tpot_floor_ms: { relative: ${0.02 + (index % 3) / 100} }\n`).join("")}`
      : formatBaseline(baselineAt(index));
    const path = isPolicy ? "vllm-gate.yml" : `baselines/s${index % 20}/h200.json`;
    const subject = `change ${index}`;
    yield `commit refs/heads/main\ncommitter A <a@example.com> ${1_700_000_000 + index} +0000\n` +
      `data ${subject.length}\n${subject}\nM 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  }
}

const folder = await mkdtemp(join(tmpdir(), "vllm-gate-audit-"));
try {
  const git = (...args: string[]) => execa("git", args, { cwd: folder });
  await git("init", "-q", "-b", "main");
  const importing = execa("git", ["fast-import", "--quiet"], { cwd: folder });
  for (const part of history()) {
    if (!importing.stdin.write(part)) await new Promise((resolve) => importing.stdin.once("drain", resolve));
  }
  importing.stdin.end();
  await importing;
  await git("reset", "-q", "--hard");
  const started = performance.now();
  const { audit } = await runAudit({
    cwd: folder,
    configPath: "vllm-gate.yml",
    baselineDir: "baselines",
    maxAgeDays: 90,
    now: new Date(),
  });
  const seconds = (performance.now() - started) / 1000;
  const { rss } = process.memoryUsage();
  process.stdout.write(
    `${audit.commits} commits, ${audit.moves.length} moves, ${audit.policyMoves.length} bounds: ` +
      `${seconds.toFixed(1)} s, ${Math.round(rss / 1e6)} MB\n`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
