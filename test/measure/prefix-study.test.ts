import { describe, expect, it } from "vitest";
import type { PrefixMode, PrefixRow, PromptFacts } from "../../src/domain/prefix-study.ts";
import { interpret } from "../../src/measure/prefix-reading.ts";
import {
  comparePrefixRows,
  prefixRows,
  type StudyFacts,
  studiedSessions,
} from "../../src/measure/prefix-study.ts";
import { caseRecord, prefixRow, run, session, timedTrace } from "../support/builders.ts";

function row(mode: PrefixMode, ttftMs: number, more: Partial<PrefixRow> = {}): PrefixRow {
  const spread = (ms: number) => ({ mean: ms / 1000, p50: ms / 1000, p95: (ms * 1.2) / 1000 });
  return prefixRow({
    mode,
    regime: "1024",
    concurrency: 1,
    ttftS: spread(ttftMs),
    e2eS: spread(ttftMs + 60),
    hitRate: mode === "on" ? 0.973 : 0,
    turnover: 0.01,
    ...more,
  });
}

const prompts = (more: Partial<PromptFacts> = {}): PromptFacts => ({
  workload: "policy",
  regime: "1024",
  prompts: 32,
  prefixes: 1,
  hashes: [],
  sharedTokens: 1024,
  promptTokens: 1050,
  ...more,
});

const facts = (more: Partial<StudyFacts> = {}): StudyFacts => ({
  prompts: [prompts()],
  primary: "policy",
  cachingOn: true,
  blockSize: 16,
  capacityTokens: 1_000_000,
  ...more,
});

/** A cell with its misses on both servers. */
const cell = (off: number, on: number, miss: number, more: Partial<PrefixRow> = {}) => [
  row("off", off, { ...more, hitRate: 0 }),
  row("on", on, more),
  row("off", off, { ...more, workload: "miss", hitRate: 0 }),
  row("on", miss, { ...more, workload: "miss", hitRate: 0 }),
];

describe("rows", () => {
  it("pool a case's parts over sessions and rounds, with the rates of the time in which they were measured", () => {
    const traces = [0, 1].flatMap((index) =>
      Array.from({ length: 20 }, (_, at) =>
        timedTrace(
          { startS: 10 + at * 0.1, ttftMs: 20, tpotMs: 2, tokens: 4 },
          { variant: "on", session: index, probe: "prefix", case: "hit.1024.c1", id: `${at}` },
        ),
      ),
    );
    const counters = { ...caseRecord().counters!, prefixQueriedTokens: 1050, prefixHitTokens: 1024 };
    const cases = [0, 1].map((part) =>
      caseRecord({ probe: "prefix", case: "hit.1024.c1", startS: 10 + part, endS: 10.8 + part, counters }),
    );
    const sessions = [0, 1].map((index) => session({ index, variant: "on", cases }));
    const [found, none] = prefixRows(studiedSessions(run({ sessions }), traces), [
      { workload: "policy", regime: "1024", concurrency: 1, case: "hit.1024.c1" },
    ]);
    expect(none).toBeUndefined();
    expect(found).toMatchObject({
      mode: "on",
      requests: 40,
      failed: 0,
      sessions: 2,
      rounds: 2,
      quiet: true,
      outputTokens: 4,
      notes: [],
    });
    expect(found?.requestsPerS).toBeCloseTo(40 / (4 * 0.8), 6);
    expect(found?.tokensPerS).toBeCloseTo(160 / (4 * 0.8), 6);
    expect(found?.ttftS?.p50).toBeCloseTo(0.02, 6);
    expect(found?.hitRate).toBeCloseTo(1024 / 1050, 6);
    expect(found?.turnover).toBeCloseTo((4 * 26) / 4_593_872, 9);
  });
});

