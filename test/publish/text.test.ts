import { readFile } from "node:fs/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineOf, parsePatch } from "../../src/publish/changed-lines.ts";
import { DROP_ORDER, fitBytes, fitLength, KEPT } from "../../src/publish/fit.ts";
import { refuseForeignHtml } from "../../src/publish/html.ts";
import { cleanKey, decodeFooter, encodeFooter, hasMarker, markerOf } from "../../src/publish/marker.ts";
import { repositoryOf, subjectOf } from "../../src/publish/subject.ts";
import { commentParts, renderComment } from "../../src/report/comment.ts";
import { STORIES } from "../report/stories.ts";
import { HEAD } from "./support.ts";

describe("the marker", () => {
  it("is a first line that no key can break out of", () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        const body = `${markerOf(key)}\n\ntext`;
        expect(markerOf(key)).toMatch(/^<!-- vllm-gate:[\w.-]+ -->$/);
        expect(markerOf(key)).not.toMatch(/--.*--.*-->/);
        expect(hasMarker(body, key)).toBe(true);
        expect(hasMarker(`x\n${body}`, key)).toBe(false);
      }),
    );
    expect(cleanKey("")).toBe("gate");
  });

  it("of one key is not that of a longer one", () => {
    expect(hasMarker(`${markerOf("a-b")}\n`, "a")).toBe(false);
  });
});

describe("the footer", () => {
  it("comes back whole, whatever it holds, and ends no HTML comment", () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), (headline, value) => {
        const footer = {
          v: 1 as const,
          measuring: null,
          last: {
            commit: HEAD,
            verdict: "regressed" as const,
            blocks: true,
            at: "2026-11-22T10:00:00.000Z",
            headline: `${headline} --> <!-- vllm-gate-data {}`,
            metrics: { "a.b": [Object.is(value, -0) ? 0 : value, "pass" as const] as [number, "pass"] },
          },
        };
        const text = encodeFooter(footer);
        expect(text.slice(4, -3)).not.toMatch(/--|[<>\n]/);
        expect(decodeFooter(`body\n\n${text}`)).toEqual(footer);
      }),
    );
  });

  it("that somebody damaged is none", () => {
    expect(decodeFooter('<!-- vllm-gate-data {"v":2} -->')).toBeNull();
    expect(decodeFooter("<!-- vllm-gate-data {")).toBeNull();
    expect(decodeFooter("")).toBeNull();
  });
});

