import { expect, it } from "vitest";
import { renderLogPage } from "../../src/report/log-page.ts";
import { measuredRun } from "../support/builders.ts";

it("has the sections of the log template, in its order", () => {
  const page = renderLogPage({
    title: "A study",
    run: measuredRun().run,
    commands: ["vllm-gate study batching"],
    keyNumbers: ["| a |\n| - |\n| 1 |"],
    artifacts: ["csv/a.csv"],
    observations: ["It *was* fast."],
  });
  expect(page.match(/^##? .*$/gm)).toEqual([
    "# A study",
    "## Environment",
    "## Commands Run",
    "## Key Numbers",
    "## Artifacts Created/Updated",
    "## Observations / Surprises",
  ]);
  expect(page).toContain("- GPU: NVIDIA H200 × 1, 143771 MiB, driver 570.148.08");
  expect(page).toContain("- OS / kernel: Ubuntu 24.04.2 LTS / 6.8.0-71-generic");
  expect(page).toContain("- vLLM version: 0.22.0");
  expect(page).toContain("vllm serve Qwen/Qwen2.5-1.5B-Instruct");
  expect(page).toContain("- It \\*was\\* fast.");
});

it("says so when a server was already running, and when there is no GPU", () => {
  const { run } = measuredRun();
  const sessions = run.sessions.map(({ argv: _, ...session }) => session);
  const fingerprint = { ...run.fingerprint, gpuModel: null };
  const page = renderLogPage({
    ...{ title: "t", commands: [], keyNumbers: [], artifacts: [], observations: [] },
    run: { ...run, sessions, fingerprint },
  });
  expect(page).toContain("none: the server was already running");
  expect(page).toContain("- GPU: none (CPU: INTEL\\(R\\) XEON".replaceAll("\\", ""));
});
