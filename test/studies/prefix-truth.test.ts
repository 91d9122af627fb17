import { expect, it } from "vitest";
import {
  MOST_POINTS,
  PREFIX_DEPLOYMENTS,
  PREFIX_OPTIONS,
  prefixProbeRows,
} from "../../bench/probes-prefix.ts";
import { tempDir } from "../support/temp-dir.ts";

it("the probe finds saving and hit rate within 3 points of the truth, on data that nothing was fitted to too", async () => {
  const deployments = PREFIX_DEPLOYMENTS.filter(({ name }) => /H200|unseen|never/.test(name));
  const rows = await prefixProbeRows(await tempDir(), {
    deployments,
    options: { ...PREFIX_OPTIONS, regimes: [1024] },
    runs: 4,
  });
  expect(rows).toHaveLength(4 * deployments.length);
  for (const { name, metric, worst } of rows)
    expect(worst, `${name} ${metric}`).toBeLessThanOrEqual(MOST_POINTS);
  const truths = new Map(rows.map(({ name, metric, truth }) => [`${name} ${metric}`, truth]));
  expect(truths.get("unseen model on an unseen GPU prefix.1024.c1.saving")).toBeGreaterThan(0.5);
  expect(truths.get("a cache that never hits prefix.1024.c1.saving")).toBeCloseTo(0, 2);
  expect(truths.get("Qwen2.5-1.5B on an H200 prefix.1024.c1.hit_rate")).toBeCloseTo(1024 / 1088, 9);
});
