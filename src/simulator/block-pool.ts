/** Paged KV memory: fixed-size blocks, a free list in least-recently-used order, and a prefix index. */

/** Hands out blocks and remembers what full blocks hold. Block 0 is vLLM's null block and is never handed out. */
export class BlockPool {
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly references: Int32Array;
  private readonly hashes: Float64Array;
  private readonly byHash = new Map<number, number>();
  private readonly total: number;
  private freeCount: number;

  /**
   * @param total number of blocks, the null block included
   */
  constructor(total: number) {
    this.total = total;
    // Index `total` is the sentinel of the circular free list.
    this.next = new Int32Array(total + 1);
    this.previous = new Int32Array(total + 1);
    this.references = new Int32Array(total);
    this.hashes = new Float64Array(total).fill(-1);
    for (let block = 1; block <= total; block++) {
      this.previous[block] = block === 1 ? total : block - 1;
      this.next[block] = block === total ? 1 : block + 1;
    }
    this.next[total] = total > 1 ? 1 : total;
    this.freeCount = Math.max(0, total - 1);
  }

  /** Blocks that can be handed out now, cached ones that nobody uses included. */
  get free(): number {
    return this.freeCount;
  }

  /** Share of the blocks in use, 0 to 1: what `vllm:kv_cache_usage_perc` reports. */
  get usage(): number {
    return this.total <= 1 ? 0 : 1 - this.freeCount / (this.total - 1);
  }

  /** How many leading blocks of these hashes are in the cache. */
  countCached(hashes: readonly number[], limit: number): number {
    let count = 0;
    while (count < limit && this.byHash.has(hashes[count]!)) count++;
    return count;
  }

  /** How many of the first `count` cached blocks nobody uses: taking them lowers {@link free}. */
  countIdle(hashes: readonly number[], count: number): number {
    let idle = 0;
    for (let i = 0; i < count; i++) if (this.references[this.byHash.get(hashes[i]!)!] === 0) idle++;
    return idle;
  }

  /** Takes the first `count` cached blocks of these hashes. */
  takeCached(hashes: readonly number[], count: number): number[] {
    const blocks: number[] = [];
    for (let i = 0; i < count; i++) {
      const block = this.byHash.get(hashes[i]!)!;
      if (this.references[block] === 0) this.unlink(block);
      this.references[block]!++;
      blocks.push(block);
    }
    return blocks;
  }

  /** Takes one block, evicting the least recently used cached content; undefined when none is free. */
  take(): number | undefined {
    if (this.freeCount === 0) return undefined;
    const block = this.next[this.total]!;
    this.unlink(block);
    const hash = this.hashes[block]!;
    if (hash >= 0) {
      if (this.byHash.get(hash) === block) this.byHash.delete(hash);
      this.hashes[block] = -1;
    }
    this.references[block] = 1;
    return block;
  }

  /** Records that a block is full and what it holds. */
  remember(block: number, hash: number): void {
    this.hashes[block] = hash;
    if (!this.byHash.has(hash)) this.byHash.set(hash, block);
  }

  /** Gives a request's blocks back, the last one first, so that the tail of a prompt is evicted before its head. */
  release(blocks: readonly number[]): void {
    for (let i = blocks.length - 1; i >= 0; i--) {
      const block = blocks[i]!;
      this.references[block]!--;
      if (this.references[block] === 0) this.append(block);
    }
  }

  /** Forgets every cached content that nobody uses. */
  reset(): void {
    for (const [hash, block] of this.byHash) {
      if (this.references[block] !== 0) continue;
      this.byHash.delete(hash);
      this.hashes[block] = -1;
    }
  }

  private unlink(block: number): void {
    const before = this.previous[block]!;
    const after = this.next[block]!;
    this.next[before] = after;
    this.previous[after] = before;
    this.freeCount--;
  }

  private append(block: number): void {
    const last = this.previous[this.total]!;
    this.next[last] = block;
    this.previous[block] = last;
    this.next[block] = this.total;
    this.previous[this.total] = block;
    this.freeCount++;
  }
}

/**
 * Hashes the block that follows `parent`; chained, so that equal hashes mean equal prefixes.
 *
 * @returns a whole number below 2^52
 */
export function blockHash(parent: number, tokens: readonly number[], from: number, to: number): number {
  let low = parent >>> 0;
  let high = (parent / 4294967296) >>> 0;
  for (let i = from; i < to; i++) {
    low = Math.imul(low ^ tokens[i]!, 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high ^ tokens[i]! ^ low, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  return ((high & 0xfffff) >>> 0) * 4294967296 + (low >>> 0);
}
