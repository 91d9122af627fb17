import { createHash } from "node:crypto";
import { NotMeasuredError } from "../domain/errors.ts";
import type { CountedGroup, PrefixPrompt, PromptGroup } from "../domain/prefix-prompts.ts";
import { fitText, questionOf, type TextKind, textOf } from "./prompt-set-text.ts";
import type { ServerTools } from "./suite.ts";

/** A pattern of traffic, or an anti-pattern: which prompts have which beginning, and what is cached beforehand. */
export interface Workload {
  /** What it stands for, in a few words. */
  readonly title: string;
  readonly text: TextKind;
  /** Words of the question behind the prefix. */
  readonly suffixWords: number;
  /** Which prefixes a case's warm-up puts into the cache. */
  readonly primed: "all" | "first" | "none";
  /** The prefix of each prompt, counted from 0, in the order in which they are sent. */
  prefixes(given: WorkloadSize): readonly number[];
  /** The length of its prefix where it is not the regime's. */
  readonly regime?: number;
  /** Prompts with the same prefix are turns of one conversation: each continues the one before. */
  readonly turns?: boolean;
}

export interface WorkloadSize {
  readonly regime: number;
  /** Prompts of a regime. */
  readonly variants: number;
  /** Most requests in flight of any cell. */
  readonly maxConcurrency: number;
  /** What the server's KV cache holds; null when it does not say. */
  readonly capacityTokens: number | null;
}

/** Prompts that follow one version of a prefix before it is edited. */
const EDIT_EVERY = 4;
/** Of ten requests of four tenants, seven are the hot one's. */
const TENANT_OF = [0, 0, 1, 0, 0, 2, 0, 0, 3, 0] as const;
/** Distinct prefixes for a cache that is to overflow, at most: sending them must not take the whole afternoon. */
const MOST_PREFIXES = 256;
/** How much more than the cache holds is asked of it. */
const OVERFLOW = 1.5;

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Workloads by the names that `--workloads` takes: the seed's patterns, then its anti-patterns. */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  policy: {
    title: "one policy preamble before every request",
    text: "policy",
    suffixWords: 12,
    primed: "all",
    prefixes: ({ variants }) => range(variants).map(() => 0),
  },
  tenant: {
    title: "four tenants with a preamble each, one of them hot",
    text: "tenant",
    suffixWords: 12,
    primed: "all",
    prefixes: ({ variants }) => range(variants).map((index) => TENANT_OF[index % TENANT_OF.length] as number),
  },
  session: {
    title: "conversations that grow turn by turn on a trunk of their own",
    text: "conversation",
    suffixWords: 24,
    primed: "all",
    turns: true,
    prefixes: ({ variants, maxConcurrency }) => {
      const turns = Math.max(2, Math.ceil(variants / maxConcurrency));
      return range(turns).flatMap(() => range(maxConcurrency));
    },
  },
  tools: {
    title: "a schema of tools before every request",
    text: "tools",
    suffixWords: 10,
    primed: "all",
    prefixes: ({ variants }) => range(variants).map(() => 0),
  },
  grader: {
    title: "one rubric before every answer that is graded",
    text: "rubric",
    suffixWords: 150,
    primed: "all",
    prefixes: ({ variants }) => range(variants).map(() => 0),
  },
  short: {
    title: "a prefix of 256 tokens before a long request of its own",
    text: "policy",
    suffixWords: 400,
    primed: "all",
    regime: 256,
    prefixes: ({ variants }) => range(variants).map(() => 0),
  },
  churn: {
    title: `a preamble that is edited every ${EDIT_EVERY} requests`,
    text: "policy",
    suffixWords: 12,
    primed: "first",
    prefixes: ({ variants }) => range(variants).map((index) => Math.floor(index / EDIT_EVERY)),
  },
  unique: {
    title: "a long document of its own before every question",
    text: "document",
    suffixWords: 12,
    primed: "none",
    prefixes: ({ variants }) => range(variants),
  },
  thrash: {
    title: "more distinct prefixes than the cache holds, in turn",
    text: "tenant",
    suffixWords: 12,
    primed: "all",
    prefixes: ({ regime, capacityTokens }) => range(prefixesToOverflow(regime, capacityTokens).sent),
  },
};

