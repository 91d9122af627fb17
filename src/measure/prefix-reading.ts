import type { PrefixComparison, PrefixStudy } from "../domain/prefix-study.ts";
import { NOTABLE, type StudyFacts } from "./prefix-study.ts";

/** The seed's example of mixed traffic: the share that has the prefix at all, and how often it is found. */
const MIXED = { eligible: 0.5, hits: 0.8 } as const;
/** A first token that comes at least this much sooner is worth a flag. */
const PAYS = 0.1;

type Comparisons = readonly PrefixComparison[];

/** What a study's numbers say, by the questions that the experiment asks. */
export function interpret(
  comparisons: Comparisons,
  facts: StudyFacts,
): Pick<PrefixStudy, "interpretation" | "conclusion"> {
  const main = comparisons.filter(({ workload }) => workload === facts.primary);
  const others = comparisons.filter(({ workload }) => workload !== facts.primary);
  return {
    interpretation: [
      { title: "Did TTFT drop on cache hits?", lines: savingLines(main) },
      { title: "Capacity or latency only?", lines: capacityLines(main) },
      { title: "Concurrency sensitivity", lines: concurrencyLines(main) },
      { title: "Memory overhead and stability", lines: memoryLines(comparisons) },
      { title: "Hit rate, and what mixed traffic makes of it", lines: dilutionLines(main, facts) },
      ...(others.length === 0 ? [] : [{ title: "Other workloads", lines: others.map(workloadLine) }]),
    ].filter(({ lines }) => lines.length > 0),
    conclusion: conclusionOf(main, others, facts),
  };
}

/** By regime, in the order measured. */
function byRegime(comparisons: Comparisons): [string, Comparisons][] {
  return [...Map.groupBy(comparisons, ({ regime }) => regime)];
}

function savingLines(main: Comparisons): string[] {
  const lines = byRegime(main).map(([regime, cells]) => {
    const [first] = cells;
    const said = cells.map((cell) => `${signed(cell.ttftP50)} at ${cell.concurrency}`).join(", ");
    const predicted = first?.predictedSaving ?? null;
    const bound =
      predicted === null ? "" : `; a hit saves ${percent(predicted)} of the prefill at best, P/(P+S)`;
    const within = cells.flatMap(({ savingWithin: saving, concurrency }) =>
      saving === null ? [] : [`${signed(-saving)} at ${concurrency}`],
    );
    const same = within.length === 0 ? "" : `; against misses of the same server ${within.join(", ")}`;
    return `${regime}-token prefix: median TTFT ${said} in flight against the server without caching${same}${bound}.`;
  });
  const alone = main.find(({ concurrency }) => concurrency === 1);
  if (alone?.reason === null && alone.on.ttftS !== null) {
    lines.push(
      `The median hit still takes ${(alone.on.ttftS.p50 * 1000).toFixed(1)} ms one after another: what is left of TTFT is the ` +
        "front end, the suffix and one step of the model, which no cache saves. So the saving stays below P/(P+S).",
    );
  }
  const best = byRegime(main).flatMap(([regime, cells]) => {
    const savings = cells.flatMap(({ saving }) => (saving === null ? [] : [saving]));
    return savings.length === 0 || !/^\d+$/.test(regime)
      ? []
      : [{ tokens: Number(regime), saving: Math.max(...savings) }];
  });
  const sorted = [...best].sort((a, b) => a.tokens - b.tokens);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least !== undefined && most !== undefined && least !== most) {
    lines.push(
      most.saving > least.saving + NOTABLE
        ? `The saving grows with the prefix, as expected: ${percent(least.saving)} at ${least.tokens} tokens, ${percent(most.saving)} at ${most.tokens}.`
        : `The saving does not grow with the prefix (${percent(least.saving)} at ${least.tokens} tokens, ${percent(most.saving)} at ${most.tokens}): something other than its prefill decides.`,
    );
  }
  for (const cell of main) {
    if (cell.reason !== null)
      lines.push(`${cell.regime} tokens at ${cell.concurrency}: no improvement, since ${cell.reason.text}.`);
  }
  return lines;
}

function capacityLines(main: Comparisons): string[] {
  return byRegime(main).flatMap(([regime, cells]) => {
    const crowded = cells.filter(({ concurrency, win }) => concurrency > 1 && win !== "none");
    return crowded.map((cell) => {
      const at = `${regime} tokens at ${cell.concurrency}`;
      const rates = `req/s ${signed(cell.requestsPerS)}, tok/s ${signed(cell.tokensPerS)}, p95 E2E ${signed(cell.e2eP95)}`;
      if (cell.win === "capacity") return `${at}: a capacity win (${rates}).`;
      if (cell.win === "capacity_ux_loss") {
        return `${at}: a capacity win, a UX loss: more work is done, and the slowest users wait longer (${rates}, p95 TTFT ${signed(cell.ttftP95)}).`;
      }
      if (cell.win === "latency_p95_loss") {
        return `${at}: the median first token comes sooner, a UX loss in the tail (${rates}, p95 TTFT ${signed(cell.ttftP95)}).`;
      }
      return (cell.e2eP95 ?? 0) <= -NOTABLE
        ? `${at}: latency only, with headroom under an end-to-end SLO (${rates}).`
        : `${at}: latency only; the same work is done in the same time (${rates}).`;
    });
  });
}

