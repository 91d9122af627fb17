import type { PrefixComparison, PrefixStudy } from "../domain/prefix-study.ts";
import { conclusionOf } from "./prefix-conclusion.ts";
import { sensitivityLine } from "./prefix-sensitivity.ts";
import type { StudyFacts } from "./prefix-study.ts";
import { bestCell, hasSlowerTail, isReal, NOTABLE, reliedOn } from "./prefix-win.ts";
import {
  lengthOf,
  loadOf,
  milliseconds,
  percent,
  placeOf,
  quietMark,
  signed,
  tokensOf,
} from "./prefix-words.ts";

/** The seed's example of mixed traffic: the share that has the prefix at all, and how often it is found. */
const MIXED = { eligible: 0.5, hits: 0.8 } as const;

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
      {
        title: "Concurrency sensitivity",
        lines: byRegime(reliedOn(main)).flatMap(([, cells]) => sensitivityLine(cells)),
      },
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
    const said = cells
      .map((cell) => `${signed(cell.ttftP50)} at ${cell.concurrency}${quietMark(cell)}`)
      .join(", ");
    const predicted = first?.predictedSaving ?? null;
    const bound =
      predicted === null ? "" : `; a hit saves ${percent(predicted)} of the prefill at best, P/(P+S)`;
    const within = cells.flatMap(({ savingWithin: saving, concurrency }) =>
      saving === null ? [] : [`${signed(-saving)} at ${concurrency}`],
    );
    const same = within.length === 0 ? "" : `; against misses of the same server ${within.join(", ")}`;
    return `${tokensOf({ regime }) === null ? regime : `${regime}-token`} prefix: median TTFT ${said} in flight against the server without caching${same}${bound}.`;
  });
  lines.push(...boundLines(main), ...growthLines(reliedOn(main)));
  for (const cell of main) {
    if (cell.reason !== null) lines.push(`${placeOf(cell)}: no improvement, since ${cell.reason.text}.`);
  }
  return lines;
}

/** What a hit takes one after another, and whether the saving stays below the share of tokens that it spares. */
function boundLines(main: Comparisons): string[] {
  const alone = main.filter((cell) => cell.concurrency === 1 && isReal(cell));
  const [first] = alone;
  if (first === undefined || first.on.ttftS === null) return [];
  const compared = alone.flatMap((cell) => {
    const { saving, predictedSaving: bound } = cell;
    return saving === null || bound === null ? [] : [{ cell, saving, bound }];
  });
  const pairs = (some: typeof compared) =>
    some.map(
      ({ cell, saving, bound }) => `${percent(saving)} against ${percent(bound)} at ${lengthOf(cell)}`,
    );
  const above = compared.filter(({ saving, bound }) => saving >= bound);
  const below =
    compared.length === 0
      ? ""
      : above.length === 0
        ? ` So the saving stays below P/(P+S): ${pairs(compared).join(", ")}.`
        : ` The saving is not below P/(P+S) everywhere (${pairs(above).join(", ")}): more than the spared tokens explain, so it is chance, or the misses are slow for another reason.`;
  return [
    `The median hit still takes ${milliseconds(first.on.ttftS.p50)} one after another (${lengthOf(first)}): what is left of TTFT is the ` +
      `front end, the suffix and one step of the model, which no cache saves.${below}`,
  ];
}

function growthLines(relied: Comparisons): string[] {
  const best = byRegime(relied).flatMap(([regime, cells]) => {
    const savings = cells.flatMap(({ saving }) => (saving === null ? [] : [saving]));
    const tokens = tokensOf({ regime });
    return savings.length === 0 || tokens === null ? [] : [{ tokens, saving: Math.max(...savings) }];
  });
  const sorted = best.toSorted((a, b) => a.tokens - b.tokens);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined || least === most) return [];
  return [
    most.saving > least.saving + NOTABLE
      ? `The saving grows with the prefix, as expected: at best ${percent(least.saving)} at ${least.tokens} tokens, ${percent(most.saving)} at ${most.tokens}.`
      : `The saving does not grow with the prefix (at best ${percent(least.saving)} at ${least.tokens} tokens, ${percent(most.saving)} at ${most.tokens}): something other than its prefill decides.`,
  ];
}

function capacityLines(main: Comparisons): string[] {
  return main
    .filter(({ concurrency, win }) => concurrency > 1 && win !== "none")
    .map((cell) => `${placeOf(cell)}${quietMark(cell)}: ${capacityText(cell)}.`);
}

function capacityText(cell: PrefixComparison): string {
  const rates = `req/s ${signed(cell.requestsPerS)}, tok/s ${signed(cell.tokensPerS)}, p95 E2E ${signed(cell.e2eP95)}`;
  const tail = `${rates}, p95 TTFT ${signed(cell.ttftP95)}`;
  switch (cell.win) {
    case "capacity":
      return `a capacity win (${rates})`;
    case "capacity_ux_loss":
      return `a capacity win, a UX loss: more work is done, and the slowest users wait longer (${tail})`;
    case "latency_p95_loss":
      return `the median first token comes sooner, a UX loss in the tail (${tail})`;
    case "latency_throughput_loss":
      return `the median first token comes sooner, a throughput loss: less work is done than without caching${hasSlowerTail(cell) ? ", and the slowest users wait longer" : ""} (${tail})`;
    default:
      return (cell.e2eP95 ?? 0) <= -NOTABLE
        ? `latency only, with headroom under an end-to-end SLO (${rates})`
        : `latency only; the same work is done in the same time (${rates})`;
  }
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
  const without = best?.missTtftS ?? best?.off.ttftS;
  const [miss, hit] = [without?.mean, best?.on.ttftS?.mean];
  if (best === undefined || miss === undefined || hit === undefined) return lines;
  const expected = (h: number) => h * hit + (1 - h) * miss;
  const share = MIXED.eligible * MIXED.hits;
  const source =
    best.missTtftS === null
      ? "a miss being a request to the server without caching"
      : "hits and misses of the server with caching";
  lines.push(
    `E[TTFT] = h · ${milliseconds(hit)} + (1 − h) · ${milliseconds(miss)} at ${loadOf(best)}${quietMark(best)}, ${source}: ` +
      [0.25, 0.5, 0.75, 1].map((h) => `${milliseconds(expected(h))} for h = ${h}`).join(", ") +
      ".",
    `Of traffic of which f = ${percent(MIXED.eligible)} has the prefix, found h = ${percent(MIXED.hits)} of the time, f · h = ${percent(share)} benefits: ` +
      `mean TTFT ${milliseconds(expected(share))}, ${signed(expected(share) / miss - 1)}, where the rest of the traffic is assumed to have prompts of the same length.`,
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
