/** The results of `bench/gate.ts` as tables. */
import { code, plain, table } from "../src/report/markdown.ts";
import type { DetectedEffect } from "./gate-power.ts";
import type { RowResult } from "./gate-rows.ts";
import { RULES } from "./gate-rules.ts";

const percent = (share: number, digits = 1) => `${(share * 100).toFixed(digits)} %`;
const target = ({ row }: RowResult) =>
  row.most !== undefined
    ? `≤ ${percent(row.most, 0)}`
    : row.least !== undefined
      ? `≥ ${percent(row.least, 0)}`
      : "";

/** All tables, one below the other. */
export function renderTables(
  results: readonly RowResult[],
  effects: readonly (readonly DetectedEffect[])[],
  runs: number,
  powerRuns: number,
): string {
  const of = (kind: RowResult["row"]["kind"]) => results.filter(({ row }) => row.kind === kind);
  return [
    `## Runs that did not change (${runs} a row)`,
    rates(of("same")),
    `## Planted losses (${runs} a row)`,
    rates(of("loss")),
    "## Other questions",
    rates(of("other")),
    "## The rules of others on the same runs",
    "Share of the runs that fail. They get all that a gate may measure: five sessions of the baseline, three of head.",
    ruleTable([...of("same"), ...of("loss")]),
    "## Coverage of the 95 % interval, three head sessions",
    coverageTable(of("same")),
    `## The loss that is found 95 times in 100, one metric alone (${powerRuns} runs)`,
    "Beside it what a comparison itself calls detectable, in the middle of the runs.",
    ...effects.map(effectTable),
  ].join("\n\n");
}

function rates(results: readonly RowResult[]): string {
  return table(
    ["runs", "exit 1", "target", "warned", "head sessions", "base sessions beside", "what failed most"],
    results.map((result) => [
      plain(result.row.name),
      percent(result.failed, 2),
      target(result),
      percent(result.warned),
      result.sessions.toFixed(2),
      result.baseSessions.toFixed(2),
      Object.entries(result.regressed)
        .sort(([, a], [, b]) => b - a)
        .slice(0, 2)
        .map(([id, share]) => `${code(id)} ${percent(share)}`)
        .join(", "),
    ]),
    ["l", "r", "r", "r", "r", "r", "l"],
  );
}

function ruleTable(results: readonly RowResult[]): string {
  return table(
    ["runs", "vllm-gate", ...RULES.map(({ name }) => name)],
    results.map(({ row, failed, rules }) => [
      plain(row.name),
      percent(failed),
      ...rules.map((share) => percent(share)),
    ]),
    ["l", "r", ...RULES.map(() => "r")],
  );
}

function coverageTable(results: readonly RowResult[]): string {
  return table(
    ["runs", "mean over gated metrics", "worst metric", "its coverage"],
    results.map(({ row, coverage }) => {
      const each = Object.entries(coverage ?? {}).sort(([, a], [, b]) => a - b);
      const mean = each.reduce((sum, [, share]) => sum + share, 0) / each.length;
      return [plain(row.name), percent(mean), code(each[0]?.[0] ?? ""), percent(each[0]?.[1] ?? 0)];
    }),
    ["l", "r", "l", "r"],
  );
}

function effectTable(effects: readonly DetectedEffect[]): string {
  const shown = (value: number | null, metric: string) =>
    value === null
      ? "more than 90 %"
      : metric.endsWith(".saving")
        ? `${(value * 100).toFixed(1)} points`
        : percent(value);
  return table(
    [`metric (${effects[0]?.noise ?? ""})`, "tolerance", "found 95 times in 100", "said to be detectable"],
    effects.map(({ metric, tolerance, loss, said }) => [
      code(metric),
      shown(tolerance, metric),
      shown(loss, metric),
      shown(said, metric),
    ]),
    ["l", "r", "r", "r"],
  );
}

const INTRODUCTION = `<!-- Written by \`node bench/gate.ts --runs 2000 --docs\`: change it there. -->

# How often the decision is wrong

Runs are drawn from measured server sessions of an H200 (vLLM 0.22.0, Qwen2.5-1.5B shape) and judged by the code that
judges real ones, look by look: five sessions of the baseline, at most three of head, two rounds each. Drawing is
hierarchical, all with replacement: sessions, of each its rounds, of each their requests; a closed loop is put together
from the requests again. A row's loss is planted in every cell that it touches. The metrics that were the same in every
server start (KV capacity, memory) are constant here as well.

- **requests-again**: three sessions of two rounds on one host, on which the decision is scored.
- **bimodal**: of those, one session in four is 20 % slower in everything that is timed, on both sides.
- **spread doubled**: each session lies twice as far from the mean of the three.
- **a machine of 8 % noise in each metric**: requests-again, and beside that each metric of each session is off by
  itself: a machine far noisier than that of the shipped figures, without a calibration of its own.
- **gate's own sessions**: three sessions of two rounds on a third host, measured by this tool, with 64 in flight.
- **requests**: four sessions of one round on the first host. The constants of \`src/compare/prior.ts\` are from these
  alone, so that row proves nothing. It has one round a session: of two rounds drawn both are the same one.
`;

const LIMITS = `
## What seven sessions can prove, and what not

- The three sessions of requests-again are three points. When head draws one of them three times and the baseline not
  once, which happens in 1.5 % of the runs, no rule can tell that from a loss of that size: with the spread doubled, a
  slow one of them lies 40 % and more above the others. Sessions of the base beside head's draw it too, and refute part.
- Drawing three sessions with replacement makes their variance a third smaller than it was, and two rounds half as
  large; the doubled spread is the answer to that. A bad round is drawn twice in a session once in four times, where
  it happened once in six rounds: that is worse than it was.
- The form of the rule (separation, the test beside it, three sessions of the base to confirm) was chosen with both
  files in view, its constants from the first alone; other sessions than these have to show that it holds.
- Targets that are missed by what 2,000 runs hardly tell (a standard error is 0.2 to 0.5 points): the doubled spread and
  half the tolerance block a little more than 1 % of the runs, +3 % TPOT is found in a little less than 95 %. Other
  settings of level and separation move each at the cost of another. A machine of 8 % noise in each metric, which no
  target names, fails 1.4 % without a calibration.
- −12 % at 64 in flight is found in two of three runs, not in 19 of 20. The fixtures have no 64; the three sessions that
  this tool measured have one bad round in six there, 12 % off, which drawing with replacement makes a bad session in
  one of twelve: of five baseline sessions one is such in a third of the runs, and hides a loss of its own size. The
  table above says what is found there: 15 to 19 %.
- Uncached TTFT differs by 40 % between the three sessions of requests-again: a loss must about double it. On hosts
  that are steadier the figure is that of \`calibrate\`.
- \`batching.c8.tpot_floor_ms\` alone is found late for the same reason: one round in six was 7 % slow. At 1 in flight
  there was none, and a loss that is in both is found there.
- One model, one kind of GPU, one version, one shape of load. Another machine's noise is another: \`calibrate\`
  measures it, and its figures take the place of the shipped ones.
- A slow session hits everything that is timed. With one in four slow, head's three are all slow and the baseline's
  five all fast in 0.37 % of the runs; no rule that sees small losses can be better than that.
`;

/** The text of docs/gate-error-rates.md. */
export function docsPage(tables: string): string {
  return `${INTRODUCTION}\n${tables}\n${LIMITS}`;
}
