import { describe, expect, it } from "vitest";
import { renderHtml } from "../../src/report/html.ts";
import { readSeries } from "../../src/report-data.ts";
import { tempDir } from "../support/temp-dir.ts";
import { richStory, writeRunFolder } from "./run-folder.ts";
import { STORIES } from "./stories.ts";

/** The page without its style, its script and what is drawn: those are looked at in a browser. */
function skeleton(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>/, "<style></style>")
    .replace(/<script>[\s\S]*?<\/script>/, "<script></script>")
    .replace(/ content="default-src[^"]*"/, ' content="…"')
    .replace(/<svg[\s\S]*?<\/svg>/g, "<svg></svg>");
}

/** One for each verdict; the others differ in their numbers. */
const GOLDEN = [
  "pass",
  "improved",
  "regressed",
  "inconclusive",
  "invalid-fingerprint",
  "no-baseline",
  "limit-broken",
  "failed-start",
  "one-metric",
  "many-metrics",
  "changed-before",
];

describe("report.html", () => {
  it.each(GOLDEN)("%s", async (name) => {
    await expect(skeleton(renderHtml(STORIES[name]!()))).toMatchFileSnapshot(`../golden/report-${name}.html`);
  });

  it("draws everything that a run folder holds, in less than a megabyte", async () => {
    const { input, traces, telemetry } = richStory();
    const folder = await tempDir();
    await writeRunFolder(folder, input, traces, telemetry);
    const page = renderHtml(input, await readSeries(folder, input.run));
    expect(page.length).toBeLessThan(1_000_000);
    const titles = [...page.matchAll(/<h3 id="[^"]+">([^<]+)</g)].map(([, title]) => title);
    expect(titles).toEqual([
      "Throughput over concurrency",
      "Time to first token against throughput",
      "Gap between tokens against throughput",
      "End-to-end latency against throughput",
      ...[1, 2, 4, 8, 16, 32].map((load) => `Time to first token: batching.c${load}`),
      "Time to first token: ttft.warm",
      "The tokens of one request",
      "Start of the server, head, session 0",
      "Start of the server, base, session 3",
      "KV cache in use: kv.fill",
      ...[0, 1, 2].map((session) => `GPU 0, head, session ${session}`),
      "GPU 0, base, session 3",
    ]);
    expect(page).toContain("knee, this run:");
    expect(page).toContain("SLO 100 ms");
    expect(page).toMatch(/<strong>Throttled<\/strong> \(red\): sw_thermal/);
  });

  it("is the same for the same input", () => {
    expect(renderHtml(STORIES["regressed"]!())).toBe(renderHtml(STORIES["regressed"]!()));
  });

  it("loads nothing, and runs nothing but its own script", () => {
    for (const story of Object.values(STORIES)) {
      const page = renderHtml(story());
      expect(page).not.toMatch(/(?:src|href)\s*=\s*"(?!#|data:,)/);
      expect(page).not.toMatch(/url\(|@import/);
      expect(page.match(/<script/g)).toHaveLength(1);
      expect(page).not.toMatch(/<[^>]*\son\w+=/);
      expect(page).not.toMatch(/<[^>]*\sstyle=/);
    }
  });

  it("draws the nights that it is given, with their changes of level", () => {
    const points = Array.from({ length: 12 }, (_, night) => ({
      at: `2026-11-${String(night + 1).padStart(2, "0")}T02:00:00.000Z`,
      value: night < 8 ? 2.3 : 2.5,
    }));
    const metric = "batching.c8.tpot_floor_ms";
    const changes = [{ at: points[8]!.at, before: 2.3, after: 2.5, between: ["vLLM: 0.22.0 → 0.23.0"] }];
    const history = {
      schemaVersion: 1 as const,
      folder: "baselines/history/chat/x",
      metrics: [{ metric, unit: "ms", anchor: 2.3, points, changes }],
    };
    const page = renderHtml({ ...STORIES["pass"]!(), history });
    expect(page).toContain("Vertical lines are changes of level: 2026-11-09, 2.3 ms → 2.5 ms.");
    expect(page).toContain(
      "12 nights; the dashed line is the baseline&#39;s value, 2.3 ms, the diamond is this run.",
    );
    expect(page).toContain("vLLM: 0.22.0 → 0.23.0");
    expect(page.match(/<title>this run: 2\.\d+ ms<\/title>/g)).toHaveLength(1);
    expect(page.match(/<title>2026-11-\d\d: 2\.[35] ms<\/title>/g)).toHaveLength(12);
  });
});
