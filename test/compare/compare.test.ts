import { describe, expect, it } from "vitest";
import { compareSides, type HeadSide, type MetricRules, type Side } from "../../src/compare/compare.ts";
import { ruleFor } from "../../src/compare/rules.ts";
import type { Comparison } from "../../src/domain/comparison.ts";
import { comparisonFileSchema } from "../../src/domain/comparison.ts";
import { definition, fingerprint } from "../support/builders.ts";

const ID = "ttft.warm.floor_ms";

/** So many sessions of two equal rounds: enough of both sides to decide. */
const sessions = (count: number, value: number) => Array.from({ length: count }, () => [value, value]);

function base(overrides: Partial<Side> = {}): Side {
  return {
    source: "baselines/chat/h200.json",
    fingerprints: [fingerprint()],
    values: { [ID]: sessions(5, 10) },
    args: [],
    vllmVersion: "0.22.0",
    definitions: [definition()],
    taints: [],
    ...overrides,
  };
}

function head(overrides: Partial<HeadSide> = {}): HeadSide {
  return { ...base(), source: "this run", absent: {}, ...overrides };
}

const NO_RULES: MetricRules = { tolerances: {}, levels: {} };

function compare(one: Side, other: HeadSide, rules: MetricRules = NO_RULES) {
  return comparisonFileSchema.parse(compareSides("chat", one, other, rules));
}

function only(one: Side, other: HeadSide, rules: MetricRules = NO_RULES): Comparison {
  const { comparisons } = compare(one, other, rules);
  expect(comparisons).toHaveLength(1);
  return comparisons[0]!;
}

describe("ruleFor", () => {
  const rules = {
    "batching.*.tokens_per_s": "one star",
    "batching.c8.tokens_per_s": "exact",
    "*.*.tokens_per_s": "two stars",
    "batching.*": "shorter",
  };

  it("the exact id, else the pattern with the most literal parts", () => {
    expect(ruleFor(rules, "batching.c8.tokens_per_s")).toBe("exact");
    expect(ruleFor(rules, "batching.c16.tokens_per_s")).toBe("one star");
    expect(ruleFor(rules, "other.c16.tokens_per_s")).toBe("two stars");
  });

  it("a star is one whole part, and only that", () => {
    expect(ruleFor(rules, "batching.c8.tpot_floor_ms")).toBeUndefined();
    expect(ruleFor({ "batching.*": 1 }, "batching.c8.tokens_per_s")).toBeUndefined();
    expect(ruleFor({ "batching.c*.tokens_per_s": 1 }, "batching.c8.tokens_per_s")).toBeUndefined();
  });

  it("knows no rule of an object's own making", () => {
    expect(ruleFor({}, "constructor")).toBeUndefined();
  });
});

describe("levels and tolerances", () => {
  const worse = head({ values: { [ID]: sessions(3, 20) } });

  it("are those of the metric", () => {
    expect(only(base(), worse)).toMatchObject({
      metric: ID,
      level: "gate",
      tolerance: 0.1,
      absoluteTolerance: 1,
      verdict: "regressed",
      base: 10,
      head: 20,
      baseSessions: sessions(5, 10),
      headSessions: sessions(3, 20),
    });
  });

  it("are the scenario's where it has some, each bound by itself", () => {
    const rules = {
      levels: { "ttft.*.floor_ms": "watch" },
      tolerances: { [ID]: { relative: 1.5 } },
    } as const;
    expect(only(base(), worse, rules)).toMatchObject({
      level: "watch",
      tolerance: 1.5,
      absoluteTolerance: 1,
      verdict: "pass",
    });
    const absolute = { levels: {}, tolerances: { [ID]: { absolute: 15 } } };
    expect(only(base(), worse, absolute)).toMatchObject({
      tolerance: 0.1,
      absoluteTolerance: 15,
      verdict: "pass",
    });
  });

  it("a metric that is off is not compared", () => {
    expect(compare(base(), worse, { levels: { [ID]: "off" }, tolerances: {} }).comparisons).toEqual([]);
  });

  it("a watched metric of the catalogue can be gated", () => {
    const watched = head({ ...worse, definitions: [definition({ level: "watch" })] });
    expect(only(base(), watched).level).toBe("watch");
    expect(only(base(), watched, { levels: { [ID]: "gate" }, tolerances: {} }).level).toBe("gate");
  });
});

