/** Continuous batching: which request computes how many tokens in the next iteration. */
import { type BlockPool, blockHash } from "./block-pool.ts";
import type { GenerationRequest, TokenSource } from "./request.ts";
import type { BatchWork } from "./roofline.ts";

/** Why a request ended. */
export type FinishReason = "stop" | "length" | "abort";

/** A request in the engine. */
export interface EngineRequest {
  request: GenerationRequest;
  source: TokenSource;
  /** Prompt and output so far. */
  tokens: number[];
  generated: number;
  computed: number;
  blocks: number[];
  hashes: number[];
  /** Prompt tokens found in the prefix cache when first scheduled. */
  cached: number;
  preemptions: number;
  /** Decided when its last token is scheduled; it computes nothing afterwards. */
  finish: FinishReason | undefined;
  arrivedAt: number;
  scheduledAt: number;
  /** Tokens it had from the cache when it was last taken in; its first iteration starts there. */
  admittedAt: number;
  firstTokenAt: number;
  lastTokenAt: number;
}

/** What the scheduler counts, as `/metrics` reports it. */
export interface SchedulerCounters {
  prefixQueries: number;
  prefixHits: number;
  preemptions: number;
}

/** One iteration: what it computes, and the requests that get a token out of it. */
export interface Iteration {
  work: BatchWork;
  sampled: { request: EngineRequest; token: number; position: number }[];
}

/** Limits of the scheduler, from flags. */
export interface SchedulerLimits {
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  blockSize: number;
  maxModelLen: number;
  prefixCaching: boolean;
  /** Look prefixes up and never find them: a planted regression. */
  prefixBroken: boolean;
  eosToken: number;
}

/** vLLM's V1 scheduler: running requests first, then waiting ones, under one budget of tokens. */
export class Scheduler {
  readonly waiting: EngineRequest[] = [];
  readonly running: EngineRequest[] = [];
  readonly counters: SchedulerCounters = { prefixQueries: 0, prefixHits: 0, preemptions: 0 };
  private readonly limits: SchedulerLimits;
  private readonly pool: BlockPool;

  constructor(limits: SchedulerLimits, pool: BlockPool) {
    this.limits = limits;
    this.pool = pool;
  }

  /** Whether an iteration might have work. */
  get hasWork(): boolean {
    return this.waiting.length > 0 || this.running.some((request) => request.finish === undefined);
  }

  /** Puts a request in the queue. */
  add(request: EngineRequest): void {
    if (this.limits.prefixCaching) this.extendHashes(request);
    this.waiting.push(request);
  }

  /** Chooses the next iteration at time `now`; undefined when nothing can compute. */
  schedule(now: number): Iteration | undefined {
    let budget = this.limits.maxNumBatchedTokens;
    const chosen: { request: EngineRequest; count: number }[] = [];
    let preempted = false;
    for (let i = 0; i < this.running.length && budget > 0; i++) {
      const request = this.running[i]!;
      if (request.finish !== undefined) continue;
      const count = Math.min(request.tokens.length - request.computed, budget);
      while (!this.allocate(request, count)) {
        preempted = true;
        const victim = this.running.splice(this.lastActive(), 1)[0]!;
        this.preempt(victim);
        const at = chosen.findIndex((entry) => entry.request === victim);
        if (at >= 0) budget += chosen.splice(at, 1)[0]!.count;
        if (victim === request) break;
      }
      if (this.running[i] !== request) break;
      chosen.push({ request, count });
      budget -= count;
    }
    while (
      !preempted &&
      budget > 0 &&
      this.waiting.length > 0 &&
      this.running.length < this.limits.maxNumSeqs
    ) {
      const request = this.waiting[0]!;
      const cachedBlocks = this.findCached(request);
      const cached = cachedBlocks * this.limits.blockSize;
      const count = Math.min(request.tokens.length - cached, budget);
      const needed = Math.ceil((cached + count) / this.limits.blockSize) - cachedBlocks;
      if (needed > this.pool.free - this.pool.countIdle(request.hashes, cachedBlocks)) break;
      request.blocks = this.pool.takeCached(request.hashes, cachedBlocks);
      request.computed = cached;
      request.admittedAt = cached;
      this.allocate(request, count);
      if (request.scheduledAt < 0) {
        request.scheduledAt = now;
        request.cached = cached;
        if (this.limits.prefixCaching) {
          this.counters.prefixQueries += request.tokens.length;
          this.counters.prefixHits += cached;
        }
      }
      this.waiting.shift();
      this.running.push(request);
      chosen.push({ request, count });
      budget -= count;
    }
    return chosen.length === 0 ? undefined : this.compute(chosen);
  }

