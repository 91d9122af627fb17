import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Comparison, LimitBreach } from "../../src/domain/comparison.ts";
import { VERDICTS, type Verdict, verdictFileSchema } from "../../src/domain/verdict.ts";
import {
  decide,
  decideFailure,
  decideNotRecorded,
  decideRecorded,
  decideWithoutBaseline,
  join,
  type VerdictPolicy,
} from "../../src/verdict/decide.ts";
import { comparison, comparisonFile } from "../support/builders.ts";

const POLICY: VerdictPolicy = { onInconclusive: "warn", onInvalid: "fail", reportOnly: false };
const verdict = fc.constantFrom(...VERDICTS);

/** A gated metric with a verdict and numbers that fit it. */
function found(wanted: Verdict, overrides: Partial<Comparison> = {}): Comparison {
  const head = { pass: 2, improved: 1.5, inconclusive: 2.2, invalid: 2, regressed: 3 }[wanted];
  return comparison({ verdict: wanted, head, effect: head / 2 - 1, reason: `why ${wanted}`, ...overrides });
}

const limit: LimitBreach = { metric: "ttft.warm.p95_ms", unit: "ms", value: 250, bound: 200, side: "max" };

function decided(
  comparisons: readonly Comparison[],
  policy: Partial<VerdictPolicy> = {},
  limits: LimitBreach[] = [],
) {
  return verdictFileSchema.parse(
    decide(comparisonFile({ comparisons: [...comparisons], limits }), { ...POLICY, ...policy }),
  );
}

describe("join", () => {
  it("takes the worse: regressed > invalid > inconclusive > improved > pass", () => {
    const order = ["pass", "improved", "inconclusive", "invalid", "regressed"] as const;
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) expect(join(a, b)).toBe(order[Math.max(i, j)]);
    }
  });

  it("does not care for order, grouping or repetition", () => {
    fc.assert(
      fc.property(verdict, verdict, verdict, (a, b, c) => {
        expect(join(a, b)).toBe(join(b, a));
        expect(join(join(a, b), c)).toBe(join(a, join(b, c)));
        expect(join(a, a)).toBe(a);
        expect(join("pass", a)).toBe(a);
      }),
    );
  });
});