describe("a metric that one side lacks", () => {
  it("head lacks it: invalid, with the reason", () => {
    const without = head({ values: {}, absent: { [ID]: "needs 5 samples, got 4" } });
    expect(only(base(), without)).toMatchObject({
      verdict: "invalid",
      level: "gate",
      base: 10,
      head: null,
      effect: null,
      reason: "the baseline has it, this run does not: needs 5 samples, got 4",
    });
  });

  it("head had too few samples: another session may have enough", () => {
    const few = head({ values: {}, absent: { [ID]: "needs 5 samples, got 4" }, tooFew: new Set([ID]) });
    expect(only(base(), few)).toMatchObject({ verdict: "invalid", decidable: true });
    expect(only(base(), head({ values: {} })).decidable).toBeUndefined();
  });

  it("head did not even try: still invalid, and still gated", () => {
    const without = head({ values: {}, definitions: [] });
    expect(only(base(), without)).toMatchObject({
      verdict: "invalid",
      level: "gate",
      unit: "ms",
      reason: "the baseline has it, this run does not: its probe did not run",
    });
  });

  it("a metric that no catalogue knows never blocks", () => {
    expect(only(base({ definitions: [] }), head({ values: {}, definitions: [] }))).toMatchObject({
      verdict: "invalid",
      level: "watch",
    });
  });

  it("the base lacks it: undecided until it is recorded", () => {
    expect(only(base({ values: {} }), head())).toMatchObject({
      verdict: "inconclusive",
      base: null,
      head: 10,
      reason: "the baseline has no value for it; record again to gate it",
    });
  });

  it("both lack it: nothing to say", () => {
    expect(compare(base({ values: {} }), head({ values: { [ID]: [[]] } })).comparisons).toEqual([]);
  });
});

describe("machines", () => {
  it("a field that must be equal makes everything invalid and is named with both values", () => {
    const other = head({ fingerprints: [fingerprint({ gpuModel: "NVIDIA H100", driver: "550" })] });
    const compared = compare(base(), other);
    expect(compared.comparisons[0]).toMatchObject({
      verdict: "invalid",
      head: 10,
      reason:
        "not comparable: driver is 550, that of the baseline is 570.148.08; gpuModel is NVIDIA H100, that of the baseline is NVIDIA H200",
    });
    expect(compared.fingerprint).toEqual([
      { field: "driver", rule: "must", base: "570.148.08", head: "550" },
      { field: "gpuModel", rule: "must", base: "NVIDIA H200", head: "NVIDIA H100" },
    ]);
  });

  it("a field that is noted is shown and changes nothing", () => {
    const compared = compare(base(), head({ fingerprints: [fingerprint({ kernel: "6.9" })] }));
    expect(compared.fingerprint).toEqual([
      { field: "kernel", rule: "note", base: "6.8.0-71-generic", head: "6.9" },
    ]);
    expect(compared.comparisons[0]?.verdict).toBe("pass");
  });

  it("a host of the baseline is no difference, though its other hosts are", () => {
    const hosts = ["a", "6ea0500d0776"].map((hostId) => fingerprint({ hostId }));
    expect(compare(base({ fingerprints: hosts }), head()).fingerprint).toEqual([]);
  });

  const elsewhere = head({ fingerprints: [fingerprint({ hostId: "other" })] });
  const slower = { ...elsewhere, values: { [ID]: sessions(3, 20) } };
  const faster = { ...elsewhere, values: { [ID]: sessions(3, 5) } };
  const onHosts = (...ids: string[]) => base({ fingerprints: ids.map((hostId) => fingerprint({ hostId })) });

  it("another host cannot convict a metric that moves with the host, nor praise it", () => {
    expect(only(onHosts("a", "b"), slower)).toMatchObject({
      verdict: "inconclusive",
      effect: 1,
      reason:
        "worse by more than the tolerance, but on another host than the baseline, which spans fewer than 3 hosts",
    });
    expect(only(onHosts("a", "b"), faster)).toMatchObject({
      verdict: "pass",
      reason: expect.stringMatching(/^better by more than the tolerance, but on another host/),
    });
  });

  it("a baseline of three hosts can", () => {
    expect(only(onHosts("a", "b", "c"), slower).verdict).toBe("regressed");
    expect(only(onHosts("a", "b", "c"), faster).verdict).toBe("improved");
  });

  it("the same host can", () => {
    expect(only(onHosts("a", "other"), slower).verdict).toBe("regressed");
  });

  it("a metric that does not move with the host gates anywhere", () => {
    const definitions = [definition({ sensitivity: "none" })];
    expect(only(onHosts("a"), { ...slower, definitions }).verdict).toBe("regressed");
  });
});

