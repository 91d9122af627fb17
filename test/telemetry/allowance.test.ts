import { expect, it } from "vitest";
import { Allowance } from "../../src/telemetry/allowance.ts";

it("is full at the beginning, grows with time, and saves no more than its limit", () => {
  let nowS = 100;
  const allowance = new Allowance(0.01, 0.1, () => nowS);
  const takes = (costS: number) => allowance.take(costS);
  expect([takes(0.06), takes(0.06), takes(0.04)]).toEqual([true, false, true]);
  nowS += 5;
  expect([takes(0.06), takes(0.05), takes(0.001)]).toEqual([false, true, false]);
  nowS += 10_000;
  expect([takes(0.11), takes(0.1), takes(0.01)]).toEqual([false, true, false]);
});
