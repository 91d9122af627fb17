import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatBaseline } from "../src/baseline/baseline-text.ts";
import { makeBaseline } from "../src/baseline/make-baseline.ts";
import { compareRuns } from "../src/comparing.ts";
import type { RunRecord } from "../src/domain/run.ts";
import type { RequestTrace } from "../src/domain/trace.ts";
import { measureRun } from "../src/measure/measure.ts";
import { appendTraces, writeRun } from "../src/system/run-folder.ts";
import { measuredRun } from "./support/builders.ts";
import { runCli } from "./support/cli.ts";
import { tempDir } from "./support/temp-dir.ts";

const RULES = {
  ...{ tolerances: {}, levels: {}, limits: {} },
  ...({ onInconclusive: "warn", onInvalid: "fail", reportOnly: false, maxSessions: 3 } as const),
};
const SLOW = { tpotMs: [2.3, 2.6] } as const;

async function folder(dir: string, name: string, run: RunRecord, traces: readonly RequestTrace[]) {
  const path = join(dir, name);
  await mkdir(path);
  await writeRun(path, run);
  await appendTraces(path, traces);
  return path;
}

const HEAD = { head: { args: ["--max-model-len", "4096"], model: "org/model", command: ["vllm", "serve"] } };

/** A baseline file of five sessions. */
async function baselineIn(dir: string): Promise<string> {
  const { run, traces } = measuredRun({ sessions: 5 }, { variants: HEAD });
  const measured = { run, measurements: measureRun(run, traces), runSha256: "0".repeat(64), path: "r" };
  const path = join(dir, "baseline.json");
  await writeFile(path, formatBaseline(makeBaseline([measured], "2026-11-22T07:00:00.000Z")));
  return path;
}

/** A run of head with three sessions of another server beside it, both as slow. */
function withBase(overrides: { readonly command?: string[]; readonly vllmVersion?: string } = {}) {
  const head = measuredRun({ ...SLOW, sessions: 3 });
  const { command, vllmVersion } = overrides;
  const other = measuredRun({ ...SLOW, sessions: 3 }, {}, vllmVersion === undefined ? {} : { vllmVersion });
  const server = HEAD.head;
  const sessions = other.run.sessions.map((each, at) => ({ ...each, variant: "base", index: 3 + at }));
  return {
    run: {
      ...head.run,
      variants: { head: server, base: { ...server, ...(command === undefined ? {} : { command }) } },
      sessions: [...head.run.sessions, ...sessions],
    },
    traces: [
      ...head.traces,
      ...other.traces.map((trace) => ({ ...trace, variant: "base", session: trace.session + 3 })),
    ],
  };
}

describe("one side of compare", () => {
  const fast = measuredRun({ sessions: 5 }, { variants: HEAD });
  const slow = measuredRun({ ...SLOW, sessions: 3 }, { variants: HEAD });
  const eager = { head: { ...HEAD.head, args: [...HEAD.head.args, "--enforce-eager"] } };

  it("is one server: what another one costs would be its noise", async () => {
    const dir = await tempDir();
    const one = await folder(dir, "one", fast.run, fast.traces);
    const other = await folder(dir, "other", { ...fast.run, variants: eager, id: "2" }, fast.traces);
    const newer = measuredRun({ sessions: 2 }, { variants: HEAD, id: "3" }, { vllmVersion: "0.99.0" });
    const version = await folder(dir, "version", newer.run, newer.traces);
    const head = await folder(dir, "head", slow.run, slow.traces);
    await expect(compareRuns([one, other], [head], () => RULES)).rejects.toThrow(
      `--base ${other}: measured with --enforce-eager on, expected not set as in ${one}: one side is one server`,
    );
    await expect(compareRuns([head], [one, version], () => RULES)).rejects.toThrow(
      /measured with vLLM 0\.99\.0, expected/,
    );
  });

  it("has something measured, on either side", async () => {
    const dir = await tempDir();
    const bare = fast.run.sessions.map(({ variant, index, outcome }) => ({ variant, index, outcome }));
    const empty = await folder(dir, "empty", { ...fast.run, sessions: bare }, []);
    const head = await folder(dir, "head", slow.run, slow.traces);
    await expect(compareRuns([empty], [head], () => RULES)).rejects.toThrow(
      `--base ${empty}: nothing measured there`,
    );
  });

  it("counts a session that died by what is compared, whatever that is called", async () => {
    const dir = await tempDir();
    const dead = { ...(fast.run.sessions[0] as object), index: 9, outcome: "died", cause: "signal 9" };
    const named = async (name: string, variant: string, of: string) => {
      const sessions = [...fast.run.sessions.map((each) => ({ ...each, variant })), { ...dead, variant: of }];
      const variants = { [variant]: HEAD.head, ...(of === variant ? {} : { [of]: HEAD.head }) };
      const traces = fast.traces.map((trace) => ({ ...trace, variant }));
      const path = await folder(
        dir,
        name,
        { ...fast.run, id: name, variants, sessions } as RunRecord,
        traces,
      );
      return (
        await compareRuns([path], [await folder(dir, `${name}-head`, fast.run, fast.traces)], () => RULES)
      ).verdict.verdict;
    };
    expect(await named("a", "base", "base")).toBe("invalid");
    expect(await named("b", "head", "head")).toBe("invalid");
    expect(await named("c", "head", "other")).toBe("pass");
  });
});

