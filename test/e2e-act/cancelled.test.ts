import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { waitFor } from "../support/wait-for.ts";
import { pullRequest } from "./events.ts";
import { setStage } from "./runner.ts";

interface Found {
  readonly pid: number;
  readonly argv: string;
}

/** Processes that belong to a stage: their working folder or arguments lie in it. */
async function processesOf(home: string, pattern: RegExp): Promise<Found[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => {
      const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return { pid: Number(pid), argv: argv.replaceAll("\0", " "), isOurs: environment.includes(home) };
    }),
  );
  return all.filter(({ argv, isOurs }) => isOurs && pattern.test(argv));
}

describe("a job that is ended", () => {
  it.each([["SIGKILL"], ["SIGINT"]] as const)(
    "by %s leaves a completed check, no placeholder and no process",
    async (signal) => {
      await using stage = await setStage();
      const { github } = stage;
      const home = stage.cwd.replace(/\/serving$/, "");
      // Minutes of start-up: it is ended in the middle of them.
      const sha = await stage.commit({ startupScale: 1 });
      const run = stage.act("pull_request", pullRequest(github, 7, sha), {
        workflow: "pull-request.yml",
      });
      await waitFor(
        "the server's start",
        async () => (await processesOf(home, /simulator\.js serve/))[0],
        60_000,
      );
      const [main] = await processesOf(home, /dist\/action\.js/);
      expect(main).toBeDefined();
      expect(github.checks).toMatchObject([{ status: "in_progress" }]);
      expect(github.comments[0]?.body).toContain("⏳ measuring");
      process.kill(main?.pid ?? 0, signal);
      const ended = await run.done;
      expect(ended.code, ended.log).toBe(1);
      expect(github.checks).toMatchObject([{ headSha: sha, status: "completed", conclusion: "cancelled" }]);
      expect(github.comments).toHaveLength(1);
      expect(github.comments[0]?.body).toContain("⏹ cancelled");
      expect(await processesOf(home, /simulator\.js|action\.js/)).toEqual([]);
      expect(github.violations).toEqual([]);
    },
  );
});