function concurrencyLines(main: Comparisons): string[] {
  return byRegime(main).flatMap(([regime, cells]) => {
    const sorted = [...cells].sort((a, b) => a.concurrency - b.concurrency);
    const [alone, crowd] = [sorted[0], sorted.at(-1)];
    if (!sorted.every(isReal)) return [];
    const [few, many] = [savedMs(alone), savedMs(crowd)];
    if (alone === crowd || few === null || many === null || alone === undefined || crowd === undefined)
      return [];
    const verdict =
      many > few * 1.2
        ? "load magnifies it"
        : many < few / 1.2
          ? "load hides it"
          : "load changes little about it";
    return [
      `${regime} tokens: ${few.toFixed(1)} ms sooner at ${alone.concurrency}, ${many.toFixed(1)} ms at ${crowd.concurrency}: ${verdict}.`,
    ];
  });
}

function savedMs(cell: PrefixComparison | undefined): number | null {
  const [off, on] = [cell?.off.ttftS, cell?.on.ttftS];
  return off == null || on == null ? null : (off.p50 - on.p50) * 1000;
}

function memoryLines(comparisons: Comparisons): string[] {
  const [first] = comparisons;
  if (first === undefined) return [];
  const { off, on } = first;
  const lines: string[] = [];
  if (off.vramPeakMib === null || on.vramPeakMib === null) {
    lines.push("VRAM was not measured: no GPU was seen beside the probes.");
  } else {
    const grown = on.vramPeakMib - off.vramPeakMib;
    const plateau = on.vramSteadyMib === null ? null : on.vramPeakMib - on.vramSteadyMib;
    lines.push(
      `VRAM peak ${on.vramPeakMib.toFixed(0)} MiB with caching, ${off.vramPeakMib.toFixed(0)} MiB without (${grown >= 0 ? "+" : "−"}${Math.abs(grown).toFixed(0)} MiB): ` +
        "vLLM reserves its KV cache at the start and keeps prefixes in what requests leave free of it.",
    );
    if (plateau !== null) {
      lines.push(
        plateau <= 0.02 * on.vramPeakMib
          ? "It stays on a plateau: the peak is within 2 % of the middle of the run."
          : `It is no plateau: the peak is ${plateau.toFixed(0)} MiB above the middle of the run.`,
      );
    }
  }
  const preempted = comparisons.reduce((sum, cell) => sum + (cell.on.preemptions ?? 0), 0);
  if (preempted > 0)
    lines.push(`${preempted} requests were preempted with caching on: the cache was full of running ones.`);
  return lines;
}

/** Whether what a cell saved came from the cache: else it is chance, or the difference of two servers. */
function isReal({ reason }: PrefixComparison): boolean {
  return reason === null;
}

/** The cell whose numbers stand for the study: the longest prefix that pays most. */
function bestCell(main: Comparisons): PrefixComparison | undefined {
  return main.filter(isReal).sort((a, b) => (b.saving ?? 0) - (a.saving ?? 0))[0];
}

function dilutionLines(main: Comparisons, facts: StudyFacts): string[] {
  const rates = main.flatMap(({ on }) => (on.hitRate === null ? [] : [on.hitRate]));
  const lines =
    rates.length === 0
      ? ["The server tells no hit rate."]
      : [
          `The server found ${percent(Math.min(...rates))} to ${percent(Math.max(...rates))} of the prompt tokens in its cache` +
            (Math.min(...rates) > 0.5
              ? "; every request shared its prefix, so h is close to 1 here and lower in production."
              : ", though every request shared its prefix."),
        ];
  const best = bestCell(main);
  const [miss, hit] = [best?.off.ttftS?.mean, best?.on.ttftS?.mean];
  if (best === undefined || miss === undefined || hit === undefined) return lines;
  const ms = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
  const expected = (h: number) => h * hit + (1 - h) * miss;
  const share = MIXED.eligible * MIXED.hits;
  lines.push(
    `E[TTFT] = h · ${ms(hit)} + (1 − h) · ${ms(miss)} at ${best.regime} tokens and ${best.concurrency} in flight: ` +
      [0.25, 0.5, 0.75, 1].map((h) => `${ms(expected(h))} for h = ${h}`).join(", ") +
      ".",
    `Of traffic of which f = ${percent(MIXED.eligible)} has the prefix, found h = ${percent(MIXED.hits)} of the time, f · h = ${percent(share)} benefits: ` +
      `mean TTFT ${ms(expected(share))}, ${signed(expected(share) / miss - 1)}.`,
  );
  const prompts = facts.prompts.find(
    (each) => each.workload === best.workload && each.regime === best.regime,
  );
  if (prompts !== undefined) {
    const saved = (best.hits ?? 1) * prompts.sharedTokens;
    lines.push(`Prefill saved per request, h · P: about ${saved.toFixed(0)} tokens.`);
  }
  return lines;
}

