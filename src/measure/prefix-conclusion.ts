import type { PrefixComparison } from "../domain/prefix-study.ts";
import type { StudyFacts } from "./prefix-study.ts";
import { bestCell, hasSlowerTail, NOTABLE, PAYS, pays, reliedOn } from "./prefix-win.ts";
import { loadOf, percent, placeOf, placesOf, quietMark, signed, tokensOf } from "./prefix-words.ts";

type Comparisons = readonly PrefixComparison[];

/**
 * The closing rule: where it pays and by how much, how to see that it works, what it costs, one caveat, and a sentence
 * for a manager. Every number is of a cell that is named, of those that were measured while the machine was quiet.
 *
 * @param main - the main workload's cells
 * @param others - those of the other workloads
 */
export function conclusionOf(main: Comparisons, others: Comparisons, facts: StudyFacts): string[] {
  const relied = reliedOn(main);
  const paying = relied.filter(pays).toSorted(byLength);
  const [first] = paying;
  const best = bestCell(main);
  const limits = [...unquietLines(main), ...lossLines(main), ...caveatOf(others, facts, main)];
  if (first === undefined || best === undefined) return [noGain(relied), ...limits, noGainForManager(relied)];
  const at = (cell: PrefixComparison) => `${signed(-(cell.saving ?? 0))} at ${loadOf(cell)}`;
  const ttft = first === best ? `${at(best)}, with` : `${at(first)}, ${at(best)}, the latter with`;
  const most = mostWork(paying);
  const upTo =
    most === undefined || most === best || (most.tokensPerS ?? 0) <= (best.tokensPerS ?? 0)
      ? ""
      : `, and up to ${percent(most.tokensPerS ?? 0)} more at ${loadOf(most)}`;
  const rates = paying.flatMap(({ on }) => (on.hitRate === null ? [] : [on.hitRate]));
  const savings = paying.map(({ saving }) => saving ?? 0);
  return [
    `Enable it for endpoints ${whereOf(paying, main)}: TTFT ${ttft} ${workOf(best)}${upTo}${answersOf(best)}.${onceOf(relied)}`,
    `It is working when the TTFT of such traffic falls by ${rangeOf(savings)}` +
      (rates.length === 0 ? "." : ` and the server's hit rate stays above ${percent(Math.min(...rates))}.`),
    ...limits,
    managerLine(best),
  ];
}

function byLength(a: PrefixComparison, b: PrefixComparison): number {
  return (tokensOf(a) ?? 0) - (tokensOf(b) ?? 0) || a.concurrency - b.concurrency;
}

/**
 * `that share 512 tokens or more, from 8 in flight on` where every cell that was measured from there on pays, quiet or
 * not; else the cells that do.
 */
function whereOf(paying: Comparisons, main: Comparisons): string {
  const tokens = Math.min(...paying.map((cell) => tokensOf(cell) ?? Number.NaN));
  const crowd = Math.min(...paying.map(({ concurrency }) => concurrency));
  // A name says nothing of a length: no comparison with it holds.
  const beyond = main.filter((cell) => (tokensOf(cell) ?? Number.NaN) >= tokens && cell.concurrency >= crowd);
  const corner = beyond.some((cell) => tokensOf(cell) === tokens && cell.concurrency === crowd);
  if (corner && beyond.length > 1 && beyond.every(pays)) {
    return `that share ${tokens} tokens or more, from ${crowd} in flight on`;
  }
  const rest = main.filter((cell) => !pays(cell)).toSorted(byLength);
  const not = rest.length === 0 ? "" : `, not like those in which it did not (${placesOf(rest)})`;
  return `like the cells in which it paid (${placesOf(paying)} in flight)${not}`;
}

/** What a cell's work changed by, several in flight or one after another. */
function workOf({ tokensPerS }: PrefixComparison): string {
  if (tokensPerS === null) return "a throughput that is not known";
  if (Math.abs(tokensPerS) < NOTABLE) return "no more throughput";
  return `${percent(Math.abs(tokensPerS))} ${tokensPerS > 0 ? "more" : "fewer"} tokens per second`;
}

