import type { PrefixComparison, PrefixReason, PromptFacts } from "../domain/prefix-study.ts";
import type { StudyFacts } from "./prefix-study.ts";

/** Hits of fewer of the prefixes are a cache that is not reused. */
const FEW_HITS = 0.5;
/** Below this share of the prompt, what is left to compute decides. */
const MOSTLY_SUFFIX = 0.5;

/** A saving that is not chance. */
const CLEAR_SAVING = 0.1;

type Compared = Omit<PrefixComparison, "reason">;

/**
 * Why the first token of a cell does not come sooner with caching on, from what was measured: the server's own label
 * and counters, the hashes of the prompts' prefixes, their lengths, and the time that a prefill takes at all.
 *
 * @param mainSaving - what the main workload's hits of this length and concurrency save within the server
 */
export function findReason(
  cell: Compared,
  prompts: PromptFacts | null,
  facts: StudyFacts,
  mainSaving: number | null,
): { name: PrefixReason; text: string } {
  const { on, hits } = cell;
  const rate = on.hitRate;
  const shown = rate === null ? "unknown" : percent(rate);
  if (facts.cachingOn === false) {
    return because(
      "flag_without_effect",
      "the flag had no effect: /metrics still says enable_prefix_caching=False",
    );
  }
  const repeats = prompts === null ? 0 : prompts.prompts / Math.max(1, prompts.prefixes);
  if (hits !== null && hits < FEW_HITS && prompts !== null) {
    const working = prompts.prefixes * prompts.sharedTokens;
    if (facts.capacityTokens !== null && working > facts.capacityTokens) {
      return because(
        "evicted",
        `the prefixes were evicted before they were asked for again: ${prompts.prefixes} distinct ones need ${working} tokens, ` +
          `the cache holds ${facts.capacityTokens} (hit rate ${shown}${turnover(on.turnover)})`,
      );
    }
    if (prompts.sharedTokens < facts.blockSize) {
      return because(
        "prefix_too_short",
        `the prompts share ${prompts.sharedTokens} tokens, less than a block of the cache (${facts.blockSize})`,
      );
    }
    if (repeats < 8 && prompts.prefixes > 1) {
      return because(
        "prefix_not_identical",
        `the prefix is not identical: ${prompts.prompts} prompts begin in ${prompts.prefixes} different ways by their hashes ` +
          `(hit rate ${shown})`,
      );
    }
    return because(
      "flag_without_effect",
      `the flag had no effect: ${prompts.prompts} prompts begin alike by their hashes, /metrics says ` +
        `enable_prefix_caching=${facts.cachingOn === null ? "nothing" : "True"}, and the hit rate is ${shown}`,
    );
  }
  const share = cell.predictedSaving;
  if (share !== null && share < MOSTLY_SUFFIX) {
    return because(
      "suffix_dominates",
      `the suffix dominates: only P/(P+S) = ${percent(share)} of a prompt is the shared prefix (hit rate ${shown})`,
    );
  }
  if (hits !== null && mainSaving !== null && mainSaving >= CLEAR_SAVING) {
    return because(
      "unknown",
      `its prefixes are found (hit rate ${shown}), and hits of this length save ${percent(mainSaving)} of a miss within the ` +
        "server: the two servers, or the machine meanwhile, differ by more than caching does; measure again with --repeats 3",
    );
  }
  if (hits !== null && prompts !== null) {
    const ms = cell.off.ttftS === null ? "" : ` of ${(cell.off.ttftS.p50 * 1000).toFixed(1)} ms in all`;
    return because(
      "prefix_too_short",
      `the prefix of ${prompts.sharedTokens} tokens is too short for this GPU and model: it is found (hit rate ${shown}), ` +
        `but its prefill is a small part${ms} to the first token`,
    );
  }
  return because("unknown", "the server tells no hit rate, so the reason is not to be seen from here");
}

function because(name: PrefixReason, text: string) {
  return { name, text };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;
}

function turnover(value: number | null): string {
  return value === null ? "" : `, written anew ${value.toFixed(1)} times`;
}
