import { describe, expect, it } from "vitest";
import { calibrate } from "../../src/compare/calibrate.ts";
import { metricNoiseSchema } from "../../src/domain/noise.ts";
import { definition } from "../support/builders.ts";

const tpot = definition({
  id: "batching.c8.tpot_floor_ms",
  sensitivity: "none",
  tolerance: { relative: 0.02, absolute: 0 },
});
const steady = [2.03, 2.025, 2.027, 2.036, 2.031].map((value) => [value, value * 1.01]);
const wild = [2.03, 4.4, 2.9, 1.4, 3.6].map((value) => [value, value * 1.05]);
const noisy = [2.03, 2.4, 2.1, 2.9, 2.2].map((value) => [value, value * 1.05]);

function noiseOf(sessions: number[][], gated = 12) {
  return metricNoiseSchema.parse(calibrate([{ definition: tpot, sessions }], gated)[tpot.id]);
}

describe("calibrate", () => {
  it("says how far sessions and rounds spread", () => {
    const found = noiseOf(steady);
    expect(found).toMatchObject({ scale: "log", sessions: 5, degreesOfFreedom: 4, unit: "ms" });
    expect(found.sessionSd).toBeCloseTo(0.0021, 4);
    expect(found.sessionRange).toBeCloseTo(Math.log(2.036 / 2.025), 4);
    // Two rounds that are 1 % apart.
    expect(found.roundSd).toBeCloseTo(Math.log(1.01) / Math.SQRT2, 4);
  });

  it("keeps a tolerance that the machine shows, proposes what it shows else", () => {
    expect(noiseOf(steady).proposed).toEqual({ level: "gate", tolerance: { relative: 0.02, absolute: 0 } });
    const { proposed, detectable } = noiseOf(wild);
    expect(detectable).toBeGreaterThan(0.5);
    expect(proposed.level).toBe("watch");
    expect(proposed.tolerance.relative).toBeGreaterThanOrEqual(detectable);
  });

  it("one slow session does not hide what the others show", () => {
    const slow = [...steady.slice(0, 4), [4.06, 4.1]];
    expect(noiseOf(slow)).toMatchObject({ slowSessions: 1, proposed: { level: "gate" } });
    expect(noiseOf(slow).sessionSd).toBeLessThan(0.01);
    expect(noiseOf(slow).sessionRange).toBeLessThan(0.02);
    expect(noiseOf(steady).slowSessions).toBeUndefined();
  });

  it("what is ordinary on a noisy machine is not slow", () => {
    expect(noiseOf(noisy.slice(0, 3)).slowSessions).toBeUndefined();
    const wide = [2.03, 2.4, 2.1, 2.6, 2.2].map((value) => [value, value]);
    expect(noiseOf(wide).slowSessions).toBeUndefined();
    expect(noiseOf(wide).sessionRange).toBeCloseTo(Math.log(2.6 / 2.03), 3);
  });

  it("more sessions find smaller losses; what they cannot find has none", () => {
    const needed = (sessions: number[][]) => noiseOf(sessions).sessionsFor.map((each) => each.sessions);
    expect(needed(steady)).toEqual([3, 3, 3, 3]);
    expect(needed(noisy)).toEqual([null, null, null, null]);
  });

  it("counts how often a fixed rule would have fired among like sessions", () => {
    expect(noiseOf(steady).fixedRuleFires.map(({ share }) => share)).toEqual([0, 0, 0]);
    const fires = noiseOf(noisy).fixedRuleFires;
    // Of the first rounds 2.03, 2.4, 2.1, 2.9, 2.2 the pairs whose second is more than 5 % above the first.
    expect(fires[0]).toEqual({ rule: 0.05, share: 8 / 20 });
    expect(fires[2]!.share).toBeLessThan(fires[0]!.share);
  });

  it("more gated metrics make each less sure", () => {
    expect(noiseOf(noisy, 40).detectable).toBeGreaterThanOrEqual(noiseOf(noisy, 1).detectable);
  });

  it("leaves out what one session or a worst round tells", () => {
    expect(calibrate([{ definition: tpot, sessions: [[2, 2]] }], 1)).toEqual({});
    expect(calibrate([{ definition: { ...tpot, rounds: "worst" }, sessions: steady }], 1)).toEqual({});
  });
});
