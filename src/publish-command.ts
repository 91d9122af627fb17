import type { Command } from "commander";
import type { PublishOptions } from "./publish-runs.ts";
import type { Log } from "./system/log.ts";

const HELP = `
The token is in GITHUB_TOKEN; GITHUB_API_URL names another server than GitHub's: https://HOST/api/v3 of GitHub Enterprise,
https://HOST/api/v1 of Gitea and Forgejo. It ends as the verdict, once that is posted; with 4 when it could not be.`;

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
    .action(async (names: string[], options: PublishOptions) => {
      // GitHub's client is large, and no other command needs it.
      const { publishRuns } = await import("./publish-runs.ts");
      finish(await publishRuns(names, options, log));
    });
}
