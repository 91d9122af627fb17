import { describe, expect, it } from "vitest";
import { commandOf, repeatCommand } from "../../src/domain/command-line.ts";
import { run } from "../support/builders.ts";

const server = (args: string[], command = ["vllm", "serve"]) => ({ args, command, model: "org/model" });

describe("the command that runs the same again", () => {
  it("is of head alone against a baseline, though the base was measured beside it", () => {
    const other = run({ variants: { head: server(["--a", "1"]), base: server([]) }, overridden: ["args"] });
    expect(repeatCommand(other, false)).toBe(commandOf("run", other));
    expect(repeatCommand(other, false)).toBe("vllm-gate run --scenario chat --args '--a 1'");
  });

  it("types out the other side of an A/B, with its command where that is another", () => {
    const flags = run({ variants: { head: server(["--a", "1"]), base: server(["--a", "2"]) } });
    expect(repeatCommand(flags, true)).toBe(
      "vllm-gate run --scenario chat --compare-to base --base-args '--a 2'",
    );
    const version = run({ variants: { head: server([]), base: server([], ["/opt/old/vllm", "serve"]) } });
    expect(repeatCommand(version, true)).toBe(
      "vllm-gate run --scenario chat --compare-to base --base-args '' --base-command '/opt/old/vllm serve'",
    );
  });
});
