import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alphaFor } from "../../src/compare/conviction.ts";
import { type JudgeInput, type Judgement, judge } from "../../src/compare/judge.ts";
import type { MetricNoise } from "../../src/domain/noise.ts";

/** `batching.c8.tpot_floor_ms` of a full baseline, as an H200 has it: 0.2 % apart. */
const STEADY = [2.03, 2.025, 2.027, 2.036, 2.031].map((value) => [value, value * 1.002]);
const times = (factor: number, sessions = STEADY.slice(0, 3)) =>
  sessions.map((session) => session.map((value) => value * factor));

function input(overrides: Partial<JudgeInput> = {}): JudgeInput {
  return {
    metric: "batching.c8.tpot_floor_ms",
    direction: "lower",
    level: "gate",
    tolerance: { relative: 0.02, absolute: 0 },
    rounds: "best",
    sensitivity: "none",
    base: STEADY,
    head: times(1),
    ...overrides,
  };
}

function one(overrides: Partial<JudgeInput> = {}): Judgement {
  return judge([input(overrides)])[0] as Judgement;
}

describe("a steady metric with a full baseline", () => {
  it("equal sessions pass, and say what they exclude", () => {
    expect(one()).toMatchObject({ verdict: "pass", reason: "within the tolerance" });
    expect(Math.abs(one().effect ?? 1)).toBeLessThan(0.001);
    expect(one().resolution).toBeLessThan(0.03);
  });

  it("+3 % of three sessions regressed; the bound is beyond half the tolerance and below the effect", () => {
    const found = one({ head: times(1.03) });
    expect(found.verdict).toBe("regressed");
    expect(found.bound).toBeGreaterThan(0.01);
    expect(found.bound).toBeLessThan(found.effect ?? 0);
    expect(found.interval?.[0]).toBeLessThan(found.effect ?? 0);
    expect(found.interval?.[1]).toBeGreaterThan(found.effect ?? 0);
    expect(found.unconfirmed).toBe(true);
  });

  it("−3 % improved, half the tolerance passes, a little more than all of it is not sure", () => {
    expect(one({ head: times(0.96) }).verdict).toBe("improved");
    expect(one({ head: times(1.01) }).verdict).toBe("pass");
    expect(one({ head: times(1.019) }).verdict).not.toBe("regressed");
  });

  it("one or two sessions do not convict of what a slow session could be", () => {
    const found = one({ head: times(1.2, STEADY.slice(0, 1)) });
    expect(found).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringMatching(/one slow session could/),
    });
    expect(one({ head: times(1.2, STEADY.slice(0, 2)) }).reason).toMatch(/2 slow sessions/);
  });

  it("but of twice as bad they do", () => {
    const alone = { base: STEADY.slice(0, 3), head: times(2.2, STEADY.slice(0, 1)) };
    const seenOnce = { verdict: "regressed", seenOnce: true };
    expect(one({ head: alone.head })).toMatchObject({ ...seenOnce, unconfirmed: true });
    // The base beside it is asked no more, but another session of head may still not show it.
    const beside = one({ head: alone.head, fresh: STEADY });
    expect(beside).toMatchObject(seenOnce);
    expect(beside.unconfirmed).toBeUndefined();
    expect(judge([input({ ...alone })], { interleaved: true })[0]).toMatchObject(seenOnce);
    const two = judge([input({ ...alone, head: times(2.2, STEADY.slice(0, 2)) })], { interleaved: true });
    expect(two[0]?.verdict).toBe("regressed");
    expect(two[0]?.seenOnce).toBeUndefined();
  });

  it("one good session is enough to doubt a loss", () => {
    const head = [...times(1.04, STEADY.slice(0, 2)), [2.03, 2.03]];
    expect(one({ head }).verdict).not.toBe("regressed");
  });

  it("a slow session of the baseline hides no loss, where more sessions of the base are not slow", () => {
    const base = [...STEADY.slice(0, 4), [2.44, 2.44]];
    const head = times(1.1);
    // One of five as bad as head's best happens by chance too often; one of ten does not.
    expect(one({ base, head })).toMatchObject({
      verdict: "inconclusive",
      baseDecides: true,
      reason: expect.stringMatching(/1 of 5 sessions of the base was as bad/),
    });
    expect(one({ base, head, fresh: STEADY.slice(0, 3) }).baseDecides).toBe(true);
    expect(one({ base, head, fresh: STEADY })).toMatchObject({ verdict: "regressed" });
    expect(one({ base: [...base, ...STEADY], head, fresh: STEADY.slice(0, 4) })).toMatchObject({
      baseDecides: true,
    });
    expect(one({ base: [...base, ...STEADY], head, fresh: STEADY })).toMatchObject({ verdict: "regressed" });
  });

  it("nor may a slow one of head's pass in silence, nor convict", () => {
    const base = [...STEADY.slice(0, 3), [2.44, 2.44], [2.45, 2.44]];
    const found = one({ base, head: times(1.2), fresh: [...STEADY.slice(0, 4), [2.44, 2.43]] });
    expect(found).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringMatching(/2 of 5 sessions of the base were as bad/),
    });
  });

  it.each([
    ["most of three", [4, 8, 8.01]],
    ["one of two", [4, 12]],
    ["most of three, by a third", [4, 5.3, 5.4]],
  ])("good sessions of head hide no bad ones: %s", (_, values) => {
    const head = values.map((value) => [value, value]);
    const base = [4, 4.01, 3.99, 4.005, 4.02].map((value) => [value, value]);
    for (const interleaved of [false, true]) {
      const found = judge([input({ metric: "batching.c8.tpot_floor_ms", base, head })], { interleaved })[0]!;
      expect(found.verdict).toBe("inconclusive");
    }
  });

  it("sessions of the base beside head's tell whether the machine makes such bad ones by itself", () => {
    const head = [2.03, 2.44, 2.45].map((value) => [value, value]);
    const reason = expect.stringMatching(/^most of its sessions are worse/);
    expect(one({ head })).toMatchObject({ verdict: "inconclusive", baseDecides: true, reason });
    expect(one({ head, fresh: STEADY.slice(0, 2) })).toMatchObject({ baseDecides: true, reason });
    const asked = one({ head, fresh: STEADY.slice(0, 3) });
    expect(asked).toMatchObject({ verdict: "inconclusive", reason });
    expect(asked.baseDecides).toBeUndefined();
    expect(one({ head, fresh: [[2.44, 2.44], ...STEADY.slice(0, 2)] }).verdict).toBe("pass");
    const [paired] = judge([input({ base: STEADY.slice(0, 3), head })], { interleaved: true });
    expect(paired).toMatchObject({ verdict: "inconclusive", reason });
    expect(paired?.baseDecides).toBeUndefined();
  });

  it("interleaved sessions of the base need no others to confirm", () => {
    const [found] = judge([input({ base: STEADY.slice(0, 3), head: times(1.05) })], { interleaved: true });
    expect(found).toMatchObject({ verdict: "regressed" });
    expect(found?.unconfirmed).toBeUndefined();
  });
});

