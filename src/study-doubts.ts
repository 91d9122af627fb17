import type { MeasurementsFile } from "./domain/measurements.ts";
import type { RunRecord } from "./domain/run.ts";
import { plain } from "./report/markdown.ts";

const NOT_QUIET = "The machine was not quiet in";

/** Why what was measured must not be trusted: what is no result ends as invalid. A busy machine is a doubt. */
export function untrustedIn(run: RunRecord, measurements: MeasurementsFile): string[] {
  const ofMachine = new Set(
    run.sessions.flatMap(({ rounds = [], dirtyStart = [] }) => [
      ...dirtyStart,
      ...rounds.map(({ dirty }) => dirty.join("; ")),
    ]),
  );
  return [...new Set(measurements.taints.map(({ reason }) => reason))].filter(
    (reason) => !ofMachine.has(reason),
  );
}

/**
 * What the machine did meanwhile, as sentences: of rounds, and of server starts. Each reason stands there once, with its
 * worst figure over all of them. Rounds that a clean one replaced are not counted.
 */
export function machineDoubts({ sessions }: RunRecord): string[] {
  const ok = sessions.filter((session) => session.outcome === "ok");
  const rounds = ok.flatMap((session) => session.rounds ?? []);
  return [
    ...sentenceOf(
      rounds.filter((round) => round.use !== "replaced").map((round) => round.dirty),
      rounds.length,
      "rounds",
    ),
    ...sentenceOf(
      ok.map((session) => session.dirtyStart ?? []),
      ok.length,
      "server starts",
    ),
  ];
}

function sentenceOf(reasons: readonly (readonly string[])[], of: number, what: string): string[] {
  const dirty = reasons.filter((each) => each.length > 0);
  if (dirty.length === 0) return [];
  const worst = dirty.length > 1 ? ", at worst" : "";
  return [`${NOT_QUIET} ${dirty.length} of ${of} ${what}${worst}: ${worstOfEach(dirty.flat()).join("; ")}`];
}

/** A figure of a reason, not a digit of a name: `41.2` in `for 41.2 % of batching.c8`, not a process's number. */
const FIGURE = /(?<=^|[\s(])(?<!PID )\d+(?:\.\d+)?(?=[\s,;)]|$)/g;

/** Reasons that differ in their figures alone are one: that of the largest first figure stays, at its first place. */
function worstOfEach(reasons: readonly string[]): string[] {
  const figureOf = (reason: string) => Number(reason.match(FIGURE)?.[0] ?? 0);
  const worst = new Map<string, string>();
  for (const reason of reasons) {
    const key = reason.replace(FIGURE, "#");
    const known = worst.get(key);
    if (known === undefined || figureOf(reason) > figureOf(known)) worst.set(key, reason);
  }
  return [...worst.values()];
}

/** A page that begins with what speaks against relying on it, where it does not say so itself. */
export function withDoubts(page: string, doubts: readonly string[]): string {
  const unsaid = doubts.map(plain).filter((doubt) => !isSaid(doubt, page));
  if (unsaid.length === 0) return page;
  return `Before you rely on it:\n\n${unsaid.map((doubt) => `- ${doubt}`).join("\n")}\n\n${page}`;
}

/** Whether a page says it, or, of a machine that was not quiet, says it in its own numbers. */
export function isSaid(doubt: string, page: string): boolean {
  return page.includes(doubt) || (doubt.startsWith(NOT_QUIET) && page.includes(NOT_QUIET));
}
