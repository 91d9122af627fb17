import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measurementsFileSchema } from "../src/domain/measurements.ts";
import { runCli } from "./support/cli.ts";
import { newestRun, readVerdict } from "./support/runs.ts";
import { createWorkspace } from "./support/workspace.ts";

const PROBES = { ttft: false, batching: false, prefix: false, kv: false };

/** 24 requests of mixed lengths, 10 ms apart. */
const REQUESTS = Array.from({ length: 24 }, (_, index) => ({
  ...(index % 2 === 0 ? { prompt: `Question ${index}: what is a GPU?` } : { prompt_tokens: 100 + index }),
  output_tokens: 4 + (index % 5),
  at_s: index / 100,
}));

async function gateOf(traffic: Record<string, unknown>, limits: Record<string, unknown>) {
  const space = await createWorkspace({
    scenario: {
      probes: { ...PROBES, traffic: { file: "r.jsonl", ...traffic } },
      slo: { ttftP95Ms: 5000, e2eP95Ms: 10_000 },
      ...{ limits, tolerances: {} },
    },
  });
  await writeFile(join(space.cwd, "r.jsonl"), REQUESTS.map((each) => JSON.stringify(each)).join("\n"));
  return space;
}

describe("the user's own traffic in the gate", () => {
  it.each([
    { mode: "open", endpoint: "completions" },
    { mode: "closed", endpoint: "chat", concurrency: 4 },
  ])("is measured by its own metrics, goodput among them: %j", { timeout: 60_000 }, async (traffic) => {
    await using space = await gateOf(traffic, {});
    const result = await runCli(["run", "--rounds", "1"], { cwd: space.cwd });
    expect(result.code, result.stderr).toBe(3);
    const text = await readFile(join(await newestRun(space.cwd), "measurements.json"), "utf8");
    const { measurements, absent } = measurementsFileSchema.parse(JSON.parse(text));
    const found = Object.fromEntries(measurements.map(({ metric, value }) => [metric, value]));
    // The tests' own machine may be too busy to measure a time; that is said, and nothing else may be missing.
    const late = absent.filter(({ reason }) => /^the client was .* late/.test(reason));
    expect(absent.filter((each) => each.metric.startsWith("traffic.") && !late.includes(each))).toEqual([]);
    expect(found["requests.error_rate"]).toBe(0);
    expect(found["traffic.slo_attainment"]).toBe(1);
    expect(found["traffic.goodput_per_s"]).toBeCloseTo(found["traffic.requests_per_s"] as number, 9);
    expect(found["traffic.tokens_per_s"]).toBeGreaterThan(0);
    for (const name of ["ttft_p50_ms", "ttft_p95_ms", "itl_p95_ms", "e2e_p95_ms"]) {
      const metric = `traffic.${name}`;
      if (!late.some((each) => each.metric === metric)) expect(found[metric]).toBeGreaterThan(0);
    }
  });

  it("absolute limits on it need no baseline", { timeout: 60_000 }, async () => {
    await using space = await gateOf({}, { "traffic.goodput_per_s": { min: 1e6 } });
    const result = await runCli(["run", "--rounds", "1"], { cwd: space.cwd });
    expect(result.code, result.stderr).toBe(1);
    const { reasons } = await readVerdict(await newestRun(space.cwd));
    expect(reasons.join("\n")).toContain("traffic.goodput_per_s");
  });
});
