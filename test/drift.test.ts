import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBaselineText } from "../src/baseline/baseline-text.ts";
import type { RunRecord } from "../src/domain/run.ts";
import { appendAndFindDrift } from "../src/drift.ts";
import { issueNews } from "../src/drift-news.ts";
import { recordRuns } from "../src/recording.ts";
import { renderDrift } from "../src/report/drift.ts";
import { commitAndPush } from "../src/system/git-append.ts";
import { appendTraces, writeRun } from "../src/system/run-folder.ts";
import { BOT, startGitHub, TOKEN } from "./publish/support.ts";
import { measuredRun, type ServerSpeed } from "./support/builders.ts";
import { runCli } from "./support/cli.ts";
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

describe("a level that was lost", () => {
  /** Nights at these shares of the usual speed, each held for so many. */
  const nights = async (cwd: string, levels: readonly (readonly [share: number, count: number])[]) => {
    const runs: string[] = [];
    for (const [share, count] of levels) {
      for (let each = 0; each < count; each += 1) {
        const night = runs.length;
        runs.push(await makeNight(cwd, night, { tpotMs: [2.07, 2.31 * share * wobble(night)] }));
      }
    }
    return runs;
  };

  it("drifts from what it had been since the anchor, though the anchor is no better", async () => {
    const cwd = await tempDir();
    const anchor = await makeNight(cwd, 99, {}, { createdAt: "2025-12-01T00:00:00Z" });
    const { path } = await recordRuns([anchor], "baselines", { cwd });
    await backdate(join(cwd, path), "2025-12-01T00:00:00Z");
    const { drift } = await append(
      cwd,
      await nights(cwd, [
        [1, 8],
        [0.8, 20],
        [1, 12],
      ]),
    );
    const found = drift.metrics.find(({ metric }) => metric === C8);
    expect(found?.state).toBe("drifting");
    expect(found?.loss).toBeCloseTo(0, 1);
    expect(found?.slip).toBeCloseTo(0.25, 1);
    expect(renderDrift(drift)).toMatch(
      /c8\.tpot_floor_ms and 1 more drifted, \+2\d %[\s\S]*−0\.1 % \| +\+25 % \(1\.85 ms\) \|/,
    );
    const { title, parts } = issueNews(drift, "https://github.com/team/serving/actions/runs/1");
    expect(title).toMatch(/^vllm-gate: chat drifts, batching\.c8\.tpot_floor_ms \+2\d % .*\(nvidia-h200/);
    const text = parts.map((part) => part.text).join("\n\n");
    expect(text).toContain("- Night of 2026-01-29 (`batching.c8.tpot_floor_ms`");
    expect(text).toMatch(/```mermaid[\s\S]*x-axis "nights, 2026-01-01 to 2026-02-09" 1 --> 40/);

    // Recorded anew, the level is what somebody took for good.
    await backdate(join(cwd, path), "2026-02-04T00:00:00Z");
    const later = await append(cwd, [await makeNight(cwd, 40)]);
    expect(later.drift.metrics.find(({ metric }) => metric === C8)).toMatchObject({
      state: "steady",
      slip: null,
    });
    expect(issueNews(later.drift, "x").summary).toMatch(
      /^Recovered: after 41 nights .* night of 2026-01-(?:29|30)/,
    );
  });
});

/** A baseline as it would be, had it been recorded at another time. */
async function backdate(path: string, at: string): Promise<void> {
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/"recordedAt":"[^"]+"/g, `"recordedAt":"${at}"`));
}

describe("vllm-gate drift --issue", () => {
  it("opens an issue while a history drifts, and closes it when it does not any more", async () => {
    const github = await startGitHub();
    const cwd = await tempDir();
    const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "team/serving" };
    const args = ["--issue", "--model", "m", "--fail-on", "drift"];
    const speed = (night: number, share: number) => ({
      tpotMs: [2.07, 2.31 * share * wobble(night)] as [number, number],
    });
    const runs: string[] = [];
    for (let night = 0; night < 24; night += 1)
      runs.push(await makeNight(cwd, night, speed(night, night >= 12 ? 1.1 : 1)));
    const drifting = await runCli(["drift", ...runs, ...args], { cwd, env });
    expect(drifting.code, drifting.stderr).toBe(1);
    expect(drifting.stderr).toContain("It drifts: opened https://github.com/team/serving/issues/1000");
    expect(github.issues).toMatchObject([{ login: BOT, state: "open" }]);
    expect(github.issues[0]?.body).toContain("## What came between");

    // A history that was begun anew says nothing of whether it recovered.
    const anew = await tempDir();
    const reset = await runCli(["drift", await makeNight(anew, 0), ...args], { cwd: anew, env });
    expect(reset.code, reset.stderr).toBe(0);
    expect(reset.stderr).toContain("the issue about drift is left as it is");
    expect(github.issues).toMatchObject([{ state: "open" }]);

    const better: string[] = [];
    for (let night = 24; night < 36; night += 1) better.push(await makeNight(cwd, night, speed(night, 1)));
    const recovered = await runCli(["drift", ...better, ...args], { cwd, env });
    expect(recovered.code, recovered.stderr).toBe(0);
    expect(github.issues).toMatchObject([{ state: "closed" }]);
    expect(github.violations).toEqual([]);

    // What could not be pushed is told all the same, and the command says what is missing.
    const again = [await makeNight(cwd, 36), await makeNight(cwd, 37)];
    const unpushed = await runCli(["drift", ...again, ...args, "--push"], { cwd, env });
    expect(unpushed.code).toBe(4);
    expect(unpushed.stderr).toMatch(/the night could not be pushed: git push: no branch is checked out/);
    expect(unpushed.stderr).toContain("Nothing drifts, and there is no issue to close");

    const untold = await runCli(["drift", await makeNight(cwd, 36), ...args], {
      cwd,
      env: { ...env, GITHUB_TOKEN: "" },
    });
    expect(untold.code).toBe(2);
    expect(untold.stderr).toContain("GITHUB_TOKEN: not set");
  });
});
