import { expect, it } from "vitest";
import { ownCostSchema } from "../../src/domain/own-cost.ts";
import { measureOwnCost } from "../../src/system/own-cost.ts";

it("measureOwnCost tells the processor's time and the memory of this process", () => {
  const meter = measureOwnCost();
  const untilMs = performance.now() + 200;
  while (performance.now() < untilMs);
  const cost = meter.read();
  meter.stop();
  expect(ownCostSchema.parse(cost)).toEqual(cost);
  expect(cost.wallS).toBeGreaterThanOrEqual(0.2);
  expect(cost.cpuS).toBeGreaterThan(0);
  expect(Math.abs(cost.coreShare - cost.cpuS / cost.wallS)).toBeLessThan(0.01);
  // A process of Node takes tens of megabytes, and this one no gigabytes.
  expect(cost.peakRssMb).toBeGreaterThan(20);
  expect(cost.peakRssMb).toBeLessThan(4_000);
});
