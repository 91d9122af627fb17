import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { findDrift } from "../src/baseline/drift.ts";
import type { Baseline } from "../src/domain/baseline.ts";
import { issueNews } from "../src/drift-news.ts";
import { refuseForeignHtml } from "../src/publish/html.ts";
import { renderDrift } from "../src/report/drift.ts";
import { baseline } from "./support/builders.ts";

const C8 = "batching.c8.tpot_floor_ms";
const HISTORY = "baselines/history/chat/nvidia-h200-1x-140gib-model";
const RUN_URL = "https://github.com/team/serving/actions/runs/1";

/** Nights of one metric with these values; what came with the slow ones is hostile. */
function newsOf(
  values: readonly number[],
  at = (night: number) => `2026-01-${String(night + 1).padStart(2, "0")}`,
) {
  const nights = values.map((value, night): Baseline => {
    const [session] = baseline().sessions;
    if (session === undefined) throw new Error("no session");
    return baseline({
      args: value > 2.2 ? ["--served-model-name", "<script>@team #1 ```mermaid"] : [],
      sessions: [{ ...session, recordedAt: at(night) }],
      metrics: { [C8]: { unit: "ms", n: 1, spread: 0, sessions: [[value + 0.001 * (night % 3)]] } },
    });
  });
  const rule = { direction: "lower", level: "gate", tolerance: { relative: 0.02, absolute: 0 } } as const;
  return issueNews(
    findDrift({ scenario: "chat", history: HISTORY, anchorPath: null }, nights, null, () => rule),
    RUN_URL,
  );
}

const textOf = ({ parts }: ReturnType<typeof newsOf>) => parts.map(({ text }) => text).join("\n\n");

describe("issueNews", () => {
  const slower = [...Array(12).fill(2), ...Array(8).fill(2.4)];

  it("names scenario, machine, metric and loss, what came between, and how to end it", () => {
    const news = newsOf(slower);
    expect(news).toMatchObject({
      drifting: true,
      key: HISTORY,
      title: "vllm-gate: chat drifts, batching.c8.tpot_floor_ms +20 % (nvidia-h200-1x-140gib-model)",
    });
    const text = textOf(news);
    expect(text).toMatch(
      /## What came between\n\n- Night of 2026-01-13 \(`batching\.c8\.tpot_floor_ms`\): flags: none →/,
    );
    expect(text).toContain("vllm-gate record");
  });

  it("holds nothing that a reader's browser would obey, whatever flags and times are in the files", () => {
    for (const news of [
      newsOf(slower),
      newsOf(slower, (night) => `2026-01-${10 + night}"\n  click a call x()`),
    ]) {
      expect(() => refuseForeignHtml(textOf(news), "issue")).not.toThrow();
      expect(textOf(news)).not.toMatch(/@team|(?<!\\)<script/);
    }
  });

  it("has a chart that Mermaid's own parser takes, where there are nights enough for one", async () => {
    const { window } = new JSDOM("");
    Object.assign(globalThis, { window, document: window.document });
    const { default: mermaid } = await import("mermaid");
    const [, chart = ""] = /^```mermaid\n([\s\S]*?)^```$/m.exec(textOf(newsOf(slower))) ?? [];
    expect(chart).toContain('x-axis "nights, 2026-01-01 to 2026-01-20" 1 --> 20');
    await expect(mermaid.parse(chart)).resolves.toMatchObject({ diagramType: "xychart" });
    expect(textOf(newsOf([2, 2, 2, 2.4, 2.4, 2.4]))).not.toContain("mermaid");
  });

  it("says no metric's name as Markdown, in the conversation or above the table", () => {
    const metric = "[x](https://evil.example)<b>@team";
    const hostile = (values: readonly number[]) =>
      findDrift(
        { scenario: "chat", history: HISTORY, anchorPath: null },
        values.map((value, night) =>
          baseline({
            metrics: {
              [metric]: { unit: "<b>ms", n: 1, spread: 0, sessions: [[value + 0.001 * (night % 3)]] },
            },
          }),
        ),
        null,
        () => ({ direction: "lower", level: "gate", tolerance: { relative: 0.02, absolute: 0 } }),
      );
    const drift = hostile(slower);
    const { summary } = issueNews(drift, RUN_URL);
    const [title] = renderDrift(drift).split("\n");
    for (const text of [summary, title]) {
      expect(text).toContain("\\[x\\](https://evil.example)\\<b\\>@\u200bteam");
    }
    // In code it is harmless.
    expect(renderDrift(drift).replaceAll(/`[^`]*`/g, "")).not.toMatch(/(?<!\\)<b/);
  });

  it("recovers by the metrics that are left: one that the last nights do not have does not drift", () => {
    const nightOf = (value: number, night: number, gone: boolean) =>
      baseline({
        metrics: {
          "kv.capacity_tokens": { unit: "tokens", n: 1, spread: 0, sessions: [[100]] },
          ...(gone
            ? {}
            : { [C8]: { unit: "ms", n: 1, spread: 0, sessions: [[value + 0.001 * (night % 3)]] } }),
        },
      });
    const found = (missing: number) =>
      findDrift(
        { scenario: "chat", history: HISTORY, anchorPath: null },
        slower.concat(Array(missing).fill(0)).map((value, night) => nightOf(value, night, value === 0)),
        null,
        () => ({ direction: "lower", level: "gate", tolerance: { relative: 0.02, absolute: 0 } }),
      );
    expect(found(4).drifting).toBe(true);
    const drift = found(5);
    expect(drift.drifting).toBe(false);
    expect(drift.metrics.find(({ metric }) => metric === C8)).toMatchObject({
      state: "unknown",
      reason: "none of the last 5 nights has it",
    });
    expect(issueNews(drift, RUN_URL).summary).toMatch(
      /within its tolerance \(of 1 more nothing can be said\)/,
    );
  });

  it("says that it is over, and since when", () => {
    const news = newsOf([...Array(8).fill(2), ...Array(20).fill(2.4), ...Array(12).fill(2)]);
    expect(news.drifting).toBe(false);
    expect(news.title).toContain("does not drift any more");
    expect(news.summary).toMatch(/^Recovered: after 40 nights .* in the night of 2026-01-(?:29|30)\.$/);
  });
});
