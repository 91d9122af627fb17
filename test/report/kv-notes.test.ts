import { describe, expect, it } from "vitest";
import type { KvStudy } from "../../src/domain/kv-study.ts";
import type { RunRecord, SessionRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { analyseKvStudy } from "../../src/measure/kv-study.ts";
import { renderKvCsv } from "../../src/report/kv-csv.ts";
import { renderKvNotes } from "../../src/report/kv-notes.ts";
import { run } from "../support/builders.ts";
import { filledSession } from "../support/kv-fill.ts";

const BLOCKS = 8001;
const MODEL = {
  contextTokens: 16_384,
  contextKey: "max_position_embeddings",
  kvLayout: "full",
  kvBytesPerToken: 28_672,
  kvTerms: "2 × 28 layers × 2 KV heads × 128 × 2 B",
};

interface Swept {
  readonly lengths?: readonly number[];
  /** MiB in use as the server of a length became ready. */
  readonly used?: (length: number) => number | null;
  readonly changed?: (length: number) => Partial<SessionRecord>;
  readonly wantConcurrency?: number;
  readonly held?: (tokens: number) => number;
}

/** A sweep of a cache of 8,000 usable blocks of 16 tokens. */
function sweep({
  lengths = [512, 1024, 2048, 4096],
  used = () => 21_000,
  changed,
  wantConcurrency = 8,
  held,
}: Swept = {}): {
  run: RunRecord;
  study: KvStudy;
} {
  const sessions: SessionRecord[] = [];
  const traces: RequestTrace[] = [];
  for (const [index, length] of lengths.entries()) {
    const blockSize = 16;
    const maxConcurrency = BLOCKS / Math.ceil(length / blockSize);
    const memoryBytes = BLOCKS * blockSize * 28_672;
    const filled = filledSession({
      blocks: BLOCKS,
      blockSize,
      lengths: [224, 352, 480, 608, 992, 1376, 1760].filter((each) => each + 64 <= length),
      ...(held === undefined ? {} : { held }),
    });
    const usedMib = used(length);
    sessions.push({
      ...filled.record,
      variant: String(length),
      index,
      maxModelLen: length,
      readyS: 40 + index,
      model: MODEL,
      kv: {
        blocks: BLOCKS,
        blockSize,
        capacityTokens: Math.trunc(maxConcurrency * length),
        maxConcurrency,
        prefixCaching: true,
        memoryBytes,
      },
      gpuMemory: usedMib === null ? null : { readyMib: usedMib, peakMib: usedMib, steadyMib: usedMib },
      ...changed?.(length),
    });
    traces.push(...filled.traces.map((trace) => ({ ...trace, variant: String(length), session: index })));
  }
  const record = run({ sessions, variants: Object.fromEntries(lengths.map((each) => [each, { args: [] }])) });
  return { run: record, study: analyseKvStudy({ run: record, traces, lengths, wantConcurrency }) };
}

const notes = (swept?: Swept) => {
  const { run: record, study } = sweep(swept);
  return renderKvNotes(record, study);
};

describe("kv_cache_scaling.csv", () => {
  it("computes the seed's columns from the row before", () => {
    const { study } = sweep({ used: (length) => 21_000 - length / 512, lengths: [512, 1024, 4096] });
    const lines = renderKvCsv(study.rows)
      .split("\n")
      .map((line) => line.split(",").slice(0, 5).join(","));
    // −1 MiB over 512 tokens, −6 over 3,072.
    expect(lines.slice(0, 4)).toEqual([
      "max_model_len,gpu_mem_used_mb,delta_mb_from_prev,bytes_per_token_est,notes",
      "512,20999,,,",
      "1024,20998,-1,-2048,",
      "4096,20992,-6,-2048,",
    ]);
  });

  it("leaves empty what was not measured, and says so", () => {
    const { study } = sweep({ used: () => null, lengths: [512] });
    expect(renderKvCsv(study.rows).split("\n")[1]).toMatch(/^512,,,,GPU memory not measured,128016,8001,16,/);
  });

  it("keeps a row for a length whose server did not start", () => {
    const changed = (length: number): Partial<SessionRecord> =>
      length === 4096 ? { outcome: "failed_start", cause: "KV cache is needed, =1+1" } : {};
    const { study } = sweep({ changed });
    expect(renderKvCsv(study.rows).split("\n")[4]).toMatch(
      /^4096,,,,"did not start: KV cache is needed, =1\+1",,,/,
    );
  });
});

describe("kv_cache_scaling_notes.md", () => {
  it("says that a fixed budget is filled whatever the length, with the numbers", () => {
    const text = notes({ used: (length) => 21_000 + length / 1024 });
    expect(text).toMatch(
      /neither linear nor in steps: from 512 to 4096 memory in use goes from 21,001 to 21,004 MiB, 0\.0\d+ % apart, a slope of 1,024 B per token/,
    );
    expect(text).toContain("The KV memory was set, so it is the same for every --max-model-len");
  });

  it("does not deny a change that there is", () => {
    const text = notes({ used: (length) => 21_000 + length });
    expect(text).toMatch(
      /Over --max-model-len memory in use goes from 21,512 to 25,096 MiB.*, 1[56]\.?\d* % apart, a slope of 1,048,576 B/,
    );
    expect(text).not.toContain("neither linear nor in steps");
  });

  it("answers with one block's step, the bytes, and what fits", () => {
    const text = notes();
    expect(text).toContain("one block for every 16 tokens");
    expect(text).toMatch(/Measured by filling the cache: 28,672 B for each token/);
    expect(text).toContain("= 28,672 B; the measurement agrees within 0.01 %");
    // 8,000 blocks × 0.9 / 8 requests = 900 blocks of 16.
    expect(text).toContain(
      "with 10 % of the cache left free, the largest safe --max-model-len is 14400; up to 16000 they fit",
    );
    // 8,000 / 256 blocks = 31; 90 % of them 28.
    expect(text).toMatch(/`--max-model-len 4096` holds 31 of them, 28 with headroom/);
    expect(text).toMatch(/concurrency lost \| 8 at once then \|/);
    expect(text).toMatch(/\| 4,096 → 8,192 +\| +0\.88 \| +31 \| +15 \| +16 \(51\.6 %\) \| fits +\|/);
    // One more request takes 3.2 % of the cache: that is not what bounds it.
    expect(text).toContain(
      "warn at 90 % for 5 minutes, act at 95 %: what is called safe above fills up to 90 %.",
    );
    expect(text).toContain("above 0 while the cache is fuller than 90 %");
  });

  it("says so when the cache cannot hold what is wanted", () => {
    expect(notes({ wantConcurrency: 9000 })).toContain("9000 requests at once do not fit with any length");
    expect(notes({ wantConcurrency: 1 })).toContain("16384, which is the model's own context");
    expect(notes({ wantConcurrency: 1, lengths: [16_384] })).toContain(
      "The model's own context is 16,384 tokens: doubling 16,384 needs",
    );
  });

  it("calls no length the largest safe one when the model's own context is unknown", () => {
    const { run: record, study } = sweep({ changed: () => ({ model: undefined }) });
    expect(study).toMatchObject({ safeLength: null, cacheSafeLength: 14_400, safeMeasured: 4096 });
    const text = renderKvNotes(record, study);
    expect(text).toContain(
      "the largest safe --max-model-len is unknown: the model's own context is not known here",
    );
    expect(text).toContain("The cache alone would hold 14400 tokens each, 16000 with nothing left.");
    expect(text).toContain("Of the measured lengths, which the server took, 4096 is the largest that fits.");
    const many = sweep({ changed: () => ({ model: undefined }), wantConcurrency: 1000 });
    expect(renderKvNotes(many.run, many.study)).toContain("None of the measured lengths fits.");
  });

  it("says the request that bounds the cache's use, and never acts below what it calls safe", () => {
    expect(notes({ lengths: [10_000] })).toContain(
      "warn at 90 % for 5 minutes, act at 92.2 %: what is called safe above fills up to 90 %, and one more request of " +
        "10,000 tokens takes 7.81 % of it",
    );
    const large = notes({ lengths: [32_000] });
    expect(large).toContain("act at 90 %: what is called safe above fills up to 90 %.");
    expect(large).not.toMatch(/warn at|one more request/);
  });

  it("says whether what is wanted fits at twice the length, too", () => {
    const verdicts = (wantConcurrency: number) =>
      [...notes({ wantConcurrency }).matchAll(/→ 8,192 .*\| ([a-z, ]+?) +\|$/gm)].map(
        ([, verdict]) => verdict,
      );
    // 8,000 / 512 blocks = 15; 90 % of the cache holds 14.
    expect([14, 15, 16].map((wanted) => verdicts(wanted))).toEqual([
      ["fits"],
      ["fits, no headroom"],
      ["does not fit"],
    ]);
  });

  it("advises no smaller type of the cache where it has one", () => {
    expect(notes()).toContain(
      "`--kv-cache-dtype fp8` halves the bytes per token of a 16-bit cache, a second GPU",
    );
    const { run: record, study } = sweep();
    const variants = { "512": { args: ["--kv-cache-dtype=fp8_e4m3"] } };
    const text = renderKvNotes({ ...record, variants }, study);
    expect(text).not.toContain("halves the bytes");
    expect(text).toContain("The cache has a smaller type already; a second GPU");
  });

  it("denies no growth of memory that was not measured", () => {
    const text = notes({ used: () => null });
    expect(text).toContain(
      "Whether memory in use grows with --max-model-len was not measured: no GPU memory was read.",
    );
    expect(text).not.toContain("either linear nor in steps");
  });

  it("computes no other length for a model whose layers keep different amounts", () => {
    const changed = (length: number): Partial<SessionRecord> => ({
      kv: {
        blocks: BLOCKS,
        blockSize: 16,
        capacityTokens: 400_000 + length,
        maxConcurrency: 100,
        prefixCaching: true,
      },
      model: {
        ...MODEL,
        kvLayout: "hybrid",
        kvTerms: "2 × 7 layers × …; not exact: its layers are of several kinds",
      },
    });
    const text = notes({ changed, held: (tokens) => Math.ceil(Math.min(tokens, 700) / 16) });
    expect(text).toContain("a length that was not measured cannot be computed");
    expect(text).toContain("Not computed: this model's layers keep different amounts.");
    expect(text).toContain("kv_tokens hold for this length only");
    expect(text).toContain("Compare them at equal lengths and versions only");
    expect(text).not.toContain("8,192");
  });

  it("survives a server that tells nothing", () => {
    const changed = (): Partial<SessionRecord> => ({
      kv: { blocks: null, blockSize: null, capacityTokens: null, maxConcurrency: null, prefixCaching: null },
      logFacts: {},
      cases: [],
    });
    const { run: record, study } = sweep({ changed, used: () => null });
    const { model: _, ...bare } = { ...study, model: null };
    const text = renderKvNotes(record, { ...bare, model: null });
    expect(text).toContain("The server told neither blocks nor block size, so no length can be called safe.");
    expect(text).toContain(
      "512: bytes per token not measured: /metrics could not be read while the cache was filled",
    );
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("lets no hostile text out of its cell", () => {
    const changed = (): Partial<SessionRecord> => ({
      outcome: "failed_start",
      cause: "# <img src=x> | @team `x`",
    });
    const text = notes({ changed });
    expect(text).not.toContain("<img src=x> |");
    expect(text).not.toMatch(/(?<!\\)<img/);
  });
});