describe("a machine that is a little slower than it was", () => {
  const drifted = (drift: number, loss: number, fresh: number) =>
    one({
      head: times((1 + drift) * (1 + loss)),
      fresh: times(1 + drift, STEADY.slice(0, fresh)),
    });

  it.each([
    [0.015, 0.006],
    [0.018, 0.01],
  ])("by %d convicts no loss of %d, which the base beside it does not show", (drift, loss) => {
    expect(drifted(drift, loss, 1)).toMatchObject({ verdict: expect.not.stringMatching("regressed") });
    expect(drifted(drift, loss, 3)).toMatchObject({ verdict: expect.not.stringMatching("regressed") });
  });

  it("does not hide one that it does", () => {
    expect(drifted(0.015, 0.04, 1)).toMatchObject({ verdict: "regressed" });
    expect(drifted(0.025, 0.06, 3)).toMatchObject({ verdict: "regressed" });
  });

  it("is not blamed where it has not moved: the base beside head is asked as often as it may be", () => {
    const beside = (count: number) =>
      one({ head: times(1.025), fresh: times(1.006, STEADY.slice(0, count)) });
    const reason = expect.stringMatching(/by no more than the tolerance than the base beside it/);
    expect(beside(1)).toMatchObject({ verdict: "inconclusive", baseDecides: true, reason });
    expect(beside(3)).toMatchObject({ verdict: "inconclusive", baseDecides: true, reason });
    const ended = beside(5);
    expect(ended).toMatchObject({ verdict: "inconclusive", reason });
    expect(ended.baseDecides ?? ended.machineMoved).toBeUndefined();
  });

  it("is named, with the loss against the baseline and no advice to measure more", () => {
    const found = drifted(0.3, 0, 3);
    expect(found).toMatchObject({ verdict: "inconclusive", machineMoved: true, decidable: false });
    expect(found.effect).toBeCloseTo(0.3, 2);
  });
});

