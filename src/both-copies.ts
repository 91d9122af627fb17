import { join } from "node:path";
import type { GateConfig, OwnRules } from "./config/load.ts";
import type { BothCopies, Comparison, ComparisonFile, CopyJudgement } from "./domain/comparison.ts";
import { messageOf } from "./domain/errors.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import type { Surroundings } from "./surroundings.ts";
import { readTextIfExists } from "./system/files.ts";
import { gitDiffers, gitMergeBase, gitRoot } from "./system/git.ts";

const WORKFLOWS = ".github/workflows/";

/** The files that judge, or run what judges, and are not a revision's; paths from the repository's root. */
async function differingJudges(
  { own, judging }: { readonly own: OwnRules; readonly judging: GateConfig },
  cwd: string,
  revision: string,
): Promise<string[]> {
  const folders = [...new Set([judging.baselineDir, own.baselineDir])];
  // One by one: git refuses all of them for one that lies outside the repository.
  const all = await Promise.all(
    [own.configPath, ...folders, `:/${WORKFLOWS}`].map((path) => gitDiffers(cwd, revision, [path])),
  );
  const differing = [...new Set(all.flat())].sort();
  const root = await gitRoot(cwd);
  const found = await Promise.all(
    differing.map(async (path): Promise<string[]> => {
      // Nights of the main branch judge nothing.
      if (folders.some((folder) => path.includes(`${join(folder, "history")}/`))) return [];
      if (!path.startsWith(WORKFLOWS)) return [path];
      // One that was removed may have been what ran this tool.
      const text = await readTextIfExists(join(root, path)).catch(() => null);
      return text === null || text.includes("vllm-gate") ? [path] : [];
    }),
  );
  return found.flat();
}

/** How a run is judged by one set of copies. */
export interface CopyResult {
  readonly comparison: ComparisonFile;
  readonly verdict: VerdictFile;
}

/**
 * What a change that edits its own judges would have been told by its own copies of them; undefined where it edits none.
 * The base branch's copies have judged already, and nothing of this moves the verdict.
 *
 * @param judged - by the base branch's copies
 * @param judgeByOwn - judges by the checkout's baseline and these rules
 */
export async function judgeByBothCopies(
  judged: CopyResult,
  config: GateConfig,
  world: Surroundings,
  judgeByOwn: (rules: GateConfig) => Promise<CopyResult>,
): Promise<BothCopies | undefined> {
  const { own } = config;
  const { cwd, baseRevision } = world;
  if (own === undefined || baseRevision === undefined) return undefined;
  // What the base branch changed since is no edit of this change's.
  const forkedAt = await gitMergeBase(cwd, baseRevision);
  const files = await differingJudges({ own, judging: config }, cwd, forkedAt ?? baseRevision);
  if (files.length === 0) return undefined;
  const found = forkedAt === null ? { files, againstTip: true } : { files };
  try {
    const { configPath: _, ...rules } = own;
    const result = await judgeByOwn({ ...config, ...rules });
    const { verdict, headline } = result.verdict;
    return {
      ...found,
      // Measured, so it cannot be that nothing was.
      verdict: verdict === "failed" ? null : verdict,
      headline:
        result.verdict.exitCode === EXIT.pass && result.verdict.reportOnly
          ? `Report only: ${headline}`
          : headline,
      problem: null,
      metrics: differing(judged.comparison, result.comparison),
    };
  } catch (error) {
    const [problem = ""] = messageOf(error).split("\n");
    return { ...found, verdict: null, headline: null, problem, metrics: [] };
  }
}

function differing(judged: ComparisonFile, own: ComparisonFile): BothCopies["metrics"] {
  const byId = (file: ComparisonFile) => new Map(file.comparisons.map((each) => [each.metric, each]));
  const [base, change] = [byId(judged), byId(own)];
  return [...new Set([...base.keys(), ...change.keys()])].sort().flatMap((metric) => {
    const [a, b] = [base.get(metric), change.get(metric)];
    const gates = a?.level === "gate" || b?.level === "gate";
    if (!gates || (a?.verdict === b?.verdict && a?.level === b?.level)) return [];
    const any = a ?? b;
    const row = { metric, unit: any?.unit ?? "", head: any?.head ?? null };
    return [{ ...row, judged: judgementOf(a), own: judgementOf(b) }];
  });
}

function judgementOf(each: Comparison | undefined): CopyJudgement | null {
  if (each === undefined) return null;
  const { verdict, level, base, tolerance, absoluteTolerance } = each;
  return { verdict, level, base, tolerance, absoluteTolerance };
}
