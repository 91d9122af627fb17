import { randomUUID } from "node:crypto";
import { type Publishing, publishVerdict } from "./action-publication.ts";
import { keyOf, targetOf } from "./action-target.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { begin } from "./publish/publication.ts";
import { repositoryOf } from "./publish/subject.ts";
import { contentOf, mergedContent } from "./publishing.ts";
import { cellsOf, type Merged, mergeRuns, readAll, readReported, runFolders } from "./reporting.ts";
import type { Log } from "./system/log.ts";

/** Options of `publish`. */
export interface PublishOptions {
  repository?: string;
  commit: string;
  pullRequest?: number;
  commentKey?: string;
  acceptLabel?: string;
  cells?: string[];
}

/** Posts runs from any runner: the comment and the check that the action posts. */
export async function publishRuns(names: string[], options: PublishOptions, log: Log): Promise<number> {
  const { commit, pullRequest, commentKey, acceptLabel, cells = [] } = options;
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) {
    throw new UsageError(`--commit: got "${commit}", expected the whole hash of a commit`);
  }
  const environment = {
    ...process.env,
    GITHUB_REPOSITORY: options.repository ?? process.env["GITHUB_REPOSITORY"],
  };
  const subject = {
    ...repositoryOf(environment, {}),
    headSha: commit,
    pullRequest: pullRequest === undefined ? null : { number: pullRequest, isFork: false },
  };
  const key = keyOf({ commentKey, overrides: {} });
  const token = process.env["GITHUB_TOKEN"];
  const target = targetOf(token || undefined, { subject, key, externalId: randomUUID() }, environment, log);
  if (target === null) throw new UsageError("GITHUB_TOKEN: not set, expected a token that may post");
  const cwd = process.cwd();
  const { runs, unread } = await readAll(await runFolders(names, cwd), readReported);
  let problems = 0;
  const onProblem = (problem: string) => {
    problems += 1;
    log.warn(problem);
  };
  const begun = await begin(target, onProblem);
  const publishing = { target, begun, acceptLabel: acceptLabel ?? null, log, onProblem };
  const [only] = runs;
  const isOne = runs.length === 1 && unread.length === 0 && cells.length === 0;
  const code =
    isOne && only !== undefined
      ? await publishVerdict(publishing, only.verdict, cwd, (circumstances) => contentOf(only, circumstances))
      : await publishMerged(publishing, mergeRuns(cellsOf(runs, unread, cells, cwd)), cwd);
  return problems > 0 && code === EXIT.pass ? EXIT.notMeasured : code;
}

function publishMerged(publishing: Publishing, merged: Merged, cwd: string): Promise<number> {
  return publishVerdict(publishing, merged.overall, cwd, (circumstances) =>
    mergedContent(merged, circumstances),
  );
}
