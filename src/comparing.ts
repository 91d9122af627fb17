import { resolve } from "node:path";
import { readBaselineText } from "./baseline/baseline-text.ts";
import { compareSides, type HeadSide, type MetricRules } from "./compare/compare.ts";
import { diffFlags } from "./compare/flags.ts";
import { withLimits } from "./compare/limits.ts";
import { baselineSide, besideSide, comparedVariant, mergeSides, runSide } from "./compare/sides.ts";
import type { GateConfig } from "./config/load.ts";
import { type Baseline, serverIdentity } from "./domain/baseline.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import { UsageError } from "./domain/errors.ts";
import type { Taint } from "./domain/measurements.ts";
import { countMeasured, type RunRecord } from "./domain/run.ts";
import type { VerdictFile } from "./domain/verdict.ts";
import { definitionsOf } from "./measure/catalogue.ts";
import { measureFolder } from "./measure/measure-folder.ts";
import { readTextIfExists, sha256 } from "./system/files.ts";
import { decide } from "./verdict/decide.ts";
import { withoutLoneConvictions } from "./verdict/next-look.ts";

/** A baseline as a side, with the definitions that the catalogue has of its metrics. */
export function knownBaselineSide(baseline: Baseline, source: string): HeadSide {
  return baselineSide(baseline, source, definitionsOf(Object.keys(baseline.metrics)));
}

/** What a configuration says of how metrics are judged. */
export function rulesOf(config: Pick<GateConfig, "tolerances" | "levels">): MetricRules {
  return { tolerances: config.tolerances, levels: config.levels };
}

interface ReadSide {
  readonly side: HeadSide;
  readonly scenario: string;
  /** Which of its parts are baseline files. */
  readonly baselines: readonly { readonly path: string; readonly baseline: Baseline }[];
  /** Sessions of the base that runs measured beside head's, with the hash of its server's command and model. */
  readonly beside: readonly { readonly side: HeadSide; readonly serverSha256: string }[];
  /** Whether these are runs of the gate, which took its looks. */
  readonly isGate: boolean;
}

/** One side of `compare`: run folders, or a baseline file. */
async function readSide(paths: readonly string[], label: string): Promise<ReadSide> {
  // One after another: a run of a million requests takes its memory alone.
  const sides: (Pick<ReadSide, "side" | "scenario"> & { path: string; baseline: Baseline | null })[] = [];
  const beside: ReadSide["beside"][number][] = [];
  let isGate = true;
  for (const path of paths) {
    if (path.endsWith(".json")) {
      const text = await readTextIfExists(path);
      if (text === null) throw new UsageError(`${path}: no such file`);
      const baseline = readBaselineText(text, path);
      const side = knownBaselineSide(baseline, path);
      sides.push({ path, baseline, side, scenario: baseline.scenario });
      continue;
    }
    const { run, measurements } = await measureFolder(path);
    const side = runSide(run, measurements, path);
    isGate &&= run.looks !== undefined;
    const other = run.variants["base"];
    if (other !== undefined && countMeasured(run, "base") > 0)
      beside.push({ side: besideSide(run, measurements), serverSha256: sha256(serverIdentity(other)) });
    sides.push({
      path,
      baseline: null,
      side: { ...side, taints: [...side.taints, ...brokenSessions(run, path)] },
      scenario: run.scenario,
    });
  }
  const twice = paths.find((path, at) => paths.findIndex((other) => resolve(other) === resolve(path)) < at);
  if (twice !== undefined) throw new UsageError(`--${label} ${twice}: given twice, one run is one sample`);
  const [first, ...rest] = sides;
  if (first === undefined) throw new UsageError(`--${label} needs at least one run folder or baseline`);
  for (const { path, side } of rest) checkSame(first, path, side, label);
  const merged = rest.reduce<HeadSide>((all, { side }) => mergeSides(all, side), first.side);
  const baselines = sides.flatMap(({ path, baseline }) => (baseline === null ? [] : [{ path, baseline }]));
  return { side: merged, scenario: first.scenario, baselines, beside, isGate };
}

