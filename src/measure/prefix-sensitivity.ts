import type { PrefixComparison } from "../domain/prefix-study.ts";
import { isReal, NOTABLE } from "./prefix-win.ts";
import { lengthOf, quietMark, signed } from "./prefix-words.ts";

/** A saving in milliseconds that grows or falls by less with load stays what it is. */
const SAME_MS = 1.2;

/** What a hit's median TTFT is sooner by. */
interface Saved {
  readonly ms: number;
  /** Of what a miss takes. */
  readonly share: number;
  readonly at: string;
}

/**
 * What more requests in flight make of the saving, from the fewest to the most of one length: hits against misses of the
 * same server, in which the difference of two servers is not; against the server without caching where there are no
 * misses. None where a cell saved nothing, or where there is one cell.
 */
export function sensitivityLine(cells: readonly PrefixComparison[]): string[] {
  if (!cells.every(isReal) || cells.length < 2) return [];
  const sorted = cells.toSorted((a, b) => a.concurrency - b.concurrency);
  const within = cells.every(({ missTtftS }) => missTtftS !== null);
  const [first] = sorted;
  const [few, many] = [savedBy(first, within), savedBy(sorted.at(-1), within)];
  if (first === undefined || few === null || many === null) return [];
  const said = ({ ms, share, at }: Saved) => `${ms.toFixed(1)} ms sooner (${signed(-share)}) at ${at}`;
  const against = within ? "misses of the same server" : "the server without caching";
  return [
    `${lengthOf(first)}: ${said(few)}, ${said(many)} in flight against ${against}: ${verdictOf(few, many)}.`,
  ];
}

function savedBy(cell: PrefixComparison | undefined, within: boolean): Saved | null {
  const [without, hit] = [within ? cell?.missTtftS : cell?.off.ttftS, cell?.on.ttftS];
  if (cell === undefined || without == null || hit == null || !(without.p50 > 0)) return null;
  const savedS = without.p50 - hit.p50;
  return {
    ms: savedS * 1000,
    share: savedS / without.p50,
    at: `${cell.concurrency}${quietMark(cell)}`,
  };
}

/** Waiting multiplies milliseconds alone: load magnifies a saving only if it grows as a share of the wait too. */
function verdictOf(few: Saved, many: Saved): string {
  const ms = many.ms > few.ms * SAME_MS ? "grows" : many.ms < few.ms / SAME_MS ? "falls" : "stays the same";
  const points = many.share - few.share;
  const share = points >= NOTABLE ? "grows" : points <= -NOTABLE ? "falls" : "stays the same";
  if (ms !== share) return `with load it ${ms} in milliseconds, and its share of the wait ${share}`;
  if (ms === "grows") return "load magnifies it";
  return ms === "falls" ? "load hides it" : "load changes little about it";
}