describe("rounds that were not quiet", () => {
  const rowsOf = (dirty: string[]) => {
    const names = ["hit.1024.c1", "miss.1024.c1"];
    const traces = [0, 1].flatMap((round) =>
      names.map((name) =>
        timedTrace(
          { startS: 10, ttftMs: 20, tpotMs: 2, tokens: 4 },
          { variant: "on", session: 0, round, probe: "prefix", case: name, id: `${name} ${round}` },
        ),
      ),
    );
    const rounds = [dirty, []].map((reasons, round) => ({
      round,
      fromS: 9,
      toS: 12,
      dirty: reasons,
      use: "kept" as const,
      telemetry: null,
    }));
    const sessions = [session({ variant: "on", rounds })];
    return prefixRows(
      studiedSessions(run({ sessions }), traces),
      names.map((name) => ({ workload: name.split(".")[0]!, regime: "1024", concurrency: 1, case: name })),
    ).map(({ workload, quiet, notes }) => [workload, quiet, notes[0] ?? ""]);
  };
  const short = "p95 needs 20 requests";

  it("mark the cells that a reason names, and all of them where it names none", () => {
    expect(rowsOf([])).toEqual([
      ["hit", true, short],
      ["miss", true, short],
    ]);
    expect(rowsOf(["the client's senders were between requests for 41.2 % of prefix.hit.1024.c1"])).toEqual([
      ["hit", false, "not quiet in 1 of 2 rounds"],
      ["miss", true, short],
    ]);
    expect(
      rowsOf([
        "the client was 3.0 ms late or more half of the time in prefix.miss.1024.c1, where 1.0 ms are allowed",
      ]),
    ).toEqual([
      ["hit", true, short],
      ["miss", false, "not quiet in 1 of 2 rounds"],
    ]);
    expect(rowsOf(["the machine swapped: 20.0 MiB in, 3.0 MiB out"]).map(([, quiet]) => quiet)).toEqual([
      false,
      false,
    ]);
  });
});

describe("what caching changed", () => {
  it("is a share of the value with caching off, beside the saving within one server", () => {
    const [compared] = comparePrefixRows(cell(40, 20, 44), facts());
    expect(compared?.ttftP50).toBeCloseTo(-0.5, 9);
    expect(compared?.savingWithin).toBeCloseTo(1 - 20 / 44, 9);
    expect(compared?.control).toBeCloseTo(0.1, 9);
    expect(compared?.predictedSaving).toBeCloseTo(1024 / 1050, 9);
    expect(compared?.hits).toBeCloseTo((0.973 * 1050) / 1024, 2);
    expect(compared).toMatchObject({ win: "latency", reason: null });
  });

  it("is capacity where more is done in the same time, at several in flight only", () => {
    const more = (concurrency: number) => {
      const rows = cell(40, 20, 40, { concurrency });
      return comparePrefixRows(
        rows.map((each) => (each.mode === "on" ? { ...each, tokensPerS: 400 } : each)),
        facts(),
      )[0]?.win;
    };
    expect(more(8)).toBe("capacity");
    expect(more(1)).toBe("latency");
  });

  it("is no win of capacity where several in flight get less done", () => {
    const given = facts();
    const slower = cell(40, 20, 40, { concurrency: 8 }).map((each) =>
      each.mode === "on" ? { ...each, tokensPerS: 160, requestsPerS: 5 } : each,
    );
    const [compared] = comparePrefixRows(slower, given);
    expect(compared?.win).toBe("latency_throughput_loss");
    const said = interpret([compared!], given);
    expect(said.interpretation.flatMap(({ lines }) => lines)).toContainEqual(
      expect.stringMatching(
        /^1024 tokens at 8: the median first token comes sooner, a throughput loss: .*tok\/s −50 %/,
      ),
    );
    expect(said.conclusion.join("\n")).toContain(
      "fewer tokens per second than without caching at 1024 tokens at 8, −50 %",
    );
    // It pays nowhere, though the first token comes sooner.
    expect(said.conclusion[0]).toContain(
      "the first token came sooner only where fewer tokens per second were made",
    );
    expect(said.conclusion.at(-1)).toContain("at the cost of work done");
    const alone = slower.map((each) => ({ ...each, concurrency: 1 }));
    expect(comparePrefixRows(alone, given)[0]?.win).toBe("latency");
  });

  it("is a UX loss where a 95th percentile rises, whatever it wins", () => {
    const spread = (p95: number) => ({ mean: 0.5, p50: 0.5, p95 });
    const compared = (on: Partial<PrefixRow>) =>
      comparePrefixRows(
        cell(40, 20, 40, { concurrency: 8, e2eS: spread(1) }).map((each) =>
          each.mode === "on" ? { ...each, ...on } : each,
        ),
        facts(),
      );
    const win = (on: Partial<PrefixRow>) => compared(on)[0]?.win;
    expect(win({ tokensPerS: 400, e2eS: spread(1.2) })).toBe("capacity_ux_loss");
    expect(win({ tokensPerS: 400, e2eS: spread(1.02) })).toBe("capacity");
    expect(win({ e2eS: spread(1.2) })).toBe("latency_p95_loss");
    const said = interpret(compared({ tokensPerS: 400, e2eS: spread(1.2) }), facts());
    const lines = said.interpretation.flatMap((each) => each.lines);
    expect(lines.find((line) => line.includes("UX loss"))).toMatch(
      /^1024 tokens at 8: a capacity win, a UX loss: .*p95 E2E \+20 %/,
    );
    expect(said.conclusion.join(" ")).toContain("A UX loss comes with it at 1024 tokens at 8");
  });

  it("leaves out a cell that one server did not measure", () => {
    expect(comparePrefixRows([row("off", 40)], facts())).toEqual([]);
  });

  it("is set against E[TTFT] for other workloads", () => {
    const tenant = prompts({ workload: "tenant", prefixes: 4 });
    const rows = [...cell(40, 20, 40), row("off", 40, { workload: "tenant" })];
    const half = row("on", 30, { workload: "tenant", hitRate: 0.4878 });
    const compared = comparePrefixRows([...rows, half], facts({ prompts: [prompts(), tenant] }));
    expect(compared.find(({ workload }) => workload === "tenant")?.expectedTtftS).toBeCloseTo(0.03, 4);
  });
});

