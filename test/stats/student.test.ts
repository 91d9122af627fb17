import { describe, expect, it } from "vitest";
import { studentCritical, studentUpperTail } from "../../src/stats/student.ts";

describe("Student's t", () => {
  it.each([
    // Tables of Student's t.
    [0.025, 6, 2.4469],
    [0.05, 10, 1.8125],
    [0.005, 1, 63.6567],
    [0.0005, 12, 4.3178],
  ])("exceeds with probability %d at %d degrees of freedom: %d", (tail, freedom, expected) => {
    expect(studentCritical(tail, freedom)).toBeCloseTo(expected, 3);
    expect(studentUpperTail(expected, freedom)).toBeCloseTo(tail, 4);
  });

  it("keeps its digits far out", () => {
    expect(studentUpperTail(50, 8) / 1.4e-11).toBeCloseTo(1, 0);
    expect(studentUpperTail(-50, 8)).toBeCloseTo(1, 9);
  });

  it("gives the same value again", () => {
    expect(studentCritical(0.01, 9)).toBe(studentCritical(0.01, 9));
  });
});
