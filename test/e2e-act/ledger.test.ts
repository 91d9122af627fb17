import { globSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { LESS_KV } from "./events.ts";
import { type Stage, setStage } from "./runner.ts";

const CAPACITY = /("kv\.capacity_tokens": .*"sessions": \[\[)(\d+)(\]\])/;

/** The stage's baseline: its path and its text. */
function baselineOf(stage: Stage): { readonly path: string; readonly text: string } {
  const [path = ""] = globSync("baselines/*/*.json", { cwd: stage.cwd });
  return { path, text: readFileSync(join(stage.cwd, path), "utf8") };
}

/** Nights before this one, each with a share of the baseline's KV capacity. */
async function writeNights(stage: Stage, shares: readonly number[]): Promise<void> {
  const { path, text } = baselineOf(stage);
  const folder = join(stage.cwd, path.replace("baselines/", "baselines/history/").replace(/\.json$/, ""));
  await mkdir(folder, { recursive: true });
  for (const [night, share] of shares.entries()) {
    const at = new Date(Date.UTC(2026, 0, 1 + night)).toISOString();
    const name = `${at.replace(/[-:]|\.\d+/g, "")}-${"0".repeat(12)}.json`;
    const changed = text
      .replace(CAPACITY, (_, before, value, after) => `${before}${Math.round(Number(value) * share)}${after}`)
      .replace(/"recordedAt":"[^"]+"/g, `"recordedAt":"${at}"`);
    await writeFile(join(folder, name), changed);
  }
}

const remoteFiles = async (stage: Stage) =>
  (await stage.git("ls-tree", "-r", "--name-only", "refs/remotes/origin/main")).split("\n");

describe("the ledger's workflows", () => {
  it("nightly: pushes the night, opens one issue while it drifts, and closes it", async () => {
    await using stage = await setStage();
    const { github } = stage;
    await stage.git("checkout", "-q", "main");
    await writeNights(stage, [...Array(8).fill(1), ...Array(4).fill(0.4)]);
    await stage.commit({ args: LESS_KV });
    await stage.git("push", "-q", "origin", "main");
    const night = async () => {
      const run = await stage.act("schedule", { schedule: "17 2 * * *" }, { workflow: "nightly.yml" }).done;
      await stage.git("pull", "-q", "--rebase", "origin", "main");
      return run;
    };
    const first = await night();
    expect(first.code, first.log).toBe(0);
    const history = (await remoteFiles(stage)).filter((name) => name.startsWith("baselines/history/"));
    expect(history).toHaveLength(13);
    expect(github.issues).toMatchObject([{ login: "github-actions[bot]", state: "open" }]);
    expect(github.issues[0]?.title).toMatch(/small drifts, kv\.\w+/);
    expect(github.issues[0]?.body).toContain("## What came between");
    expect(first.log).toMatch(/Summary - [\s\S]*drifted/);

    await writeNights(stage, Array(12).fill(1));
    await stage.commit({});
    await stage.git("rm", "-q", history.at(-1) ?? "");
    await stage.git("commit", "-q", "-m", "Forget a night");
    await stage.git("push", "-q", "origin", "main");
    const second = await night();
    expect(second.code, second.log).toBe(0);
    expect(github.issues).toMatchObject([{ state: "closed", stateReason: "completed" }]);
    expect(github.comments.map(({ body }) => body)).toMatchObject([expect.stringContaining("Recovered")]);
    expect(github.violations).toEqual([]);
  });

  it("record: opens a pull request with the file and its table, and refuses a loss without a reason", async () => {
    await using stage = await setStage();
    const { github } = stage;
    await stage.git("checkout", "-q", "main");
    await stage.commit({ args: LESS_KV });
    const record = (inputs: Record<string, string>) =>
      stage.act(
        "workflow_dispatch",
        { ref: "refs/heads/main", inputs: { scenario: "", reason: "", extend: "false", ...inputs } },
        { workflow: "record.yml" },
      ).done;
    const refused = await record({});
    expect(refused.code, refused.log).toBe(1);
    expect(refused.log).toContain("the new baseline is worse in");
    expect([...github.pulls.keys()]).toEqual([]);

    const run = await record({ reason: "half the cache is enough" });
    expect(run.code, run.log).toBe(0);
    const [pull] = github.pulls.values();
    expect(pull).toMatchObject({ base: "main", state: "open" });
    expect(pull?.body).toContain("Why: half the cache is enough.");
    expect(pull?.body).toMatch(/\| `kv\.capacity_tokens` +\| +[\d,]+ tokens \| +[\d,]+ tokens \| +−\d+ % \|/);
    const { path } = baselineOf(stage);
    expect(github.git.filesOf(pull?.head.ref ?? "")[path]).toContain('"reason":"half the cache is enough"');
    expect(github.violations).toEqual([]);
  });

  it("audit: fails on a baseline that was edited by hand", async () => {
    await using stage = await setStage();
    await stage.git("checkout", "-q", "main");
    const audit = () =>
      stage.act("workflow_dispatch", { ref: "refs/heads/main" }, { workflow: "audit.yml" }).done;
    const clean = await audit();
    expect(clean.code, clean.log).toBe(0);
    expect(clean.log).toMatch(/Summary - [\s\S]*Nothing suspicious/);
    const { path, text } = baselineOf(stage);
    await mkdir(dirname(join(stage.cwd, path)), { recursive: true });
    await writeFile(join(stage.cwd, path), text.replace(CAPACITY, "$1100$3"));
    await stage.commit({});
    const found = await audit();
    expect(found.code, found.log).toBe(1);
    expect(found.log).toContain("it was edited by hand");
    expect(stage.github.calls).toEqual([]);
  });
});
