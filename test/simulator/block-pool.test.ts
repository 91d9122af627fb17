import { describe, expect, it } from "vitest";
import { BlockPool, blockHash } from "../../src/simulator/block-pool.ts";

describe("the block pool", () => {
  it("never hands out the null block, and says when it is empty", () => {
    const pool = new BlockPool(4);
    const blocks = [pool.take(), pool.take(), pool.take()];
    expect(new Set(blocks)).toEqual(new Set([1, 2, 3]));
    expect(pool.take()).toBeUndefined();
    expect(pool.usage).toBe(1);
  });

  it("evicts what was used least recently, the tail of a request before its head", () => {
    const pool = new BlockPool(4);
    const blocks = [pool.take()!, pool.take()!, pool.take()!];
    blocks.forEach((block, i) => {
      pool.remember(block, 100 + i);
    });
    pool.release(blocks);
    expect(pool.countCached([100, 101, 102], 3)).toBe(3);
    pool.take();
    expect(pool.countCached([100, 101, 102], 3)).toBe(2);
    expect(pool.takeCached([100, 101], 2)).toEqual(blocks.slice(0, 2));
    expect(pool.free).toBe(0);
  });

  it("chains hashes, so that a block differs with what precedes it", () => {
    const tokens = [1, 2, 3, 4];
    expect(blockHash(blockHash(1, tokens, 0, 2), tokens, 2, 4)).not.toBe(blockHash(1, tokens, 2, 4));
    expect(blockHash(7, tokens, 0, 4)).toBe(blockHash(7, tokens, 0, 4));
  });
});
