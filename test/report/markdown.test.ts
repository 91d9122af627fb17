import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { code, codeBlock, details, oneLine, plain, table } from "../../src/report/markdown.ts";

/** Text made of what Markdown, HTML and GitHub give a meaning to. */
const hostile = fc
  .array(
    fc.constantFrom(
      ..."`|\\*_~[](){}<>#@!&-+=:;'\" \n\r\t",
      "\u0000",
      "\u001b[31m",
      "\u009b",
      "\u202e",
      "\u2066",
      "\u2028",
      "<script>",
      "</details>",
      "-->",
      "@team/x",
      "#12",
      "&commat;",
      "&lt;",
      "a",
      "word_with_parts",
      "é",
      "日本",
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

/** What a Markdown reader shows of escaped text that holds no other Markdown. */
function unescaped(text: string): string {
  return text.replace(/\\([!-/:-@[-`{-~])/g, "$1").replaceAll("\u200b", "");
}

describe("oneLine", () => {
  it("has no line ends, control codes or marks that turn the writing", () => {
    expect(oneLine("a\r\nb\tc\u001b[31m\u0007\u009b\u202e\u2066d\u2028e")).toBe("a b c[31md e");
  });
});

describe("plain", () => {
  it.each([
    ["<img src=x>", "\\<img src=x\\>"],
    ["a | b", "a \\| b"],
    ["`code`", "\\`code\\`"],
    ["**bold** ~~gone~~", "\\*\\*bold\\*\\* \\~\\~gone\\~\\~"],
    ["[link](javascript:x)", "\\[link\\](javascript:x)"],
    ["_kept_ in ttft.warm.floor_ms", "\\_kept\\_ in ttft.warm.floor_ms"],
    ["# no heading", "\\# no heading"],
    ["&lt;b&gt; &commat;root", "\\&lt;b\\&gt; \\&commat;root"],
    ["two\nlines", "two lines"],
    ["a\\|b", "a\\\\\\|b"],
  ])("%j becomes %j", (text, safe) => expect(plain(text)).toBe(safe));

  it("mentions nobody and links no issue", () => {
    expect(plain("@torvalds, me@x.org, org/repo#12, GH-3, #4")).toBe(
      "@\u200btorvalds, me@\u200bx.org, org/repo#\u200b12, GH-\u200b3, #\u200b4",
    );
  });

  it("shows what it was given, and nothing of it is Markdown", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = plain(text);
        expect(unescaped(safe)).toBe(oneLine(text));
        expect(safe).not.toMatch(/[\n\r\p{Cc}]/u);
        // With what is escaped taken away, nothing is left that starts Markdown, HTML or a mention.
        expect(safe.replace(/\\[!-/:-@[-`{-~]/g, " ")).not.toMatch(/[`*[\]<>|~&\\]|@\w|#\d/);
      }),
    );
  });
});

describe("code", () => {
  it.each([
    ["--flag", "`--flag`"],
    ["a`b", "``a`b``"],
    ["`a`", "`` `a` ``"],
    ["a``b`c", "```a``b`c```"],
    ["x\ny", "`x y`"],
    ["a|b", "`a|b`"],
    ["", ""],
    [" \n ", ""],
  ])("%j becomes %s", (text, safe) => expect(code(text)).toBe(safe));

  it("cannot be closed by what it holds", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = code(text);
        if (safe === "") return;
        const [, fence = "", inside = ""] = /^(`+)(.*?)\1$/su.exec(safe) ?? [];
        expect(`${fence}${inside}${fence}`).toBe(safe);
        const runs = [...inside.matchAll(/`+/g)].map(([run]) => run.length);
        expect(runs).not.toContain(fence.length);
        expect(inside.startsWith("`") || inside.endsWith("`")).toBe(false);
      }),
    );
  });
});

describe("codeBlock", () => {
  it("keeps lines, also those within a text, without control codes", () => {
    expect(codeBlock(["one\r\ntwo", "\tthree\u001b[31m"])).toBe("```text\none\ntwo\n    three[31m\n```");
  });

  it("cannot be closed by what it holds", () => {
    expect(codeBlock(["```", "````sh"])).toBe("`````text\n```\n````sh\n`````");
    fc.assert(
      fc.property(fc.array(hostile), (lines) => {
        const [first = "", ...rest] = codeBlock(lines).split("\n");
        const fence = first.replace("text", "");
        expect(rest.filter((line) => line.includes(fence))).toEqual([fence]);
        expect(rest.at(-1)).toBe(fence);
      }),
    );
  });
});

describe("table", () => {
  /** Splits a row where GitHub does: at pipes with an even number of backslashes before them. */
  function cells(row: string): string[] {
    return row.split(/(?<=(?<!\\)(?:\\\\)*)\|/).slice(1, -1);
  }

  it("keeps cells apart, whatever is in them", () => {
    expect(table(["a", "b"], [[code("x|y"), plain("x|y")]])).toBe(
      ["| a      | b    |", "| ------ | ---- |", "| `x\\|y` | x\\|y |"].join("\n"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, hostile), { minLength: 1 }), (rows) => {
        const lines = table(
          ["code", "text"],
          rows.map(([one, other]) => [code(one), plain(other)]),
        ).split("\n");
        expect(lines).toHaveLength(rows.length + 2);
        for (const line of lines) expect(cells(line)).toHaveLength(2);
      }),
    );
  });

  it("aligns numbers to the right", () => {
    expect(table(["n"], [["1"], ["22"]], ["r"])).toBe("|  n |\n| -: |\n|  1 |\n| 22 |");
  });
});

it("details folds its body", () => {
  expect(details("3 metrics", "| a |")).toBe(
    "<details>\n<summary>3 metrics</summary>\n\n| a |\n\n</details>",
  );
});