describe("a metric that has no logarithm, since a round of it was zero", () => {
  const goodput = { metric: "batching.c8.goodput_per_s", direction: "higher" } as const;
  const sessions = [500, 505, 498, 502, 495].map((value) => [value, value * 0.99]);

  it("is as sure as its like that have one", () => {
    const worse = times(0.9, sessions.slice(0, 2));
    const withZero = [[500, 0], ...sessions.slice(1)];
    const tolerance = { relative: 0.05, absolute: 0 };
    expect(one({ ...goodput, tolerance, base: sessions, head: worse }).verdict).toBe("inconclusive");
    expect(one({ ...goodput, tolerance, base: withZero, head: worse }).verdict).toBe("inconclusive");
  });

  it("convicts where it is surely worse", () => {
    const head = Array.from({ length: 3 }, () => [100, 0]);
    expect(
      one({ ...goodput, tolerance: { relative: 0.05, absolute: 0 }, base: sessions, head }).verdict,
    ).toBe("regressed");
  });
});

describe("a noisy machine", () => {
  /** So many metrics whose sessions lie 8 % apart. */
  const noisy = Array.from({ length: 4 }, (_, metric) =>
    input({
      metric: `batching.c${metric + 1}.tpot_floor_ms`,
      base: [1, 1.09, 0.93, 1.05, 0.96].map((value) => [value * 2, value * 2]),
      head: [1.02, 0.95, 1.06].map((value) => [value * 2, value * 2]),
    }),
  );
  const ttft = (factor: number) =>
    judge([
      ...noisy,
      input({
        metric: "ttft.warm.floor_ms",
        tolerance: { relative: 0.1, absolute: 1 },
        base: [20, 21, 19.2, 20.5, 21.8].map((value) => [value, value]),
        head: [20.2, 20.8, 19.5].map((value) => [value * factor, value * factor]),
        fresh: [20.4, 19.6, 21.2, 20.9, 19.9].map((value) => [value, value]),
      }),
    ]).at(-1) as Judgement;

  it("is not noisier in a metric than three times what its sessions were seen to differ", () => {
    expect(ttft(3)).toMatchObject({ verdict: "regressed" });
    expect(ttft(1).verdict).toBe("pass");
  });
});

describe("a gain", () => {
  it("is one of sessions enough, and a pass of two", () => {
    expect(one({ head: times(0.8) })).toMatchObject({ verdict: "improved" });
    expect(one({ head: times(0.8, STEADY.slice(0, 1)) })).toMatchObject({ verdict: "improved" });
    expect(one({ base: STEADY.slice(0, 1), head: times(0.8, STEADY.slice(0, 1)) })).toMatchObject({
      verdict: "pass",
      reason: "better by more than the tolerance, in every session, but 2 in all are too few to be sure",
    });
  });
});

describe("few baseline sessions", () => {
  // Two sessions of an H200 at 32 in flight, alike in all: +6.5 % TPOT, −11 % throughput.
  const noisy = { metric: "batching.c32.tpot_floor_ms", base: [[2.19, 2.2]], head: [[2.33, 2.34]] };

  it("what is known of the metric makes the interval wide: no verdict against it", () => {
    const found = one(noisy);
    expect(found.verdict).not.toBe("regressed");
    expect(found.interval?.[0]).toBeLessThan(0);
    expect(found.interval?.[1]).toBeGreaterThan(0.1);
  });

  it("their level is smaller, since separation happens by chance more often", () => {
    expect(alphaFor({ base: 5, head: 3 })).toBe(0.05);
    expect(alphaFor({ base: 9, head: 3 })).toBe(0.05);
    expect(alphaFor({ base: 1, head: 3 })).toBeCloseTo((0.05 * 4) / 56, 12);
    expect(alphaFor({ base: 5, head: 1 })).toBeCloseTo((0.05 * 6) / 56, 12);
  });
});

