import type { PrefixComparison } from "../domain/prefix-study.ts";
import { NOT_QUIET } from "./prefix-quiet.ts";

/** `42 %` */
export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** `−42 %`; what rounds to nothing is `unchanged`. */
export function signed(share: number | null): string {
  if (share === null) return "not measured";
  const points = (share * 100).toFixed(0);
  if (Number(points) === 0) return "unchanged";
  return `${share > 0 ? "+" : "−"}${points.replace("-", "")} %`;
}

/** `126.5 ms` */
export function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}

/** Tokens of a regime that is a length; null for a name of the user's. */
export function tokensOf({ regime }: Pick<PrefixComparison, "regime">): number | null {
  return /^\d+$/.test(regime) ? Number(regime) : null;
}

/** `512 tokens`, or the name that the user gave. */
export function lengthOf(cell: Pick<PrefixComparison, "regime">): string {
  return tokensOf(cell) === null ? cell.regime : `${cell.regime} tokens`;
}

/** `512 tokens at 8` */
export function placeOf(cell: Pick<PrefixComparison, "regime" | "concurrency">): string {
  return `${lengthOf(cell)} at ${cell.concurrency}`;
}

/** `512 tokens and 8 in flight` */
export function loadOf(cell: Pick<PrefixComparison, "regime" | "concurrency">): string {
  return `${lengthOf(cell)} and ${cell.concurrency} in flight`;
}

/** `512 tokens at 1, 8; 1024 tokens at 1` */
export function placesOf(cells: readonly PrefixComparison[]): string {
  return [...Map.groupBy(cells, lengthOf)]
    .map(([length, same]) => `${length} at ${same.map(({ concurrency }) => concurrency).join(", ")}`)
    .join("; ");
}

/** ` (not quiet)` behind what a cell says; nothing where it was. */
export function quietMark({ quiet }: PrefixComparison): string {
  return quiet ? "" : ` (${NOT_QUIET})`;
}