function workloadLine(cell: PrefixComparison): string {
  const at = `${cell.workload}, ${cell.regime} tokens at ${cell.concurrency}`;
  const rate = cell.on.hitRate === null ? "hit rate unknown" : `hit rate ${percent(cell.on.hitRate)}`;
  const churn =
    cell.on.turnover === null || cell.on.turnover < 0.5
      ? ""
      : `, the cache written anew ${cell.on.turnover.toFixed(1)} times`;
  const [expected, measured] = [cell.expectedTtftS, cell.on.ttftS?.mean ?? null];
  const model =
    expected === null || measured === null
      ? ""
      : `; E[TTFT] by h = ${percent(cell.hits ?? 0)} is ${(expected * 1000).toFixed(1)} ms, measured ${(measured * 1000).toFixed(1)} ms`;
  const why = cell.reason === null ? "" : `; ${cell.reason.text}`;
  return `${at}: median TTFT ${signed(cell.ttftP50)}, ${rate}${churn}${model}${why}.`;
}

function conclusionOf(main: Comparisons, others: Comparisons, facts: StudyFacts): string[] {
  const paying = main.filter((cell) => isReal(cell) && (cell.saving ?? 0) >= PAYS);
  const caveat = caveatOf(others, facts, main);
  const first = [...paying].sort(
    (a, b) => (Number(a.regime) || 0) - (Number(b.regime) || 0) || a.concurrency - b.concurrency,
  )[0];
  const best = bestCell(main);
  if (first === undefined || best === undefined) {
    const [why] = main.flatMap(({ reason }) => (reason === null ? [] : [reason.text]));
    return [
      `Do not count on prefix caching here: no measured prefix brought the first token ${percent(PAYS)} sooner${why === undefined ? "" : ` (${why})`}.`,
      ...caveat,
      "For a manager: on this model and GPU, reusing shared prompts changed nothing that a user would notice.",
    ];
  }
  const throughput = Math.max(...main.map(({ tokensPerS }) => tokensPerS ?? 0));
  const rates = paying.flatMap(({ on }) => (on.hitRate === null ? [] : [on.hitRate]));
  const savings = paying.map(({ saving }) => saving ?? 0);
  const gain =
    throughput >= NOTABLE ? `up to ${percent(throughput)} more tokens per second` : "no more throughput";
  return [
    `Enable it for endpoints that share ${first.regime} tokens or more, from ${first.concurrency} in flight on: TTFT ` +
      `${signed(-(first.saving ?? 0))} there, ${signed(-(best.saving ?? 0))} at ${best.regime} tokens and ${best.concurrency} in flight, ${gain}.`,
    `It is working when the TTFT of such traffic falls by ${percent(Math.min(...savings))} to ${percent(Math.max(...savings))}` +
      (rates.length === 0 ? "." : ` and the server's hit rate stays above ${percent(Math.min(...rates))}.`),
    ...lossOf(main),
    ...caveat,
    `For a manager: the server reads a shared prompt of ${best.regime} tokens once instead of every time, so that the first word ` +
      `comes ${Math.max(...savings) >= 0.5 ? `${(1 / (1 - Math.max(...savings))).toFixed(1)} times as fast` : `${percent(Math.max(...savings))} sooner`} ${best.concurrency === 1 ? "for one user at a time" : `with ${best.concurrency} users at once`}; it brings ${gain}.`,
  ];
}

/** Where a 95th percentile rose though the median fell. */
function lossOf(main: Comparisons): string[] {
  const worse = main.filter(({ win }) => win === "capacity_ux_loss" || win === "latency_p95_loss");
  if (worse.length === 0) return [];
  const where = worse.map(({ regime, concurrency }) => `${regime} tokens at ${concurrency}`).join(", ");
  return [`A UX loss comes with it at ${where}: a 95th percentile rose. Hold it against your SLO first.`];
}

/** The one failure mode: measured where an anti-pattern was, else by how many prefixes the cache holds. */
function caveatOf(others: Comparisons, { capacityTokens }: StudyFacts, main: Comparisons): string[] {
  const anti =
    others.find(({ workload, reason }) => workload === "thrash" && reason !== null) ??
    others.find(({ workload, reason }) => ["unique", "churn"].includes(workload) && reason !== null);
  if (anti !== undefined) {
    return [
      `Caveat: with ${anti.workload} prompts (${anti.regime} tokens at ${anti.concurrency}) nothing was gained: ${anti.reason?.text}.`,
    ];
  }
  const longest = Math.max(...main.map(({ regime }) => Number(regime) || 0));
  if (capacityTokens === null || !(longest > 0)) {
    return [
      "Caveat: requests that each bring a long prefix of their own fill the cache and are never found again.",
    ];
  }
  return [
    `Caveat: the KV cache holds ${capacityTokens} tokens, ${Math.floor(capacityTokens / longest)} distinct prefixes of ${longest}; with more in turn, or a ` +
      "unique long document in each request, they are evicted before they are used again.",
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function signed(share: number | null): string {
  if (share === null) return "not measured";
  const points = (share * 100).toFixed(0);
  if (Number(points) === 0) return "unchanged";
  return `${share > 0 ? "+" : "−"}${points.replace("-", "")} %`;
}
