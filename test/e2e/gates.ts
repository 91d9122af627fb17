/**
 * What the gate says of real vLLM on CPU: the same flags twenty times over, and flags that make something worse,
 * against a baseline and in an A/B. It takes an hour and a half on two cores; docs/gate-cpu.md gets the table.
 *
 *     npm run e2e:vllm:gates [-- --for SECONDS --only PATTERN --fresh --docs]
 *
 * Gates are kept in `.cache/gates-cpu`, so that what was cut short, or limited with `--for`, goes on where it ended;
 * `--fresh` begins again, with another baseline; `--only` runs the gates of such names, and keeps what is known of the
 * others; `--docs` only writes the page from what is there.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { markdownTable } from "markdown-table";
import { newestRun, readRun, readVerdict } from "../support/runs.ts";
import { FLAGS, type RealVllm, ROOT, realVllm } from "./real-vllm.ts";

const FOLDER = join(ROOT, ".cache", "gates-cpu");
const RESULTS = join(FOLDER, "results.json");
const PAGE = join(ROOT, "docs", "gate-cpu.md");
const SAME_GATES = 20;
const BASELINE_SESSIONS = 5;
const SERVER = "python3 -m vllm.entrypoints.openai.api_server";
const HALF = `env VLLM_CPU_KVCACHE_SPACE=1 ${SERVER}`;

/** The gate as it is shipped; only the probes are as short as two cores need them. */
const configOf = (model: string) => `
scenarios:
  tiny:
    model: ${model}
    command: ${SERVER}
    args: ${FLAGS}
    env:
      VLLM_CPU_KVCACHE_SPACE: 2
      HF_HUB_OFFLINE: 1
    probes:
      ttft: { warmRequests: 20 }
      batching: { outputTokens: 64 }
      prefix: { regimes: [512], requests: 8 }
      kv: { contextTokens: 1024, steps: 4, outputTokens: 32 }
rounds: 2
# Whatever else runs here takes a core of two.
onDirty: note
policy:
  allowCommands: [${JSON.stringify(HALF.split(" "))}]
`;

/** A gate to run, and what it should say. */
interface Trial {
  readonly name: string;
  readonly args: readonly string[];
  /** What should have failed, or null for flags that are the same. */
  readonly expected: RegExp | null;
}

const WORSE: readonly (readonly [name: string, head: readonly string[], expected: RegExp])[] = [
  ["--max-num-seqs 1", ["--args", `${FLAGS} --max-num-seqs 1`], /batching\.c8\.wave_tokens_per_s/],
  ["half the KV space", ["--command", HALF], /kv\.capacity_tokens/],
  [
    "--no-enable-prefix-caching",
    ["--args", `${FLAGS} --no-enable-prefix-caching`],
    /prefix\.512\.c1\.saving/,
  ],
  [
    "--max-num-batched-tokens 16",
    ["--args", `${FLAGS} --max-num-batched-tokens 16`],
    /prefix\.(miss\.512\.c1\.ttft_floor_ms|512\.c1\.saving)/,
  ],
];
const TRIALS: readonly Trial[] = [
  ...WORSE.map(([name, head, expected]) => ({ name, args: head, expected })),
  ...Array.from({ length: SAME_GATES }, (_, index) => ({
    name: `same flags ${index + 1}`,
    args: [],
    expected: null,
  })),
  ...WORSE.map(([name, head, expected]) => ({
    name: `A/B: ${name}`,
    args: ["--compare-to", "base", "--base-args", FLAGS, "--baseline-dir", "none", ...head],
    expected,
  })),
  {
    name: "A/B: same flags",
    args: ["--compare-to", "base", "--base-args", FLAGS, "--baseline-dir", "none"],
    expected: null,
  },
];

interface Result {
  readonly exitCode: number;
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly sessions: string;
  readonly minutes: number;
}

type Results = Record<string, Result>;

async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(RESULTS, "utf8").catch(() => "{}")) as Results;
}

async function recordBaseline(vllm: RealVllm): Promise<void> {
  const recorded = await vllm.run(["record", "--sessions", `${BASELINE_SESSIONS}`]);
  if (recorded.code !== 0)
    throw new Error(`record: exit ${recorded.code}\n${recorded.stdout}\n${recorded.stderr}`);
}