/** The more of a request is its answer, the less of it a prefix saves. */
function answersOf({ on }: PrefixComparison): string {
  return on.outputTokens === null ? "" : `, for answers of ${on.outputTokens.toFixed(0)} tokens`;
}

/** The cell with the most more tokens per second; one after another these only say again how long a request takes. */
function mostWork(paying: Comparisons): PrefixComparison | undefined {
  return paying
    .filter(({ concurrency, tokensPerS }) => concurrency > 1 && (tokensPerS ?? 0) >= NOTABLE)
    .toSorted((a, b) => (b.tokensPerS ?? 0) - (a.tokensPerS ?? 0))[0];
}

function onceOf(relied: Comparisons): string {
  const once = relied.every(({ off, on }) => off.rounds === 1 && on.rounds === 1);
  return once ? " All of it was measured once: one round on one server of each kind." : "";
}

function rangeOf(shares: readonly number[]): string {
  const [least, most] = [percent(Math.min(...shares)), percent(Math.max(...shares))];
  return least === most ? least : `${least} to ${most}`;
}

function managerLine(best: PrefixComparison): string {
  const saving = best.saving ?? 0;
  const tokens = tokensOf(best);
  const prompt = tokens === null ? "a shared beginning of prompts" : `a shared prompt of ${tokens} tokens`;
  const sooner =
    saving >= 0.5 && saving < 1
      ? `${(1 / (1 - saving)).toFixed(1)} times as fast`
      : `${percent(saving)} sooner`;
  const users = best.concurrency === 1 ? "for one user at a time" : `with ${best.concurrency} users at once`;
  return (
    `For a manager: the server reads ${prompt} once instead of every time, so that the first word ` +
    `comes ${sooner} ${users}; there it brings ${workOf(best)}${answersOf(best)}.`
  );
}

/** The cells that the numbers leave out, or that there are no others. */
function unquietLines(main: Comparisons): string[] {
  const unquiet = main.filter(({ quiet }) => !quiet);
  if (unquiet.length === 0) return [];
  return [
    unquiet.length === main.length
      ? "No cell was measured while the machine was quiet: these numbers are of cells that were not. Measure again on a machine that is."
      : `Left out, since the machine was not quiet meanwhile: ${placesOf(unquiet)}.`,
  ];
}

/** Where less work was done, or a 95th percentile rose, though the median fell. */
function lossLines(main: Comparisons): string[] {
  const real = main.filter(({ win }) => win !== "none");
  const where = (cells: Comparisons) => cells.map((cell) => `${placeOf(cell)}${quietMark(cell)}`).join(", ");
  const slower = real.filter(hasSlowerTail);
  const fewer = real
    .filter(({ win }) => win === "latency_throughput_loss")
    .map((cell) => `${placeOf(cell)}${quietMark(cell)}, ${signed(cell.tokensPerS)}`);
  return [
    ...(fewer.length === 0
      ? []
      : [
          `A throughput loss comes with it: fewer tokens per second than without caching at ${fewer.join("; ")}. Those cells do not count as paying.`,
        ]),
    ...(slower.length === 0
      ? []
      : [
          `A UX loss comes with it at ${where(slower)}: a 95th percentile rose. Hold it against your SLO first.`,
        ]),
  ];
}

function noGain(relied: Comparisons): string {
  const lost = relied.filter(({ win }) => win === "latency_throughput_loss");
  if (lost.length > 0) {
    return `Do not count on prefix caching here: the first token came sooner only where fewer tokens per second were made (${placesOf(lost)}).`;
  }
  const [why] = relied.flatMap(({ reason }) => (reason === null ? [] : [reason.text]));
  return `Do not count on prefix caching here: no measured prefix brought the first token ${percent(PAYS)} sooner${why === undefined ? "" : ` (${why})`}.`;
}

function noGainForManager(relied: Comparisons): string {
  return relied.some(({ win }) => win === "latency_throughput_loss")
    ? "For a manager: on this model and GPU, reusing shared prompts brought the first word sooner at the cost of work done."
    : "For a manager: on this model and GPU, reusing shared prompts changed nothing that a user would notice.";
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
