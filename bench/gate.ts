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
import type { LaterResult } from "./gate-later.ts";
import type { DetectedEffect } from "./gate-power.ts";
import { type RowResult, rowsToRun } from "./gate-rows.ts";
import { docsPage, renderTables } from "./gate-table.ts";
import { type GateTask, runTasks } from "./gate-work.ts";

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
// A loss of one metric at a time needs fewer runs: it is looked for, not proved.
const powerRuns = Math.min(runs, 300);
const pools = options.rows === undefined ? (["again", "own", "later"] as const) : [];
const work: readonly GateTask[] = [
  ...pools.map((noise): GateTask => ({ kind: "effects", noise, runs: powerRuns })),
  ...(options.rows === undefined ? [{ kind: "later", runs: powerRuns } as const] : []),
  ...chosen.map(({ name }): GateTask => ({ kind: "row", name, runs })),
];
const answers = await runTasks(work, (task, answer) => {
  if (task.kind === "effects") say(`effects found 95 times in 100: ${task.noise}`);
  else if (task.kind === "later") say("sessions that were measured later");
  else {
    const { failed, warned, passed } = answer as RowResult;
    const [exit, warn, pass] = [failed, warned, passed].map((share) => (share * 100).toFixed(2));
    say(`${task.name}: exit 1 in ${exit} %, warned ${warn} %, passed ${pass} %`);
  }
});
const effects = answers.slice(0, pools.length) as DetectedEffect[][];
const later = answers.filter((_, index) => work[index]?.kind === "later").flat() as LaterResult[];
const results = answers.filter((_, index) => work[index]?.kind === "row") as RowResult[];
const tables = renderTables(results, later, effects, runs, powerRuns);
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
