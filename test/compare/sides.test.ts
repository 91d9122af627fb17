import { describe, expect, it } from "vitest";
import { baselineSide, besideSide, mergeSides, runSide } from "../../src/compare/sides.ts";
import { baseline, definition, fingerprint, measurements, run, session } from "../support/builders.ts";

describe("a run as a side", () => {
  it("has the values of a metric by session, in them by round, in order", () => {
    const at = (index: number, round: number, value: number) => ({
      metric: "a.b",
      variant: "head",
      session: index,
      round,
      value,
      n: 1,
    });
    const side = runSide(
      run(),
      measurements({ measurements: [at(1, 1, 4), at(0, 1, 2), at(1, 0, 3), at(0, 0, 1)] }),
      "here",
    );
    expect(side.values).toEqual({
      "a.b": [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it("is the variant called head, and nothing of the others", () => {
    const both = run({
      variants: { base: { args: ["--old"] }, head: { args: ["--new"] } },
      sessions: [session({ variant: "base", vllmVersion: "0.1" }), session({ vllmVersion: "0.2" })],
    });
    const value = { metric: "a.b", session: 0, round: 0, n: 1 };
    const side = runSide(
      both,
      measurements({
        measurements: [
          { ...value, variant: "base", value: 1 },
          { ...value, variant: "head", value: 2 },
        ],
        absent: [{ metric: "c.d", variant: "base", session: 0, round: 0, reason: "no" }],
        taints: [{ variant: "base", session: 0, round: 0, metrics: "a", reason: "no" }],
      }),
      "here",
    );
    expect(side).toMatchObject({ args: ["--new"], vllmVersion: "0.2", values: { "a.b": [[2]] } });
    expect([side.taints, side.absent]).toEqual([[], {}]);
  });
});

describe("a baseline as a side", () => {
  it("has a fingerprint for each host that its sessions ran on", () => {
    const [recorded] = baseline().sessions;
    const side = baselineSide(
      baseline({ sessions: ["a", "b", "a"].map((hostId) => ({ ...recorded!, hostId })) }),
      "there",
      [definition()],
    );
    expect(side.fingerprints).toEqual([fingerprint({ hostId: "a" }), fingerprint({ hostId: "b" })]);
    expect(side.values).toEqual({ "ttft.warm.floor_ms": [[14.2, 14.3]] });
    expect(side.definitions).toEqual([definition()]);
  });
});

describe("several runs as one side", () => {
  it("have the sessions of all, and each definition once", () => {
    const one = runSide(run(), measurements(), "one");
    const other = runSide(
      run(),
      measurements({ metrics: [definition(), definition({ id: "kv.block_size" })] }),
      "other",
    );
    const merged = mergeSides(one, other);
    expect(merged.source).toBe("one, other");
    expect(merged.values["ttft.warm.floor_ms"]).toEqual([
      [14.2, 14.3],
      [14.2, 14.3],
    ]);
    expect(merged.definitions.map(({ id }) => id)).toEqual(["ttft.warm.floor_ms", "kv.block_size"]);
    expect(merged.fingerprints).toHaveLength(2);
  });
});

it("the base beside head counts without what must not be trusted of it", () => {
  const at = (index: number, metric: string, value: number) => ({
    ...{ metric, variant: "base", session: index, round: 0, value, n: 1 },
  });
  const side = besideSide(
    run({ variants: { base: { args: [] }, head: { args: [] } } }),
    measurements({
      measurements: [
        at(1, "ttft.warm.floor_ms", 20),
        at(2, "ttft.warm.floor_ms", 26),
        at(2, "kv.capacity_tokens", 9),
      ],
      taints: [{ variant: "base", session: 2, round: 0, metrics: "ttft.warm", reason: "another program" }],
    }),
  );
  expect(side.values).toEqual({ "ttft.warm.floor_ms": [[20]], "kv.capacity_tokens": [[9]] });
});