describe("fitLength", () => {
  const part = (name: string, length: number) => ({ name, text: `${name} ${"x".repeat(length)}` });

  it("leaves out detail in the stated order, and says what and where", () => {
    const parts = [
      part("headline", 10),
      part("watched", 500),
      part("environment", 500),
      part("firstToken", 500),
    ];
    const text = fitLength(parts, 1300, "the artifact");
    expect(text).not.toContain("firstToken x");
    expect(text).toContain("watched x");
    expect(text).toMatch(/Left out.*first-token latency in words\. All of it is in the artifact/);
    expect(fitLength(parts, 900, "it")).toMatch(/headline x+\n\nenvironment x+\n\n_Left out/);
  });

  it("knows of every part whether it may be left out", async () => {
    const known = new Set<string>([...DROP_ORDER.map(([name]) => name), ...KEPT]);
    expect(known.size).toBe(DROP_ORDER.length + KEPT.length);
    const made = Object.values(STORIES).flatMap((story) => commentParts(story()).map(({ name }) => name));
    expect([...new Set(made)].filter((name) => !known.has(name))).toEqual([]);
    // Whatever the sources name a part, told in a story or not.
    const files = ["report/comment.ts", "report/overview.ts", "publishing.ts", "publish/publication.ts"];
    const sources = await Promise.all(
      files.map((name) => readFile(new URL(`../../src/${name}`, import.meta.url), "utf8")),
    );
    const named = sources.flatMap((text) =>
      [...text.matchAll(/(?:\bparts?\(\s*|\bname: )"(\w+)"/g)].map(([, name]) => name!),
    );
    expect(named.length).toBeGreaterThan(25);
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  });

  it("is never longer than the limit", () => {
    const names = fc.constantFrom("headline", "watched", "run", "log", "changed");
    const made = fc.array(fc.record({ name: names, text: fc.string({ maxLength: 400 }) }), { maxLength: 20 });
    fc.assert(
      fc.property(made, fc.integer({ min: 600, max: 5000 }), (parts, limit) => {
        expect(fitLength(parts, limit, "it").length).toBeLessThanOrEqual(limit);
      }),
    );
    expect(fitLength([part("changed", 90_000)], 65_536, "it").length).toBeLessThanOrEqual(65_536);
  });

  it("counts bytes for checks", () => {
    expect(Buffer.byteLength(fitBytes("é\n".repeat(90_000), 65_535))).toBeLessThanOrEqual(65_535);
    expect(fitBytes("short", 65_535)).toBe("short");
  });
});

describe("refuseForeignHtml", () => {
  it.each(Object.entries(STORIES))("takes our own comment: %s", (_, story) => {
    expect(() => refuseForeignHtml(renderComment(story()), "report.md")).not.toThrow();
  });

  it.each([
    ["```text\n<b> and <script> are shown, not run\n```"],
    ['```mermaid\nxychart-beta\n  y-axis "tokens/s" 0 --> 5\n  line [1, 2]\n```'],
  ])("takes %s", (text) => {
    expect(() => refuseForeignHtml(text, "report.md")).not.toThrow();
  });

  it.each([
    ["<script>alert(1)</script>"],
    ["<SCRIPT src=x>"],
    ["<img src=x onerror=alert(1)>"],
    ["<details open ontoggle=alert(1)>"],
    ["<a href='javascript:x'>"],
    ["text <!-- hidden -->"],
    ["<?php"],
    ["<iframe"],
    ["\\\\<b>"],
    ["`unclosed <b>"],
    ["<!-- vllm-gate:other -->"],
    ['```mermaid\nflowchart LR\n  a["<img src=x onerror=alert(1)>"] --> b\n```'],
    ["~~~Mermaid\nflowchart LR\n  a[`<b>`]\n~~~"],
    ['```mermaid\nflowchart LR\n  a["\\<b>"]\n```'],
    ["```mermaid\nflowchart LR\n  a --> b\n  click a call x()\n```"],
    ["> - ```mermaid\n>   flowchart LR\n>   click a call x()"],
    ['```mermaid\n%%{init: {"securityLevel": "loose"}}%%\nflowchart LR\n```'],
    ['```geojson\n{"a": "<script>"}\n```'],
  ])("refuses %s", (text) => {
    expect(() => refuseForeignHtml(`<!-- vllm-gate:chat -->\n\n${text}\n`, "report.md")).toThrow(
      /^report\.md: (?:it holds|a chart that is more than a chart)/,
    );
  });
});

describe("changed lines", () => {
  const patch =
    "@@ -1,3 +1,4 @@\n a: 1\n-args: --max-num-seqs 256\n+args: --max-num-seqs 64\n+x: --max-num-seqs-y\n b\n\\ No newline\n@@ -9 +10,2 @@ f\n c\n+d";

  it("have the numbers of the new file", () => {
    expect(parsePatch(patch)).toEqual([
      { line: 2, text: "args: --max-num-seqs 64" },
      { line: 3, text: "x: --max-num-seqs-y" },
      { line: 11, text: "d" },
    ]);
  });

  it("are found by flag, in flags rather than in prose", () => {
    const lines = [
      { path: "README.md", line: 1, text: "use --max_num_seqs 64" },
      ...parsePatch(patch).map((each) => ({ path: "vllm-gate.yml", ...each })),
    ];
    expect(lineOf("--max-num-seqs", lines)).toMatchObject({ path: "vllm-gate.yml", line: 2 });
    expect(lineOf("--max-num-seqs", lines.slice(0, 1))).toMatchObject({ path: "README.md" });
    expect(lineOf("--dtype", lines)).toBeNull();
  });
});

describe("the subject of an event", () => {
  const env = { GITHUB_REPOSITORY: "team/serving", GITHUB_SHA: "f".repeat(40) };
  const repository = { id: 1, full_name: "team/serving" };
  const pull = (repo: object | null) => ({ number: 7, head: { sha: HEAD, repo }, base: { repo: { id: 1 } } });

  it("is a pull request's head, of a fork or not", () => {
    const of = (repo: object | null) => subjectOf(env, { repository, pull_request: pull(repo) });
    expect(of({ id: 1 })).toMatchObject({ headSha: HEAD, pullRequest: { number: 7, isFork: false } });
    expect(of({ id: 2 }).pullRequest?.isFork).toBe(true);
    // Its repository was deleted.
    expect(of(null).pullRequest?.isFork).toBe(true);
  });

  it("is the commit elsewhere", () => {
    expect(subjectOf(env, { repository })).toMatchObject({ headSha: "f".repeat(40), pullRequest: null });
    expect(() => subjectOf({ ...env, GITHUB_SHA: "main" }, {})).toThrow(/GITHUB_SHA: got "main"/);
    expect(() => repositoryOf({ GITHUB_REPOSITORY: "../x" }, {})).toThrow(/expected owner\/name/);
  });
});
