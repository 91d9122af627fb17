/**
 * What the whole gate says of losses of known size: the command line as a process, servers that are the simulator
 * behind real HTTP, noise as an H200 has it. For each seed a baseline of five sessions, then gates with losses of 0.5,
 * 1, 1.5 and 3 times the tolerance, planted into every gated metric that has one. docs/gate-http.md gets the matrix. A
 * gate ends once something regressed, so what else was worse may be undecided by then.
 *
 *     npm run bench:gate-http [-- --seeds 20 --lanes 1 --for SECONDS --fresh --docs]
 *
 * `--lanes 2` measures two seeds beside each other, which then disturb each other more than one alone is disturbed.
 * Gates are kept in `.cache/gate-http`, so that what was cut short, or limited with `--for`, goes on where it ended;
 * `--fresh` begins again, `--docs` only writes the page from what is there. Exits with 1 when a loss of half the
 * tolerance regressed, or one of three times passed that the comparison called detectable.
 */
import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { markdownTable } from "markdown-table";
import { stringify } from "yaml";
import { comparisonFileSchema } from "../src/domain/comparison.ts";
import { runRecordSchema } from "../src/domain/run.ts";

const ROOT = resolve(fileURLToPath(new URL("..", import.meta.url)));
const FOLDER = join(ROOT, ".cache", "gate-http");
const PAGE = join(ROOT, "docs", "gate-http.md");
const MULTIPLES = [0.5, 1, 1.5, 3] as const;
const BASELINE_SESSIONS = 5;
const FLAGS = "--max-model-len 4096";

/** Losses that are planted together, since what is decided at once ends a run; a share for each tolerance. */
interface Plan {
  readonly name: string;
  readonly planted: (multiple: number) => string;
  /** The metrics whose tolerance this is. */
  readonly metrics: RegExp;
}

const PLANS: readonly Plan[] = [
  {
    name: "decode 2 %, prefill 10 %",
    planted: (times) => `decode:${1 + 0.02 * times},ttft:${1 + 0.1 * times}`,
    metrics: /^(batching\.c\d+\.tpot_floor_ms|ttft\.warm\.floor_ms)$/,
  },
  {
    name: "decode 5 %, prefill 35 %",
    planted: (times) => `decode:${1 + 0.05 * times},ttft:${1 + 0.35 * times}`,
    metrics: /^(batching\.c\d+\.wave_tokens_per_s|prefix\.miss\..*\.ttft_floor_ms)$/,
  },
  {
    name: "KV space 1 %",
    planted: (times) => `kv:${1 - 0.01 * times}`,
    metrics: /^kv\.capacity_tokens$/,
  },
];

/** What became of one gate: verdicts by metric, and the looks that led there. */
interface Gate {
  readonly exitCode: number;
  readonly verdicts: Readonly<Record<string, string>>;
  /** The loss that a comparison of so many sessions says it would find, in tolerances. */
  readonly detectable: Readonly<Record<string, number | null>>;
  readonly looks: number;
  readonly sessions: number;
}

const keyOf = (plan: Plan, multiple: number, seed: number): string =>
  `${plan.name} × ${multiple}, seed ${seed}`;

/** The configuration of one seed: a loss is a flag, so that the gate's own sessions of the base do without it. */
function configOf(cwd: string, seed: number): string {
  const starts = join(cwd, "starts");
  const command = [process.execPath, join(ROOT, "bench", "seeded-simulator.ts"), starts, `${seed}`, "serve"];
  return stringify({
    scenarios: {
      small: {
        model: "Qwen/Qwen2.5-1.5B-Instruct",
        command,
        args: FLAGS,
        env: { VLLM_SIM_STARTUP_SCALE: "0.001", VLLM_SIM_NOISE: "h200" },
        probes: {
          ttft: { warmRequests: 12, outputTokens: 8 },
          batching: { concurrency: [1, 8], waves: 3, outputTokens: 48 },
          prefix: { regimes: [1024], requests: 6 },
          kv: false,
        },
      },
    },
    rounds: 2,
    onDirty: "note",
    policy: { allowCommands: [command] },
  });
}

