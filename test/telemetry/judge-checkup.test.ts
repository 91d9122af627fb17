import { describe, expect, it } from "vitest";
import { type Checkup, checkupSchema } from "../../src/domain/doctor.ts";
import { judgeCheckup } from "../../src/telemetry/judge-checkup.ts";

const checkup = (warmMs: number, changed: Partial<Checkup> = {}): Checkup =>
  checkupSchema.parse({
    schemaVersion: 1,
    at: "2026-11-22T08:00:00.000Z",
    model: "org/small",
    key: "one",
    vllmVersion: "0.22.0",
    values: { "ttft.warm.floor_ms": warmMs, "batching.c8.tokens_per_s": 3000 },
    usual: true,
    ...changed,
  });

const levels = (now: Checkup, before: readonly Checkup[]) =>
  Object.fromEntries(judgeCheckup(now, before).map(({ id, level }) => [id.replace("probe.", ""), level]));

describe("a quick check", () => {
  it("has nothing to be compared with at first, and says what was not measured", () => {
    const found = judgeCheckup(checkup(12), []);
    expect(found.map(({ level }) => level)).toEqual(["note", "note", "note", "note", "note"]);
    expect(found.find(({ id }) => id === "probe.ttft.cold_ms")?.value).toBe("not measured");
  });

  it("is as usual within the tolerance", () => {
    expect(levels(checkup(14), [checkup(12), checkup(12.5)])).toMatchObject({ "ttft.warm.floor_ms": "ok" });
  });

  it("finds what is slower than it was here, with the numbers", () => {
    const before = [checkup(12), checkup(12.2), checkup(11.9)];
    const now = checkup(18, { values: { "ttft.warm.floor_ms": 18, "batching.c8.tokens_per_s": 2400 } });
    const found = judgeCheckup(now, before);
    expect(levels(now, before)).toMatchObject({
      "ttft.warm.floor_ms": "warn",
      "batching.c8.tokens_per_s": "warn",
    });
    expect(found.find(({ id }) => id === "probe.ttft.warm.floor_ms")?.reason).toBe(
      "usually 12 ms here (3 checks); 50 % worse, limit 25 %",
    );
  });

  it("asks for more than a node's own spread", () => {
    const before = [8, 12, 16, 10, 14].map((ms) => checkup(ms));
    expect(levels(checkup(18), before)).toMatchObject({ "ttft.warm.floor_ms": "ok" });
  });

  it("does not compare with another server, nor with checks that were not usual", () => {
    const before = [checkup(5, { key: "other" }), checkup(5, { usual: false })];
    expect(levels(checkup(12), before)).toMatchObject({ "ttft.warm.floor_ms": "note" });
  });
});
