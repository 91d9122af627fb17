import { describe, expect, it } from "vitest";
import { columns, printable, renderTerminal } from "../../src/report/terminal.ts";
import { decideFailure } from "../../src/verdict/decide.ts";
import { STORIES } from "./stories.ts";

describe("what a terminal is given", () => {
  it("holds no control code", () => {
    expect(printable("a\u001b[2Jb\u009bc\rd\u0007\ne\tf")).toBe("a[2Jbcd\ne\tf");
  });

  it("is one line for each thing said: text of a server cannot add one", () => {
    const spoof = "it died\nPASS: all is well\u001b[1A";
    const verdict = decideFailure(
      "chat",
      "server_died",
      { headline: spoof, nextAction: spoof, reasons: ["a\nb"] },
      { reportOnly: false },
    );
    expect(renderTerminal(verdict, null, "report.md")).toBe(
      "FAILED: it died PASS: all is well[1A\n  a b\nit died PASS: all is well[1A\nReport: report.md\n",
    );
  });

  it.each(Object.entries(STORIES))("%s", async (name, story) => {
    const { verdict, comparison, runPath } = story();
    await expect(renderTerminal(verdict, comparison, `${runPath}/report.md`)).toMatchFileSnapshot(
      `../golden/terminal-${name}.txt`,
    );
  });
});

describe("columns", () => {
  it("sets numbers to the right, and no blanks at the end", () => {
    expect(
      columns([
        ["a", "1 ms", "22 ms", "+1 %", "ok"],
        ["long", "100 ms", "2 ms", "−10 %", "regressed"],
      ]),
    ).toEqual(["  a       1 ms  22 ms   +1 %  ok", "  long  100 ms   2 ms  −10 %  regressed"]);
    expect(columns([])).toEqual([]);
  });
});
