import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { runGate } from "../src/gate.ts";
import { loadConfig } from "../src/inputs.ts";
import type * as Processes from "../src/system/processes.ts";
import { createWorkspace } from "./support/workspace.ts";

// A process that not even KILL ends hangs in the kernel: no test can make one.
vi.mock("../src/system/processes.ts", async (original) => {
  const real = await original<typeof Processes>();
  const endServer: typeof real.endServer = async (options) => ({
    ...(await real.endServer(options)),
    survivors: [4711, 4712],
  });
  return { ...real, endServer };
});

it("a run whose server could not be ended fails, names what is left, and leaves it to the post step", async () => {
  await using workspace = await createWorkspace({ top: { rounds: 1, sessions: 3 } });
  const { cwd } = workspace;
  const config = await loadConfig({ cwd, overrides: {}, nameOverride: String });
  const { verdict, runDir } = await runGate(config, {
    cwd,
    environment: process.env,
    log: { step: () => {}, warn: () => {} },
    signal: new AbortController().signal,
    runsDir: join(cwd, "runs"),
  });
  expect(verdict).toMatchObject({
    verdict: "failed",
    cause: "tool_failed",
    exitCode: 4,
    headline: "Processes 4711, 4712 of the server could not be ended",
  });
  const state = JSON.parse(await readFile(join(runDir, "state.json"), "utf8"));
  expect(state.servers).toMatchObject([{ marker: expect.any(String), leader: { pid: expect.any(Number) } }]);
  const run = JSON.parse(await readFile(join(runDir, "run.json"), "utf8"));
  expect(run.outcome).toBe("failed");
  expect(run.sessions).toHaveLength(1);
});