describe("memory and cache", () => {
  const kv = {
    metric: "kv.capacity_tokens",
    direction: "higher",
    tolerance: { relative: 0.01, absolute: 0 },
    base: Array.from({ length: 5 }, () => [4_600_768]),
  } as const;

  it("one session convicts of −2 %, without a session of the base", () => {
    const found = one({ ...kv, head: [[4_600_768 * 0.98]] });
    expect(found.verdict).toBe("regressed");
    expect(found.effect).toBeCloseTo(0.02, 9);
    expect(found.unconfirmed).toBeUndefined();
  });

  it("no session of head hides another", () => {
    const base = Array.from({ length: 5 }, () => [1000, 1000]);
    const head = [1000, 500, 500].map((value) => [value, value]);
    const found = one({ metric: "kv.capacity_tokens", direction: "higher", base, head });
    expect(["inconclusive", "regressed"]).toContain(found.verdict);
    expect(found.effect).toBeGreaterThan(0.3);
  });

  it("also against a baseline of one", () => {
    expect(one({ ...kv, base: [[4_600_768]], head: [[4_600_768 * 0.98]] }).verdict).toBe("regressed");
    expect(one({ ...kv, base: [[4_600_768]], head: [[4_600_768 * 0.995]] }).verdict).toBe("pass");
  });
});

describe("a metric that the machine moves", () => {
  const base = [9.9, 9.2, 8.9, 8.8, 9.1].map((value) => [value, value]);
  const warm = {
    metric: "ttft.warm.floor_ms",
    sensitivity: "host",
    tolerance: { relative: 0.1, absolute: 1 },
    base,
  } as const;
  const head = [15, 15.6, 15.2].map((value) => [value, value]);

  it("regressed, until the base is seen to be as slow now", () => {
    expect(one({ ...warm, head })).toMatchObject({ verdict: "regressed", unconfirmed: true });
    expect(one({ ...warm, head, fresh: [[15.1, 15.4]] })).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringMatching(/measured beside this run/),
    });
  });

  it("confirmed by as many sessions of the base as of head", () => {
    const fresh = [
      [9, 9.1],
      [9.2, 9.4],
      [9.1, 9.1],
    ];
    expect(one({ ...warm, head, fresh: fresh.slice(0, 2) }).unconfirmed).toBe(true);
    const found = one({ ...warm, head, fresh });
    expect(found.verdict).toBe("regressed");
    expect(found.unconfirmed).toBeUndefined();
  });

  it("a loss that sessions of the same flags differ by is none", () => {
    const found = one({ ...warm, head: [11.6, 11.8, 11.7].map((value) => [value, value]) });
    expect(found.verdict).not.toBe("regressed");
  });

  it("passes with what it can show, where that is more than the tolerance", () => {
    const found = one({ ...warm, head: [9.9, 9.8, 9.9].map((value) => [value, value]) });
    expect(found).toMatchObject({
      verdict: "pass",
      reason: expect.stringMatching(/no loss that this machine can show/),
    });
    expect(found.resolution).toBeGreaterThan(0.1);
  });
});

describe("this machine's own noise", () => {
  it("takes the place of what is shipped", () => {
    const noise: Record<string, MetricNoise> = {
      "batching.c8.tpot_floor_ms": {
        unit: "ms",
        scale: "log",
        sessions: 9,
        sessionSd: 0.08,
        degreesOfFreedom: 8,
        sessionRange: 0.25,
        roundSd: null,
        detectable: 0.3,
        proposed: { level: "gate", tolerance: { relative: 0.3, absolute: 0 } },
        sessionsFor: [],
        fixedRuleFires: [],
      },
    };
    const [found] = judge([input({ head: times(1.1) })], { noise });
    expect(one({ head: times(1.1) }).verdict).toBe("regressed");
    expect(found?.verdict).not.toBe("regressed");
    expect(found?.sessionSd).toBeGreaterThan(0.05);
  });
});

