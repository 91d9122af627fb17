import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { writeHtmlReport } from "../src/html-report.ts";
import { renderComment } from "../src/report/comment.ts";
import { renderHtml } from "../src/report/html.ts";
import { escapeHtml } from "../src/report/html-markup.ts";
import { renderTerminal } from "../src/report/terminal.ts";
import { richStory, writeRunFolder } from "../test/report/run-folder.ts";
import { STORIES } from "../test/report/stories.ts";
import { launchChromium } from "./browser.ts";
import { commentPage } from "./comment-page.ts";

/**
 * Writes every kind of report as a reader sees it, with a page that links them, and says where.
 *
 * --out FOLDER          where; a temporary folder by default
 * --screenshots FOLDER  pictures of the richest ones as well, at phone and desktop width, light and dark
 */
const { values } = parseArgs({ options: { out: { type: "string" }, screenshots: { type: "string" } } });
const out =
  values.out === undefined ? await mkdtemp(join(tmpdir(), "vllm-gate-reports-")) : resolve(values.out);
await mkdir(out, { recursive: true });

const rows: string[] = [];
for (const [name, story] of Object.entries(STORIES)) {
  const input = story();
  await writeFile(join(out, `comment-${name}.html`), await commentPage(renderComment(input), name));
  if (name === "rich") {
    const { traces, telemetry } = richStory();
    const folder = join(out, "run");
    await writeRunFolder(folder, input, traces, telemetry);
    await writeHtmlReport(folder, input, { warn: (message) => process.stderr.write(`${message}\n`) });
    await writeFile(join(out, `report-${name}.html`), await readFile(join(folder, "report.html")));
  } else {
    await writeFile(join(out, `report-${name}.html`), renderHtml(input));
  }
  const terminal = renderTerminal(input.verdict, input.comparison, `${input.runPath}/report.md`);
  rows.push(
    `<h2>${name}</h2><p><a href="comment-${name}.html">comment</a> · <a href="report-${name}.html">report.html</a></p><pre>${escapeHtml(terminal)}</pre>`,
  );
}
await writeFile(
  join(out, "index.html"),
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Reports</title><body><h1>Reports</h1>${rows.join("\n")}</body></html>\n`,
);
process.stdout.write(`${pathToFileURL(join(out, "index.html")).href}\n`);

if (values.screenshots !== undefined) {
  const folder = resolve(values.screenshots);
  await mkdir(folder, { recursive: true });
  const browser = await launchChromium();
  const devices = [
    ["desktop", 1280],
    ["phone", 390],
  ] as const;
  const schemes = ["light", "dark"] as const;
  const all = devices.flatMap(([device, width]) => schemes.map((scheme) => ({ device, width, scheme })));
  for (const { device, width, scheme } of all) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    const open = (name: string) => page.goto(pathToFileURL(join(out, name)).href);
    const shoot = (name: string, clip?: Clip) =>
      page.screenshot({
        path: join(folder, `${name}-${device}-${scheme}.png`),
        fullPage: true,
        ...(clip === undefined ? {} : { clip }),
      });
    const openComment = async (story: string) => {
      await open(`comment-${story}.html`);
      await page.locator(".mermaid svg").waitFor();
    };
    await openComment("rich");
    await shoot("comment");
    // The tables below go on for pages; what is looked at are the verdict and the charts.
    await open("report-rich.html");
    await shoot("report", { x: 0, y: 0, width, height: await topOf(page, "tokens") });
    // Of the rest one in light and one in dark is enough.
    if ((device === "desktop") === (scheme === "light")) {
      await shoot("report-machine", await between(page, "tokens", "metrics", width));
      await openComment("changed-before");
      await shoot("comment-nights");
      await open("report-changed-before.html");
      await shoot("report-nights", await between(page, "history", "metrics", width));
    }
    await page.close();
  }
  await browser.close();
}

type Clip = { x: number; y: number; width: number; height: number };

function topOf(page: Page, section: string): Promise<number> {
  return page.evaluate(`document.getElementById(${JSON.stringify(section)}).offsetTop - 20`);
}

async function between(page: Page, from: string, to: string, width: number): Promise<Clip> {
  const [top, bottom] = [await topOf(page, from), await topOf(page, to)];
  return { x: 0, y: top, width, height: bottom - top };
}