describe("exit codes and check conclusions", () => {
  it.each([
    ["pass", {}, 0, "success"],
    ["improved", {}, 0, "success"],
    ["regressed", {}, 1, "failure"],
    ["regressed", { onInconclusive: "warn", onInvalid: "warn" }, 1, "failure"],
    ["inconclusive", {}, 0, "neutral"],
    ["inconclusive", { onInconclusive: "fail" }, 3, "action_required"],
    ["invalid", {}, 3, "action_required"],
    ["invalid", { onInvalid: "warn" }, 0, "neutral"],
  ] as const)("%s under %j: %d, %s", (wanted, policy, exitCode, conclusion) => {
    expect(decided([found(wanted)], policy)).toMatchObject({
      verdict: wanted,
      cause: "decided",
      exitCode,
      conclusion,
      reportOnly: false,
    });
  });

  it.each(["regressed", "invalid"] as const)("%s under report-only exits 0 and says so", (wanted) => {
    expect(decided([found(wanted)], { reportOnly: true })).toMatchObject({
      verdict: wanted,
      exitCode: 0,
      conclusion: "neutral",
      reportOnly: true,
    });
  });

  it("report-only has nothing to silence when the run passed", () => {
    expect(decided([found("pass")], { reportOnly: true })).toMatchObject({
      exitCode: 0,
      conclusion: "success",
      reportOnly: false,
    });
  });

  it("a broken limit is a failure, however good the metrics are", () => {
    expect(decided([found("improved")], {}, [limit])).toMatchObject({
      verdict: "regressed",
      exitCode: 1,
      conclusion: "failure",
    });
    expect(decided([], {}, [limit])).toMatchObject({ verdict: "regressed", exitCode: 1 });
  });

  it("nothing gated is no pass: nobody looked", () => {
    for (const comparisons of [[], [found("pass", { level: "watch" })]]) {
      expect(decided(comparisons)).toMatchObject({
        verdict: "invalid",
        exitCode: 3,
        headline: "No gated metric was measured",
        reasons: ["no gated metric was measured"],
      });
    }
  });

  it("limits that hold are looked at, where no metric is gated", () => {
    const watched = [found("pass", { level: "watch" })];
    const held = decide(comparisonFile({ comparisons: watched, limitsChecked: 1 }), POLICY);
    expect(held).toMatchObject({ verdict: "pass", exitCode: 0 });
    expect(held.headline).toBe("Every limit holds; no metric is gated");
  });

  it("a limit that one session alone breaks blocks nothing, and is said", () => {
    const alone = decided([found("pass")], {}, [{ ...limit, seenOnce: true }]);
    expect(alone).toMatchObject({ verdict: "inconclusive", exitCode: 0 });
    expect(alone.headline).toMatch(/^1 limit broken: .* in one session alone$/);
    expect(alone.nextAction).toMatch(/^Raise budgetMinutes/);
  });

  it("no baseline: 3, even where invalid only warns; 1 when a limit is broken", () => {
    const without = (policy: Partial<VerdictPolicy>, limits: LimitBreach[] = []) =>
      decideWithoutBaseline(
        comparisonFile({ baseSource: null, comparisons: [], limits }),
        "baselines/chat/h200.json",
        { ...POLICY, ...policy },
      );
    expect(without({ onInvalid: "warn" })).toMatchObject({
      verdict: "invalid",
      cause: "no_baseline",
      exitCode: 3,
      conclusion: "action_required",
      headline: "Measured, but there is no baseline to compare with (expected baselines/chat/h200.json)",
      nextAction: "Record one on the base branch and commit it: vllm-gate record --scenario chat",
    });
    expect(without({}, [limit])).toMatchObject({ verdict: "regressed", exitCode: 1, conclusion: "failure" });
    expect(without({ reportOnly: true })).toMatchObject({ exitCode: 0, conclusion: "neutral" });
  });

  it.each([
    ["failed_start", undefined, false, 4, "failure"],
    ["server_died", undefined, false, 4, "failure"],
    ["tool_failed", undefined, false, 4, "failure"],
    ["failed_start", undefined, true, 0, "neutral"],
    ["cancelled", 130, false, 130, "cancelled"],
    ["cancelled", 143, true, 143, "cancelled"],
    ["killed", 143, false, 143, "cancelled"],
  ] as const)("%s (exit %s, report-only %s): %d, %s", (cause, given, reportOnly, exitCode, conclusion) => {
    const details = { headline: "It ended", nextAction: "Look.", reasons: ["why"] };
    const options = { reportOnly, ...(given === undefined ? {} : { exitCode: given }) };
    expect(decideFailure("chat", cause, details, options)).toMatchObject({
      ...details,
      verdict: "failed",
      cause,
      exitCode,
      conclusion,
    });
  });

  it("recorded: 0; measured, but not fit for a baseline: 3", () => {
    expect(decideRecorded("chat", "baselines/x.json")).toMatchObject({
      exitCode: 0,
      cause: "recorded",
      conclusion: "success",
    });
    expect(decideNotRecorded("chat", "2 % of the requests failed")).toMatchObject({
      exitCode: 3,
      cause: "not_recorded",
      reasons: ["2 % of the requests failed"],
    });
  });
});

describe("the verdict of a run", () => {
  it("is the join of its gated metrics; watched ones are not counted and never move it", () => {
    const metric = fc.record({ verdict, level: fc.constantFrom("gate" as const, "watch" as const) });
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 8 }), (metrics) => {
        const gated = metrics.filter(({ level }) => level === "gate");
        const result = decided(metrics.map(({ verdict: each, level }) => found(each, { level })));
        const expected = gated.length === 0 ? "invalid" : gated.map((each) => each.verdict).reduce(join);
        expect(result.verdict).toBe(expected);
        for (const each of VERDICTS) {
          expect(result.counts[each]).toBe(gated.filter((one) => one.verdict === each).length);
        }
      }),
    );
  });
});

describe("a run of which a part must not be trusted", () => {
  const taint = "97 % of the prompt tokens of ttft.cold came from the prefix cache";

  it("is invalid, even where only watched metrics come from that part", () => {
    const file = comparisonFile({ comparisons: [found("pass"), found("invalid", { level: "watch" })] });
    expect(decide(file, POLICY).verdict).toBe("pass");
    expect(decide({ ...file, taints: [taint] }, POLICY)).toMatchObject({
      verdict: "invalid",
      exitCode: 3,
      headline: `No verdict: ${taint}`,
      nextAction: "Mend the cause and run again; nothing was decided.",
      reasons: [taint],
      counts: { pass: 1, invalid: 0 },
    });
  });

  it("says the reason once, and a regression stays one", () => {
    const tainted = comparisonFile({ comparisons: [found("invalid", { reason: taint })], taints: [taint] });
    expect(decide(tainted, POLICY).reasons).toEqual([`batching.c8.tpot_floor_ms: ${taint}`]);
    const worse = comparisonFile({ comparisons: [found("regressed")], taints: [taint] });
    expect(decide(worse, POLICY)).toMatchObject({ verdict: "regressed", exitCode: 1 });
    expect(decide(worse, POLICY).reasons).toContain(taint);
  });
});