it("a noise file cannot make the gate blind", () => {
  const absurd = (metric: string): Record<string, MetricNoise> => ({
    [metric]: {
      unit: "",
      scale: "log",
      sessions: 9,
      sessionSd: 50,
      degreesOfFreedom: 8,
      sessionRange: 100,
      roundSd: null,
      detectable: 1,
      proposed: { level: "watch", tolerance: { relative: 1, absolute: 0 } },
      sessionsFor: [],
      fixedRuleFires: [],
    },
  });
  const timed = input({ head: times(9) });
  expect(judge([timed], { noise: absurd(timed.metric) })[0]?.verdict).toBe("regressed");
  const kv = input({
    metric: "kv.capacity_tokens",
    direction: "higher",
    base: Array.from({ length: 5 }, () => [4_600_768]),
    head: [[4_600_768 * 0.95]],
  });
  expect(judge([kv], { noise: absurd(kv.metric) })[0]?.verdict).toBe("regressed");
});

describe("a machine that is far noisier than that of the shipped figures", () => {
  // Five metrics whose sessions lie 8 % apart, where 0.3 % is shipped.
  const spread = [0.9, 1.08, 0.97, 1.1, 1];
  const noisy = (metric: string, factor: number) =>
    input({
      metric,
      base: spread.map((value) => [value, value]),
      head: spread.slice(0, 3).map((value) => [value * factor, value * factor]),
    });
  const names = ["c1", "c2", "c4", "c8", "c16"].map((name) => `batching.${name}.tpot_floor_ms`);

  it("is no pass where not even three times as bad could be excluded, and more sessions would not help", () => {
    const wild = [0.1, 5, 1, 9, 0.3];
    const found = judge(
      names.map((metric) =>
        input({
          metric,
          base: wild.map((value) => [value, value]),
          head: [0.9, 3.5, 1.2].map((value) => [value, value]),
        }),
      ),
    )[0]!;
    expect(found).toMatchObject({ verdict: "inconclusive", decidable: false });
    expect(found.reason).toMatch(/do not exclude that it is \d+ % worse/);
    expect(found.resolution).toBeGreaterThan(1);
  });

  it("a metric whose own sessions are quiet there keeps what is known of it", () => {
    const quiet = input({
      metric: "prefix.miss.512.c1.ttft_floor_ms",
      tolerance: { relative: 0.35, absolute: 2 },
      base: [36.3, 36.6, 36.7, 37, 36.9].map((value) => [value, value]),
      head: [56.9, 57, 58].map((value) => [value, value]),
      fresh: [36.5, 37.1, 36.8].map((value) => [value, value]),
    });
    const steady = names.map((metric) => input({ metric }));
    const found = judge([quiet, ...names.map((metric) => noisy(metric, 1))])[0]!;
    expect(found.sessionSd).toBeCloseTo(judge([quiet, ...steady])[0]!.sessionSd as number, 9);
    expect(found.verdict).toBe("regressed");
  });

  it("a loss far beyond that by which the machine became slower is none of the machine's", () => {
    const rate = (values: readonly number[]) => values.map((value) => [value]);
    const found = (head: readonly number[]) => {
      const lost = input({
        metric: "batching.c8.wave_tokens_per_s",
        direction: "higher",
        tolerance: { relative: 0.05, absolute: 0 },
        base: rate([1796, 1621, 1551, 1581, 1701]),
        head: rate(head),
        fresh: rate([1429, 1376, 1557]),
      });
      // Others are three times as noisy as what is shipped makes of them.
      const mild = spread.map((value) => [value ** 0.18]);
      const others = names.map((metric) => input({ metric, base: mild, head: mild.slice(0, 3) }));
      return judge([lost, ...others])[0]!;
    };
    expect(found([612, 324, 357]).verdict).toBe("regressed");
    expect(found([1330, 1300, 1340])).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringMatching(/so is what the baseline was made of/),
    });
  });

  it("convicts of less than one noisy metric among steady ones", () => {
    const steady = names.slice(1).map((metric) => input({ metric }));
    const alone = judge([noisy(names[0] as string, 1.2), ...steady])[0]!;
    const among = judge(names.map((metric) => noisy(metric, 1.2)))[0]!;
    expect(among.bound).toBeLessThan(alone.bound ?? 0);
    expect(among.verdict).not.toBe("regressed");
  });
});

