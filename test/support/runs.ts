import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runRecordSchema } from "../../src/domain/run.ts";
import { verdictFileSchema } from "../../src/domain/verdict.ts";

/** The newest run folder of a working directory. */
export async function newestRun(cwd: string): Promise<string> {
  const names = (await readdir(join(cwd, "runs"))).sort();
  const last = names.at(-1);
  if (last === undefined) throw new Error(`no run folder in ${cwd}`);
  return join(cwd, "runs", last);
}

/** `verdict.json` of a run folder. */
export async function readVerdict(runDir: string) {
  return verdictFileSchema.parse(JSON.parse(await readFile(join(runDir, "verdict.json"), "utf8")));
}

/** `run.json` of a run folder. */
export async function readRun(runDir: string) {
  return runRecordSchema.parse(JSON.parse(await readFile(join(runDir, "run.json"), "utf8")));
}

/** Waits for a real condition; fails with `what` when it does not come. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Processes whose command line holds a text, this one left out. */
export async function processesWith(text: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter(
    (entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid,
  );
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return line.includes(text) ? Number(pid) : null;
    }),
  );
  return found.filter((pid): pid is number => pid !== null);
}