describe("why the first token did not come sooner", () => {
  const reasonOf = (on: Partial<PrefixRow>, given: Partial<StudyFacts> = {}) =>
    comparePrefixRows(cell(40, 40, 40, { ...on }), facts(given))[0]?.reason;

  it.each<[name: string, on: Partial<PrefixRow>, given: Partial<StudyFacts>, text: string]>([
    ["flag_without_effect", { hitRate: 0 }, { cachingOn: false }, "still says enable_prefix_caching=False"],
    ["flag_without_effect", { hitRate: 0 }, {}, "32 prompts begin alike by their hashes"],
    [
      "prefix_not_identical",
      { hitRate: 0 },
      { prompts: [prompts({ prefixes: 32 })] },
      "32 prompts begin in 32 different ways",
    ],
    [
      "evicted",
      { hitRate: 0.01, turnover: 1.5 },
      { prompts: [prompts({ prefixes: 32 })], capacityTokens: 20_000 },
      "32 distinct ones need 32768 tokens, the cache holds 20000",
    ],
    [
      "suffix_dominates",
      { hitRate: 0.24 },
      { prompts: [prompts({ sharedTokens: 256, promptTokens: 1050 })] },
      "only P/(P+S) = 24 % of a prompt",
    ],
    ["prefix_too_short", {}, {}, "1024 tokens is too short for this GPU and model"],
    ["prefix_too_short", { hitRate: 0 }, { prompts: [prompts({ sharedTokens: 10 })] }, "less than a block"],
    ["unknown", { hitRate: null }, {}, "tells no hit rate"],
  ])("%s", (name, on, given, text) => {
    expect(reasonOf(on, given)).toMatchObject({ name, text: expect.stringContaining(text) });
  });

  it("is the machine, not the prefix, where hits save time within the server", () => {
    const tenant = [row("off", 40, { workload: "tenant" }), row("on", 41, { workload: "tenant" })];
    const given = facts({ prompts: [prompts(), prompts({ workload: "tenant", prefixes: 4 })] });
    const compared = comparePrefixRows([...cell(40, 20, 40), ...tenant], given);
    expect(compared.find(({ workload }) => workload === "tenant")?.reason).toMatchObject({
      name: "unknown",
      text: expect.stringContaining("--repeats 3"),
    });
  });
});