describe("what is the same in every session", () => {
  const kv = (base: readonly number[], head: readonly number[], metric = "kv.capacity_tokens") => {
    const isSize = metric === "kv.capacity_tokens";
    return one({
      metric,
      direction: metric === "memory.weights_gib" ? "lower" : "higher",
      tolerance: isSize ? { relative: 0.01, absolute: 0 } : { relative: 0, absolute: 0.05 },
      base: base.map((value) => [value]),
      head: head.map((value) => [value]),
    });
  };
  const five = (value: number) => Array.from({ length: 5 }, () => value);

  it("is as bad as in its worst session, whichever came first", () => {
    for (const head of [[6e4], [1e5, 6e4], [6e4, 1e5], [1e5, 6e4, 1e5], [1e5, 1e5, 6e4]]) {
      expect(kv(five(1e5), head), `${head}`).toMatchObject({ verdict: "regressed", head: 6e4 });
    }
    expect(kv(five(0.95), [0.95, 0.95, 0], "prefix.1024.c1.hit_rate").verdict).toBe("regressed");
    expect(kv(five(20), [20, 40, 20], "memory.weights_gib").verdict).toBe("regressed");
  });

  it("passes where it is the same", () => {
    expect(kv(five(1e5), [1e5, 1e5, 1e5]).verdict).toBe("pass");
    expect(kv(five(0.95), [0.95, 0.94, 0.96], "prefix.1024.c1.hit_rate").verdict).toBe("pass");
  });
});

