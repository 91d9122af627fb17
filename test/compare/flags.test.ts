import { describe, expect, it } from "vitest";
import { diffServers } from "../../src/compare/flags.ts";

describe("diffServers", () => {
  it("names the command and every variable that differ", () => {
    const base = { command: ["vllm", "serve"], env: { A: "1", B: "2" } };
    expect(diffServers(base, base)).toEqual([]);
    expect(diffServers(base, { command: ["/opt/vllm", "serve"], env: { B: "3", C: "4" } })).toEqual([
      { what: "command", base: "vllm serve", head: "/opt/vllm serve" },
      { what: "env A", base: "1", head: null },
      { what: "env B", base: "2", head: "3" },
      { what: "env C", base: null, head: "4" },
    ]);
  });
});
