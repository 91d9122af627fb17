import { expect, it } from "vitest";
import { sanityOf } from "../../src/telemetry/sanity.ts";
import { caseRecord } from "../support/builders.ts";
import { reading, sample } from "./samples.ts";

const cases = [
  caseRecord({ probe: "ttft", case: "cold", concurrency: 1, startS: 10, endS: 11 }),
  caseRecord({ probe: "ttft", case: "warm", concurrency: 1, startS: 20, endS: 24 }),
  caseRecord({ startS: 30, endS: 34 }),
];

it("is what the machine did before the start, after the cold request, while warm and under load", () => {
  const samples = Array.from({ length: 40 }, (_, index) => {
    const tS = index - 2;
    const busy = tS >= 30 ? 0.7 : tS >= 20 ? 0.2 : 0;
    return sample(tS, {
      gpus: [reading(tS, { memoryUsedMib: tS <= 0 ? 12 : 90_000, utilization: busy })],
      cpu: { serverCores: tS > 9 && tS <= 12 ? 2 : 0.5 },
    });
  });
  expect(sanityOf(samples, cases)).toEqual({
    gpuMemoryBeforeMib: 12,
    gpuMemoryAfterColdMib: 90_000,
    gpuBusyWarm: 0.2,
    gpuBusyLoad: 0.7,
    serverCoresCold: 2,
    serverCoresWarm: 0.5,
  });
});

it("is unknown without samples or cases", () => {
  const nothing = {
    gpuMemoryBeforeMib: null,
    gpuMemoryAfterColdMib: null,
    gpuBusyWarm: null,
    gpuBusyLoad: null,
    serverCoresCold: null,
    serverCoresWarm: null,
  };
  expect(sanityOf([], cases)).toEqual(nothing);
  expect(sanityOf([sample(1)], [])).toEqual(nothing);
});
