import { describe, expect, it } from "vitest";
import type { SessionRecord } from "../../src/domain/run.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { measuredRun, run, session } from "../support/builders.ts";
import { gate } from "../support/gate.ts";
import { filledSession } from "../support/kv-fill.ts";

/** A server of full attention as vLLM from 0.22 on tells of it. */
function pure(blocks: number, maxModelLen: number, blockSize = 16): Partial<SessionRecord> {
  const maxConcurrency = blocks / Math.ceil(maxModelLen / blockSize);
  const capacityTokens = Math.trunc(maxConcurrency * maxModelLen);
  const kv = { blocks, blockSize, capacityTokens, maxConcurrency, prefixCaching: true };
  const kvAvailableGib = Math.round((blocks * blockSize * 28_672 * 100) / 2 ** 30) / 100;
  return {
    kv,
    maxModelLen,
    logFacts: { ...session().logFacts, kvAvailableGib, maxConcurrencyTokens: maxModelLen },
  };
}

/** A hybrid: the tokens that are reported are a multiple of what blocks hold, at this length. */
function hybrid(maxModelLen: number, reported: number): Partial<SessionRecord> {
  const same = pure(20_640, 4096);
  const kv = { ...same.kv!, capacityTokens: reported, maxConcurrency: reported / maxModelLen };
  return { ...same, kv, maxModelLen, logFacts: { ...same.logFacts, maxConcurrencyTokens: maxModelLen } };
}

const compared = (base: Partial<SessionRecord>, head: Partial<SessionRecord>) => {
  const of = (changed: Partial<SessionRecord>) => measuredRun({ sessions: 3 }, {}, changed);
  const { comparison, verdict } = gate(of(base), of(head));
  const metric = (id: string) => comparison?.comparisons.find((each) => each.metric === id);
  return { metric, verdict };
};

const measured = (record: SessionRecord, id: string) => {
  const file = measureRun(run({ sessions: [record] }), filledTraces);
  return {
    value: file.measurements.find(({ metric }) => metric === id)?.value,
    absent: file.absent.find(({ metric }) => metric === id)?.reason,
    level: file.metrics.find((metric) => metric.id === id)?.level,
  };
};

const FILL = { blocks: 287_117, blockSize: 16, lengths: [609, 1249, 1889, 2657, 3297, 3937] };
const { record: filled, traces: filledTraces } = filledSession(FILL);

describe("what the gate says when the KV cache changes", () => {
  it("blocks a loss of 2 %", () => {
    const { metric, verdict } = compared(pure(287_548, 4096), pure(281_797, 4096));
    expect(metric("kv.capacity_tokens")).toMatchObject({ verdict: "regressed", level: "gate" });
    expect(verdict.verdict).toBe("regressed");
  });

  it("passes half a percent", () => {
    const { metric } = compared(pure(287_548, 4096), pure(286_110, 4096));
    expect(metric("kv.capacity_tokens")?.verdict).toBe("pass");
  });

  it("does not take rounding to whole requests for a loss", () => {
    // 500 tokens are four blocks of 128, so that 2.3 % of what is reported are lost, and no memory.
    const { metric } = compared(pure(8192, 4096, 128), pure(8192, 500, 128));
    expect(metric("kv.capacity_tokens")?.verdict).toBe("pass");
  });

  it("does not compare a hybrid's tokens at two lengths, and still gates its memory", () => {
    const { metric, verdict } = compared(hybrid(4096, 525_312), hybrid(8192, 410_000));
    expect(metric("kv.capacity_tokens")).toBeUndefined();
    expect(metric("kv.len4096.capacity_tokens")?.level).toBe("watch");
    expect(metric("kv.available_gib")?.verdict).toBe("pass");
    expect(verdict.verdict).not.toBe("regressed");
    expect(verdict.verdict).not.toBe("invalid");
  });

  it("compares a hybrid's tokens at one length", () => {
    const { metric } = compared(hybrid(4096, 525_312), hybrid(4096, 400_000));
    expect(metric("kv.len4096.capacity_tokens")?.verdict).toBe("regressed");
  });
});

describe("the metrics of kv.fill", () => {
  const facts = {
    contextTokens: 32768,
    contextKey: "max_position_embeddings",
    kvLayout: "full",
    kvTerms: "terms",
  };

  it("bytes of a token, watched", () => {
    const bytes = measured(filled, "kv.bytes_per_token");
    expect(bytes.level).toBe("watch");
    expect(bytes.value! / ((122.67 * 2 ** 30) / 287_117 / 16)).toBeCloseTo(1, 6);
    expect(measured(filled, "kv.fill.tokens_per_step").value).toBe(16);
  });

  it("against the formula", () => {
    const model = { ...facts, kvBytesPerToken: 28_672 };
    expect(measured({ ...filled, model }, "kv.fill.formula_ratio").value).toBeCloseTo(1, 3);
    expect(measured(filled, "kv.fill.formula_ratio").absent).toBe(
      "the model's config.json is not on this machine",
    );
    const unknown = { ...facts, kvBytesPerToken: null, kvTerms: "no formula: recurrent" };
    expect(measured({ ...filled, model: unknown }, "kv.fill.formula_ratio").absent).toBe(
      "no formula: recurrent",
    );
  });

  it("absent with a reason where the memory is unknown", () => {
    const { logFacts: _, ...bare } = filled;
    expect(measured(bare, "kv.bytes_per_token").absent).toBe("neither log nor /metrics names the KV memory");
    expect(measured(bare, "kv.fill.tokens_per_step").value).toBe(16);
  });

  it("no word of it where the cache was not filled", () => {
    const { run: other, traces } = measuredRun();
    const { measurements, absent } = measureRun(other, traces);
    const ids = [...measurements, ...absent].map(({ metric }) => metric);
    expect(ids).toContain("kv.capacity_tokens");
    expect(ids.filter((id) => id.startsWith("kv.fill") || id === "kv.bytes_per_token")).toEqual([]);
  });
});