describe("the rules of compare", () => {
  it("are those of the scenario that was measured, wherever it stands in the file", async () => {
    const dir = await tempDir();
    const [fast, slow] = [measuredRun({ sessions: 5 }), measuredRun({ ...SLOW, sessions: 3 })];
    const base = await folder(dir, "base", fast.run, fast.traces);
    const head = await folder(dir, "head", slow.run, slow.traces);
    const of = (names: readonly string[]) => {
      const lenient =
        "    levels: { batching.*.tpot_floor_ms: watch, batching.*.wave_tokens_per_s: watch }\n";
      const text = names.map((name) => `  ${name}:\n    model: m\n${name === "chat" ? "" : lenient}`);
      return `scenarios:\n${text.join("")}`;
    };
    const compare = async (config: string) => {
      await writeFile(join(dir, "rules.yml"), config);
      return runCli(["compare", "--base", base, "--head", head, "--config", join(dir, "rules.yml")], {
        cwd: dir,
      });
    };
    expect(await compare(of(["lenient", "chat"]))).toMatchObject({ code: 1 });
    expect(await compare(of(["lenient"]))).toMatchObject({ code: 0 });
    expect(await compare(of(["lenient", "other"]))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /none is "chat", which was measured: choose one with --scenario: lenient, other/,
      ),
    });
  });
});

describe("compare decides as the gate did", () => {
  const lone = measuredRun({ sessions: 1, tpotMs: [6.2, 6.9], ttftMs: [60, 90], warmMs: 50 });
  const looks = [
    { sessions: { head: 1, base: 0 }, regressed: [], undecided: [], next: [], why: "no time", remainingS: 3 },
  ];

  it("one session of a gate that had no time for another convicts nothing", async () => {
    const dir = await tempDir();
    const gate = await folder(dir, "gate", { ...lone.run, looks }, lone.traces);
    const { verdict } = await compareRuns([await baselineIn(dir)], [gate], () => RULES);
    expect(verdict).toMatchObject({ verdict: "inconclusive", exitCode: 0 });
  });

  it("of a folder that no gate made it does: its maker measured what there is", async () => {
    const dir = await tempDir();
    const other = await folder(dir, "other", lone.run, lone.traces);
    expect((await compareRuns([await baselineIn(dir)], [other], () => RULES)).verdict.exitCode).toBe(1);
  });

  it("takes the run's own sessions of the base, where they are of the baseline's server", async () => {
    const dir = await tempDir();
    const baseline = await baselineIn(dir);
    const of = async (name: string, { run, traces }: ReturnType<typeof withBase>) =>
      (await compareRuns([baseline], [await folder(dir, name, run, traces)], () => RULES)).verdict;
    expect(await of("same", withBase())).toMatchObject({ verdict: "inconclusive", exitCode: 0 });
    expect(await of("other-version", withBase({ vllmVersion: "0.10.0" }))).toMatchObject({ exitCode: 1 });
    expect(await of("other-command", withBase({ command: ["/opt/vllm", "serve"] }))).toMatchObject({
      exitCode: 1,
    });
  });
});