async function cli(cwd: string, args: readonly string[]): Promise<number> {
  const { exitCode } = await execa(process.execPath, [join(ROOT, "dist", "cli.js"), ...args], {
    cwd,
    reject: false,
  });
  return exitCode ?? -1;
}

async function baselineOf(seed: number): Promise<string> {
  const cwd = join(FOLDER, `${seed}`);
  const recorded = join(cwd, "recorded");
  if ((await readFile(recorded, "utf8").catch(() => null)) !== null) return cwd;
  await rm(cwd, { recursive: true, force: true });
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, "vllm-gate.yml"), configOf(cwd, seed));
  const code = await cli(cwd, ["record", "--sessions", `${BASELINE_SESSIONS}`]);
  if (code !== 0) throw new Error(`record with seed ${seed}: exit ${code}`);
  await writeFile(recorded, "");
  return cwd;
}

async function gate(seed: number, planted: string, order: number): Promise<Gate> {
  const cwd = await baselineOf(seed);
  // Each gate meets other noise than the baseline did, and the same when it is repeated.
  await writeFile(join(cwd, "starts"), `${100 + 10 * order}`);
  await rm(join(cwd, "head"), { recursive: true, force: true });
  const exitCode = await cli(cwd, [
    "run",
    "--args",
    `${FLAGS} --sim-regression ${planted}`,
    "--runs-dir",
    "head",
  ]);
  const [made = ""] = await readdir(join(cwd, "head"));
  const runDir = join(cwd, "head", made);
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(runDir, name), "utf8"));
  const { comparisons } = comparisonFileSchema.parse(await read("comparison.json"));
  const run = runRecordSchema.parse(await read("run.json"));
  return {
    exitCode,
    verdicts: Object.fromEntries(comparisons.map(({ metric, verdict }) => [metric, verdict])),
    detectable: Object.fromEntries(
      comparisons.map(({ metric, detectable, tolerance }) => [
        metric,
        detectable === null ? null : detectable / tolerance,
      ]),
    ),
    looks: run.looks?.length ?? 0,
    sessions: run.sessions.length,
  };
}

type Gates = Record<string, Gate>;

function pageOf(gates: Gates, seeds: number): { page: string; wrong: string[] } {
  const wrong: string[] = [];
  const rows: string[][] = [];
  for (const plan of PLANS) {
    const found = Object.values(gates).flatMap(({ verdicts }) => Object.keys(verdicts));
    for (const metric of [...new Set(found)].filter((name) => plan.metrics.test(name)).sort()) {
      const cells = MULTIPLES.map((multiple) => {
        const of = Array.from({ length: seeds }, (_, seed) => gates[keyOf(plan, multiple, seed)]).filter(
          (each) => each !== undefined,
        );
        const verdicts = of.map(({ verdicts: all }) => all[metric] ?? "missing");
        const regressed = verdicts.filter((verdict) => verdict === "regressed").length;
        if (multiple === 0.5 && regressed > 0)
          wrong.push(`${metric} × 0.5 regressed in ${regressed} of ${of.length}`);
        const passed = of.filter(
          ({ verdicts: all, detectable }) =>
            all[metric] === "pass" && (detectable[metric] ?? Number.POSITIVE_INFINITY) <= multiple,
        );
        if (multiple === 3 && passed.length > 0)
          wrong.push(
            `${metric} × 3 passed in ${passed.length} of ${of.length}, though said to be detectable`,
          );
        const counts = ["regressed", "inconclusive", "pass", "improved", "invalid", "missing"].flatMap(
          (verdict) => {
            const count = verdicts.filter((each) => each === verdict).length;
            return count === 0 ? [] : [`${count} ${verdict}`];
          },
        );
        return counts.join(", ") || "–";
      });
      rows.push([`\`${metric}\``, plan.name, ...cells]);
    }
  }
  const all = Object.values(gates);
  const sessions = all.reduce((sum, each) => sum + each.sessions, 0) / Math.max(1, all.length);
  const page = `<!-- Written by \`npm run bench:gate-http -- --docs\`: change it there. -->

# The whole gate, with losses of known size

The command line as a process, against servers that are the simulator behind real HTTP on this machine, with the noise
of an H200 (slow sessions and slow spells among it) and what two shared cores add to it. For each of ${seeds} seeds a baseline of
${BASELINE_SESSIONS} sessions, then gates of at most three sessions of two short rounds. A loss is planted as a share of the
metric's tolerance; what cannot be planted in steps (failed requests, the prefix cache) is in
[gate-error-rates.md](gate-error-rates.md). ${all.length} gates, ${sessions.toFixed(1)} sessions each; each has its looks in \`run.json\`.

${markdownTable([["metric", "1 × is", ...MULTIPLES.map((multiple) => `${multiple} ×`)], ...rows])}

${conclusionOf(gates, wrong)}
`;
  return { page, wrong };
}

