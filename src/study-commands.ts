import type { Command } from "commander";
import { typed } from "./domain/command-line.ts";
import { minutes, prepare, type ServeOptions, withServerOptions } from "./serve-options.ts";
import { ALLOCATOR_STUDY } from "./studies/allocator.ts";
import { BATCHING_STUDY } from "./studies/batching.ts";
import { COLDSTART_STUDY } from "./studies/coldstart.ts";
import { KV_STUDY } from "./studies/kv.ts";
import { PREFIX_STUDY } from "./studies/prefix.ts";
import type { StudyKind } from "./studies/study-kind.ts";
import { runStudy } from "./study.ts";

/** Studies may take hours; what bounds them is `--budget`. */
const CEILING_MINUTES = 24 * 60;

interface StudyOptions extends ServeOptions {
  budget?: number;
  resume?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: each kind has options of its own, which only it reads
const KINDS: readonly StudyKind<any>[] = [
  PREFIX_STUDY,
  KV_STUDY,
  BATCHING_STUDY,
  COLDSTART_STUDY,
  ALLOCATOR_STUDY,
];

/** Adds `study` with a command for each kind. */
export function addStudyCommands(
  program: Command,
  { out, finish }: { out: (text: string) => void; finish: (code: number) => void },
): void {
  if (KINDS.length === 0) return;
  const study = program
    .command("study")
    .description("an experiment over several servers: tables, CSV and pages of its own");
  for (const kind of KINDS) {
    const command = withServerOptions(study.command(kind.name).description(kind.description))
      .option("--budget <minutes>", "leave out the least valuable cells that do not fit", minutes)
      .option("--resume <run>", "go on with a study that was interrupted");
    kind.addOptions(command).action(async (options: StudyOptions) => {
      const { config, world } = await prepare(options);
      const result = await runStudy(
        kind,
        kind.readOptions(options as unknown as Readonly<Record<string, unknown>>),
        { ...config, budgetMinutes: CEILING_MINUTES },
        world,
        {
          command: typed(["vllm-gate", ...process.argv.slice(2)]),
          ...(options.resume === undefined ? {} : { resume: options.resume }),
          ...(options.budget === undefined ? {} : { budgetMinutes: options.budget }),
        },
      );
      out(result.summary);
      finish(result.exitCode);
    });
    command.exitOverride().showSuggestionAfterError();
  }
  study.exitOverride().showSuggestionAfterError();
}