/** Sessions of other servers are not sessions of one side: what one of them costs would be noise of the others. */
function checkSame(
  first: { readonly path: string; readonly side: HeadSide },
  path: string,
  side: HeadSide,
  label: string,
): void {
  const versions = [first.side.vllmVersion, side.vllmVersion];
  const known = versions.includes(null) ? { vllmVersion: null } : {};
  const [other] = diffFlags({ ...first.side, ...known }, { ...side, ...known });
  if (other === undefined) return;
  const { what, base: expected, head: got } = other;
  throw new UsageError(
    `--${label} ${path}: measured with ${what} ${got ?? "not set"}, expected ${expected ?? "not set"} as in ${first.path}: ` +
      "one side is one server",
  );
}

/** Names a session that broke where a taint names a part of it: it spoils the run, and no one metric. */
const BROKEN = "session ";

/** A run of which a session broke is not the run that its other sessions make it look. */
function brokenSessions(run: RunRecord, path: string): Taint[] {
  const compared = comparedVariant(run);
  return run.sessions
    .filter(
      ({ outcome, variant }) => variant === compared && ["died", "failed", "failed_start"].includes(outcome),
    )
    .map(({ variant, index, outcome, cause }) => ({
      variant,
      session: index,
      round: null,
      metrics: `${BROKEN}${index}`,
      reason: `${path}: session ${index} ${outcome === "died" ? "died" : "failed"}${cause === undefined ? "" : `: ${cause}`}`,
    }));
}

const isEmpty = ({ values }: HeadSide) => Object.keys(values).length === 0;

type ComparingRules = Pick<
  GateConfig,
  "tolerances" | "levels" | "limits" | "onInconclusive" | "onInvalid" | "reportOnly" | "maxSessions"
>;

/**
 * Compares runs or a baseline with runs: `vllm-gate compare`.
 *
 * @param rulesFor - how the scenario that head measured is judged; null for what the catalogue says
 */
export async function compareRuns(
  basePaths: readonly string[],
  headPaths: readonly string[],
  rulesFor: (scenario: string) => ComparingRules | null,
): Promise<{ comparison: ComparisonFile; verdict: VerdictFile }> {
  const base = await readSide(basePaths, "base");
  const head = await readSide(headPaths, "head");
  if (isEmpty(head.side) || headPaths.some((path) => path.endsWith(".json"))) {
    throw new UsageError(
      `--head ${headPaths.join(" ")}: nothing measured there, expected run folders with traces`,
    );
  }
  if (isEmpty(base.side)) {
    throw new UsageError(
      `--base ${basePaths.join(" ")}: nothing measured there, expected run folders with traces, or a baseline`,
    );
  }
  for (const { path, baseline } of base.baselines) {
    const { scenario } = baseline;
    if (scenario !== head.scenario) {
      throw new UsageError(
        `--base ${path}: a baseline of scenario "${scenario}", expected one of "${head.scenario}" as in ${headPaths[0]}`,
      );
    }
  }
  const config = rulesFor(head.scenario);
  const rules = config === null ? { tolerances: {}, levels: {} } : rulesOf(config);
  // As the gate's own run does it: its sessions of the base say what the machine was like, if they are of the baseline.
  const isOfBaselines = base.baselines.length === basePaths.length;
  const fresh = head.beside
    .filter((each) => isOfBaselines && base.baselines.every(({ baseline }) => isServerOf(baseline, each)))
    .map(({ side }) => side);
  const compared = compareSides(head.scenario, base.side, head.side, rules, {
    fresh: fresh.length === 0 ? undefined : fresh.reduce(mergeSides),
  });
  const untrusted = base.side.taints
    .filter(({ metrics }) => metrics.startsWith(BROKEN))
    .map(({ reason }) => reason);
  const limited = withLimits(
    { ...compared, taints: [...compared.taints, ...untrusted] },
    head.side,
    config?.limits ?? {},
  );
  // A gate that had no time for a second session; folders of other makers have the sessions that they have.
  const comparison = withoutLoneConvictions(limited, head.isGate ? (config?.maxSessions ?? 1) : 1);
  const policy = config ?? { onInconclusive: "warn" as const, onInvalid: "fail" as const, reportOnly: false };
  return { comparison, verdict: decide(comparison, policy) };
}

/** Whether the base beside head is the server that a baseline was made of, as the gate asks it. */
function isServerOf(
  { args, vllmVersion, serverSha256 }: Baseline,
  { side, serverSha256: own }: ReadSide["beside"][number],
): boolean {
  return (
    serverSha256 === own &&
    vllmVersion === side.vllmVersion &&
    JSON.stringify(args) === JSON.stringify(side.args)
  );
}
