import { describe, expect, it } from "vitest";
import { attribute } from "../../src/compare/attribution.ts";

const moved = (metric: string) => ({ metric, verdict: "regressed" }) as const;
const flag = (what: string, base: string | null, head: string | null) => [{ what, base, head }];

describe("attribute", () => {
  it("names the flag with both values and what it is known to do", () => {
    expect(attribute(moved("batching.c8.wave_tokens_per_s"), flag("--max-num-seqs", "256", "4"))).toBe(
      "--max-num-seqs (256 → 4) is the most requests in one batch: beyond it they queue",
    );
    expect(attribute(moved("batching.c1.tpot_floor_ms"), flag("--enforce-eager", null, "on"))).toMatch(
      /^--enforce-eager \(not given → on\) launches kernels one by one/,
    );
  });

  it("each metric has its own sentence", () => {
    expect(attribute(moved("startup.ready_s"), flag("--enforce-eager", null, "on"))).toMatch(
      /the start is shorter/,
    );
  });

  it("says nothing of what did not move, nor of flags that are not known to move it", () => {
    expect(
      attribute(
        { metric: "batching.c1.tpot_floor_ms", verdict: "pass" },
        flag("--enforce-eager", null, "on"),
      ),
    ).toBeNull();
    expect(attribute(moved("kv.capacity_tokens"), flag("--served-model-name", "a", "b"))).toBeNull();
    expect(attribute(moved("kv.capacity_tokens"), [])).toBeNull();
  });

  it("knows the fields of a dotted flag and short names", () => {
    expect(
      attribute(moved("batching.c1.tpot_floor_ms"), flag("--compilation-config.mode", "3", "0")),
    ).toMatch(/graphs/);
    expect(attribute(moved("memory.weights_gib"), flag("-tp", "1", "2"))).toMatch(/splits the model/);
  });

  it("a step over a version that changed a default, in both directions", () => {
    expect(attribute(moved("kv.capacity_tokens"), flag("vLLM", "0.19.1", "0.20.0"))).toMatch(
      /0.92 by default/,
    );
    expect(attribute(moved("kv.capacity_tokens"), flag("vLLM", "0.20.0", "0.19.1"))).toMatch(
      /0.92 by default/,
    );
    expect(attribute(moved("kv.capacity_tokens"), flag("vLLM", "0.22.0", "0.23.0"))).toBeNull();
    expect(attribute(moved("kv.capacity_tokens"), flag("vLLM", null, "0.23.0"))).toBeNull();
  });

  it("joins what several differences are known to do", () => {
    const both = [...flag("--max-num-seqs", "256", "4"), ...flag("--enforce-eager", null, "on")];
    expect(attribute(moved("batching.c8.tpot_floor_ms"), both)?.split("; ")).toHaveLength(2);
  });
});
