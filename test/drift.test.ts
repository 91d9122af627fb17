import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBaselineText } from "../src/baseline/baseline-text.ts";
import type { RunRecord } from "../src/domain/run.ts";
import { appendAndFindDrift } from "../src/drift.ts";
import { renderDrift } from "../src/report/drift.ts";
import { commitAndPush } from "../src/system/git-append.ts";
import { appendTraces, writeRun } from "../src/system/run-folder.ts";
import { measuredRun, type ServerSpeed } from "./support/builders.ts";
import { createRepository, git } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

const RULES = { tolerances: {}, levels: {} };
const C8 = "batching.c8.tpot_floor_ms";

/** Makes the run of a night, counted from 0. */
async function makeNight(
  cwd: string,
  night: number,
  speed: ServerSpeed = {},
  overrides: Partial<RunRecord> = {},
): Promise<string> {
  const at = new Date(Date.UTC(2026, 0, 1) + night * 86_400_000).toISOString();
  const folder = join(cwd, "runs", String(night));
  const { run, traces } = measuredRun(speed, { id: `night-${night}`, createdAt: at, ...overrides });
  await writeRun(folder, run);
  await appendTraces(folder, traces);
  return join("runs", String(night));
}

const append = (cwd: string, runs: string[], keep = 400) =>
  appendAndFindDrift({ cwd, runs, baselineDir: "baselines", keep, rules: RULES });

/** ±1 % around 1, the same each time. */
const wobble = (night: number) => 1 + 0.01 * Math.sin(night * 2.4);

describe("appendAndFindDrift", () => {
  it("says that a few nights tell nothing yet", async () => {
    const cwd = await tempDir();
    const { drift, touched } = await append(cwd, [await makeNight(cwd, 0)]);
    expect(drift).toMatchObject({ nights: 1, drifting: false, anchor: null });
    expect(drift.metrics.every(({ state }) => state === "unknown")).toBe(true);
    expect(renderDrift(drift)).toContain("too few nights to tell");
    expect(touched).toHaveLength(1);
    expect(touched[0]).toContain("/baselines/history/chat/");
  });

  it("finds the night from which a metric is slower, and what else changed then", async () => {
    const cwd = await tempDir();
    const runs: string[] = [];
    for (let night = 0; night < 24; night += 1) {
      const slow = night >= 12 ? 1.1 : 1;
      const overrides = night >= 12 ? { commit: "f".repeat(40) } : {};
      runs.push(await makeNight(cwd, night, { tpotMs: [2.07, 2.31 * slow * wobble(night)] }, overrides));
    }
    const { drift } = await append(cwd, runs);
    const found = drift.metrics.find(({ metric }) => metric === C8);
    expect(drift.drifting).toBe(true);
    expect(found?.state).toBe("drifting");
    expect(found?.changes.map(({ run }) => run)).toEqual(["night-12"]);
    expect(found?.changes[0]?.loss).toBeCloseTo(0.1, 1);
    expect(found?.changes[0]?.between).toContain(`commit: 0c15755b1d → ${"f".repeat(10)}`);
    const others = drift.metrics.filter(
      ({ metric, state }) => /^ttft|\.c1\./.test(metric) && state === "drifting",
    );
    expect(others).toEqual([]);
    const page = renderDrift(drift);
    expect(page).toContain(`# chat: ${C8}`);
    expect(page).toContain("2026-01-13");
  });

  it("keeps the newest files only", async () => {
    const cwd = await tempDir();
    await append(cwd, [await makeNight(cwd, 0), await makeNight(cwd, 1), await makeNight(cwd, 2)]);
    const { drift, touched } = await append(cwd, [await makeNight(cwd, 3)], 2);
    expect(drift.nights).toBe(2);
    expect(touched).toHaveLength(3);
  });

  it("refuses what is not fit to be recorded, and appends nothing", async () => {
    const cwd = await tempDir();
    const good = await makeNight(cwd, 0);
    const bad = await makeNight(cwd, 1, {}, { outcome: "cancelled" });
    await expect(append(cwd, [good, bad])).rejects.toThrow("the run is cancelled");
    await expect(readdir(join(cwd, "baselines"))).rejects.toThrow("ENOENT");
  });
});

describe("commitAndPush", () => {
  it("loses nothing when nightly jobs append at the same moment", async () => {
    const root = await tempDir();
    const origin = join(root, "origin.git");
    const first = await createRepository(join(root, "first"), { "README.md": "x\n" });
    await git(root, "clone", "--quiet", "--bare", first, origin);
    const jobs = await Promise.all(
      [0, 1, 2, 3].map(async (job) => {
        const clone = join(root, `job-${job}`);
        await git(root, "clone", "--quiet", origin, clone);
        return { clone, run: await makeNight(clone, job) };
      }),
    );
    await Promise.all(
      jobs.map(async ({ clone, run }, job) => {
        const { touched } = await append(clone, [run]);
        await commitAndPush(clone, touched, `night ${job}`);
      }),
    );
    const names = (await git(origin, "ls-tree", "-r", "--name-only", "main")).split("\n");
    const history = names.filter((name) => name.startsWith("baselines/history/"));
    expect(history).toHaveLength(4);
    for (const name of history) {
      expect(readBaselineText(await git(origin, "show", `main:${name}`), name).sessions).toHaveLength(1);
    }
    expect((await git(origin, "log", "--format=%s", "main")).split("\n").sort()).toEqual([
      "change",
      "night 0",
      "night 1",
      "night 2",
      "night 3",
    ]);
  });

  it("says in git's words why a push is refused", async () => {
    const root = await tempDir();
    const clone = await createRepository(join(root, "clone"), { a: "1\n" });
    await git(clone, "remote", "add", "origin", join(root, "nowhere.git"));
    const run = await makeNight(clone, 0);
    const { touched } = await append(clone, [run]);
    await expect(commitAndPush(clone, touched, "night")).rejects.toThrow("git push: fatal");
    // What was measured is in the clone, whole.
    expect(readBaselineText(await readFile(touched[0] as string, "utf8"), "x").sessions).toHaveLength(1);
  });
});
