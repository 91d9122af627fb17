import type { CountedGroup, PromptGroup } from "../domain/prefix-prompts.ts";
import type { PrefixCellName } from "../domain/prefix-study.ts";
import type { Cell } from "../probe/cells.ts";
import { checkShared, loadCases } from "../probe/prefix-load.ts";
import { countGroup, generateGroup, WORKLOADS, type Workload } from "../probe/prompt-set.ts";
import { formatPromptFile, UNIQUE } from "../probe/prompt-set-file.ts";
import type { ServerTools } from "../probe/suite.ts";
import type { PrefixStudyOptions } from "./prefix.ts";
import type { StudyFiles } from "./study-kind.ts";

export const PROMPTS_FILE = "csv/prefix_prompts.jsonl";

/** Tokens behind the prefix, for the estimate of the time. */
const SUFFIX_TOKENS = 40;
/** Tokens of a prefix whose regime is a name. */
const UNKNOWN_TOKENS = 1000;

/** A group of prompts that is still to be made, or was given. */
interface Source {
  readonly workload: string;
  readonly regime: string;
  readonly primed: Workload["primed"];
  readonly requests: number;
  make(tools: ServerTools): Promise<PromptGroup>;
}

/** The workloads and prefix lengths of a study, in the order in which they are measured. */
function sourcesOf(options: PrefixStudyOptions, given: readonly PromptGroup[] | null): Source[] {
  if (given !== null && options.prompts !== null) {
    return given.map((group) => ({
      workload: group.workload,
      regime: group.regime,
      primed: group.workload === UNIQUE ? "none" : "all",
      requests: group.prompts.length,
      make: async () => group,
    }));
  }
  return options.workloads.flatMap((name) => {
    const workload = WORKLOADS[name] as Workload;
    const regimes = workload.regime === undefined ? options.regimes : [workload.regime];
    return regimes.map((regime): Source => {
      const size = { regime, variants: options.variants, maxConcurrency: Math.max(...options.concurrency) };
      const kept = given?.find((group) => group.workload === name && group.regime === String(regime));
      return {
        workload: name,
        regime: String(regime),
        primed: workload.primed,
        requests: workload.prefixes({ ...size, capacityTokens: null }).length,
        make: async (tools) =>
          kept ??
          generateGroup(
            name,
            workload,
            { ...size, capacityTokens: capacityTokens(tools) },
            options.textSeed,
            tools,
          ),
      };
    });
  });
}

function capacityTokens({ kv }: ServerTools): number | null {
  if (kv === null) return null;
  if (kv.capacityTokens !== null) return kv.capacityTokens;
  return kv.blocks !== null && kv.blockSize !== null ? kv.blocks * kv.blockSize : null;
}

/**
 * The cells of the study: each workload and length at each concurrency. Prompts are made when a server first can count
 * them, once: every later server is sent the same.
 *
 * @param given - prompts that exist: the user's own, or those of a study that goes on
 */
export function prefixCells(
  options: PrefixStudyOptions,
  given: readonly PromptGroup[] | null,
  files: StudyFiles,
): Cell[] {
  const sources = sourcesOf(options, given);
  const primary = sources[0]?.workload;
  const counted = new Map<Source, CountedGroup>();
  const groupOf = async (source: Source, tools: ServerTools): Promise<CountedGroup> => {
    // The user's own prompts are kept as a whole: a study that goes on takes them from there.
    for (const each of options.prompts === null ? [source] : sources) {
      if (counted.has(each)) continue;
      const group = await countGroup(await each.make(tools), tools);
      if (options.prompts !== null) checkShared(group, `--prompts ${options.prompts}`);
      counted.set(each, group);
      await files.write(PROMPTS_FILE, formatPromptFile([...counted.values()]));
    }
    return counted.get(source) as CountedGroup;
  };
  return sources.flatMap((source, place) =>
    options.concurrency.map((concurrency): Cell => {
      const prefix = /^\d+$/.test(source.regime) ? Number(source.regime) : UNKNOWN_TOKENS;
      return {
        name: cellName({ ...source, concurrency }),
        value: worthOf(source, concurrency, place),
        concurrency,
        work: {
          // Each hit of the main workload has a miss beside it.
          requests: Math.max(source.requests, 2 * concurrency) * (source.workload === primary ? 2 : 1),
          concurrency,
          promptTokens: prefix + SUFFIX_TOKENS,
          outputTokens: options.outputTokens,
        },
        plan: async (target, round, tools) =>
          loadCases(target, await groupOf(source, tools), source.primed, {
            concurrency,
            outputTokens: options.outputTokens,
            round,
            primary: source.workload === primary,
          }),
      };
    }),
  );
}

/** `policy, 1024 tokens, 8 in flight` */
export function cellName({ workload, regime, concurrency }: PrefixCellName): string {
  return `${workload}, ${regime} tokens, ${concurrency} in flight`;
}

/** The main workload before the others, 1024 tokens before other lengths, one and eight in flight before more. */
function worthOf({ regime }: Source, concurrency: number, place: number): number {
  const length = regime === "1024" ? 0 : regime === "2048" ? 10 : regime === "512" ? 15 : 20;
  const crowd = concurrency === 1 ? 0 : concurrency <= 8 ? 2 : concurrency <= 16 ? 20 : 30;
  return 1000 - length - crowd - (place > 2 ? 100 + place : 0);
}
