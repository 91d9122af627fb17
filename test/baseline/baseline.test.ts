import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baselinePath } from "../../src/baseline/baseline-path.ts";
import { formatBaseline } from "../../src/baseline/baseline-text.ts";
import { makeBaseline, type RecordedRun } from "../../src/baseline/make-baseline.ts";
import { type Baseline, baselineSchema } from "../../src/domain/baseline.ts";
import { UsageError } from "../../src/domain/errors.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { baseline, fingerprint, measuredRun, type ServerSpeed, session, trace } from "../support/builders.ts";

const NOW = "2026-11-22T07:00:00.000Z";

function recorded(speed: ServerSpeed = {}, overrides: Partial<RunRecord> = {}, path = "runs/a"): RecordedRun {
  const { run, traces } = measuredRun(speed, overrides);
  return { run, measurements: measureRun(run, traces), runSha256: `hash of ${path}`, path };
}

const parse = (text: string) => baselineSchema.parse(JSON.parse(text));

describe("makeBaseline", () => {
  it("keeps the values of each session and where they came from", () => {
    const made = makeBaseline([recorded({ sessions: 2, rounds: 2 })], NOW);
    expect(baselineSchema.parse(made)).toEqual(made);
    const metric = made.metrics["batching.c8.tpot_floor_ms"];
    expect(metric?.unit).toBe("ms");
    expect(metric?.n).toBe(4);
    expect(metric?.sessions.map((rounds) => rounds.length)).toEqual([2, 2]);
    // The slowest round is 0.8 % slower than the fastest.
    expect(metric?.spread).toBeCloseTo(0.008, 3);
    expect(made).toMatchObject({
      schemaVersion: 2,
      scenario: "chat",
      fingerprint: fingerprint(),
      args: ["--max-model-len", "4096"],
      vllmVersion: "0.22.0",
    });
    expect(made.sessions).toHaveLength(2);
    expect(made.sessions[0]).toEqual({
      run: "20261122T065621Z-ae39",
      recordedAt: NOW,
      commit: "0c15755b1d8a4b6d9d24e7aa1f3c5e6f70819a2b",
      toolVersion: "0.1.0",
      vllmVersion: "0.22.0",
      hostId: "6ea0500d0776",
      runSha256: "hash of runs/a",
    });
  });

  it("joins the sessions of several runs, of several hosts", () => {
    const made = makeBaseline(
      [
        recorded({ tpotMs: [2, 3] }),
        recorded({ tpotMs: [2, 4] }, { fingerprint: fingerprint({ hostId: "other" }) }, "runs/b"),
      ],
      NOW,
    );
    expect(made.sessions.map(({ hostId }) => hostId)).toEqual(["6ea0500d0776", "other"]);
    const [first, second] = made.metrics["batching.c8.tpot_floor_ms"]?.sessions ?? [];
    expect(first?.[0]).toBeLessThan(3.2);
    expect(second?.[0]).toBeGreaterThan(3.9);
  });

  it("leaves out sessions that did not end well", () => {
    const { run, traces } = measuredRun({ sessions: 2 });
    run.sessions[1] = session({ index: 1, outcome: "cancelled" });
    const made = makeBaseline(
      [{ run, measurements: measureRun(run, traces), runSha256: "x", path: "runs/a" }],
      NOW,
    );
    expect(made.sessions).toHaveLength(1);
    expect(made.metrics["startup.ready_s"]?.sessions).toEqual([[41.207]]);
  });

  const refusals: [string, () => RecordedRun[], string][] = [
    ["no run", () => [], "record needs at least one run folder"],
    ...(["running", "cancelled", "failed"] as const).map((outcome): [string, () => RecordedRun[], string] => [
      `a run that is ${outcome}`,
      () => [recorded({}, { outcome })],
      `runs/a: the run is ${outcome}, expected one that is complete`,
    ]),
    [
      "a run without a session",
      () => [recorded({}, { sessions: [] })],
      "runs/a: no session of this run was measured, so there is nothing to record",
    ],
    [
      "a run of two variants, none of which was judged",
      () => [recorded({}, { variants: { off: { args: [] }, on: { args: [] } } })],
      "runs/a: the run has several variants (off, on); a baseline is made of one",
    ],
    [
      "a run that must not be trusted",
      () => {
        const good = recorded();
        const taint = { variant: "head", session: 0, round: 0, metrics: "ttft", reason: "it hit the cache" };
        return [{ ...good, measurements: { ...good.measurements, taints: [taint] } }];
      },
      "runs/a: not fit for a baseline: it hit the cache",
    ],
    [
      "a run whose requests failed",
      () => {
        const { run, traces } = measuredRun();
        const measurements = measureRun(run, [...traces, trace({ round: 1, outcome: "timeout" })]);
        return [{ run, measurements, runSha256: "x", path: "runs/a" }];
      },
      "runs/a: not fit for a baseline: 1.6 % of the requests of session 0, round 1 failed",
    ],
    [
      "runs of two scenarios",
      () => [recorded(), recorded({}, { scenario: "other" }, "runs/b")],
      "runs/b: scenario other, expected chat as in runs/a",
    ],
    [
      "runs of two machines",
      () => [recorded(), recorded({}, { fingerprint: fingerprint({ gpuModel: "NVIDIA H100" }) }, "runs/b")],
      "runs/b: not comparable with runs/a: gpuModel NVIDIA H100 instead of NVIDIA H200",
    ],
    [
      "runs with other flags",
      () => [recorded(), recorded({}, { variants: { head: { args: [] } } }, "runs/b")],
      "runs/b: run with no flags, expected --max-model-len 4096 as in runs/a",
    ],
    [
      "runs of two vLLM versions",
      () => [recorded(), recorded({}, { sessions: [session({ vllmVersion: "0.23.0" })] }, "runs/b")],
      "runs/b: vLLM 0.23.0, expected 0.22.0 as in runs/a",
    ],
    [
      "the same run twice",
      () => [recorded(), { ...recorded(), path: "./runs/a" }],
      "./runs/a: the same run as runs/a",
    ],
  ];
  it.each(refusals)("refuses %s", (_, runs, message) => {
    expect(() => makeBaseline(runs(), NOW)).toThrow(new UsageError(message));
  });
});

