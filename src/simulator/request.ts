/** A generation request as the engine sees it, and the tokens it will produce. */
import { hashTokens, mix32 } from "./random.ts";

/** What a client asked for, validated. */
export interface GenerationRequest {
  id: string;
  prompt: readonly number[];
  maxTokens: number;
  minTokens: number;
  ignoreEos: boolean;
  /** 0 is greedy and deterministic. */
  temperature: number;
  seed: number;
  /** Separates prefix caches: equal prompts under different salts share nothing. */
  cacheSalt: string;
  /** Tokens that are held back until this many are there; the first and the last leave at once. 1 by default. */
  streamInterval?: number;
}

/** Mean number of tokens after which a request that may stop does so. */
const MEAN_NATURAL_LENGTH = 600;

/**
 * The text of a request, as ids: a stable hash of the prompt and the position, so that greedy output repeats.
 */
export class TokenSource {
  private readonly base: number;
  private readonly vocab: number;
  private readonly naturalLength: number;

  /**
   * @param salt changes the output: the model's own identity, a sampling seed, a planted drift
   */
  constructor(prompt: readonly number[], vocab: number, salt: number) {
    this.base = hashTokens(prompt, salt);
    this.vocab = vocab;
    const uniform = (mix32(this.base, 0x5eed) + 1) / 4294967297;
    this.naturalLength = 16 + Math.floor(-Math.log(uniform) * MEAN_NATURAL_LENGTH);
  }

  /** The token at a position of the output. */
  tokenAt(position: number): number {
    return mix32(this.base, position + 1) % this.vocab;
  }

  /** The next best token at a position, and how much less likely than the best, in log units. */
  runnerUp(position: number): { token: number; margin: number } {
    const h = mix32(this.base ^ 0x2f2f2f, position + 1);
    return { token: h % this.vocab, margin: 0.05 + (h >>> 16) / 16384 };
  }

  /** The log-probability of the token at a position. */
  logprobAt(position: number): number {
    return -0.05 - (mix32(this.base ^ 0x10c9, position + 1) / 4294967296) * 3;
  }

  /** Whether the model ends its answer with the token at this position. */
  endsAt(position: number): boolean {
    return position + 1 >= this.naturalLength;
  }
}
