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

describe("the table", () => {
  const { verdict, comparison } = STORIES["rich"]!();
  const width = (text: string) => {
    const table = text.split("\n").filter((line) => line.startsWith("  "));
    return Math.max(...table.map((line) => [...line].length));
  };

  it.each([140, 120, 100, 80])("fits in %d columns, with every metric's change and verdict", (columns) => {
    const text = renderTerminal(verdict, comparison, "report.md", { columns });
    expect(width(text)).toBeLessThanOrEqual(columns);
    expect(text).toMatch(/^ {2}batching\.c32\.tpot_floor_ms .*5\.79 → 9\.14 ms .*\+58 %.* regressed/m);
    expect(text.includes("unconfirmed")).toBe(true);
  });

  it("keeps what decides in 60 columns", () => {
    const text = renderTerminal(verdict, comparison, "report.md", { columns: 60 });
    expect(text).toMatch(/^ {2}batching\.c32\.tpot_floor_ms +\+58 % {2}regressed\*$/m);
    expect(text).not.toContain("→ 9.14");
  });

  it("has the worst first, then what is undecided, better and unchanged", () => {
    const text = renderTerminal(verdict, comparison, "report.md");
    const words = [...text.matchAll(/ (regressed|invalid|inconclusive|improved|ok)(?:, unconfirmed)?$/gm)];
    const order = ["regressed", "invalid", "inconclusive", "improved", "ok"];
    const places = words.map(([, word]) => order.indexOf(word!));
    expect(places.length).toBeGreaterThan(12);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("says how many metrics it leaves out", () => {
    const story = STORIES["many-metrics"]!();
    const text = renderTerminal(story.verdict, story.comparison, "report.md");
    expect(text).toMatch(/^ {2}and 130 more gated metrics: 10 regressed, 30 invalid, .* ok$/m);
    expect(text.split("\n").length).toBeLessThan(40);
  });

  it("is set in colour where there is any, and text of others sets none", () => {
    const paint = (style: unknown, text: string) => `<${style}>${text}</>`;
    const spoofed = { ...verdict, headline: "\u001b[32mPASS" };
    const text = renderTerminal(spoofed, comparison, "report.md", { paint });
    expect(text).toMatch(/^<bold,red>REGRESSED:<\/> \[32mPASS$/m);
    expect(text).toMatch(/^<red> {2}batching\.c32\.tpot_floor_ms.*<\/>$/m);
    expect(text).toMatch(/^<dim> {2}metric /m);
    expect(text).not.toContain("\u001b");
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
