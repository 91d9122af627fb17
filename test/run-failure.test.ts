import { describe, expect, it } from "vitest";
import type { ServerSpec } from "../src/config/server-spec.ts";
import type { SessionRecord } from "../src/domain/run.ts";
import { failureOf } from "../src/run-failure.ts";
import { run, session } from "./support/builders.ts";

const BASE: ServerSpec = {
  kind: "launch",
  model: "org/model",
  args: [],
  command: ["vllm", "serve"],
  env: {},
};

function failure(sessions: readonly Partial<SessionRecord>[], base: ServerSpec | null) {
  const records = sessions.map((each, index) => session({ index, ...each }));
  const done = records.filter(({ outcome }) => outcome === "ok").length;
  const config = { scenario: "chat", reportOnly: false, base };
  return failureOf(run({ sessions: records }), config, new AbortController().signal, done);
}

const cut = { outcome: "cancelled", cause: "not finished within budgetMinutes (30)" } as const;

describe("an A/B that ran out of time", () => {
  it.each(["base", "head"])("before %s was measured has nothing to compare", (missing) => {
    const other = missing === "base" ? "head" : "base";
    expect(
      failure(
        [
          { variant: other, outcome: "ok" },
          { variant: missing, ...cut },
        ],
        BASE,
      ),
    ).toMatchObject({
      verdict: "failed",
      exitCode: 3,
      headline: `No session of ${missing} was measured, so there is nothing to compare: ${cut.cause}`,
    });
  });

  it("after both were is judged by what there is", () => {
    const both = [
      { variant: "base", outcome: "ok" },
      { variant: "head", outcome: "ok" },
    ] as const;
    expect(failure([...both, { variant: "head", ...cut }], BASE)).toBeNull();
  });
});

describe("a gate against a baseline that ran out of time", () => {
  it("is judged by the sessions that it has", () => {
    expect(failure([{ outcome: "ok" }, cut], null)).toBeNull();
  });
});
