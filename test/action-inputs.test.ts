import { describe, expect, it } from "vitest";
import { acceptedPullRequest } from "../src/action-accept.ts";
import { readInputs } from "../src/action-inputs.ts";
import { checkNameOf, keyOf, parsePublicationState } from "../src/action-target.ts";

const read = (inputs: Record<string, string>) => readInputs((name) => inputs[name] ?? "");

describe("readInputs", () => {
  it("has defaults, and leaves out what was not given", () => {
    expect(read({})).toEqual({
      mode: "gate",
      config: undefined,
      overrides: {},
      commentKey: undefined,
      token: undefined,
      failOn: [],
      extend: undefined,
      accept: [],
      reason: undefined,
      pullRequest: false,
      push: true,
      since: undefined,
      runs: [],
      cell: undefined,
      cells: [],
      acceptLabel: null,
    });
  });

  it("reads numbers, flags and lists", () => {
    const inputs = read({
      mode: "report",
      "budget-minutes": "7.5",
      "report-only": "false",
      runs: "a\n b ,c\n",
      cells: '["x, y", "z"]',
    });
    expect(inputs.overrides).toEqual({ budgetMinutes: 7.5 });
    expect(inputs.runs).toEqual(["a", "b", "c"]);
    expect(inputs.cells).toEqual(["x, y", "z"]);
    expect(read({ "report-only": "TRUE" }).overrides).toEqual({ reportOnly: true });
    expect(read({ "compare-to": "base" }).overrides).toEqual({ compareTo: "base" });
  });

  it.each([
    [{ mode: "toString" }, /mode: got "toString", expected one of gate/],
    [{ sessions: "many" }, /sessions: got "many", expected a number/],
    [{ cell: "a", mode: "report" }, /cell: it has no effect in mode report, only in gate and record/],
    [{ mode: "report", cells: '["a", 1]' }, /cells: got .* expected names in lines, or a JSON list of names/],
  ])("refuses %j", (inputs, message) => {
    expect(() => read(inputs)).toThrow(message);
  });
});

describe("the key of a job", () => {
  it("is its comment-key, its scenario, or the one of a job that has neither", () => {
    expect(keyOf({ commentKey: "llama 3/70b", overrides: { scenario: "chat" } })).toBe("llama_3_70b");
    expect(keyOf({ commentKey: undefined, overrides: { scenario: "chat" } })).toBe("chat");
    expect(checkNameOf(keyOf({ commentKey: undefined, overrides: {} }))).toBe("vllm-gate");
    expect(checkNameOf("chat")).toBe("vllm-gate / chat");
  });
});

describe("the state of a publication", () => {
  it("is refused when it is not what the main step wrote", () => {
    expect(() => parsePublicationState('{"key":1}')).toThrow(/the main step's state: subject/);
  });
});

describe("acceptedPullRequest", () => {
  const label = "vllm-gate-accept";
  const body = "/vllm-gate accept x";
  it.each<[payload: Record<string, unknown>, number: number | null]>([
    [{ issue: { number: 7, pull_request: {} }, comment: { body } }, 7],
    [{ issue: { number: 7 }, comment: { body } }, null],
    [{ issue: { number: 7, pull_request: {} }, comment: { body: "looks good" } }, null],
    [{ pull_request: { number: 8 }, label: { name: label } }, 8],
    [{ pull_request: { number: 8 }, label: { name: "other" } }, null],
    [{ pull_request: { number: 8 } }, null],
    [{}, null],
  ])("of %j is %j", (payload, number) => {
    expect(acceptedPullRequest(payload, label)).toBe(number);
    expect(acceptedPullRequest(payload, null)).toBe(payload["label"] === undefined ? number : null);
  });
});
