/** A part of a comment. */
export interface Part {
  /** What it is, for the order in which parts are left out; parts without a place in it stay. */
  readonly name: string;
  readonly text: string;
}

/** GitHub takes no more characters in a comment. */
export const MAX_COMMENT_LENGTH = 65_536;
/** GitHub takes no more bytes in a check's summary or text. */
export const MAX_CHECK_BYTES = 65_535;

/** What is left out first: detail that decides nothing, then what can be had from the run's files. */
export const DROP_ORDER: readonly (readonly [name: string, words: string])[] = [
  ["firstToken", "first-token latency in words"],
  ["watched", "watched metrics"],
  ["measured", "measured values"],
  ["passed", "gated metrics that did not get worse"],
  ["environment", "environment and command"],
  ["log", "the end of the server's log"],
  ["effort", "what the run took and could have seen"],
  ["run", "details of runs"],
  ["howTo", "how to accept these numbers"],
  ["chart", "the chart"],
  ["ownCopies", "what the change's own rules would say of each metric"],
  ["history", "earlier nights"],
  ["attribution", "known causes"],
  ["moreChanged", "further changed metrics"],
  ["since", "what changed since the last push"],
];

/** What is never left out whole: the verdict, why it is that, and what to do. Past the limit it is cut. */
export const KEPT = [
  "acceptance",
  "behind",
  "bothCopies",
  "cause",
  "changed",
  "flags",
  "heading",
  "headline",
  "hint",
  "limits",
  "machine",
  "overview",
  "reasons",
  "reportOnly",
  "verdict",
  "warnings",
] as const;

/**
 * Joins parts to a text of at most so many characters: parts go whole, in {@link DROP_ORDER} and the last of a kind
 * first; what is then still too long is cut between two lines. What was left out is said, and where it is.
 *
 * @param whereElse - where all of it can be read
 */
export function fitLength(parts: readonly Part[], limit: number, whereElse: string): string {
  const join = (kept: readonly Part[]) => kept.map((part) => part.text).join("\n\n");
  const whole = join(parts);
  if (whole.length <= limit) return whole;
  const kept = [...parts];
  const dropped: string[] = [];
  const note = () =>
    `_Left out, since a comment has a limit: ${dropped.join(", ")}. All of it is in ${whereElse}._`;
  const text = () => `${join(kept)}\n\n${note()}`;
  for (const [name, words] of DROP_ORDER) {
    for (let index = kept.length - 1; index >= 0; index -= 1) {
      if (kept[index]?.name !== name) continue;
      kept.splice(index, 1);
      if (!dropped.includes(words)) dropped.push(words);
      if (text().length <= limit) return text();
    }
  }
  dropped.push("the rest");
  const room = limit - note().length - 2;
  const cut = join(kept).slice(0, Math.max(0, room));
  return `${cut.slice(0, Math.max(0, cut.lastIndexOf("\n")))}\n\n${note()}`;
}

/** Text of at most so many bytes, cut between two lines. */
export function fitBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const note = "\n\n_Cut: the rest is in the run's files._";
  let cut = Buffer.from(text)
    .subarray(0, bytes - note.length)
    .toString("utf8");
  cut = cut.slice(0, Math.max(0, cut.lastIndexOf("\n")));
  return `${cut}${note}`;
}
