import { describe, expect, it } from "vitest";
import { judgeByBothCopies } from "../src/both-copies.ts";
import type { GateConfig } from "../src/config/load.ts";
import type { ComparisonFile } from "../src/domain/comparison.ts";
import type { VerdictFile } from "../src/domain/verdict.ts";
import type { Surroundings } from "../src/surroundings.ts";
import { comparison, comparisonFile } from "./support/builders.ts";
import { commit, createRepository, git } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

const OWN = {
  configPath: "vllm-gate.yml",
  baselineDir: "baselines",
  tolerances: {},
  levels: {},
  limits: {},
  onInconclusive: "warn",
  onInvalid: "fail",
  reportOnly: false,
} as const;
const CONFIG = { scenario: "chat", baselineDir: "baselines", own: OWN } as unknown as GateConfig;

const FILES = {
  "vllm-gate.yml": "a: 1\n",
  "baselines/chat/m.json": "{}\n",
  "baselines/chat/m.noise.json": "{}\n",
  "baselines/history/chat/m/20260101T000000Z-0.json": "{}\n",
  ".github/workflows/gate.yml": "uses: vllm-gate/vllm-gate@main\n",
  ".github/workflows/other.yml": "run: make\n",
  "serving/flags.txt": "x\n",
};

const result = (verdict: VerdictFile["verdict"], file: ComparisonFile = comparisonFile()) => ({
  comparison: file,
  verdict: { verdict, headline: `it is ${verdict}`, exitCode: 0, reportOnly: false } as VerdictFile,
});

/** What is told of a change of these files. */
async function told(
  changed: Readonly<Record<string, string>>,
  judgeByOwn: Parameters<typeof judgeByBothCopies>[3] = async () => result("pass"),
  judged = result("pass"),
) {
  const cwd = await createRepository(await tempDir(), FILES);
  const world = { cwd, baseRevision: "main~1" } as Surroundings;
  await commit(cwd, changed);
  return judgeByBothCopies(judged, CONFIG, world, judgeByOwn);
}

describe("judgeByBothCopies", () => {
  it("names the files that judge and differ from the base branch's, and no others", async () => {
    const all = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, `${text}# changed\n`]));
    expect((await told(all))?.files).toEqual([
      ".github/workflows/gate.yml",
      "baselines/chat/m.json",
      "baselines/chat/m.noise.json",
      "vllm-gate.yml",
    ]);
    expect(await told({ "serving/flags.txt": "y\n" })).toBeUndefined();
  });

  it("does not lay at a change's door what the base branch changed since it forked", async () => {
    const cwd = await createRepository(await tempDir(), FILES);
    await git(cwd, "checkout", "--quiet", "-b", "change");
    await commit(cwd, { "serving/flags.txt": "y\n" });
    await git(cwd, "checkout", "--quiet", "main");
    await commit(cwd, { "baselines/chat/m.json": "[]\n" });
    await git(cwd, "checkout", "--quiet", "change");
    const tell = (from: string) => {
      const world = { cwd: from, baseRevision: "origin/main" } as Surroundings;
      return judgeByBothCopies(result("pass"), CONFIG, world, async () => result("pass"));
    };
    const clone = async (...options: string[]) => {
      const to = await tempDir();
      await git(cwd, "clone", "--quiet", "--branch=change", ...options, `file://${cwd}`, to);
      return to;
    };
    const whole = await clone();
    expect(await tell(whole)).toBeUndefined();
    await commit(whole, { "vllm-gate.yml": "a: 2\n" });
    const edited = await tell(whole);
    expect(edited?.files).toEqual(["vllm-gate.yml"]);
    expect(edited?.againstTip).toBeUndefined();

    const shallow = await clone("--depth=1", "--no-single-branch");
    expect(await tell(shallow)).toMatchObject({ files: ["baselines/chat/m.json"], againstTip: true });
  });

  it("tells the own verdict and the gated metrics whose verdict or level differs", async () => {
    const metrics = (verdict: "pass" | "regressed", level: "gate" | "watch" = "gate") =>
      comparisonFile({
        comparisons: [
          comparison({ metric: "a.b", verdict }),
          comparison({ metric: "a.same" }),
          comparison({ metric: "a.level", level }),
          comparison({ metric: "a.watched", level: "watch", verdict }),
        ],
      });
    const own = async (rules: GateConfig) => {
      expect(rules).toMatchObject({ scenario: "chat", onInvalid: "fail" });
      return result("pass", metrics("pass", "watch"));
    };
    const found = await told({ "vllm-gate.yml": "a: 2\n" }, own, result("regressed", metrics("regressed")));
    expect(found).toMatchObject({ verdict: "pass", headline: "it is pass", problem: null });
    expect(found?.metrics).toMatchObject([
      { metric: "a.b", judged: { verdict: "regressed" }, own: { verdict: "pass" } },
      { metric: "a.level", judged: { level: "gate" }, own: { level: "watch" } },
    ]);
  });

  it("says why where the own copies cannot be read, and where there is no baseline on the base branch", async () => {
    const broken = await told({ "baselines/chat/m.json": "{" }, async () => {
      throw new Error("m.json: not JSON\nat line 1");
    });
    expect(broken).toMatchObject({ verdict: null, problem: "m.json: not JSON", metrics: [] });
    const none = result("invalid", comparisonFile({ baseSource: null, comparisons: [] }));
    const first = await told({ "baselines/chat/m.json": "[]" }, async () => result("pass"), none);
    expect(first?.metrics).toMatchObject([{ judged: null, own: { verdict: "pass" } }]);
  });
});
