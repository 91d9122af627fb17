import { describe, expect, it } from "vitest";
import { runnerLine, runnerText } from "../../src/system/runner-log.ts";

describe("runnerLine", () => {
  it.each([
    ["ready after 1.0 s", "ready after 1.0 s"],
    ["a::b ::c", "a::b ::c"],
    ["::set-env name=A::b", ": :set-env name=A::b"],
    [" \t::error::x", " \t: :error::x"],
    ["\u001b::error::x", ": :error::x"],
    ["a\n::error::x", "a ␤ ::error::x"],
    ["a\r\nb\u2028c\rd", "a ␤ b ␤ c ␤ d"],
    ["x ##[error]y", "x ## [error]y"],
    ["##\u0007[error]y", "## [error]y"],
  ])("makes %j %j", (text, line) => {
    expect(runnerLine(text)).toBe(line);
  });
});

describe("runnerText", () => {
  it("keeps lines, of which none is a command", () => {
    expect(runnerText("a\n::error::x\n  ::warning::y\nb")).toBe("a\n: :error::x\n  : :warning::y\nb");
  });
});
