import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { baselineNotes } from "../src/ageing.ts";
import { formatBaseline, sealed } from "../src/baseline/baseline-text.ts";
import type { GateConfig } from "../src/config/load.ts";
import { TOOL_VERSION } from "../src/version.ts";
import { baseline, comparison, comparisonFile, measuredRun } from "./support/builders.ts";
import { git } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

const C8 = "batching.c8.tpot_floor_ms";
const PATH = "chat/m.json";
const CONFIG = {
  scenario: "chat",
  baselineDir: "baselines",
  baselineMaxAgeDays: 90,
  tolerances: {},
  levels: {},
} as unknown as GateConfig;

it("reads slack from the nights of the checkout, and does without them where they are broken", async () => {
  const cwd = await tempDir();
  const folder = join(cwd, "baselines", "history", "chat", "m");
  await mkdir(folder, { recursive: true });
  const [session] = baseline().sessions;
  if (session === undefined) throw new Error("no session");
  const of = (at: string, value: number) =>
    sealed(
      baseline({
        sessions: [{ ...session, recordedAt: at, toolVersion: TOOL_VERSION }],
        metrics: { [C8]: { unit: "ms", n: 1, spread: 0, sessions: [[value]] } },
      }),
    );
  for (let night = 1; night <= 20; night += 1) {
    const day = String(night).padStart(2, "0");
    const text = formatBaseline(of(`2026-11-${day}T02:00:00Z`, 1.8 + 0.001 * (night % 3)));
    await writeFile(join(folder, `202611${day}T020000Z-abc.json`), text);
  }
  const { run } = measuredRun({}, { createdAt: "2026-11-22T08:00:00Z" });
  const better = comparisonFile({
    comparisons: [comparison({ metric: C8, base: 2, head: 1.8, effect: -0.1, verdict: "improved" })],
  });
  const warnings: string[] = [];
  const log = { step: () => {}, warn: (line: string) => warnings.push(line) };
  const judging = { baseline: of("2026-10-20T00:00:00Z", 2), path: PATH };
  const notes = () => baselineNotes(judging, run, better, CONFIG, { cwd, log });
  expect(await notes()).toEqual([
    expect.stringMatching(
      /^The baseline has slack: .*c8\.tpot_floor_ms by 10\.0 % for 21 days.*record --scenario chat$/,
    ),
  ]);
  expect(warnings).toEqual([]);

  const broken = join(folder, "20261121T020000Z-abc.json");
  await writeFile(broken, "hunter22");
  expect(await notes()).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(/nothing is said of slack: \S+Z-abc\.json: not JSON, expected a night/),
  ]);
  expect(warnings.join()).not.toContain("hunter22");

  // Nor is a file of the machine that a checkout points at.
  const secret = join(await tempDir(), "token");
  await writeFile(secret, "hunter22");
  await git(cwd, "init", "--quiet");
  await rm(broken);
  await symlink(secret, broken);
  expect(await notes()).toEqual([]);
  expect(warnings[1]).toMatch(/a symbolic link leads out of the repository/);
  await rm(broken);

  // Of a long history only the last nights are read.
  for (let night = 0; night < 120; night += 1) {
    const at = new Date(Date.UTC(2026, 6, 1) + night * 86_400_000).toISOString().replace(/\.\d+/, "");
    await writeFile(
      join(folder, `${at.replace(/[-:]/g, "")}-abc.json`),
      night < 20 ? "{" : formatBaseline(of(at, 2)),
    );
  }
  await notes();
  expect(warnings).toHaveLength(2);
});
