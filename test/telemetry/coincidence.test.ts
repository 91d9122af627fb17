import { describe, expect, it } from "vitest";
import { coincidences } from "../../src/telemetry/coincidence.ts";
import { summarize } from "../../src/telemetry/summarize.ts";
import { reading, type SampleChanges, sample, seconds } from "./samples.ts";

/** What coincides with a request at 5.2–5.6 s of a round of ten seconds, of which the sixth was different. */
function coinciding(changes: SampleChanges, request = { startS: 5.2, endS: 5.6, excessS: 0.2 }): string[] {
  const samples = seconds(10).map((each) => (each.tS === 6 ? sample(6, changes) : each));
  return coincidences(samples, summarize(samples, 0, 10), request);
}

describe("a request that stands out coincided", () => {
  it("with nothing, when nothing happened", () => {
    expect(coinciding({})).toEqual([]);
    expect(coinciding({}, { startS: 50, endS: 51, excessS: 1 })).toEqual([]);
  });

  it.each<[string, SampleChanges, RegExp]>([
    [
      "a clock change",
      { gpus: [reading(5.5, { smClockMhz: 1410 })] },
      /^the SM clock of GPU 0 fell to 1410 MHz \(usually 1980 MHz\)$/,
    ],
    [
      "another process on the GPU",
      {
        gpuProcesses: [{ gpuUuid: "GPU-0", pid: 7, name: "train", memoryMib: 5, owner: "other" }],
      },
      /another process was on the GPU: train/,
    ],
    [
      "others on its cores",
      { cpu: { outsideCores: 6, busy: 0.5 }, pressure: { cpuSome: 0.5 } },
      /^other programs used 6\.00 of 16 cores .* tasks waited for a core in 50 % of the time \(PSI\)/,
    ],
    ["waiting for memory", { pressure: { memorySome: 0.3 } }, /waited for memory in 30 %/],
    ["a little swapping", { memory: { swapInMib: 0.5 } }, /the machine swapped: 0\.5 MiB in/],
    ["major faults", { memory: { majorFaults: 400 } }, /^400 pages were read back from disk \(usually 40\)$/],
    ["our own garbage collection", { gcMs: 35 }, /garbage collector stopped the client for 35\.0 ms/],
  ])("with %s", (_, changes, said) => {
    const found = coinciding(changes);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(said);
  });

  it("with nothing that happened at another time, or that is too small to matter", () => {
    expect(coinciding({ gcMs: 35 }, { startS: 2.2, endS: 2.6, excessS: 0.2 })).toEqual([]);
    expect(coinciding({ gcMs: 5 })).toEqual([]);
  });
});