/** What the matrix shows, over the gates that there are. */
function conclusionOf(gates: Gates, wrong: readonly string[]): string {
  const of = (multiple: number) =>
    Object.entries(gates)
      .filter(([key]) => key.includes(` × ${multiple}, `))
      .map(([, gate]) => gate);
  const blocked = of(3).filter(({ exitCode }) => exitCode === 1).length;
  const said = `Of ${of(3).length} gates with three times the tolerance ${blocked} exited with 1.`;
  if (wrong.length > 0) return [said, "", ...wrong.map((each) => `- ${each}`)].join("\n");
  return `${said} No loss of half the tolerance regressed, and none of three times passed where it was said to be detectable.`;
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    lanes: { type: "string", default: "1" },
    for: { type: "string", default: "Infinity" },
    fresh: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds);
const limitMs = Number(values.for) * 1000;
const path = join(FOLDER, "gates.json");
if (values.fresh) await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const gates = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as Gates;
/** All gates of one seed that are not there yet. */
async function gatesOf(seed: number): Promise<void> {
  for (const plan of PLANS)
    for (const multiple of MULTIPLES) {
      const key = keyOf(plan, multiple, seed);
      if (gates[key] !== undefined || performance.now() > limitMs) continue;
      const beganMs = performance.now();
      const order = PLANS.indexOf(plan) * MULTIPLES.length + MULTIPLES.indexOf(multiple);
      const result = await gate(seed, plan.planted(multiple), order);
      if (result.looks === 0) throw new Error(`${key}: run.json has no look`);
      gates[key] = result;
      writeFileSync(path, JSON.stringify(gates));
      const said = Object.entries(result.verdicts).filter(([metric]) => plan.metrics.test(metric));
      process.stderr.write(
        `${key}: exit ${result.exitCode}, ${result.sessions} sessions, ${((performance.now() - beganMs) / 1000).toFixed(0)} s; ` +
          `${said.map(([metric, verdict]) => `${metric} ${verdict}`).join(", ")}\n`,
      );
    }
}

if (!values.docs) {
  const waiting = Array.from({ length: seeds }, (_, seed) => seed).values();
  await Promise.all(
    Array.from({ length: Number(values.lanes) }, async () => {
      for (const seed of waiting) await gatesOf(seed);
    }),
  );
}
const measured = Math.max(0, ...Object.keys(gates).map((key) => Number(/seed (\d+)$/.exec(key)?.[1]) + 1));
const { page, wrong } = pageOf(gates, Math.min(seeds, measured));
if (values.docs) await writeFile(PAGE, page);
process.stdout.write(page);
if (wrong.length > 0) process.exitCode = 1;
