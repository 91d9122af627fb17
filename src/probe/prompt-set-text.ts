import { createHash } from "node:crypto";

/** Counts the tokens of a text by the server's own tokenizer. */
export type CountTokens = (text: string) => Promise<number>;

/** The kinds of text that shared beginnings are made of. */
export const TEXT_KINDS = ["policy", "tenant", "conversation", "tools", "rubric", "document"] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

const NOUNS =
  "account order invoice ticket policy customer refund agent delivery contract region device warranty session report limit vendor payment approval record".split(
    " ",
  );
const VERBS = "check confirm record refuse escalate summarise translate verify cancel extend".split(" ");
const WAYS = ["briefly", "in writing", "before anything else", "within a day", "without exception"];

/** Deterministic choices: the same seed gives the same text on every machine. */
function chooser(seed: string): (from: readonly string[]) => string {
  let digest = createHash("sha256").update(seed).digest();
  let at = 0;
  return (from) => {
    if (at + 2 > digest.length) {
      digest = createHash("sha256").update(digest).digest();
      at = 0;
    }
    const index = digest.readUInt16BE(at) % from.length;
    at += 2;
    return from[index] as string;
  };
}

const OPENINGS: Readonly<Record<TextKind, string>> = {
  policy: "System: You are the assistant of a service desk. Follow every rule below.",
  tenant: "System: Workspace profile. Use this tenant's glossary, tone and permitted tools only.",
  conversation: "System: A conversation so far follows; answer its last message.",
  tools: "System: Call exactly one of these functions and answer with JSON alone.",
  rubric: "System: Grade the candidate's answer with this rubric. Reply with one number from 1 to 5.",
  document: "Document:",
};

/** One unit of a text: a rule, a definition, a turn, a function, a criterion, a sentence. */
function unit(kind: TextKind, index: number, choose: (from: readonly string[]) => string): string {
  const [a, b, c] = [choose(NOUNS), choose(NOUNS), choose(NOUNS)];
  const [verb, other, way] = [choose(VERBS), choose(VERBS), choose(WAYS)];
  switch (kind) {
    case "policy":
      return ` Rule ${index + 1}: ${verb} the ${a} ${way}, then ${other} the ${b} of the ${c}.`;
    case "tenant":
      return ` The ${a} is called ${b}-${index + 1} here; ${verb} its ${c} ${way}.`;
    case "conversation":
      return `\nUser: please ${verb} the ${a}.\nAssistant: I will ${verb} the ${a} and ${other} the ${b}.`;
    case "tools":
      return `\n{"name":"${verb}_${a}_${index + 1}","parameters":{"type":"object","properties":{"${b}":{"type":"string"},"${c}":{"type":"integer"}},"required":["${b}"]}}`;
    case "rubric":
      return ` Criterion ${index + 1}: one point if the answer says how to ${verb} the ${a} and why to ${other} the ${b}.`;
    case "document":
      return ` The ${a} must ${verb} the ${b} ${way}; others ${other} the ${c}.`;
  }
}

/**
 * A text of at least so many words. Its first words depend on the seed, so that texts of two seeds share no block of
 * a prefix cache.
 */
export function textOf(kind: TextKind, seed: string, words: number): string {
  const choose = chooser(`${kind}/${seed}`);
  const mark = createHash("sha256").update(`${kind}/${seed}`).digest("hex").slice(0, 10);
  let text = `[${mark}] ${OPENINGS[kind]}`;
  let count = 0;
  for (let index = 0; count < words; index += 1) {
    const next = unit(kind, index, choose);
    text += next;
    count += next.split(/\s+/).length;
  }
  return text;
}

/** A question for the end of a prompt; others are of another id. */
export function questionOf(seed: string, words = 12): string {
  const choose = chooser(`question/${seed}`);
  const parts: string[] = [];
  while (parts.length < words) parts.push(choose(VERBS), "the", choose(NOUNS));
  return `\nQ: How do I ${parts.slice(0, words).join(" ")}?\nA:`;
}

export interface FittedText {
  readonly text: string;
  readonly tokens: number;
}

/** Texts that are tried before the nearest is taken. */
const MOST_TRIES = 40;
/** A word that is one token to nearly every tokenizer. */
const FILLER = " a";

/**
 * The beginning of a text that is exactly so many tokens long; where the tokenizer has none of that length, the
 * nearest one found. It is cut between words and filled up with short ones.
 *
 * @param text - at least as long as the target
 * @throws RangeError when the text is too short
 */
export async function fitText(text: string, target: number, count: CountTokens): Promise<FittedText> {
  const ends = [...text.matchAll(/\S+/g)].map((match) => match.index + match[0].length);
  let best: FittedText | null = null;
  let tries = 0;
  const measure = async (candidate: string): Promise<number> => {
    tries += 1;
    const tokens = await count(candidate);
    if (best === null || Math.abs(tokens - target) < Math.abs(best.tokens - target)) {
      best = { text: candidate, tokens };
    }
    return tokens;
  };
  const cut = (words: number) => text.slice(0, ends[words - 1] ?? 0);
  let low = 0;
  let high = ends.length + 1;
  let words = Math.min(ends.length, Math.max(1, Math.round(target / 1.5)));
  // Words are of about the same length: from two counts on, the next guess is within a few words.
  while (high - low > 1 && tries < MOST_TRIES) {
    const tokens = await measure(cut(words));
    if (tokens === target) return { text: cut(words), tokens };
    if (tokens < target) low = words;
    else high = words;
    const guess = Math.round((words * target) / Math.max(1, tokens));
    words = Math.min(high - 1, Math.max(low + 1, guess));
  }
  if (low === ends.length) {
    throw new RangeError(`a text of ${ends.length} words has less than the ${target} tokens that are wanted`);
  }
  const short = cut(low);
  let fillers = target - (await measure(short));
  const tried = new Set<number>();
  while (fillers > 0 && !tried.has(fillers) && tries < MOST_TRIES) {
    tried.add(fillers);
    fillers += target - (await measure(short + FILLER.repeat(fillers)));
  }
  return best as unknown as FittedText;
}
