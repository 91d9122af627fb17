import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitArguments, toArguments } from "../../src/config/arguments.ts";
import { usageErrorOf } from "../support/errors.ts";

describe("splitArguments", () => {
  it.each<[what: string, text: string, expected: string[]]>([
    ["nothing", "", []],
    ["white space alone", " \t ", []],
    ["words at any white space", "--a  b\tc", ["--a", "b", "c"]],
    ["a value after an equals sign", "--a=b", ["--a=b"]],
    ["single quotes, also within a word", "--a='b c'", ["--a=b c"]],
    ["double quotes, also within a word", '--a="b c"', ["--a=b c"]],
    ["pieces side by side as one word", `--a 'x'"y"z`, ["--a", "xyz"]],
    ["an escaped space", "--a b\\ c", ["--a", "b c"]],
    ["an escaped quote in double quotes", String.raw`--a "b\"c"`, ["--a", 'b"c']],
    ["a backslash in single quotes as itself", String.raw`--a 'b\d'`, ["--a", "b\\d"]],
    ["an empty argument", "--a '' \"\" b", ["--a", "", "", "b"]],
    ["JSON in single quotes", `--config '{"a": [1, "b c"]}'`, ["--config", '{"a": [1, "b c"]}']],
    [
      "a backslash before a line end as white space",
      "--a 1 \\\n  --b 2 \\\r\n  --c",
      "--a 1 --b 2 --c".split(" "),
    ],
    ["a line end as white space", "--a 1\n--b 2\r\n--c\n", "--a 1 --b 2 --c".split(" ")],
    ["signs of a shell in single quotes", "'$A' 'a|b' 'x*' '# c' '`id`'", ["$A", "a|b", "x*", "# c", "`id`"]],
    ["signs of a shell in double quotes", '"a|b" "x*" "# c" "a;b"', ["a|b", "x*", "# c", "a;b"]],
    ["escaped signs of a shell", String.raw`\$A \'a \"b`, ["$A", "'a", '"b']],
    ["letters of any script", "--a é字", ["--a", "é字"]],
  ])("reads %s", (_, text, expected) => {
    expect(splitArguments(text, "args")).toEqual(expected);
  });

  it.each<[what: string, text: string, sign: string]>([
    ["a variable", "--a $HOME", "$HOME"],
    ["a variable in braces", "--a $\u007bHOME}/x", "$HOME"],
    ["a variable in double quotes", '--a "$HOME"', "$HOME"],
    ["a variable within a word", "--a=x$HOME", "$HOME"],
    ["a command", "--a $(id)", "$"],
    ["a command in backticks", "--a `id`", "`"],
    ["a command in backticks in double quotes", '--a "x`id`"', "`"],
    ["a variable without a name", "--a $\u007b}", "Bad substitution"],
    ["a variable that breaks off", "--a $\u007bHOME", "Bad substitution"],
    ["a pipe", "--a | tee log", '"|"'],
    ["a redirection", "--a > log", '">"'],
    ["a list of commands", "--a ; rm x", '";"'],
    ["a condition", "--a && rm x", '"&&"'],
    ["a job in the background", "--a &", '"&"'],
    ["a subshell", "--a (x)", '"("'],
    ["a glob", "--a *.json", '"*.json"'],
    ["a glob of one character", "--a x?", '"x?"'],
    ["a comment", "--a 1 # faster", '"# faster"'],
    ["a single quote that is never closed", "--a 'b c", "quote"],
    ["a double quote that is never closed", '--a "b c', "quote"],
    ["a quote whose end is escaped", String.raw`--a "b c\"`, "quote"],
    ["a quote within the other kind's end", `--a "it's`, "quote"],
  ])("refuses %s, naming the source and the sign", (_, text, sign) => {
    const message = usageErrorOf(() => splitArguments(text, "scenarios.chat.args"));
    expect(message).toMatch(/^scenarios\.chat\.args: /);
    expect(message).toContain(sign);
  });

  it("gives back any words that were put in single quotes", () => {
    // A quote, a backslash and a line end have rules of their own.
    const word = fc.string({ unit: "grapheme" }).filter((text) => !/['\\\r\n\0]/.test(text));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const text = words.map((each) => `'${each}'`).join(" ");
        expect(splitArguments(text, "args")).toEqual(words);
      }),
    );
  });

  it("either splits or refuses, whatever the text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(splitArguments(text, "args").every((word) => typeof word === "string")).toBe(true);
        } catch (error) {
          expect((error as Error).message).toMatch(/^args: /);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("toArguments", () => {
  it("gives no arguments for nothing", () => {
    expect(toArguments(undefined, "args")).toEqual([]);
  });

  it("splits a string", () => {
    expect(toArguments("--a 'b c'", "args")).toEqual(["--a", "b c"]);
  });

  it("takes a list as it is, whatever a shell would say to it", () => {
    expect(toArguments(["--a", "$HOME", "x y", "*", "#"], "args")).toEqual(["--a", "$HOME", "x y", "*", "#"]);
  });

  it("writes numbers and truth values of a list as text", () => {
    expect(toArguments(["--a", 16, "--b", 0.9, true], "args")).toEqual(["--a", "16", "--b", "0.9", "true"]);
  });
});
