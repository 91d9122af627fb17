import { relative } from "node:path";
import type { Command } from "commander";
import { EXIT } from "./domain/verdict.ts";
import { type Initialized, initRepository } from "./init.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { printable } from "./report/terminal.ts";
import { gitRoot } from "./system/git.ts";

interface InitOptions {
  model?: string;
  args?: string;
  force?: boolean;
}

/** Adds `init`. */
export function addInitCommand(
  program: Command,
  { out, finish }: { out: (text: string) => void; finish: (code: number) => void },
): void {
  program
    .command("init")
    .description(`write a workflow and ${CONFIG_FILE} for this repository`)
    .option("--model <model>", "model name or folder, as vLLM takes it")
    .option("--args <flags>", "server flags in one string")
    .option("--force", "overwrite the files that are there")
    .action(async ({ model, args, force = false }: InitOptions) => {
      const root = await gitRoot(process.cwd());
      const written = await initRepository({
        root,
        force,
        ...(model === undefined ? {} : { model }),
        ...(args === undefined ? {} : { args }),
      });
      out(printable(nextSteps(written, relative(process.cwd(), root))));
      finish(EXIT.pass);
    });
}

/** What is left to do, as commands where there are some. */
function nextSteps({ files, scenario, exampleModel }: Initialized, folder: string): string {
  const steps = [
    ...(exampleModel ? [`Name your model and its flags in ${CONFIG_FILE}: it has an example's.`] : []),
    "On the machine with the GPU, ask whether it can give a verdict: vllm-gate doctor",
    "Have the model on its disk: what the first start downloads counts against the time that a server has.",
    `There, measure a baseline of five server starts, with --budget-minutes where 30 are too few: vllm-gate record --scenario ${scenario}`,
    `Commit all of it on the default branch, and ignore runs/: git add ${files.join(" ")} baselines`,
    "Register that machine as a self-hosted runner with the label `gpu`, which the workflow asks for.",
    `Open a pull request that changes a flag in ${CONFIG_FILE}.`,
  ];
  return [
    ...files.map((name) => `Wrote ${folder === "" ? name : `${folder}/${name}`}`),
    "",
    "Next:",
    ...steps.map((step, at) => ` ${at + 1}. ${step}`),
    "",
    "Workflows for forks, several models or GPUs, nights and acceptance: examples/ of vllm-gate.",
    "",
  ].join("\n");
}
