import { expect, it } from "vitest";
import { groupTraces } from "../../src/measure/case-data.ts";
import { countGood, meetsSlo, timesOf } from "../../src/measure/goodput.ts";
import { attainmentOf, goodputOf } from "../../src/measure/throughput.ts";
import { caseRecord, session, trace } from "../support/builders.ts";

it("a request keeps its promises by its own times", () => {
  // First token after 20 ms, then 4 ms apart, the last after 32 ms.
  const times = timesOf(trace())!;
  expect(times.gapsMs).toHaveLength(3);
  expect(meetsSlo(times, { ttftP95Ms: 20.1, itlP95Ms: 4.1, e2eP95Ms: 32.1 })).toBe(true);
  expect(meetsSlo(times, { ttftP95Ms: 19.9 })).toBe(false);
  expect(meetsSlo(times, { itlP95Ms: 3.9 })).toBe(false);
  expect(meetsSlo(times, { e2eP95Ms: 31.9 })).toBe(false);
});

it("in an open loop its user waited from when it was planned", () => {
  const late = timesOf(trace({ plannedS: 9.9 }))!;
  expect(late.ttftMs).toBeCloseTo(120, 6);
  expect(late.e2eMs).toBeCloseTo(132, 6);
});

it("gaps that nobody knows keep a promise about gaps from being checked, and no other", () => {
  const { arrivals: _, ...unknown } = trace();
  expect(countGood([unknown], { itlP95Ms: 10 })).toBeNull();
  expect(countGood([unknown], { e2eP95Ms: 100 })).toBe(1);
});

it("goodput counts what was kept over the time of the case, failed requests not", () => {
  const traces = [
    trace({ id: "a" }),
    trace({ id: "b", startS: 10, firstTokenS: 10.5, lastTokenS: 10.9, endS: 11 }),
    trace({ id: "c", outcome: "http_error", firstTokenS: null, lastTokenS: null }),
  ];
  const slo = { ttftP95Ms: 100 };
  const [data] = groupTraces([session({ cases: [caseRecord()] })], traces, slo);
  const found = data!.rounds.get(0)!.get("batching.c8")!;
  expect(goodputOf(found)).toEqual({ value: 1, n: 3 });
  expect(attainmentOf(found)).toEqual({ value: 1 / 3, n: 3 });
  expect(goodputOf({ ...found, slo: null })).toBeNull();
});