describe("a baseline with slow sessions among few", () => {
  const batching = (metric: string, direction: "lower" | "higher", relative: number) => {
    const values = (factors: readonly number[]) =>
      factors.map((factor) => [direction === "lower" ? 10 * factor : 1000 / factor]);
    return (base: readonly number[], head: readonly number[]) =>
      input({
        metric,
        direction,
        tolerance: { relative, absolute: 0 },
        base: values(base),
        head: values(head),
      });
  };
  const metrics = [
    batching("batching.c8.tpot_floor_ms", "lower", 0.02),
    batching("batching.c8.wave_tokens_per_s", "higher", 0.05),
    batching("ttft.warm.floor_ms", "lower", 0.1),
  ];
  const judged = (base: readonly number[], head: readonly number[]) =>
    judge(metrics.map((metric) => metric(base, head)));

  it("hides no loss of many tolerances", () => {
    for (const base of [
      [1, 1.001, 1.28, 1.3],
      [1, 1.3],
    ]) {
      const [tpot, wave] = judged(base, [1.2, 1.201, 1.199]);
      expect(tpot?.verdict, `${base}`).not.toBe("pass");
      expect(wave?.verdict, `${base}`).not.toBe("pass");
    }
  });

  it("is never surely more than is shown, whatever head's sessions are", () => {
    const factors = fc.array(fc.integer({ min: 130, max: 260 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(factors, (head) => {
        const [found] = judged(
          [1, 1.001, 1.002, 1, 1.003, 1.001],
          head.map((each) => each / 100),
        );
        expect(found?.verdict).toBe("regressed");
        expect(found?.bound).toBeLessThanOrEqual((found?.effect ?? 0) + 1e-9);
        expect(found?.bound).toBeGreaterThan(0);
      }),
    );
  });

  it("leaves it open to more sessions where those decide it", () => {
    for (const { verdict, decidable } of judged([1, 1.3], [1])) {
      expect([verdict, decidable]).not.toEqual(["inconclusive", false]);
    }
    expect(judged([1, 1.3], [1, 1.001, 0.999]).map(({ verdict }) => verdict)).not.toContain("regressed");
  });

  it("does not say that sessions were seen to differ so far where that is reckoned", () => {
    const slow = [1.3, 1, 1.002, 1.3, 1.003];
    const reasons = judged(slow, [1.5, 1.501, 1.499]).map(({ reason }) => reason);
    expect(reasons.join("\n")).toMatch(
      /not by more than sessions may differ on a machine this noisy \(\d+ %\)/,
    );
    expect(reasons.join("\n")).not.toMatch(/sessions of the same flags differ/);
  });
});

describe("worst rounds", () => {
  const failed = {
    metric: "requests.error_rate",
    rounds: "worst",
    tolerance: { relative: 0, absolute: 0 },
  } as const;

  it("what failed in one round did fail", () => {
    expect(one({ ...failed, base: [[0, 0]], head: [[0, 0.1]] })).toMatchObject({
      verdict: "regressed",
      effect: null,
    });
    expect(one({ ...failed, base: [[0, 0.1]], head: [[0, 0.05]] }).verdict).toBe("pass");
    expect(one({ ...failed, base: [[0, 0]], head: [[0, 0]] })).toMatchObject({ verdict: "pass", effect: 0 });
  });
});

describe("many metrics", () => {
  it("what one may claim depends on how many there are", () => {
    const borderline = input({ head: times(1.022) });
    const alone = judge([borderline])[0]!;
    const others = Array.from({ length: 30 }, (_, index) =>
      input({ metric: `batching.c8.tpot_floor_ms${index}`, head: times(1) }),
    );
    const together = judge([borderline, ...others])[0]!;
    expect(together.pValue).toBeGreaterThan(alone.pValue ?? 1);
    expect(together.bound).toBeLessThan(alone.bound ?? 0);
    expect(together.effect).toBe(alone.effect);
  });

  it("watched metrics are a family of their own", () => {
    const gated = input({ head: times(1.022) });
    const watched = Array.from({ length: 30 }, () => input({ level: "watch" }));
    expect(judge([gated, ...watched])[0]).toEqual(judge([gated])[0]);
  });
});

describe("whatever the values", () => {
  const session = fc.array(fc.double({ min: 1, max: 3, noNaN: true }), { minLength: 2, maxLength: 2 });
  const sessions = (least: number, most: number) => fc.array(session, { minLength: least, maxLength: most });
  const sides = fc.record({ base: sessions(1, 6), head: sessions(1, 4) });
  const alike = (a: Judgement, b: Judgement) => {
    expect(b.verdict).toBe(a.verdict);
    expect(b.effect).toBeCloseTo(a.effect ?? 0, 6);
    expect(b.pValue).toBeCloseTo(a.pValue ?? 0, 6);
  };

  it("units do not matter", () => {
    fc.assert(
      fc.property(sides, fc.double({ min: 0.01, max: 100, noNaN: true }), ({ base, head }, factor) => {
        alike(one({ base, head }), one({ base: times(factor, base), head: times(factor, head) }));
      }),
    );
  });

  it("nor does the order of sessions and rounds", () => {
    fc.assert(
      fc.property(sides, ({ base, head }) => {
        const turned = (all: number[][]) => all.toReversed().map((each) => each.toReversed());
        alike(one({ base, head }), one({ base: turned(base), head: turned(head) }));
      }),
    );
  });

  it("a time that doubles and a rate that halves are the same on their scale", () => {
    fc.assert(
      fc.property(sides, ({ base, head }) => {
        const inverse = (all: number[][]) => all.map((each) => each.map((value) => 1 / value));
        const tolerance = { relative: 0.02, absolute: 0 };
        const slow = one({ base, head, tolerance });
        const few = one({
          base: inverse(base),
          head: inverse(head),
          direction: "higher",
          // The same distance of logarithms.
          tolerance: { relative: 1 - 1 / 1.02, absolute: 0 },
        });
        expect(few.verdict).toBe(slow.verdict);
        expect(few.pValue).toBeCloseTo(slow.pValue ?? 0, 6);
        expect(1 / (1 - (few.effect ?? 0))).toBeCloseTo(1 + (slow.effect ?? 0), 6);
      }),
    );
  });

  it("never regressed without a loss beyond the tolerance, nor improved without a gain", () => {
    fc.assert(
      fc.property(sides, ({ base, head }) => {
        const { verdict, effect } = one({ base, head });
        if (verdict === "regressed") expect(effect).toBeGreaterThan(0.02);
        if (verdict === "improved") expect(effect).toBeLessThan(0);
      }),
    );
  });
});
