import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import type { ServerSpec } from "../config/server-spec.ts";
import { UsageError } from "../domain/errors.ts";
import type { PromptGroup } from "../domain/prefix-prompts.ts";
import { WORKLOADS } from "../probe/prompt-set.ts";
import { MAX_PROMPT_FILE_BYTES, readPromptFile } from "../probe/prompt-set-file.ts";
import { fetchAcceptedFlags, prefixCachingFlags, withoutPrefixCaching } from "../serve/accepted-flags.ts";
import { serverEnvironment } from "../serve/environment.ts";
import type { Surroundings } from "../surroundings.ts";
import { readTextIfExists } from "../system/files.ts";
import { PROMPTS_FILE, prefixCells } from "./prefix-cells.ts";
import { reportPrefix } from "./prefix-report.ts";
import type { StudyFiles, StudyKind, StudyPlan } from "./study-kind.ts";

const optionsSchema = z.object({
  /** Lengths of generated prefixes in tokens. */
  regimes: z.array(z.number().int().min(16).max(1_000_000)).min(1).default([512, 1024, 2048]),
  concurrency: z.array(z.number().int().min(1).max(1024)).min(1).default([1, 8, 16, 32]),
  /** Prompts of each length. */
  variants: z.number().int().min(4).max(1000).default(32),
  outputTokens: z.number().int().min(2).max(100_000).default(32),
  workloads: z.array(z.string()).min(1).default(["policy"]),
  /** Servers of each kind. */
  repeats: z.number().int().min(1).max(20).default(1),
  rounds: z.number().int().min(1).max(20).default(1),
  /** Names the generated texts; other seeds give others. */
  textSeed: z.string().min(1).max(100).default("prefix"),
  /** A prompt file of the user's own, in place of generated prompts. */
  prompts: z.string().min(1).nullable().default(null),
});

/** Options of the prefix study. */
export type PrefixStudyOptions = z.output<typeof optionsSchema>;

function numbers(text: string): number[] {
  const values = text.split(",").map((part) => Number(part.trim()));
  if (values.some((value) => !Number.isSafeInteger(value) || value < 1)) {
    throw new InvalidArgumentError("expected whole numbers above 0, such as 512,1024");
  }
  return [...new Set(values)];
}

function wholeNumber(text: string): number {
  const [value, ...more] = numbers(text);
  if (value === undefined || more.length > 0)
    throw new InvalidArgumentError("expected a whole number above 0");
  return value;
}

function names(text: string): string[] {
  return [...new Set(text.split(",").map((part) => part.trim()))];
}

/** Prefix caching off against on: what a shared beginning saves, and when. */
export const PREFIX_STUDY: StudyKind<PrefixStudyOptions> = {
  name: "prefix",
  description: "prefix caching off against on, over lengths of the prefix and requests in flight",

  addOptions(command: Command): Command {
    return command
      .option("--regimes <tokens>", "lengths of the shared prefix (default: 512,1024,2048)", numbers)
      .option("--concurrency <n>", "requests in flight (default: 1,8,16,32)", numbers)
      .option("--variants <n>", "prompts of each length (default: 32)", wholeNumber)
      .option("--output-tokens <n>", "tokens of each answer (default: 32)", wholeNumber)
      .option(
        "--workloads <names>",
        `which of ${Object.keys(WORKLOADS).join(", ")}, or all (default: policy)`,
        names,
      )
      .option("--prompts <file>", "JSONL with prompts of your own: prompt, workload, prefix_regime, id")
      .option("--repeats <n>", "servers of each kind (default: 1)", wholeNumber)
      .option("--study-rounds <n>", "passes in each server (default: 1)", wholeNumber)
      .option("--text-seed <text>", "other seeds give other generated prompts (default: prefix)");
  },

  readOptions(given) {
    const { workloads, studyRounds, ...rest } = given as { workloads?: string[]; studyRounds?: number };
    const all = workloads?.length === 1 && workloads[0] === "all" ? Object.keys(WORKLOADS) : workloads;
    const unknown = all?.find((name) => !Object.hasOwn(WORKLOADS, name));
    if (unknown !== undefined) {
      throw new UsageError(
        `--workloads: "${unknown}" is none, expected of ${Object.keys(WORKLOADS).join(", ")}, or all`,
      );
    }
    const parsed = optionsSchema.safeParse({ ...rest, workloads: all, rounds: studyRounds });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new UsageError(`study prefix: ${issue?.path.join(".")}: ${issue?.message}`);
    }
    return parsed.data;
  },

  async plan(options, config, files, world): Promise<StudyPlan> {
    const { server } = config;
    if (server.kind !== "launch") {
      throw new UsageError(
        "study prefix starts servers of its own, with prefix caching off and on: give a model in place of a server's address",
      );
    }
    const given = await promptGroups(options, files, world);
    return {
      variants: await variantsOf(server, world),
      order: orderOf(options.repeats),
      rounds: options.rounds,
      cells: prefixCells(options, given, files),
    };
  },

  report: reportPrefix,
};

/** Off, on, on, off, …: neither kind comes first more often, so that what drifts meets both alike. */
function orderOf(repeats: number): string[] {
  return Array.from({ length: repeats }, (_, index) =>
    index % 2 === 0 ? ["off", "on"] : ["on", "off"],
  ).flat();
}

/** The server with prefix caching off and on, in the spelling that its version takes. */
async function variantsOf(
  server: Extract<ServerSpec, { kind: "launch" }>,
  world: Surroundings,
): Promise<Readonly<Record<"off" | "on", ServerSpec>>> {
  world.log.step(`asking ${server.command.join(" ")} how it turns prefix caching off`);
  const accepted = await fetchAcceptedFlags({
    command: server.command,
    env: serverEnvironment(world.environment, server.env),
    signal: world.signal,
  });
  const flags = prefixCachingFlags(accepted);
  if (flags === null) {
    throw new UsageError(
      `${server.command.join(" ")}: its help has no --enable-prefix-caching: this server cannot turn prefix caching on`,
    );
  }
  if (accepted === null) {
    world.log.warn(
      `${server.command.join(" ")} printed no help: ${[...flags.off, ...flags.on].join(" and ")} are taken to exist`,
    );
  }
  const args = withoutPrefixCaching(server.args);
  return {
    off: { ...server, args: [...args, ...flags.off] },
    on: { ...server, args: [...args, ...flags.on] },
  };
}

/** Prompts that exist: those of an interrupted study, else of the user's file; null when they are to be generated. */
async function promptGroups(
  options: PrefixStudyOptions,
  files: StudyFiles,
  world: Surroundings,
): Promise<readonly PromptGroup[] | null> {
  const kept = await files.read(PROMPTS_FILE);
  if (kept !== null) return readPromptFile(kept, PROMPTS_FILE);
  if (options.prompts === null) return null;
  const path = resolve(world.cwd, options.prompts);
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  );
  const text = size !== null && size <= MAX_PROMPT_FILE_BYTES ? await readTextIfExists(path) : null;
  if (text === null) {
    throw new UsageError(
      size === null
        ? `--prompts ${options.prompts}: there is no such file`
        : `--prompts ${options.prompts}: ${size} bytes, expected at most ${MAX_PROMPT_FILE_BYTES}`,
    );
  }
  return readPromptFile(text, options.prompts);
}