describe("taints", () => {
  const taint = (metrics: string) => ({
    variant: "head",
    session: 0,
    round: 0,
    metrics,
    reason: "it hit the cache",
  });

  it("make the metrics of their case invalid, whatever was found", () => {
    const values = { [ID]: sessions(3, 99) };
    expect(only(base(), head({ values, taints: [taint("ttft.warm")] }))).toMatchObject({
      verdict: "invalid",
      effect: 8.9,
      reason: "it hit the cache",
    });
    expect(only(base(), head({ values, taints: [taint("ttft.war"), taint("ttft.warm.fl")] })).verdict).toBe(
      "regressed",
    );
  });

  it("reach metrics whose quantity is joined with an underscore", () => {
    const id = "ttft.cold_ms";
    const side = { values: { [id]: [[10]] }, definitions: [definition({ id })] };
    expect(only(base(side), head({ ...side, taints: [taint("ttft.cold")] })).verdict).toBe("invalid");
  });

  it("of the base count too", () => {
    expect(only(base({ taints: [taint("ttft.warm")] }), head())).toMatchObject({
      verdict: "invalid",
      reason: "the baseline must not be trusted: it hit the cache",
    });
  });
});

describe("flags that differ", () => {
  const differ = (before: readonly string[], after: readonly string[]) =>
    compare(base({ args: before }), head({ args: after })).flags.map(
      ({ what, base: from, head: to }) => `${what}: ${from} → ${to}`,
    );

  it.each([
    [["--max-num-seqs", "64"], ["--max-num-seqs", "256"], ["--max-num-seqs: 64 → 256"]],
    [["--max-num-seqs=64"], ["--max_num_seqs", "64"], []],
    [["--enforce-eager"], [], ["--enforce-eager: on → null"]],
    [[], ["--no-async-scheduling"], ["--no-async-scheduling: null → on"]],
    [["-tp", "2"], ["-tp", "4"], ["-tp: 2 → 4"]],
    [["--a", "1", "--b", "2"], ["--b", "2", "--a", "1"], []],
    [["--override-generation-config", '{"a":"b=c"}'], ['--override-generation-config={"a":"b=c"}'], []],
    [["--seed", "-1"], ["--seed=-2"], ["--seed: -1 → -2"]],
    [["--x="], [], ["--x:  → null"]],
    [["model-a"], ["model-b"], ["(argument): model-a → model-b"]],
    [["--lora-modules", "a=1", "b=2"], ["--lora-modules", "a=1"], ["--lora-modules: a=1 b=2 → a=1"]],
    [["--middleware", "a", "--middleware", "b"], ["--middleware", "b"], ["--middleware: a, b → b"]],
    [["--max-num-seqs", "64"], ["--max-num-seqs", "64", "--max_num_seqs=8"], ["--max-num-seqs: 64 → 64, 8"]],
    [["--compilation-config.cudagraph_mode=none"], [], ["--compilation-config.cudagraph_mode: none → null"]],
  ])("%j, then %j", (before, after, expected) => {
    expect(differ(before, after)).toEqual(expected);
  });

  it("vLLM's version stands first", () => {
    const compared = compare(base({ args: ["--a"] }), head({ args: [], vllmVersion: "0.23.0" }));
    expect(compared.flags.map(({ what }) => what)).toEqual(["vLLM", "--a"]);
    expect(compared.flags[0]).toEqual({ what: "vLLM", base: "0.22.0", head: "0.23.0" });
  });
});