describe("what the numbers say", () => {
  const rows = [
    ...cell(20, 15, 20, { regime: "512" }),
    ...cell(40, 12, 40, { regime: "2048" }),
    ...cell(120, 30, 120, { regime: "2048", concurrency: 8 }).map((each) =>
      each.mode === "on" ? { ...each, tokensPerS: 640, requestsPerS: 20 } : each,
    ),
  ];
  const given = facts({
    prompts: [
      prompts({ regime: "512", sharedTokens: 512, promptTokens: 538 }),
      prompts({ regime: "2048", sharedTokens: 2048, promptTokens: 2074 }),
    ],
  });
  const said = interpret(comparePrefixRows(rows, given), given);
  const linesOf = (title: string) => said.interpretation.find((each) => each.title === title)?.lines ?? [];

  it("the saving by length, and whether it grows", () => {
    const lines = linesOf("Did TTFT drop on cache hits?");
    expect(lines[0]).toContain("512-token prefix: median TTFT −25 % at 1 in flight");
    expect(lines[1]).toContain("−70 % at 1, −75 % at 8");
    expect(lines.join("\n")).toContain(
      "The saving grows with the prefix, as expected: at best 25 % at 512 tokens, 75 % at 2048.",
    );
  });

  it("capacity, load, and mixed traffic", () => {
    expect(linesOf("Capacity or latency only?")).toEqual([
      expect.stringMatching(/^2048 tokens at 8: a capacity win \(req\/s \+100 %, tok\/s \+100 %/),
    ]);
    expect(linesOf("Concurrency sensitivity")).toEqual([
      "2048 tokens: 28.0 ms sooner (−70 %) at 1, 90.0 ms sooner (−75 %) at 8 in flight against misses of the same server: " +
        "load magnifies it.",
    ]);
    expect(linesOf("Hit rate, and what mixed traffic makes of it").join("\n")).toContain(
      "f · h = 40 % benefits: mean TTFT 84.0 ms, −30 %, where the rest of the traffic is assumed to have prompts of the same length.",
    );
  });

  it("a closing rule with the user's own numbers, one caveat, and a sentence for a manager", () => {
    expect(said.conclusion).toHaveLength(4);
    expect(said.conclusion[0]).toBe(
      "Enable it for endpoints that share 512 tokens or more, from 1 in flight on: TTFT −25 % at 512 tokens and 1 in flight, " +
        "−75 % at 2048 tokens and 8 in flight, the latter with 100 % more tokens per second, for answers of 32 tokens. " +
        "All of it was measured once: one round on one server of each kind.",
    );
    expect(said.conclusion[2]).toBe(
      "Caveat: the KV cache holds 1000000 tokens, 488 distinct prefixes of 2048; with more in turn, or a unique long document in each request, they are evicted before they are used again.",
    );
    expect(said.conclusion[3]).toContain(
      "4.0 times as fast with 8 users at once; there it brings 100 % more tokens per second, for answers of 32 tokens.",
    );
  });

  it("hits against misses of one server, where the servers differ", () => {
    // The server with caching is twice as slow for all that it does.
    const slow = [...cell(40, 20, 80), ...cell(120, 80, 240, { concurrency: 8 })];
    const lines = interpret(comparePrefixRows(slow, facts()), facts()).interpretation.flatMap(
      (each) => each.lines,
    );
    expect(lines).toContain(
      "1024 tokens: 60.0 ms sooner (−75 %) at 1, 160.0 ms sooner (−67 %) at 8 in flight against misses of the same server: " +
        "with load it grows in milliseconds, and its share of the wait falls.",
    );
    expect(lines).toContainEqual(
      expect.stringContaining(
        "E[TTFT] = h · 20.0 ms + (1 − h) · 80.0 ms at 1024 tokens and 1 in flight, hits and misses of the server with caching",
      ),
    );
  });

  it("whether the saving stays below P / (P + S)", () => {
    const boundOf = (on: number) =>
      interpret(comparePrefixRows(cell(100, on, 100), facts()), facts())
        .interpretation.flatMap((each) => each.lines)
        .find((line) => line.startsWith("The median hit still takes"));
    expect(boundOf(20)).toContain("So the saving stays below P/(P+S): 80 % against 98 % at 1024 tokens.");
    expect(boundOf(1)).toContain("is not below P/(P+S) everywhere (99 % against 98 % at 1024 tokens)");
  });

  describe("of cells that differ", () => {
    const regimes = ["512", "1024"];
    const prompted = facts({ prompts: regimes.map((regime) => prompts({ regime })) });
    /** 512 and 1024 tokens at 1 and 8 in flight; TTFT of hits, and tokens per second, by `<regime>.<concurrency>`. */
    const conclude = (
      on: Record<string, Partial<PrefixRow> & { ms: number }>,
      more: Partial<PrefixRow> = {},
    ) => {
      const rows = regimes.flatMap((regime) =>
        [1, 8].flatMap((concurrency) => {
          const { ms, ...rest } = on[`${regime}.${concurrency}`] ?? { ms: 20 };
          return cell(40, ms, 40, { regime, concurrency, ...more }).map((each) =>
            each.mode === "on" && each.workload === "policy" ? { ...each, ...rest } : each,
          );
        }),
      );
      return interpret(comparePrefixRows(rows, prompted), prompted).conclusion;
    };

    it("the rule holds only where every cell from there on pays; else they are named", () => {
      expect(conclude({})[0]).toContain("that share 512 tokens or more, from 1 in flight on:");
      expect(conclude({ "1024.8": { ms: 40 } })[0]).toContain(
        "like the cells in which it paid (512 tokens at 1, 8; 1024 tokens at 1 in flight), not like those in which it did not (1024 tokens at 8):",
      );
      // Both paying ones are above the corner that nobody found to pay.
      expect(conclude({ "512.1": { ms: 40 } })[0]).toContain(
        "(512 tokens at 8; 1024 tokens at 1, 8 in flight)",
      );
      expect(conclude({ "512.1": { ms: 40 }, "512.8": { ms: 40 } })[0]).toContain(
        "that share 1024 tokens or more, from 1 in flight on:",
      );
    });

    it("the best one has its own tokens per second, and the most are named with their cell", () => {
      const said = conclude({
        "512.8": { ms: 20, tokensPerS: 960 },
        "1024.8": { ms: 10, tokensPerS: 640 },
      });
      expect(said[0]).toContain(
        "−75 % at 1024 tokens and 8 in flight, the latter with 100 % more tokens per second, and up to 200 % more at 512 tokens and 8 in flight, for answers of 32 tokens.",
      );
      expect(said.at(-1)).toContain("there it brings 100 % more tokens per second");
      expect(said.at(-1)).not.toContain("200 %");
    });

    it("those that were not quiet are in no range, and that nothing was quiet is said", () => {
      const disturbed = { quiet: false, notes: ["not quiet"] };
      const said = conclude({ "1024.8": { ms: 2, tokensPerS: 9600, ...disturbed } });
      expect(said[0]).toContain("TTFT −50 % at 512 tokens and 1 in flight, with no more throughput");
      expect(said.join("\n")).not.toMatch(/95 %|2900 %/);
      expect(said[1]).toContain("falls by 50 % and");
      expect(said).toContain("Left out, since the machine was not quiet meanwhile: 1024 tokens at 8.");
      // Nor is it a cell from which on everything pays, though it is left out.
      const lost = conclude({ "1024.8": { ms: 2, tokensPerS: 160, ...disturbed } });
      expect(lost[0]).toContain("not like those in which it did not (1024 tokens at 8):");
      expect(lost).toContainEqual(expect.stringContaining("at 1024 tokens at 8 (not quiet), −50 %"));
      const none = conclude({}, disturbed);
      expect(none[0]).toContain("Enable it for endpoints that share 512 tokens or more");
      expect(none).toContainEqual(
        expect.stringContaining("No cell was measured while the machine was quiet"),
      );
    });

    it("what was measured again and again is not called measured once", () => {
      expect(conclude({})[0]).toContain("measured once");
      expect(conclude({}, { rounds: 3 })[0]).not.toContain("measured once");
    });
  });

  it("that it does not pay, where it does not", () => {
    const idle = interpret(comparePrefixRows(cell(40, 40, 40), facts()), facts());
    expect(idle.conclusion[0]).toMatch(
      /^Do not count on prefix caching here: .*too short for this GPU and model/,
    );
    expect(interpret([], facts()).conclusion[0]).toContain("Do not count on");
  });

  it("what VRAM did, where it was measured", () => {
    const memory = (mode: PrefixMode) => ({
      vramPeakMib: mode === "on" ? 20_100 : 20_000,
      vramSteadyMib: 20_000,
    });
    const measured = cell(40, 20, 40).map((each) => ({ ...each, ...memory(each.mode) }));
    const lines = interpret(comparePrefixRows(measured, facts()), facts()).interpretation.find(({ title }) =>
      title.startsWith("Memory"),
    )?.lines;
    expect(lines?.[0]).toContain("VRAM peak 20100 MiB with caching, 20000 MiB without (+100 MiB)");
    expect(lines?.[1]).toContain("It stays on a plateau");
  });
});
