import type { SessionRecord } from "../domain/run.ts";

/** The word for it in a cell's notes. */
export const NOT_QUIET = "not quiet";

/**
 * Whether the machine and the client were quiet while a case of a round was measured. A reason that names cases of the
 * round, as those of the client do, is theirs alone; any other one is the whole round's.
 *
 * @param name - the case, e.g. `hit.512.c8`
 * @param cases - the cases of that round by `probe.case`
 */
export function wasQuiet(
  record: Pick<SessionRecord, "rounds">,
  round: number,
  name: string,
  cases: ReadonlyMap<string, unknown>,
): boolean {
  const dirty = record.rounds?.find((each) => each.round === round)?.dirty ?? [];
  return dirty.every((reason) => {
    const named = wordsOf(reason).filter((word) => cases.has(word));
    return named.length > 0 && !named.includes(`prefix.${name}`);
  });
}

/** The words of a sentence, without the marks that end them. */
function wordsOf(sentence: string): string[] {
  return sentence.split(/\s+/).map((word) => word.replace(/[.,;:)]+$/, ""));
}
