import { describe, expect, it } from "vitest";
import { type FixtureSession, fixtureSessions } from "../../bench/fixture.ts";
import { fixturePool, measuredMetrics } from "../../bench/gate-sessions.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { run, session, trace } from "../support/builders.ts";

/** What the bench of the decision calls a case, by the fixtures' name of the load. */
const CASES: Readonly<Record<string, readonly [probe: string, name: string]>> = {
  warm: ["ttft", "warm"],
  uniq_1024: ["prefix", "miss.1024"],
  prefix_1024: ["prefix", "hit.1024"],
  sweep_1: ["batching", "c1"],
  sweep_8: ["batching", "c8"],
  sweep_32: ["batching", "c32"],
};

function tracesOf({ loads, session: index, round }: FixtureSession): RequestTrace[] {
  return Object.entries(CASES).flatMap(([load, [probe, name]]) => {
    const { startMs, ttftMs, e2eMs, outputTokens } = loads[load]!;
    return startMs.map((start, request) => {
      const startS = 100 + start / 1000;
      const [firstTokenS, lastTokenS] = [startS + ttftMs[request]! / 1000, startS + e2eMs[request]! / 1000];
      const arrivals: [number, number][] = [
        [firstTokenS, 1],
        [lastTokenS, outputTokens - 1],
      ];
      return trace({
        ...{ session: index, round, probe, case: name, id: `${name}.${request}` },
        ...{ startS, firstTokenS, lastTokenS, endS: lastTokenS, outputTokens, arrivals },
      });
    });
  });
}

describe("the sessions of bench:gate", () => {
  const sessions = fixtureSessions().filter(({ host, name }) => host === 1 && name === "base");
  const indexes = [...new Set(sessions.map((each) => each.session))];
  const measured = measureRun(
    run({ sessions: indexes.map((index) => session({ index })) }),
    sessions.flatMap(tracesOf),
  );

  it("have the values that the catalogue gives the same requests", () => {
    const bench = fixturePool(1).sessions.map(measuredMetrics);
    const compared = new Set<string>();
    indexes.forEach((index, place) => {
      for (const [id, values] of Object.entries(bench[place] ?? {})) {
        if (!/^(ttft|prefix|batching)\./.test(id)) continue;
        const ours = measured.measurements
          .filter((each) => each.metric === id && each.session === index)
          .map(({ value }) => value);
        expect(ours, id).toHaveLength(values.length);
        values.forEach((value, round) => {
          compared.add(id);
          // The bench puts a closed loop together again, whose waves end a little differently.
          const digits = id.endsWith("wave_tokens_per_s") ? 0.06 : 0.001;
          expect(Math.abs(value / ours[round]! - 1), `${id} ${index} ${round}`).toBeLessThan(digits);
        });
      }
    });
    expect(compared.size).toBeGreaterThan(9);
  });
});
