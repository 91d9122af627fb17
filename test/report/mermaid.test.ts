import { JSDOM } from "jsdom";
import { beforeAll, describe, expect, it } from "vitest";
import { renderComment } from "../../src/report/comment.ts";
import { richStory } from "./run-folder.ts";
import { STORIES } from "./stories.ts";

type Parser = { parse(text: string): Promise<unknown> };
let mermaid: Parser;

beforeAll(async () => {
  // Its parser cleans text with the browser's means.
  const { window } = new JSDOM("");
  Object.assign(globalThis, { window, document: window.document });
  mermaid = (await import("mermaid")).default;
});

const blocksOf = (markdown: string) =>
  [...markdown.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);

describe("charts in the comment", () => {
  it("are what Mermaid's own parser takes", async () => {
    const told = [richStory().input, STORIES["changed-before"]!()];
    const blocks = told.flatMap((each) => blocksOf(renderComment(each)));
    expect(blocks).toHaveLength(2);
    for (const block of blocks)
      await expect(mermaid.parse(block)).resolves.toMatchObject({ diagramType: "xychart" });
  });

  it("would be refused if they were broken", async () => {
    const [block = ""] = blocksOf(renderComment(richStory().input));
    await expect(mermaid.parse(block.replace("x-axis [1", "x-axis [[1"))).rejects.toThrow();
  });

  it("are only there where a curve of three points changed, or a night before", () => {
    for (const [name, story] of Object.entries(STORIES)) {
      expect(blocksOf(renderComment(story())).length, name).toBe(
        name === "rich" || name === "changed-before" ? 1 : 0,
      );
    }
  });
});