  /** Removes a request, wherever it is, and frees its blocks. */
  remove(request: EngineRequest): void {
    for (const list of [this.waiting, this.running]) {
      const at = list.indexOf(request);
      if (at >= 0) list.splice(at, 1);
    }
    this.pool.release(request.blocks);
    request.blocks = [];
  }

  private findCached(request: EngineRequest): number {
    if (!this.limits.prefixCaching || this.limits.prefixBroken) return 0;
    const most = Math.floor((request.tokens.length - 1) / this.limits.blockSize);
    return this.pool.countCached(request.hashes, Math.min(most, request.hashes.length));
  }

  private allocate(request: EngineRequest, count: number): boolean {
    const wanted = Math.ceil((request.computed + count) / this.limits.blockSize);
    if (wanted - request.blocks.length > this.pool.free) return false;
    while (request.blocks.length < wanted) request.blocks.push(this.pool.take()!);
    return true;
  }

  /** Index of the youngest running request that still computes. */
  private lastActive(): number {
    return this.running.findLastIndex((request) => request.finish === undefined);
  }

  private preempt(victim: EngineRequest): void {
    this.pool.release(victim.blocks);
    victim.blocks = [];
    victim.computed = 0;
    victim.preemptions++;
    this.counters.preemptions++;
    this.waiting.unshift(victim);
  }

  private extendHashes(request: EngineRequest): void {
    const size = this.limits.blockSize;
    while ((request.hashes.length + 1) * size <= request.tokens.length) {
      const from = request.hashes.length * size;
      const parent = request.hashes.at(-1) ?? saltHash(request.request.cacheSalt);
      request.hashes.push(blockHash(parent, request.tokens, from, from + size));
    }
  }

  private compute(chosen: { request: EngineRequest; count: number }[]): Iteration {
    const work: BatchWork = {
      tokens: 0,
      requests: chosen.length,
      admitted: 0,
      attended: 0,
      context: 0,
      decodeOnly: true,
    };
    const sampled: Iteration["sampled"] = [];
    for (const { request, count } of chosen) {
      const before = request.computed;
      request.computed += count;
      work.tokens += count;
      if (before === request.admittedAt) work.admitted++;
      work.context += request.computed;
      work.attended += count * (before + count / 2);
      if (count > 1 || request.generated === 0) work.decodeOnly = false;
      if (request.computed === request.tokens.length) sampled.push(this.sample(request));
      if (this.limits.prefixCaching) this.rememberFull(request, before);
    }
    return { work, sampled };
  }

  private sample(request: EngineRequest): Iteration["sampled"][number] {
    const position = request.generated;
    const { minTokens, maxTokens, ignoreEos } = request.request;
    const stops = !ignoreEos && position + 1 > minTokens && request.source.endsAt(position);
    const token = stops ? this.limits.eosToken : request.source.tokenAt(position);
    request.tokens.push(token);
    request.generated++;
    if (stops) request.finish = "stop";
    else if (request.generated >= maxTokens || request.tokens.length >= this.limits.maxModelLen)
      request.finish = "length";
    return { request, token, position };
  }

  private rememberFull(request: EngineRequest, before: number): void {
    const size = this.limits.blockSize;
    this.extendHashes(request);
    const full = Math.min(Math.floor(request.computed / size), request.hashes.length);
    for (let i = Math.floor(before / size); i < full; i++)
      this.pool.remember(request.blocks[i]!, request.hashes[i]!);
  }
}

function saltHash(salt: string): number {
  let h = 1;
  for (let i = 0; i < salt.length; i++) h = (h * 31 + salt.charCodeAt(i)) % 4503599627370496;
  return h;
}
