import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { baselinePath } from "../src/baseline/baseline-path.ts";
import { formatBaseline } from "../src/baseline/baseline-text.ts";
import { makeBaseline } from "../src/baseline/make-baseline.ts";
import { measureRun } from "../src/measure/measure.ts";
import { renderComment } from "../src/report/comment.ts";
import { renderHtml } from "../src/report/html.ts";
import { historyOf, writeHistory } from "../src/report-history.ts";
import { commentInputOf, readReported } from "../src/reporting.ts";
import { writeRunFolder } from "./report/run-folder.ts";
import { measuredRun } from "./support/builders.ts";
import { gate } from "./support/gate.ts";
import { tempDir } from "./support/temp-dir.ts";

const METRIC = "batching.c8.tpot_floor_ms";
const NIGHTS = 24;
const wobble = (night: number) => 1 + 0.004 * Math.sin(night * 2.4);

/** A slower run than its baseline, on a machine that is slower since a night, if ever. */
async function gateAfter({ slowSince }: { slowSince: number }) {
  const cwd = await tempDir();
  const input = gate(measuredRun({ sessions: 5 }), measuredRun({ sessions: 3, tpotMs: [2.07, 2.6] }));
  const path = baselinePath(input.run.scenario, input.run.fingerprint);
  const folder = join(cwd, "baselines", "history", path.replace(/\.json$/, ""));
  await mkdir(folder, { recursive: true });
  for (let night = 0; night < NIGHTS; night += 1) {
    const at = new Date(Date.UTC(2026, 9, 1) + night * 86_400_000).toISOString();
    const tpot = 2.31 * wobble(night) * (night >= slowSince ? 1.12 : 1);
    const commit = (night >= slowSince ? "f" : "a").repeat(40);
    const { run, traces } = measuredRun({ tpotMs: [2.07, tpot] }, { createdAt: at, commit });
    const recorded = {
      run,
      measurements: measureRun(run, traces),
      runSha256: "ab".repeat(32),
      path: "runs/x",
    };
    const name = `${at.replace(/[-:]/g, "").replace(/\.\d+/, "")}-${"ab".repeat(6)}.json`;
    await writeFile(join(folder, name), formatBaseline(makeBaseline([recorded], at)));
  }
  return { cwd, input, folder };
}

const placeOf = (cwd: string) => ({ cwd, baselineDir: "baselines" });

describe("the earlier nights of a run's machine", () => {
  it("tell when the level changed, and with what, in both reports, of this run and of its folder", async () => {
    const { cwd, input } = await gateAfter({ slowSince: 14 });
    const runDir = join(cwd, "runs", "1");
    await writeRunFolder(runDir, input, []);
    const warnings: string[] = [];
    const log = { warn: (message: string) => warnings.push(message) };
    const history = await writeHistory(runDir, input.run, input.comparison!, { ...placeOf(cwd), log });
    expect(warnings).toEqual([]);
    const told = history!.metrics.find(({ metric }) => metric === METRIC)!;
    expect(told.points).toHaveLength(NIGHTS);
    expect(told.changes).toHaveLength(1);
    expect(told.changes[0]!.at).toBe("2026-10-15T00:00:00.000Z");
    expect(told.anchor).toBe(input.comparison!.comparisons.find(({ metric }) => metric === METRIC)!.base);
    // What changed now stands first.
    expect(history!.metrics[0]!.metric).toBe(METRIC);

    const comment = renderComment({ ...input, history });
    expect(comment).toMatch(
      /^- `batching\.c8\.tpot_floor_ms` is at 2\.58\d? ms since 2026-10-15, 2\.3\d+ ms before; with it changed commit: aaaaaaaaaa → ffffffffff\. This run: 2\.\d+ ms, the baseline: 2\.\d+ ms$/m,
    );
    expect(comment).toContain(`title "${METRIC}, 24 nights and this run (flat: baseline)"`);
    const drawn = [...comment.matchAll(/^ {2}line \[(.*)\]$/gm)].map(([, list]) => list!.split(", ").length);
    expect(drawn).toEqual([NIGHTS + 1, NIGHTS + 1]);
    const page = renderHtml({ ...input, history });
    expect(page).toContain("commit: aaaaaaaaaa → ffffffffff");
    expect(page).toContain("Earlier nights");

    // What was handed on as an artifact says the same, wherever it is read.
    const reported = await readReported(runDir);
    expect(renderComment(commentInputOf(reported, cwd))).toContain("since 2026-10-15");
  });

  it("say nothing more in the comment where they are steady: the change is this run's", async () => {
    const { cwd, input } = await gateAfter({ slowSince: NIGHTS });
    const history = await historyOf(input.run, input.comparison!, placeOf(cwd));
    expect(history!.metrics.find(({ metric }) => metric === METRIC)!.changes).toEqual([]);
    expect(renderComment({ ...input, history })).toBe(renderComment(input));
    expect(renderHtml({ ...input, history })).toContain("No change of level was found.");
  });

  it("say nothing of a change the other way", async () => {
    const { cwd, input } = await gateAfter({ slowSince: 14 });
    const history = (await historyOf(input.run, input.comparison!, placeOf(cwd)))!;
    const metrics = history.metrics.map((each) => ({
      ...each,
      changes: each.changes.map((change) => ({ ...change, after: 2 * each.anchor! - change.after })),
    }));
    expect(renderComment({ ...input, history: { ...history, metrics } })).toBe(renderComment(input));
  });

  it("are none where there is no history, and cost no verdict where it is damaged or leads elsewhere", async () => {
    const { cwd, input, folder } = await gateAfter({ slowSince: 14 });
    expect(await historyOf(input.run, input.comparison!, placeOf(await tempDir()))).toBeNull();
    const warnings: string[] = [];
    const log = { warn: (message: string) => warnings.push(message) };
    const write = () => writeHistory(cwd, input.run, input.comparison!, { ...placeOf(cwd), log });
    const secret = join(await tempDir(), "secret");
    await writeFile(secret, "hunter2");
    const link = join(folder, "20261101T000000Z-abcdef.json");
    await symlink(secret, link);
    expect(await write()).toBeNull();
    await rm(link);
    await writeFile(link, "{");
    expect(await write()).toBeNull();
    expect(warnings).toHaveLength(2);
    expect(warnings.join("\n")).toContain("the earlier nights are not shown");
    expect(warnings.join("\n")).not.toContain("hunter2");
    await expect(readFile(join(cwd, "history.json"))).rejects.toThrow("ENOENT");
  });
});
