import { relative, resolve } from "node:path";
import { type AuditStep, auditHistory, type Policies, seriesOf } from "./baseline/audit.ts";
import { readBaselineText } from "./baseline/baseline-text.ts";
import { ruleFor } from "./compare/rules.ts";
import { parseConfig } from "./config/load.ts";
import { configSchema } from "./config/schema.ts";
import type { AuditFile } from "./domain/audit.ts";
import type { Baseline } from "./domain/baseline.ts";
import { messageOf } from "./domain/errors.ts";
import type { MetricDefinition } from "./domain/metric.ts";
import { definitionsOf } from "./measure/catalogue.ts";
import { type AuditPage, renderAudit } from "./report/audit.ts";
import { readCheckedOut } from "./system/files.ts";
import { gitRoot } from "./system/git.ts";
import { type CommitChange, gitBlobs, gitFileHistory, isShallow } from "./system/git-history.ts";

export interface AuditRequest {
  readonly cwd: string;
  readonly configPath: string;
  /** `baselineDir` of the configuration when absent. */
  readonly baselineDir?: string;
  /** A date or age as git takes it. */
  readonly since?: string;
  /** `baselineMaxAgeDays` of the configuration when absent. */
  readonly maxAgeDays?: number;
  readonly now: Date;
}

/** The folder beside the scenarios' that holds nightly results. */
const HISTORY = "history";

/**
 * Audits the history of the baselines and of the configuration that judges by them.
 *
 * @throws UsageError when the configuration cannot be read, which says where baselines lie
 */
export async function runAudit(request: AuditRequest): Promise<{ audit: AuditFile; page: string }> {
  const { cwd, configPath, since } = request;
  const root = await gitRoot(cwd);
  const text = await readCheckedOut(resolve(cwd, configPath), root);
  const file = text === null ? null : parseConfig(text, configPath);
  // A checkout without the file has the defaults.
  const { baselineDir: folderKey, baselineMaxAgeDays: ageKey } = configSchema.shape;
  const baselineDir = request.baselineDir ?? file?.baselineDir ?? folderKey.parse(undefined);
  const maxAgeDays = request.maxAgeDays ?? file?.baselineMaxAgeDays ?? ageKey.parse(undefined);
  const commits = await gitFileHistory(cwd, [configPath, baselineDir], since);
  const folder = relative(root, resolve(cwd, baselineDir));
  const config = relative(root, resolve(cwd, configPath));
  const isBaseline = (path: string) =>
    path.startsWith(`${folder}/`) &&
    path.endsWith(".json") &&
    !path.endsWith(".noise.json") &&
    !path.startsWith(`${folder}/${HISTORY}/`);
  const relevant = commits.map((commit) => ({
    ...commit,
    changes: commit.changes.filter(
      ({ path, oldPath }) => isBaseline(path) || isBaseline(oldPath) || path === config,
    ),
  }));
  const blobs = await gitBlobs(
    cwd,
    relevant.flatMap(({ changes }) =>
      changes.flatMap(({ oldBlob, newBlob }) => [oldBlob, newBlob].filter((id) => id !== null)),
    ),
  );
  const read = readerOf(blobs);
  const steps = relevant.map((commit) => stepOf(commit, config, isBaseline, read));
  const policies = file?.scenarios ?? null;
  const known = new Map<string, MetricDefinition | null>();
  const definitionOf = (metric: string): MetricDefinition | null => {
    const found = known.get(metric) ?? definitionsOf([metric])[0] ?? null;
    known.set(metric, found);
    return found;
  };
  const { findings, moves, policyMoves } = auditHistory(steps, {
    ruleOf: definitionOf,
    matches: (pattern, metric) => ruleFor({ [pattern]: true }, metric) === true,
    policies,
    now: request.now,
    maxAgeDays,
  });
  const audit: AuditFile = {
    schemaVersion: 1,
    commits: commits.length,
    since: since ?? null,
    shallow: await isShallow(cwd),
    findings,
    moves,
    policyMoves,
  };
  const page: AuditPage = {
    audit,
    series: seriesOf(steps),
    definitionOf: (id) => definitionsOf([id])[0] ?? null,
  };
  return { audit, page: renderAudit(page) };
}

interface Reader {
  baseline(id: string | null, path: string): { baseline: Baseline | null; problem: string | null };
  policies(id: string | null, path: string): Policies;
}

/** Parses each content once, however many commits have it. */
function readerOf(blobs: ReadonlyMap<string, string>): Reader {
  const baselines = new Map<string, { baseline: Baseline | null; problem: string | null }>();
  const configs = new Map<string, Policies>();
  return {
    baseline: (id, path) => {
      if (id === null) return { baseline: null, problem: null };
      const known = baselines.get(id) ?? parseQuietly(blobs.get(id), path);
      baselines.set(id, known);
      return known;
    },
    policies: (id, path) => {
      if (id === null) return {};
      const known = configs.get(id) ?? policiesOf(blobs.get(id) ?? "", path);
      configs.set(id, known);
      return known;
    },
  };
}

function parseQuietly(text: string | undefined, path: string) {
  if (text === undefined) return { baseline: null, problem: `${path}: too large to be a baseline` };
  try {
    return { baseline: readBaselineText(text, path), problem: null };
  } catch (error) {
    return { baseline: null, problem: messageOf(error).split("\n")[0] ?? "" };
  }
}

/** The policies of a configuration; those of one that cannot be read bound nothing. */
function policiesOf(text: string, path: string): Policies {
  try {
    return parseConfig(text, path).scenarios;
  } catch {
    return {};
  }
}

function stepOf(
  commit: CommitChange,
  config: string,
  isBaseline: (path: string) => boolean,
  read: Reader,
): AuditStep {
  const policy = commit.changes.find(({ path }) => path === config);
  return {
    commit: commit.commit,
    at: new Date(commit.committedAtS * 1000).toISOString(),
    author: commit.author,
    subject: commit.subject,
    baselines: commit.changes
      .filter(({ path, oldPath }) => isBaseline(path) || isBaseline(oldPath))
      .map(({ path, oldPath, oldBlob, newBlob }) => {
        const after = isBaseline(path) ? read.baseline(newBlob, path) : { baseline: null, problem: null };
        return {
          path,
          oldPath,
          before: isBaseline(oldPath) ? read.baseline(oldBlob, oldPath).baseline : null,
          after: after.baseline,
          problem: after.problem,
        };
      }),
    policy:
      policy === undefined
        ? null
        : { before: read.policies(policy.oldBlob, config), after: read.policies(policy.newBlob, config) },
  };
}
