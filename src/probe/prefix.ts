import type { CasePlan, PlannedRequest, PromptTarget } from "./case-plan.ts";
import { completionBody, promptOf } from "./workload.ts";

export interface PrefixOptions {
  /** Lengths of the shared prefix in tokens: one group of cases each. */
  readonly regimes: readonly number[];
  readonly concurrency: readonly number[];
  /** Measured hits of a cell, and as many misses; rounded up to whole turns. */
  readonly requests: number;
  /** Tokens behind the prefix that no other request has. */
  readonly suffixTokens: number;
  readonly outputTokens: number;
}

/** Sequential requests of one kind before the other kind has its turn. */
const TURN = 5;

/**
 * Misses and hits of one prefix length at one concurrency, taking turns: miss, hit, hit, miss, and so on, so that
 * what drifts or disturbs the server for a while meets both alike. One after another, a turn is {@link TURN} requests;
 * at `k` in flight it is a wave of `k`.
 *
 * A miss differs from every other prompt in its first block already; a hit shares its first `regime` tokens with the
 * other hits of its cell and round, which the first part's warm-up puts into the cache.
 *
 * @param longest - the server's longest context in tokens, null when unknown. A server that cannot take the prompts is
 *   asked once for each case, and refuses.
 */
export function prefixCell(
  target: PromptTarget,
  options: PrefixOptions,
  cell: { readonly regime: number; readonly concurrency: number },
  round: number,
  longest: number | null,
): CasePlan[] {
  const { regime, concurrency } = cell;
  const promptTokens = regime + options.suffixTokens;
  const where = `${regime}.c${concurrency}`;
  const shared = promptOf(`${target.seed}/prefix.shared.${where}/${round}`, regime);
  const request = (kind: Kind, id: string): PlannedRequest => {
    const name = `${target.seed}/prefix.${kind}.${where}.${id}/${round}`;
    const prompt =
      kind === "miss" ? promptOf(name, promptTokens) : [...shared, ...promptOf(name, options.suffixTokens)];
    return {
      id: `prefix.${kind}.${where}.${id}`,
      promptTokens,
      expectedTokens: options.outputTokens,
      body: completionBody({ model: target.model, prompt, outputTokens: options.outputTokens }),
    };
  };
  const part = (kind: Kind, index: number, size: number): CasePlan => ({
    probe: "prefix",
    case: `${kind}.${where}`,
    concurrency,
    mustMiss: kind === "miss",
    warmup: index > 0 ? [] : warmupOf(kind, concurrency).map((id) => request(kind, id)),
    measure: range(size).map((at) => request(kind, String(index * size + at))),
  });
  if (longest !== null && promptTokens + options.outputTokens > longest) {
    return [part("miss", 0, 1), part("hit", 0, 1)];
  }
  const size = concurrency === 1 ? Math.min(TURN, options.requests) : concurrency;
  // An even number of turns of each kind, so that neither comes first more often than the other.
  const turns = 2 * Math.ceil(options.requests / size / 2);
  return range(turns).flatMap((index) => {
    const kinds: readonly Kind[] = index % 2 === 0 ? ["miss", "hit"] : ["hit", "miss"];
    return kinds.map((kind) => part(kind, index, size));
  });
}

type Kind = "miss" | "hit";

/** A wave of the cell's own concurrency; before hits a first one that puts the prefix into the cache. */
function warmupOf(kind: Kind, concurrency: number): string[] {
  return range(kind === "hit" ? 2 * concurrency : concurrency).map((index) => `w${index}`);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
