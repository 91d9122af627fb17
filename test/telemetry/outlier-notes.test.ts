import { describe, expect, it } from "vitest";
import { measureRun } from "../../src/measure/measure.ts";
import { hasOutliers, noteOutliers } from "../../src/telemetry/outlier-notes.ts";
import { telemetryLines } from "../../src/telemetry/sampler.ts";
import { summarize } from "../../src/telemetry/summarize.ts";
import { parseTelemetry } from "../../src/telemetry/telemetry-text.ts";
import { measuredRun } from "../support/builders.ts";
import { reading, sample } from "./samples.ts";

/** A session whose eighth warm request, sent at 57 s, took 30 ms longer. */
function spiked() {
  const { run, traces } = measuredRun({ rounds: 1 });
  const slow = traces.map((each) =>
    each.id === "ttft.warm.7"
      ? { ...each, firstTokenS: each.firstTokenS! + 0.03, lastTokenS: each.lastTokenS! + 0.03 }
      : each,
  );
  return { run, summaries: measureRun(run, slow).ttft };
}

function samplesWith(clockAt57: number) {
  return Array.from({ length: 60 }, (_, index) => {
    const tS = 40.5 + index;
    return sample(tS, { gpus: [reading(tS, { smClockMhz: tS === 57.5 ? clockAt57 : 1980 })] });
  });
}

function noted(clockAt57: number) {
  const { run, summaries } = spiked();
  const samples = samplesWith(clockAt57);
  const [session] = run.sessions;
  const telemetry = summarize(samples, 45, 95);
  const rounds = [{ round: 0, fromS: 45, toS: 95, dirty: [], use: "kept" as const, telemetry }];
  const lines = parseTelemetry(telemetryLines(samples, { variant: "head", session: 0 }));
  return noteOutliers(summaries, [{ ...session!, rounds }], lines)[0]?.warm.map(({ notes }) => notes);
}

describe("a warm request that stands out", () => {
  it("gets what coincided in its notes, and no other does", () => {
    const notes = noted(1200);
    expect(notes?.[7]).toBe("outlier: the SM clock of GPU 0 fell to 1200 MHz (usually 1980 MHz)");
    expect(notes?.filter((each) => each !== "")).toHaveLength(1);
  });

  it("is told when nothing did", () => {
    expect(noted(1980)?.[7]).toBe("outlier: nothing that was watched coincided");
  });

  it("stays as it is without samples; a session without outliers needs none", () => {
    const { run, summaries } = spiked();
    expect(hasOutliers(summaries)).toBe(true);
    expect(noteOutliers(summaries, run.sessions, [])).toEqual(summaries);
    const quiet = measuredRun({ rounds: 1 });
    expect(hasOutliers(measureRun(quiet.run, quiet.traces).ttft)).toBe(false);
  });
});

it("lines of a telemetry file that are cut off, or of another version, are passed over", () => {
  const whole = telemetryLines([sample(1)], { variant: "head", session: 0 });
  expect(parseTelemetry(`${whole}{"variant":"head"}\n${whole.slice(0, 40)}`)).toHaveLength(1);
});
