import { describe, expect, it } from "vitest";
import type { Comparison } from "../../src/domain/comparison.ts";
import { renderComment } from "../../src/report/comment.ts";
import type { ReportInput } from "../../src/report/explain.ts";
import { renderHtml } from "../../src/report/html.ts";
import { readSeries } from "../../src/report-data.ts";
import { measuredRun } from "../support/builders.ts";
import { gate } from "../support/gate.ts";
import { tempDir } from "../support/temp-dir.ts";
import { richStory, writeRunFolder } from "./run-folder.ts";
import { STORIES } from "./stories.ts";

/** Every number that the run's JSON files hold. */
function numbersOf(value: unknown, found = new Set<number>()): Set<number> {
  if (typeof value === "number") found.add(value);
  else if (Array.isArray(value)) for (const each of value) numbersOf(each, found);
  else if (value !== null && typeof value === "object") {
    for (const each of Object.values(value)) numbersOf(each, found);
  }
  return found;
}

/** The numbers of a text as they are shown, each with half a unit of its last place. */
function shownIn(text: string): { readonly value: number; readonly half: number }[] {
  return [...text.replaceAll("−", "-").matchAll(/-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?/g)].map(([number]) => {
    const plain = number.replaceAll(",", "");
    const decimals = /\.(\d+)/.exec(plain)?.[1]?.length ?? 0;
    const exponent = Number(/e(-?\d+)$/.exec(plain)?.[1] ?? 0);
    // Zeros before the point of a large number may be rounding.
    const zeros =
      decimals === 0 && Math.abs(Number(plain)) >= 1000 ? (/0*$/.exec(plain)?.[0].length ?? 0) : 0;
    return { value: Number(plain), half: 0.5 * 10 ** (zeros - decimals + exponent) * 1.000001 };
  });
}

/** The rows of a comment's tables that are about a metric: its id and the other cells. */
function metricRows(comment: string): { readonly metric: string; readonly cells: readonly string[] }[] {
  return [...comment.matchAll(/^\| `([\w.]+)` +\|(.*)\|$/gm)].map(([, metric = "", rest = ""]) => ({
    metric,
    cells: rest.split("|").map((cell) => cell.replaceAll("\u00a0", " ").trim()),
  }));
}

function expectShown(text: string, values: readonly number[], where: string): void {
  const shown = shownIn(text);
  expect(shown.length, `${where}: ${text}`).toBe(values.length);
  for (const [index, { value, half }] of shown.entries()) {
    expect(Math.abs(value - (values[index] ?? Number.NaN)), `${where}: ${text}`).toBeLessThanOrEqual(half);
  }
}

/** The change and its interval in percent, or in points, as they follow from a comparison's own numbers. */
function changeOf({ base, head, unit, direction, interval }: Comparison): number[] {
  if (base === null || head === null || (base === 0 && head !== 0 && unit !== "share")) return [];
  const change =
    unit === "share" ? (head - base) * 100 : base === 0 ? 0 : ((head - base) / Math.abs(base)) * 100;
  if (interval === null || base === 0) return [change];
  if (base === head && interval[0] === interval[1]) return [change];
  const factor = unit === "share" ? Math.abs(base) * 100 : 100;
  const [low, high] = direction === "lower" ? interval : [-interval[1], -interval[0]];
  return [change, low * factor, high * factor];
}

const COMPARED = Object.entries(STORIES).filter(
  ([, story]) => (story().comparison?.comparisons.length ?? 0) > 0,
);

describe("the numbers of the comment", () => {
  it.each(COMPARED)("%s: each row holds its comparison's own, at the precision shown", (_, story) => {
    const input = story();
    const comparisons = new Map(input.comparison?.comparisons.map((each) => [each.metric, each]));
    const rows = metricRows(renderComment(input)).filter(({ cells }) => cells.length >= 4);
    expect(rows).toHaveLength(comparisons.size);
    for (const { metric, cells } of rows) {
      const each = comparisons.get(metric)!;
      const [pair = "", change = "", , , detectable = ""] = cells;
      const factor = each.unit === "share" ? 100 : 1;
      const sides = [each.base, each.head].flatMap((value) => (value === null ? [] : [value * factor]));
      expectShown(pair, pair.includes("→") ? sides : sides.slice(0, 1), metric);
      expectShown(change, changeOf(each), metric);
      if (each.detectable !== null && cells.length === 5) {
        const size = each.detectable * 100 * (each.unit === "share" ? Math.abs(each.base ?? 0) : 1);
        const [shown] = shownIn(detectable);
        // It rounds up, to two digits.
        expect(shown!.value).toBeGreaterThanOrEqual(size * 0.999999);
        expect(shown!.value).toBeLessThanOrEqual(size * 1.1 + 1e-9);
      }
    }
  });

  it("of the chart are the comparison's", () => {
    const input = richStory().input;
    const chart = /```mermaid\n([\s\S]*?)```/.exec(renderComment(input))?.[1] ?? "";
    const drawn = [...chart.matchAll(/^ {2}(?:bar|line) \[(.*)\]$/gm)].map(([, list = ""]) =>
      list.split(", ").map(Number),
    );
    const curve = [1, 2, 4, 8, 16, 32].map(
      (load) =>
        input.comparison!.comparisons.find(({ metric }) => metric === `batching.c${load}.tokens_per_s`)!,
    );
    expect(drawn).toEqual([
      curve.map(({ base }) => fourDigits(base)),
      curve.map(({ head }) => fourDigits(head)),
    ]);
  });

  it("without a baseline are the measured ones", () => {
    const input = STORIES["no-baseline"]!();
    const rows = metricRows(renderComment(input));
    const measured = Map.groupBy(input.measurements!.measurements, ({ metric }) => metric);
    expect(rows.map(({ metric }) => metric)).toEqual([...measured.keys()].sort());
    for (const { metric, cells } of rows) {
      const unit = input.measurements!.metrics.find(({ id }) => id === metric)?.unit;
      const values = measured.get(metric)!.map(({ value }) => value * (unit === "share" ? 100 : 1));
      expectShown((cells[0] ?? "").replaceAll(", ", " ; "), values, metric);
    }
  });
});

