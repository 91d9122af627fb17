import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
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
 * --screenshots FOLDER  pictures of the richest ones as well, at phone and desktop width
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
  for (const [device, width, colorScheme] of [
    ["desktop", 1280, "light"],
    ["phone", 390, "dark"],
  ] as const) {
    for (const kind of ["comment", "report"]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      await page.goto(pathToFileURL(join(out, `${kind}-rich.html`)).href);
      if (kind === "comment") await page.locator(".mermaid svg").waitFor();
      // The tables below go on for pages; what is looked at are the verdict and the charts.
      const height =
        kind === "comment" ? undefined : await page.evaluate("document.getElementById('metrics').offsetTop");
      await page.screenshot({
        path: join(folder, `${kind}-${device}.png`),
        fullPage: true,
        ...(typeof height === "number" ? { clip: { x: 0, y: 0, width, height } } : {}),
      });
      await page.close();
    }
  }
  await browser.close();
}
