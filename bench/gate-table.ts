/** The results of `bench/gate.ts` as tables. */
import { code, plain, table } from "../src/report/markdown.ts";
import type { LaterResult } from "./gate-later.ts";
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
  later: readonly LaterResult[],
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
    ...(later.length === 0
      ? []
      : [
          `## Whole sessions of two GPUs, as they were measured later (${powerRuns} draws a row)`,
          "Nothing is planted, and no session is in a run twice: five of those without flags are the baseline, others are head's and the base's beside it. Draws of ten sessions are not independent of each other: what fails in none of them fails seldom, no more.",
          laterTable(later),
        ]),
    `## More baseline sessions, and A/B (${runs} a row)`,
    "Where one session in four is slow by itself, a loss of its size cannot be told from three slow ones in a row. An A/B has three pairs.",
    rates(of("more")),
    "## Other questions",
    rates(of("other")),
    "## The rules of others on the same runs",
    "Share of the runs that fail. They get all that a gate may measure: five sessions of the baseline, three of head. Rules of ratios see the saving of a prefix cache as the time of a cached first token over that of an uncached one: a saving near zero has no ratio.",
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
    [
      "runs",
      "exit 1",
      "target",
      "warned",
      "passed",
      "oracle",
      "head sessions",
      "base sessions beside",
      "what failed most",
    ],
    results.map((result) => [
      plain(result.row.name),
      percent(result.failed, 2),
      target(result),
      percent(result.warned),
      percent(result.passed),
      result.oracle === null ? "" : percent(result.oracle),
      result.sessions.toFixed(2),
      result.baseSessions.toFixed(2),
      mostRegressed(result.regressed, 2),
    ]),
    ["l", "r", "r", "r", "r", "r", "r", "r", "l"],
  );
}

/** The metrics that regressed in most of the runs. */
function mostRegressed(regressed: Readonly<Record<string, number>>, count: number): string {
  return Object.entries(regressed)
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([id, share]) => `${code(id)} ${percent(share)}`)
    .join(", ");
}

function laterTable(results: readonly LaterResult[]): string {
  return table(
    [
      "flags",
      "GPU",
      "sessions there are",
      "exit 1",
      "warned",
      "passed",
      "head sessions",
      "base sessions beside",
      "what failed",
    ],
    results.map((result) => [
      result.flags === "" ? "the same" : code(result.flags),
      `${result.gpu}`,
      `${result.measured}`,
      percent(result.failed),
      percent(result.warned),
      percent(result.passed),
      result.sessions.toFixed(2),
      result.baseSessions.toFixed(2),
      mostRegressed(result.regressed, 3),
    ]),
    ["l", "r", "r", "r", "r", "r", "r", "r", "l"],
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
judges real ones, look by look. Where nothing else is said: five sessions of the baseline, at most three of head, two rounds each. Drawing is
hierarchical, all with replacement: sessions, of each its rounds, of each their requests, in runs of as many as were
under way together; a closed loop is put together from them again. A row's loss is planted in every cell that it touches. The metrics that were the same in every
server start (KV capacity, memory) are constant here as well.

- **requests-again**: three sessions of two rounds on one host, on which the decision is scored.
- **bimodal**: of those, one session in four is 20 % slower in everything that is timed, on both sides.
- **spread doubled**: each session lies twice as far from the mean of the three.
- **a machine of 8 % noise in each metric**: requests-again, and beside that each metric of each session is off by
  itself: a machine far noisier than that of the shipped figures, without a calibration of its own.
- **gate's own sessions**: three sessions of two rounds on a third host, measured by this tool, with 64 in flight.
- **later sessions**: ten sessions of each of two GPUs of a fourth host, measured in turn with those of other flags after
  the constants had been fixed (\`bench/data/h200-later.json\`). No constant is from them.
- **oracle**: what is found at a level of 1 % over all gated metrics by one that needs no baseline, since it knows how the
  best, the middle and the mean of three sessions of each metric are distributed. Near a ceiling, though no strict one.
- **passed**: ended as a pass, without a warning. Of planted losses these are the ones that nobody hears of.
- **requests**: four sessions of one round on the first host. The constants of \`src/compare/prior.ts\` are from these
  alone, so that row proves nothing. It has one round a session: of two rounds drawn both are the same one.
`;

const LIMITS = `
## What these sessions can prove, and what not

- The three sessions of requests-again are three points. When head draws one of them three times and the baseline not
  once, which happens in 1.5 % of the runs, no rule can tell that from a loss of that size: with the spread doubled, a
  slow one of them lies 40 % and more above the others. Sessions of the base beside head's draw it too, and refute part.
- Drawing three sessions with replacement makes their variance a third smaller than it was, and two rounds half as
  large; the doubled spread is the answer to that. A bad round is drawn twice in a session once in four times, where
  it happened once in six rounds: that is worse than it was.
- The form of the rule (best sessions, exceedances, the test beside them, sessions of the base to confirm) was chosen with
  both files in view, and its levels too; the spreads that it begins with are from the first alone. The later sessions are
  the first that neither was chosen on. Three rules are younger than those sessions, and none has a constant from them: a
  metric that is quiet among noisy ones keeps its own spread, sessions of the base beside head's say whether a machine
  makes bad sessions by itself, and a wave is as long as the requests in it took to begin. Real vLLM on two cores asked
  for all three ([gate-cpu.md](gate-cpu.md)); they change little here, where metrics are equally quiet.
- Where one session in four is slow, all three of head are in 1.6 % of the runs without a loss. A rule that blocks no
  more than 1 % of those can block no more than about two thirds of the losses that look the same, with any number of
  baseline sessions; the oracle finds 68 % of a loss of the slow sessions' own size, and 16 % of +3 %. How many of the base's may
  be as bad is a whole number, so the share goes by steps: 1 of 10, 2 of 15 and 5 of 25, the sessions beside head's among them.
- −12 % at 64 in flight is the one loss that is out of reach. Of the later sessions, 6 % apart there (one standard
  deviation; one round in ten is a quarter slower), even the oracle finds it in one run of three on the one GPU and in three
  of four on the other. Of the three sessions that the target was set with, one round in six is 12 % off, which drawing with
  replacement makes a bad session in one of twelve: two of ten are such in one of five runs, and two of ten is what chance
  makes of a bad session in four as well, which must not block.
- −25 % at 32: the sessions of requests-again have two modes there, 20 % apart; the later ones do not, and it is always
  found.
- 3 % faster TPOT is less than those sessions are apart: at 8 in flight one of the three is 5 % slower than the others.
  Where head draws it three times and the base never, 3 % faster is called slower, once in 2,000 runs.
- An A/B of three pairs is separated by chance once in 20 times, a baseline of five with the base beside head once in
  165: with the spread doubled it blocks more than 1 % of the runs.
- What is said to be detectable is an estimate from eight sessions. Where a bad session is rare, those eight mostly lack
  it.
- Uncached TTFT differs by 40 % between the three sessions of requests-again: a loss must about double it. On steadier
  hosts the figure is that of \`calibrate\`.
- One model, one kind of GPU, one version, one shape of load. Another machine's noise is another: \`calibrate\`
  measures it, and its figures take the place of the shipped ones.
- A slow session hits everything that is timed. With one in four slow, head's three are all slow and the baseline's
  five all fast in 0.37 % of the runs.
`;

/** The text of docs/gate-error-rates.md. */
export function docsPage(tables: string): string {
  return `${INTRODUCTION}\n${tables}\n${LIMITS}`;
}
