import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { type Publishing, publishVerdict } from "./action-publication.ts";
import { keyOf, targetOf } from "./action-target.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { begin } from "./publish/publication.ts";
import { repositoryOf } from "./publish/subject.ts";
import { contentOf, mergedContent } from "./publishing.ts";
import { cellsOf, type Merged, mergeRuns, readAll, readReported, runFolders } from "./reporting.ts";
import type { Log } from "./system/log.ts";

interface PublishOptions {
  repository?: string;
  commit: string;
  pullRequest?: number;
  commentKey?: string;
  acceptLabel?: string;
  cells?: string[];
}

const HELP = `
The token is in GITHUB_TOKEN; GITHUB_API_URL names another server than GitHub's: https://HOST/api/v3 of GitHub Enterprise,
https://HOST/api/v1 of Gitea and Forgejo. It ends as the verdict, once that is posted; with 4 when it could not be.`;

/** Posts runs from any runner: the comment and the check that the action posts. */
async function publishRuns(names: string[], options: PublishOptions, log: Log): Promise<number> {
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

/** Adds `publish`. */
export function addPublishCommand(
  program: Command,
  {
    finish,
    log,
    wholeNumber,
  }: { finish: (code: number) => void; log: Log; wholeNumber: (text: string) => number },
): void {
  program
    .command("publish")
    .description("post runs to GitHub, or to a forge with its API: one comment, and a check of the commit")
    .argument("<runs...>", "run folders, folders of them, or patterns")
    .option("--repository <owner/name>", "GITHUB_REPOSITORY by default")
    .requiredOption("--commit <sha>", "the commit that was measured")
    .option("--pull-request <number>", "the pull request to comment on", wholeNumber)
    .option("--comment-key <key>", "tells several comments on one pull request apart")
    .option("--accept-label <label>", "label by which people accept a loss")
    .option("--cells <names...>", "names of the runs that must be there")
    .addHelpText("after", HELP)
    .action(async (names: string[], options: PublishOptions) =>
      finish(await publishRuns(names, options, log)),
    );
}
