import { describe, expect, it } from "vitest";
import type { RoundRecord } from "../src/domain/run.ts";
import { machineDoubts, withDoubts } from "../src/study-doubts.ts";
import { run, session } from "./support/builders.ts";

const idle = (percent: string, name: string) =>
  `the client's senders were between requests for ${percent} % of ${name}`;

const round = (index: number, dirty: string[], use: RoundRecord["use"] = "kept"): RoundRecord => ({
  ...{ round: index, fromS: index, toS: index + 1, dirty, use, telemetry: null },
});

describe("machineDoubts", () => {
  it("says nothing of a quiet machine, or of rounds that were replaced", () => {
    const rounds = [round(0, []), round(1, ["swapped"], "replaced")];
    expect(machineDoubts(run({ sessions: [session({ rounds })] }))).toEqual([]);
  });

  it("lists each case once, with its worst figure, over all rounds that were not quiet", () => {
    const rounds = [
      round(0, [
        ...["41.2", "44.4", "48.3"].map((percent) => idle(percent, "prefix.hit.512.c8")),
        idle("24.6", "prefix.hit.2048.c16"),
      ]),
      round(1, []),
      round(2, [idle("9.5", "prefix.hit.512.c8"), idle("60.1", "prefix.hit.2048.c16")]),
    ];
    expect(machineDoubts(run({ sessions: [session({ rounds })] }))).toEqual([
      `The machine was not quiet in 2 of 3 rounds, at worst: ${idle("48.3", "prefix.hit.512.c8")}; ${idle("60.1", "prefix.hit.2048.c16")}`,
    ]);
  });

  it("keeps apart what differs in more than its figures", () => {
    const dirty = [
      "GPU 0: thermal throttling by the driver in 4 % of 50 readings, up to 80 °C",
      "GPU 1: thermal throttling by the driver in 8 % of 50 readings, up to 85 °C",
      "another process was on the GPU: python (PID 10, 300 MiB)",
      "another process was on the GPU: python (PID 11, 500 MiB)",
    ];
    const [said] = machineDoubts(run({ sessions: [session({ rounds: [round(0, dirty)] })] }));
    expect(said).toBe(`The machine was not quiet in 1 of 1 rounds: ${dirty.join("; ")}`);
  });

  it("says of which starts it was not quiet, and nothing of sessions that failed", () => {
    const dirtyStart = ["GPU memory in use before the start: 2000 MiB"];
    const sessions = [session({ dirtyStart }), session({}), session({ outcome: "died", dirtyStart })];
    expect(machineDoubts(run({ sessions }))).toEqual([
      `The machine was not quiet in 1 of 2 server starts: ${dirtyStart[0]}`,
    ]);
  });
});

describe("withDoubts", () => {
  it("puts them before a page once, and not where it says them itself", () => {
    const page = withDoubts("# A page\n", ["a <b> doubt", "another"]);
    expect(page).toBe("Before you rely on it:\n\n- a \\<b\\> doubt\n- another\n\n# A page\n");
    expect(withDoubts(page, ["a <b> doubt", "another"])).toBe(page);
    expect(withDoubts("# A page\n", [])).toBe("# A page\n");
  });
});
