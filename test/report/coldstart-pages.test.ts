import { describe, expect, it } from "vitest";
import {
  START_NUMBERS,
  type StartCell,
  type StartNumber,
  type StartRow,
} from "../../src/domain/start-study.ts";
import { coldstartCsv, coldstartSummary } from "../../src/report/coldstart-pages.ts";
import { run } from "../support/builders.ts";

const nothing = <T>(value: T) =>
  Object.fromEntries(START_NUMBERS.map((name) => [name, value])) as Record<StartNumber, T>;

/** One start of a variant, whose weights lay in the page cache by `residentShare`. */
function cellOf(session: number, variant: string, residentShare: number | null): StartCell {
  const start: StartRow = {
    ...nothing(null),
    ...{ session, variant, residentShare, diskReadMib: null, weightsMibPerS: null, unexplainedS: null },
    ...{ warmE2eP95S: null, allocator: null, dirty: [] },
  };
  return { variant, starts: [start], spread: nothing(null) };
}

const said = (...cells: StartCell[]) =>
  coldstartSummary({
    ...{ run: run(), cells, reading: null },
    ...{ command: "vllm-gate study coldstart", emptied: "dropping the weights" },
  });

describe("the page of the cold-start study", () => {
  it("says nothing of a page cache that was as it should be, or cannot be told", () => {
    const quiet = said(cellOf(0, "kept-cold", 0), cellOf(1, "kept-warm", 1), cellOf(2, "kept-warm", null));
    expect(quiet).not.toContain("of the weights");
  });

  it("names starts that were to be cold and were not", () => {
    expect(said(cellOf(0, "kept-cold", 0.4), cellOf(1, "kept-warm", 1))).toContain(
      "In 1 start that was to be cold, more than 5 % of the weights still lay in the page cache",
    );
  });

  it("names starts that were to be warm and were not wholly", () => {
    expect(
      said(cellOf(0, "kept-cold", 0), cellOf(1, "kept-warm", 0.9), cellOf(2, "fresh-warm", 0.62)),
    ).toContain("In 2 starts that were to be warm, as little as 62 % of the weights lay in the page cache");
  });

  it("has a row for each start in the order of the sessions", () => {
    const rows = coldstartCsv([cellOf(1, "kept-warm", 0.9), cellOf(0, "kept-cold", 0)]).split("\n");
    expect(rows[1]).toMatch(/^0,kept,cold,/);
    expect(rows[2]).toMatch(/^1,kept,warm,.*,0\.9,,$/);
  });
});
