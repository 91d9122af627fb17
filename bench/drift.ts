// Change points of vllm-gate and of Apache Otava on the same series: Otava's own test data, and made-up nightly
// series with an H200's noise. `npm run bench:drift [-- --series 200 --python PATH]`
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { changePoints } from "../src/stats/change-points.ts";
import { mulberry32 } from "../src/stats/random.ts";
import otava from "./data/otava-series.json" with { type: "json" };

const POINTS = 120;
/** Spread of a night's value, and what slow rounds add (`docs/decision.md`). */
const SPREAD = 0.02;
const SLOW_SHARE = 0.07;
const SLOW_MOST = 0.25;
const STEPS = [0, 0.03, 0.05, 0.1, 0.2];
/** A change is found when it is put this near to its place. */
const NEAR = 5;
/** Each tool is timed this often, in turn; the median counts. */
const TIMINGS = 5;

interface Found {
  readonly found: number[][];
  readonly seconds: number;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A nightly series whose level rises by `step` at a place drawn from 20 to 100. */
function makeSeries(step: number, random: () => number): { at: number; values: number[] } {
  const at = 20 + Math.floor(random() * 81);
  const values = Array.from({ length: POINTS }, (_, index) => {
    const noise = 1 + SPREAD * normal(random);
    const slow = random() < SLOW_SHARE ? 1 + SLOW_MOST * random() : 1;
    return 100 * noise * slow * (index >= at ? 1 + step : 1);
  });
  return { at, values };
}

function ours(series: readonly number[][]): Found {
  const started = performance.now();
  const found = series.map((values) => changePoints(values).map((point) => point.index));
  return { found, seconds: (performance.now() - started) / 1000 };
}

async function theirs(python: string, series: readonly number[][]): Promise<Found> {
  const script = fileURLToPath(new URL("drift-otava.py", import.meta.url));
  const { stdout } = await execa(python, [script], { input: JSON.stringify({ series }) });
  return JSON.parse(stdout) as Found;
}

/** An environment with Otava in it, made on first use. */
async function findPython(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const folder = fileURLToPath(new URL("../.cache/otava", import.meta.url));
  const python = `${folder}/bin/python`;
  if (!existsSync(`${folder}/.complete`)) {
    await execa("python3", ["-m", "venv", "--clear", folder], { stdio: "inherit" });
    await execa(python, ["-m", "pip", "install", "--quiet", "apache-otava==0.8.0"], { stdio: "inherit" });
    await execa("touch", [`${folder}/.complete`]);
  }
  return python;
}

function score(found: readonly number[][], at: readonly number[], step: number) {
  let hits = 0;
  let wrong = 0;
  for (const [index, points] of found.entries()) {
    const near = step === 0 ? [] : points.filter((point) => Math.abs(point - (at[index] as number)) <= NEAR);
    hits += near.length > 0 ? 1 : 0;
    wrong += points.length - Math.min(1, near.length);
  }
  return { hits, wrong };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const { values: options } = parseArgs({
  options: { series: { type: "string", default: "200" }, python: { type: "string" } },
});
const count = Number(options.series);
const python = await findPython(options.python);
const out = (line: string) => process.stdout.write(`${line}\n`);

out("Otava's own test data (its tests expect with options of their own; both tools ran with defaults)");
const own = otava.series.map((each) => each.values);
const [oursOwn, theirsOwn] = [ours(own), await theirs(python, own)];
for (const [index, each] of otava.series.entries()) {
  out(`  ${each.name}, ${each.values.length} points, expected ${each.expected.join(", ")}`);
  out(`    vllm-gate ${oursOwn.found[index]?.join(", ") || "none"}`);
  out(`    otava     ${theirsOwn.found[index]?.join(", ") || "none"}`);
}
out("");
out(
  `${count} series a row, ${POINTS} points, ${Math.round(SPREAD * 100)} % spread, ${Math.round(SLOW_SHARE * 100)} % of them up to ${SLOW_MOST * 100} % slow`,
);
out("| step | found: vllm-gate | otava | false: vllm-gate | otava | ms a series: vllm-gate | otava |");
out("| --- | --- | --- | --- | --- | --- | --- |");
let met = true;
for (const step of STEPS) {
  const random = mulberry32(Math.round(step * 1000) + 17);
  const made = Array.from({ length: count }, () => makeSeries(step, random));
  const series = made.map((each) => each.values);
  const at = made.map((each) => each.at);
  const oursRuns: Found[] = [];
  const theirsRuns: Found[] = [];
  for (let timing = 0; timing < TIMINGS; timing += 1) {
    oursRuns.push(ours(series));
    theirsRuns.push(await theirs(python, series));
  }
  const [mine, other] = [oursRuns[0] as Found, theirsRuns[0] as Found].map((run) =>
    score(run.found, at, step),
  );
  if (mine === undefined || other === undefined) continue;
  const ms = (runs: readonly Found[]) => (middle(runs.map((run) => run.seconds)) * 1000) / count;
  const [myMs, otherMs] = [ms(oursRuns), ms(theirsRuns)];
  const hits = (hit: number) => (step === 0 ? "–" : `${hit} of ${count}`);
  out(
    `| ${step === 0 ? "none" : `${step * 100} %`} | ${hits(mine.hits)} | ${hits(other.hits)} | ${mine.wrong} | ${other.wrong} | ` +
      `${myMs.toFixed(2)} | ${otherMs.toFixed(2)} |`,
  );
  if (step === 0 ? mine.wrong > count / 40 : mine.hits < other.hits) met = false;
  if (myMs > otherMs) met = false;
}
out("");
out(
  `At most 1 false in 40 clean series, found no fewer than Otava in any row, in at most its time: ${met ? "met" : "NOT met"}`,
);
process.exitCode = met ? 0 : 1;
