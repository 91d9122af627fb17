/**
 * Error rates of the decision, by simulation from measured sessions of an H200: `npm run bench:gate`, or
 *
 *     node bench/gate.ts [--runs 2000] [--docs] [--rows PATTERN]
 *
 * A run is drawn hierarchically (sessions, rounds, requests, all with replacement) and judged by the code that judges
 * real ones, look by look. The rules of other tools judge the same runs, with all the sessions a gate may measure.
 * Exits 1 when a rate is beyond its target by more than chance allows. `--docs` writes docs/gate-error-rates.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { NOISES } from "./gate-noise.ts";
import { detectedEffects } from "./gate-power.ts";
import { rowsToRun, runRow } from "./gate-rows.ts";
import { docsPage, renderTables } from "./gate-table.ts";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    docs: { type: "boolean", default: false },
    rows: { type: "string" },
  },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs ${options.runs}: expected a whole number above 0`);

const begun = performance.now();
const say = (text: string) =>
  process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0)} s  ${text}\n`);
const wanted = new RegExp(options.rows ?? "");
const chosen = rowsToRun().filter(({ name }) => wanted.test(name));
const results = chosen.map((row) => {
  const result = runRow(row, runs);
  say(
    `${row.name}: exit 1 in ${(result.failed * 100).toFixed(2)} %, warned ${(result.warned * 100).toFixed(1)} %`,
  );
  return result;
});
// A loss of one metric at a time needs fewer runs: it is looked for, not proved.
const powerRuns = Math.min(runs, 300);
const effects = (options.rows === undefined ? [NOISES.again, NOISES.own] : []).map((noise) => {
  const found = detectedEffects(noise, powerRuns);
  say(`effects found 95 times in 100: ${noise.name}`);
  return found;
});
const tables = renderTables(results, effects, runs, powerRuns);
process.stdout.write(`${tables}\n`);
if (options.docs) {
  writeFileSync(new URL("../docs/gate-error-rates.md", import.meta.url), docsPage(tables));
}
say("done");
for (const { row, failed } of results) {
  if ((row.most === undefined && row.least === undefined) || row.outOfReach) continue;
  // Three standard errors of a rate that is just on target.
  const target = row.most ?? row.least ?? 0;
  const slack = 3 * Math.sqrt((target * (1 - target)) / runs);
  const off = row.most === undefined ? failed < target - slack : failed > target + slack;
  if (!off) continue;
  process.stderr.write(`${row.name}: exit 1 in ${(failed * 100).toFixed(2)} %, target ${target * 100} %\n`);
  process.exitCode = 1;
}
