import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "./support/cli.ts";
import { createRepository } from "./support/git-repository.ts";
import { newestRun, readVerdict } from "./support/runs.ts";
import { tempDir } from "./support/temp-dir.ts";
import { configText, type WorkspaceOptions } from "./support/workspace.ts";

const SHORT = { ttft: { warmRequests: 6, outputTokens: 16 }, batching: false, prefix: false, kv: false };

/** An A/B of a change with the branch that it came from. */
async function ab(base: WorkspaceOptions, change: WorkspaceOptions) {
  const top = { compareTo: "base", rounds: 1 };
  const cwd = await createRepository(await tempDir(), { "vllm-gate.yml": configText({ ...base, top }) });
  await writeFile(join(cwd, "vllm-gate.yml"), configText({ ...change, top }));
  const { code, stdout, stderr } = await runCli(["run", "--base-ref", "HEAD"], { cwd });
  const runDir = await newestRun(cwd);
  const comment = await readFile(join(runDir, "report.md"), "utf8");
  return { code, said: stdout + stderr, comment, verdict: await readVerdict(runDir) };
}

it("a change that also measures something else has nothing to be compared with", async () => {
  const { code, said, verdict } = await ab(
    { scenario: { probes: { ...SHORT, batching: { concurrency: [1], outputTokens: 16 } } } },
    { scenario: { probes: SHORT } },
  );
  expect(code, said).toBe(3);
  expect(verdict).toMatchObject({ verdict: "invalid", nextAction: expect.stringMatching(/by themselves/) });
  expect(verdict.reasons.join("\n")).toMatch(/its probes or their parameters are not those of the base/);
});

it("a loss is told with all that differs, and with ways on that an A/B has", async () => {
  const { code, said, comment, verdict } = await ab(
    { scenario: { probes: SHORT } },
    {
      args: "--max-model-len 4096 --sim-regression kv:0.5",
      scenario: { probes: SHORT },
      simulator: { SEED: "7" },
    },
  );
  expect(code, said).toBe(1);
  expect(verdict.nextAction).toBe("Change the flags, or merge past this check where the loss is wanted.");
  expect(comment).toMatch(/env VLLM_SIM_SEED/);
  expect(comment).toMatch(
    /vllm-gate run --scenario small --compare-to base --base-args '--max-model-len 4096'/,
  );
  expect(comment).toContain("merge past this check");
  expect(comment).not.toContain("vllm-gate record");
});