describe("baselinePath", () => {
  it("names the machine and the model", () => {
    expect(baselinePath("chat", fingerprint())).toBe("chat/nvidia-h200-1x-140gib-qwen2.5-1.5b-instruct.json");
    const cpu = fingerprint({ gpuModel: null, gpuCount: 0, model: "/models/tiny/" });
    expect(baselinePath("chat", cpu)).toBe("chat/intel-xeon-platinum-8568y-16c-tiny.json");
  });

  it.each(["../../etc", "a/b", "", ".hidden", "history", "a b", "ü"])(
    "refuses the scenario %j",
    (scenario) => {
      expect(() => baselinePath(scenario, fingerprint())).toThrow(UsageError);
    },
  );
});

describe("formatBaseline", () => {
  const made = makeBaseline([recorded({ sessions: 2, rounds: 2 })], NOW);

  it("is JSON of what it was given", () => {
    expect(parse(formatBaseline(made))).toEqual(made);
  });

  it("has one metric a line, sorted", () => {
    const lines = formatBaseline(made).split("\n");
    const metrics = lines.slice(lines.indexOf(' "metrics": {') + 1, -3);
    const ids = metrics.map((line) => /^ {2}"([^"]+)": \{"unit": .*\}\]?,?$/.exec(line)?.[1]);
    expect(ids).toEqual(Object.keys(made.metrics).sort());
    expect(metrics.find((line) => line.includes("startup.ready_s"))).toBe(
      '  "startup.ready_s": {"unit": "s", "n": 2, "spread": 0, "sessions": [[41.207], [41.207]]},',
    );
  });

  it("does not depend on the order in which metrics and fields came", () => {
    const reversed: Baseline = {
      ...made,
      metrics: Object.fromEntries(Object.entries(made.metrics).reverse()),
      fingerprint: Object.fromEntries(Object.entries(made.fingerprint).reverse()),
    };
    expect(formatBaseline(reversed)).toBe(formatBaseline(made));
  });

  it("differs in one line when one metric changed", () => {
    const id = "kv.capacity_tokens";
    const changed = {
      ...made,
      metrics: { ...made.metrics, [id]: { ...made.metrics[id]!, sessions: [[1], [2]] } },
    };
    const before = formatBaseline(made).split("\n");
    const after = formatBaseline(changed).split("\n");
    expect(after).toHaveLength(before.length);
    expect(after.filter((line, index) => line !== before[index])).toHaveLength(1);
  });

  it("is the same byte for byte after reading it, whatever it holds", () => {
    // As a key it would be no property but the object's prototype.
    const text = fc.string({ unit: "grapheme" }).filter((each) => each !== "__proto__");
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    const metric = fc.record({
      unit: text,
      n: fc.integer({ min: 1, max: 99 }),
      spread: value,
      sessions: fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    });
    const any = fc.record({
      scenario: text,
      args: fc.array(text),
      vllmVersion: fc.option(text),
      fingerprint: fc.dictionary(text, fc.oneof(text, value, fc.constant(null)), { noNullPrototype: true }),
      metrics: fc.dictionary(text, metric, { noNullPrototype: true }),
    });
    fc.assert(
      fc.property(any, (overrides) => {
        const written = formatBaseline(baseline(overrides));
        expect(formatBaseline(parse(written))).toBe(written);
        expect(parse(written).metrics).toEqual(JSON.parse(JSON.stringify(overrides.metrics)));
      }),
    );
  });
});