/** How many prefixes of a length overflow a cache, and how many are sent. */
export function prefixesToOverflow(regime: number, capacityTokens: number | null) {
  const needed = capacityTokens === null ? null : Math.ceil((OVERFLOW * capacityTokens) / regime);
  return { needed, sent: Math.min(MOST_PREFIXES, needed ?? MOST_PREFIXES) };
}

/** SHA-256 of a text in UTF-8. */
export function textSha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** The token ids of a text by the server. */
async function idsOf(tools: Pick<ServerTools, "tokenize">, text: string): Promise<readonly number[]> {
  const ids = await tools.tokenize(text);
  if (ids === null) {
    throw new NotMeasuredError(
      "the server's /tokenize gave no token ids: the prefix study counts every prompt with it; expected vLLM's own, " +
        "which no flag needs to turn on",
    );
  }
  return ids;
}

/**
 * Prompts of a workload whose prefixes are as many tokens long as the regime says, by the server's own tokenizer.
 *
 * @param seed - other seeds give other texts
 * @throws NotMeasuredError when the server has no `/tokenize`
 */
export async function generateGroup(
  name: string,
  workload: Workload,
  size: WorkloadSize,
  seed: string,
  tools: Pick<ServerTools, "tokenize">,
): Promise<PromptGroup> {
  const count = async (text: string) => (await idsOf(tools, text)).length;
  const fitted = new Map<number, string>();
  const said = new Map<number, string>();
  const prompts: PrefixPrompt[] = [];
  for (const [index, place] of workload.prefixes(size).entries()) {
    const id = `${seed}/${name}.${size.regime}/${place}`;
    const prefix =
      fitted.get(place) ?? (await fitText(textOf(workload.text, id, size.regime), size.regime, count)).text;
    fitted.set(place, prefix);
    const earlier = workload.turns === true ? (said.get(place) ?? "") : "";
    const suffix = `${earlier}${questionOf(`${id}/${index}`, workload.suffixWords)}`;
    said.set(place, `${suffix} Yes, that is done.`);
    prompts.push({
      prefix,
      suffix,
      prefixSha256: textSha256(prefix),
      thread: workload.turns === true ? String(place) : null,
    });
  }
  return { workload: name, regime: String(size.regime), prompts };
}

/**
 * A group with the numbers of tokens that the server's tokenizer says, and how many of them all prompts with one prefix
 * really begin with: at its end the tokenizer may join it to what follows.
 *
 * @throws NotMeasuredError when the server has no `/tokenize`
 */
export async function countGroup(
  group: PromptGroup,
  tools: Pick<ServerTools, "tokenize">,
): Promise<CountedGroup> {
  const prefixes = new Map<string, { ids: readonly number[]; own: number; shared: number }>();
  const promptTokens: number[] = [];
  for (const { prefix, suffix, prefixSha256 } of group.prompts) {
    let known = prefixes.get(prefixSha256);
    if (known === undefined) {
      const ids = await idsOf(tools, prefix);
      known = { ids, own: ids.length, shared: ids.length };
      prefixes.set(prefixSha256, known);
    }
    const whole = await idsOf(tools, prefix + suffix);
    const { ids } = known;
    const differs = ids.findIndex((id, index) => whole[index] !== id);
    known.shared = Math.min(known.shared, differs < 0 ? ids.length : differs);
    promptTokens.push(whole.length);
  }
  return {
    ...group,
    promptTokens,
    prefixTokens: Object.fromEntries([...prefixes].map(([hash, { own, shared }]) => [hash, { own, shared }])),
  };
}