describe("the numbers of the earlier nights", () => {
  it("are the history's and the comparison's, at the precision shown", () => {
    const input = STORIES["changed-before"]!();
    const [told] = input.history!.metrics;
    const change = told!.changes[0]!;
    const { head } = input.comparison!.comparisons.find(({ metric }) => metric === told!.metric)!;
    const comment = renderComment(input);
    const line = /^- `batching\.c8\.tpot_floor_ms` is at .*$/m.exec(comment)![0];
    const shown = [...line.matchAll(/([\d.]+) ms/g)].map(([, number]) => number);
    const values = [change.after, change.before, head!, told!.anchor!];
    expect(shown).toEqual(values.map((value) => String(fourDigits(value))));
    const drawn = /^ {2}line \[(.*)\]$/m.exec(comment)![1]!.split(", ").map(Number);
    expect(drawn).toEqual([...told!.points.map(({ value }) => fourDigits(value)), fourDigits(head)]);
  });
});

const fourDigits = (value: number | null) => Number((value ?? 0).toPrecision(4));

describe("the numbers of the HTML report", () => {
  it.each(Object.entries(STORIES))(
    "%s: each is in a JSON file of the run, and shown as it is there",
    (_, story) => {
      expectFound(renderHtml(story()), story());
    },
  );

  it("of the charts' tables are in the JSON files, or follow from the traces", async () => {
    const { input, traces, telemetry } = richStory();
    const folder = await tempDir();
    await writeRunFolder(folder, input, traces, telemetry);
    const page = renderHtml(input, await readSeries(folder, input.run));
    expectFound(page, input);
    const warm = traces
      .filter((each) => each.variant === "head" && each.probe === "ttft" && each.case === "warm")
      .map((each) => (each.firstTokenS! - each.startS) * 1000);
    const row =
      /aria-label="Time to first token of ttft.warm"[\s\S]*?<th scope="row">this run<\/th>([\s\S]*?)<\/tr>/.exec(
        page,
      )![1]!;
    const [count, p10, p50, p95] = [...row.matchAll(/data-from="traces">([^<]+)</g)].map(([, text]) =>
      Number.parseFloat(text!),
    );
    expect(count).toBe(warm.length);
    const share = (limit: number) => warm.filter((each) => each <= limit).length / warm.length;
    expect(share(p10!)).toBeCloseTo(0.1, 1);
    expect(share(p50!)).toBeCloseTo(0.5, 1);
    expect(share(p95!)).toBeCloseTo(0.95, 1);
  });
});

function expectFound(page: string, input: ReportInput): void {
  const known = numbersOf([input.run, input.measurements, input.comparison, input.verdict, input.history]);
  for (const [element, value = "", more = "", text = ""] of page.matchAll(
    /<data value="([^"]*)"([^>]*)>([^<]*)</g,
  )) {
    if (more.includes("data-from")) continue;
    expect(known.has(Number(value)), element).toBe(true);
    const [shown] = shownIn(text);
    if (shown === undefined || text.startsWith("≥") || text.includes("[")) continue;
    const isNear = [1, 100].some((factor) => Math.abs(shown.value - Number(value) * factor) <= shown.half);
    // An effect is a loss; shown is the change, whose sign is the other where higher is better.
    const isEffect = text.includes("+") || text.includes("−") || text.startsWith("≈");
    expect(isNear || isEffect, element).toBe(true);
  }
}

describe("one trace", () => {
  it.each(["ttft.warm.0", "batching.c1.3", "batching.c8.7"])("%s changes both reports", (id) => {
    const base = measuredRun({ sessions: 5 });
    const head = measuredRun({ sessions: 3 });
    const slower = head.traces.map((each) =>
      each.id === id && each.session === 1 && each.round === 1
        ? {
            ...each,
            firstTokenS: each.firstTokenS! - 0.004,
            lastTokenS: each.lastTokenS! + 0.05,
            endS: each.endS + 0.05,
            arrivals: each.arrivals!.map(([atS, tokens], index, all): [number, number] => [
              index === 0 ? atS - 0.004 : index === all.length - 1 ? atS + 0.05 : atS,
              tokens,
            ]),
          }
        : each,
    );
    const before = gate(base, head);
    const after = gate(base, { run: head.run, traces: slower });
    expect(renderComment(after)).not.toBe(renderComment(before));
    expect(renderHtml(after)).not.toBe(renderHtml(before));
  });
});
