import type { PrefixComparison } from "../domain/prefix-study.ts";

/** Smaller changes are chance, even within one server. */
export const NOTABLE = 0.05;
/** A first token that comes at least this much sooner is worth a flag. */
export const PAYS = 0.1;

type Changes = Pick<PrefixComparison, "tokensPerS" | "e2eP95" | "ttftP95">;
type Comparisons = readonly PrefixComparison[];

/** What a hit that is found is worth: more work done or less, and whether users in the tail pay for it. */
export function winOf(concurrency: number, changes: Changes): PrefixComparison["win"] {
  // One after another, tokens per second only say again how long a request takes.
  const work = concurrency > 1 ? (changes.tokensPerS ?? 0) : 0;
  if (work <= -NOTABLE) return "latency_throughput_loss";
  const slower = hasSlowerTail(changes);
  if (work >= NOTABLE) return slower ? "capacity_ux_loss" : "capacity";
  return slower ? "latency_p95_loss" : "latency";
}

/** Whether a 95th percentile, of the first token or end to end, rose. */
export function hasSlowerTail({ e2eP95, ttftP95 }: Omit<Changes, "tokensPerS">): boolean {
  return Math.max(e2eP95 ?? 0, ttftP95 ?? 0) >= NOTABLE;
}

/** Whether what a cell saved came from the cache: else it is chance, or the difference of two servers. */
export function isReal({ reason }: PrefixComparison): boolean {
  return reason === null;
}

/** Whether a cell is worth the flag: the first token comes clearly sooner, and no work is lost for it. */
export function pays(cell: PrefixComparison): boolean {
  return isReal(cell) && cell.win !== "latency_throughput_loss" && (cell.saving ?? 0) >= PAYS;
}

/** The cells that were measured while the machine was quiet; all of them where it never was. */
export function reliedOn(main: Comparisons): Comparisons {
  const quiet = main.filter((cell) => cell.quiet);
  return quiet.length === 0 ? main : quiet;
}

/** The cell whose numbers stand for the study: the one that saves most, of those that pay where any does. */
export function bestCell(main: Comparisons): PrefixComparison | undefined {
  const relied = reliedOn(main);
  const paying = relied.filter(pays);
  const eligible = paying.length === 0 ? relied.filter(isReal) : paying;
  return eligible.toSorted((a, b) => (b.saving ?? 0) - (a.saving ?? 0))[0];
}
