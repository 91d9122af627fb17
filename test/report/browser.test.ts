import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launchChromium } from "../../scripts/browser.ts";
import { renderHtml } from "../../src/report/html.ts";
import { readSeries } from "../../src/report-data.ts";
import { tempDir } from "../support/temp-dir.ts";
import { richStory, writeRunFolder } from "./run-folder.ts";
import { STORIES } from "./stories.ts";

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// CI has one; elsewhere `CHROMIUM` names it.
describe.skipIf((await findChromium()) === null)("report.html in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  async function open(text: string, width: number, colorScheme: "light" | "dark") {
    const path = join(await tempDir(), "report.html");
    await writeFile(path, text);
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => asked.push(request.url()));
    const url = pathToFileURL(path).href;
    await page.goto(url);
    return { page, said, asked: asked.filter((each) => each !== url && !each.startsWith("data:")) };
  }

  async function rich(): Promise<string> {
    const { input, traces, telemetry } = richStory();
    const folder = await tempDir();
    await writeRunFolder(folder, input, traces, telemetry);
    return renderHtml(input, await readSeries(folder, input.run));
  }

  it.each([
    [390, "dark"],
    [1280, "light"],
  ] as const)(
    "%d wide and %s: no violation that axe calls serious, no message, no request, no sideways scrolling",
    async (width, scheme) => {
      const { page, said, asked } = await open(await rich(), width, scheme);
      await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
      expect(await violations(page)).toEqual([]);
      expect(said).toEqual([]);
      expect(asked).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      await page.context().close();
    },
    120_000,
  );

  it.each(["failed-start", "no-baseline", "invalid-fingerprint", "hostile"])(
    "%s: no violation, no message, no request",
    async (name) => {
      const { page, said, asked } = await open(renderHtml(STORIES[name]!()), 1280, "light");
      expect(await violations(page)).toEqual([]);
      expect(said).toEqual([]);
      expect(asked).toEqual([]);
    },
  );

  it("a button hides a series, by the keyboard too, and says so", async () => {
    const { page } = await open(await rich(), 1280, "light");
    const figure = page.locator("#throughput");
    const button = figure.getByRole("button", { name: "baseline" });
    const marks = figure.locator('[data-series="base"] path, [data-series="base"] circle');
    expect(await marks.first().isVisible()).toBe(true);
    await button.focus();
    await page.keyboard.press("Enter");
    expect(await button.getAttribute("aria-pressed")).toBe("false");
    expect(await marks.first().isVisible()).toBe(false);
    await page.keyboard.press("Enter");
    expect(await marks.first().isVisible()).toBe(true);
  });

  it("a mark near the pointer says its value", async () => {
    const { page } = await open(await rich(), 1280, "light");
    const mark = page
      .locator('#throughput [data-series="head"] path, #throughput [data-series="head"] circle')
      .last();
    await mark.scrollIntoViewIfNeeded();
    const box = (await mark.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
    expect(await page.locator("#throughput .tip").textContent()).toMatch(
      /^this run, 32 at once: [\d,]+ tokens\/s$/,
    );
  });
});

/** What axe finds that it calls serious or critical. */
async function violations(page: Page): Promise<string[]> {
  // Through the debugger: the page's policy lets no foreign script in.
  await page.evaluate(await axe);
  const found = (await page.evaluate("axe.run()")) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.length} × ${nodes[0]?.html}`);
}