async function gate(vllm: RealVllm, { args }: Trial): Promise<Result> {
  const beganMs = performance.now();
  const { code, stderr } = await vllm.run(["run", ...args]);
  if (code !== 0 && code !== 1 && code !== 3)
    throw new Error(`run ${args.join(" ")}: exit ${code}\n${stderr}`);
  const runDir = await newestRun(vllm.cwd);
  const [verdict, run] = [await readVerdict(runDir), await readRun(runDir)];
  const of = (variant: string) => run.sessions.filter((session) => session.variant === variant).length;
  return {
    exitCode: code ?? -1,
    verdict: verdict.verdict,
    reasons: verdict.reasons,
    sessions: of("base") === 0 ? `${of("head")}` : `${of("head")} + ${of("base")} of the base`,
    minutes: (performance.now() - beganMs) / 60_000,
  };
}

/** Whether the gate said what it should: of the same flags, anything that blocks no merge. */
function isRight({ expected }: Trial, { exitCode, reasons }: Result): boolean {
  return expected === null
    ? exitCode === 0
    : exitCode === 1 && reasons.some((reason) => expected.test(reason));
}

function pageOf(results: Results): string {
  const rows = TRIALS.flatMap((trial) => {
    const result = results[trial.name];
    if (result === undefined) return [];
    const { exitCode, verdict, sessions, minutes, reasons } = result;
    const said = reasons.join("; ").replaceAll("|", "\\|");
    return [
      [
        trial.name,
        `${exitCode}`,
        verdict,
        isRight(trial, result) ? "yes" : "**no**",
        sessions,
        minutes.toFixed(1),
        said,
      ],
    ];
  });
  const same = TRIALS.filter(({ name }) => name.startsWith("same flags") && results[name] !== undefined);
  const failed = same.filter(({ name }) => results[name]?.exitCode !== 0).length;
  const warned = same.filter(({ name }) => results[name]?.verdict === "inconclusive").length;
  const head = ["gate", "exit", "verdict", "right", "sessions of head", "minutes", "reasons"];
  return `<!-- Written by \`npm run e2e:vllm:gates -- --docs\`: change it there. -->

# The gate on real vLLM, on two cores

vLLM 0.32.0 on CPU with the \`tiny\` shape of \`scripts/make-model.py\`, on a shared machine of ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}):
client and server take each other's time, and identical servers differ by a third. Tolerances, levels, two rounds a
session and at most three sessions of head are the defaults. The probes are shorter than those, as two cores need them
(uncached prompts of 512 tokens alone, 64 output tokens, 20 warm requests), and \`onDirty\` is \`note\`, since what else
runs takes a core of two. The baseline has ${BASELINE_SESSIONS} sessions and was recorded once. \`npm run e2e:vllm:gates\` repeats it.

Of ${same.length} gates of the same flags, ${failed} failed and ${warned} ended with a warning.

${markdownTable([head, ...rows])}
`;
}

const { values } = parseArgs({
  options: {
    for: { type: "string", default: "Infinity" },
    only: { type: "string", default: "" },
    fresh: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
  },
});
const isWanted = ({ name }: Trial) => new RegExp(values.only).test(name);
if (values.fresh) {
  const known = await readResults();
  for (const trial of TRIALS.filter(isWanted)) delete known[trial.name];
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await writeFile(RESULTS, JSON.stringify(known, null, 2));
}
if (!values.docs) {
  await mkdir(FOLDER, { recursive: true });
  const vllm = await realVllm({ cwd: FOLDER, configOf });
  const results = await readResults();
  const limitMs = Number(values.for) * 1000;
  const hasBaseline = await readFile(join(FOLDER, "recorded"), "utf8").catch(() => null);
  if (hasBaseline === null) {
    await recordBaseline(vllm);
    await writeFile(join(FOLDER, "recorded"), "");
  }
  for (const trial of TRIALS.filter(isWanted)) {
    if (results[trial.name] !== undefined || performance.now() > limitMs) continue;
    const result = await gate(vllm, trial);
    results[trial.name] = result;
    await writeFile(RESULTS, JSON.stringify(results, null, 2));
    process.stderr.write(
      `${trial.name}: ${isRight(trial, result) ? "right" : "WRONG"}, exit ${result.exitCode}, ${result.verdict}, ` +
        `${result.sessions} sessions, ${result.minutes.toFixed(1)} min; ${result.reasons.join("; ")}\n`,
    );
  }
}
const results = await readResults();
const page = pageOf(results);
if (TRIALS.every(({ name }) => results[name] !== undefined) || values.docs) await writeFile(PAGE, page);
process.stdout.write(page);
if (
  TRIALS.some((trial) => results[trial.name] !== undefined && !isRight(trial, results[trial.name] as Result))
)
  process.exitCode = 1;