describe("what else is known", () => {
  const worse = head({ values: { [ID]: sessions(3, 20) }, args: ["--no-enable-prefix-caching"] });
  const compareWith = (options: Parameters<typeof compareSides>[4]) =>
    compareSides("chat", base(), worse, NO_RULES, options).comparisons[0];

  it("the base as it is now is shown, and refutes what it has too", () => {
    expect(compareWith({})).toMatchObject({ verdict: "regressed", unconfirmed: true });
    const found = compareWith({ fresh: base({ values: { [ID]: sessions(1, 19.9) } }) });
    expect(found).toMatchObject({ verdict: "inconclusive", freshSessions: sessions(1, 19.9) });
    const confirmed = compareWith({ fresh: base({ values: { [ID]: sessions(3, 10) } }) });
    expect(confirmed?.verdict).toBe("regressed");
    expect(confirmed).not.toHaveProperty("unconfirmed");
  });

  it("flags that differ stand beside what they are known to move", () => {
    expect(compareWith({})?.attribution).toMatch(/^--no-enable-prefix-caching .* computed again/);
    const same = compareSides("chat", base(), head(), NO_RULES).comparisons[0];
    expect(same).not.toHaveProperty("attribution");
  });

  it("a machine's own noise is asked first", () => {
    const noise = {
      unit: "ms",
      scale: "log" as const,
      sessions: 9,
      sessionSd: 0.4,
      degreesOfFreedom: 8,
      sessionRange: 1,
      roundSd: null,
      detectable: 2,
      proposed: { level: "watch" as const, tolerance: { relative: 2, absolute: 0 } },
      sessionsFor: [],
      fixedRuleFires: [],
    };
    expect(compareWith({ noise: { [ID]: noise } })?.verdict).not.toBe("regressed");
  });

  it("what no session of head could decide says so", () => {
    const unknown = compareSides("chat", base({ values: {} }), head(), NO_RULES).comparisons[0];
    expect(unknown).toMatchObject({ verdict: "inconclusive", decidable: false });
  });
});

it("metrics come in the order of their ids", () => {
  const values = { "b.b": [[1]], "a.a": [[1]], "c.c": [[1]] };
  expect(compare(base({ values }), head({ values })).comparisons.map(({ metric }) => metric)).toEqual([
    "a.a",
    "b.b",
    "c.c",
  ]);
});

describe("an A/B whose base has no value", () => {
  const other = (more: Partial<Side>) =>
    compareSides("chat", base({ values: {}, ...more }), head(), NO_RULES, { interleaved: true });

  it("asks for another pair where its samples were too few", () => {
    const found = other({ absent: { [ID]: "needs 5 samples, got 2" }, tooFew: new Set([ID]) });
    expect(found.interleaved).toBe(true);
    expect(found.comparisons[0]).toMatchObject({
      verdict: "inconclusive",
      decidable: true,
      reason: "this run has it, the base beside it does not: needs 5 samples, got 2",
    });
  });

  it("does not where its server has no such metric, nor advises to record", () => {
    expect(other({}).comparisons[0]).toMatchObject({
      decidable: false,
      reason: "this run has it, the base beside it does not: its server does not report it",
    });
  });
});

describe("the parts of an A/B that must not be trusted", () => {
  const taint = {
    variant: "base",
    session: 0,
    round: 0,
    metrics: "prefix.miss.1024.c1",
    reason: "came from the cache",
  };

  it("are those of both sides, which are sessions of one run", () => {
    const of = (interleaved: boolean) =>
      compareSides("chat", base({ taints: [taint] }), head(), NO_RULES, { interleaved }).taints;
    expect(of(true)).toEqual(["came from the cache"]);
    expect(of(false)).toEqual([]);
  });
});