it("what else a reader must know is among the reasons, with a baseline and without", () => {
  const note = "1 of 5 sessions measured within budgetMinutes (30)";
  expect(decide(comparisonFile(), POLICY, [note]).reasons).toEqual([note]);
  const command = "vllm-gate record --scenario default --server-url http://127.0.0.1:8000";
  const without = decideWithoutBaseline(comparisonFile({ comparisons: [] }), "b.json", POLICY, command, [
    note,
  ]);
  expect(without.reasons).toEqual(["expected a baseline at b.json", note]);
  expect(without.nextAction).toBe(`Record one on the base branch and commit it: ${command}`);
});

describe("headline and next action", () => {
  const tokens = (effect: number, wanted: Verdict) =>
    found(wanted, {
      metric: "batching.c8.tokens_per_s",
      unit: "tokens/s",
      direction: "higher",
      base: 100,
      head: 100 * (1 - effect),
      effect,
    });

  it("regressed: the largest losses, in words", () => {
    const result = decided([
      found("regressed", { metric: "a.b", head: 2.062, effect: 0.031 }),
      tokens(0.753, "regressed"),
      found("regressed", { metric: "c.d", head: 2.03, effect: 0.015 }),
      found("pass"),
    ]);
    expect(result.headline).toBe(
      "3 of 4 gated metrics regressed: batching.c8.tokens_per_s is 75 % worse, a.b is 3.1 % worse and 1 more",
    );
    expect(result.nextAction).toBe("Change the flags, or accept the loss by recording a new baseline.");
    expect(result.reasons[0]).toBe("batching.c8.tokens_per_s is 75 % worse: why regressed");
  });

  it("shares are said in points, and what was zero without a percentage", () => {
    const share = { metric: "requests.error_rate", unit: "share", base: 0, head: 0.013, effect: null };
    expect(decided([found("regressed", share)]).headline).toBe(
      "1 of 1 gated metric regressed: requests.error_rate is 1.3 points worse",
    );
    const count = { metric: "requests.preemptions", unit: "requests", base: 0, head: 3, effect: null };
    expect(decided([found("regressed", count)]).headline).toBe(
      "1 of 1 gated metric regressed: requests.preemptions went from 0 to 3 requests",
    );
    const saving = { unit: "share", direction: "higher", base: 0.9, head: 0.7, effect: 0.222 } as const;
    expect(decided([found("regressed", { ...saving, metric: "prefix.1024.c1.saving" })]).headline).toContain(
      "prefix.1024.c1.saving is 20 points worse",
    );
  });

  it("failed requests are nothing to accept", () => {
    const share = { metric: "requests.error_rate", unit: "share", base: 0, head: 0.013, effect: null };
    expect(decided([found("regressed", share), found("regressed")]).nextAction).toBe(
      "Find out why requests failed: the server's log and traces.jsonl are in the run folder.",
    );
  });

  it("a broken limit is named with its numbers", () => {
    const result = decided([found("pass")], {}, [limit]);
    expect(result.headline).toBe("1 limit broken: ttft.warm.p95_ms is 250 ms, limit max 200 ms");
    expect(result.nextAction).toBe(
      "Change the flags until every limit holds, or change the limits on the base branch.",
    );
    const share = { ...limit, metric: "requests.error_rate", unit: "share", value: 0.02, bound: 0.01 };
    expect(decided([found("pass")], {}, [share, limit]).headline).toBe(
      "2 limits broken: requests.error_rate is 2 %, limit max 1 % and 1 more",
    );
    expect(decided([found("regressed")], {}, [limit]).headline).toBe(
      "1 of 1 gated metric regressed: batching.c8.tpot_floor_ms is 50 % worse; 1 limit broken: ttft.warm.p95_ms is 250 ms, limit max 200 ms",
    );
    expect(decided([found("pass")], {}, [limit, { ...share, value: null }]).headline).toBe(
      "2 limits broken or not measured: ttft.warm.p95_ms is 250 ms, limit max 200 ms and 1 more",
    );
    expect(decided([found("pass")], {}, [{ ...limit, value: null, unit: "" }]).headline).toBe(
      "1 limit not measured: ttft.warm.p95_ms was not measured, but has a limit (max 200)",
    );
  });

  it("a limit that nobody could check is no verdict, not a regression", () => {
    const unmeasured = { ...limit, value: null, unit: "" };
    const result = decided([found("pass")], {}, [unmeasured]);
    expect(result).toMatchObject({ verdict: "invalid", exitCode: 3, conclusion: "action_required" });
    expect(result.nextAction).toBe(
      "Give the scenario a probe that measures what the limit is on, or remove the limit.",
    );
    expect(decided([found("regressed")], {}, [unmeasured]).verdict).toBe("regressed");
  });

  it("invalid: the reason once, whoever shares it", () => {
    const all = decided([found("invalid", { metric: "a.b" }), found("invalid", { metric: "c.d" })]);
    expect(all.headline).toBe("No verdict: why invalid");
    expect(all.reasons).toEqual(["a.b, c.d: why invalid"]);
    expect(all.nextAction).toBe("Mend the cause and run again; nothing was decided.");
    const some = decided([
      found("invalid", { metric: "a.b", reason: "alone" }),
      found("invalid", { metric: "c.d" }),
      found("invalid", { metric: "e.f" }),
      found("pass"),
    ]);
    expect(some.headline).toBe(
      "No verdict on 2 of 4 gated metrics: why invalid (and 1 more for other reasons)",
    );
    expect(decided([found("invalid"), found("pass")]).headline).toBe(
      "No verdict on batching.c8.tpot_floor_ms: why invalid",
    );
  });

  it("invalid on another machine: says what to do about that", () => {
    const file = comparisonFile({
      comparisons: [found("invalid")],
      fingerprint: [{ field: "gpuModel", rule: "must", base: "H200", head: "H100" }],
    });
    expect(decide(file, POLICY)).toMatchObject({
      headline: "No verdict: not comparable with the baseline (gpuModel differs)",
      nextAction:
        "Run it as the baseline was recorded, or record a baseline for this machine and these probes.",
      reasons: ["batching.c8.tpot_floor_ms: why invalid"],
    });
  });

  it("inconclusive: what would decide it", () => {
    const undecided = decided([found("inconclusive"), found("pass")]);
    expect(undecided.headline).toBe(
      "1 of 2 gated metrics undecided: batching.c8.tpot_floor_ms is 10 % worse",
    );
    expect(undecided.nextAction).toBe("Run again with more sessions to decide it (--sessions 3).");
    const unrecorded = decided([found("inconclusive", { base: null, effect: null })]);
    expect(unrecorded.headline).toBe(
      "1 of 1 gated metric undecided: batching.c8.tpot_floor_ms has no baseline",
    );
    expect(unrecorded.nextAction).toBe("Record the baseline again to gate what is new.");
    const unknownHost = comparisonFile({
      comparisons: [found("inconclusive")],
      fingerprint: [{ field: "hostId", rule: "note", base: "a", head: null }],
    });
    expect(decide(unknownHost, POLICY).nextAction).toBe(undecided.nextAction);
    const file = comparisonFile({
      comparisons: [found("inconclusive")],
      fingerprint: [{ field: "hostId", rule: "note", base: "a", head: "b" }],
    });
    expect(decide(file, POLICY).nextAction).toBe(
      "Run on a host of the baseline, or record a baseline on this host as well.",
    );
  });

  it("inconclusive: says what to do where sessions do not help", () => {
    const next = (overrides: Partial<Comparison>) => decided([found("inconclusive", overrides)]).nextAction;
    expect(next({ machineMoved: true, decidable: false })).toMatch(
      /slower than when the baseline was recorded/,
    );
    expect(next({ seenOnce: true })).toMatch(/Raise budgetMinutes/);
    expect(next({ decidable: false })).toMatch(/vllm-gate calibrate/);
    expect(next({ headSessions: [[1], [1], [1]] })).toMatch(/--sessions 5/);
  });

  it("pass and improved", () => {
    expect(decided([found("pass"), found("pass")])).toMatchObject({
      headline: "None of the 2 gated metrics got worse",
      nextAction: "Nothing to do.",
    });
    expect(decided([found("pass")]).headline).toBe("The one gated metric did not get worse");
    expect(decided([found("pass"), tokens(-0.0312, "improved")])).toMatchObject({
      headline: "1 of 2 gated metrics improved: batching.c8.tokens_per_s is 3.1 % better; none got worse",
      nextAction: "Nothing to do; record a new baseline to hold the gain.",
    });
  });
});
