import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { GateConfig } from "../config/load.ts";
import { UsageError } from "../domain/errors.ts";
import {
  COMPILE_CACHE_STATES,
  type CompileCacheState,
  PAGE_CACHE_STATES,
  type PageCacheState,
  type WeightReading,
} from "../domain/start-study.ts";
import { startCells } from "../measure/cold-study.ts";
import { coldCase, type TtftOptions, warmCase } from "../probe/cases.ts";
import type { Cell } from "../probe/cells.ts";
import {
  COLDSTART_CSV,
  COLDSTART_PAGE,
  type ColdstartPages,
  coldstartCsv,
  coldstartSummary,
  renderColdstart,
  renderColdstartLog,
} from "../report/coldstart-pages.ts";
import type { Surroundings } from "../surroundings.ts";
import { makeFolder } from "../system/files.ts";
import {
  launchedServer,
  listOf,
  needsRoot,
  readWeightsAlone,
  setPageCache,
  weightsOf,
  whole,
} from "./start-state.ts";
import {
  type MeasuredStudy,
  type SessionPlace,
  type StudyFiles,
  type StudyKind,
  type StudyPlan,
  type StudyReport,
  spareLastPass,
} from "./study-kind.ts";

/** Options of `study coldstart`. */
export interface ColdstartOptions {
  readonly restarts: number;
  readonly pageCache: readonly PageCacheState[];
  readonly compileCache: readonly CompileCacheState[];
  readonly dropCaches: boolean;
  readonly warmRequests: number;
}

const READING = "weights_read.json";
/** Compile caches of the study, in its run folder while it runs. */
const CACHES = "compile-cache";

/** The start of a server again and again: what a cold page cache and a fresh compile cache cost. */
export const COLDSTART_STUDY: StudyKind<ColdstartOptions> = {
  name: "coldstart",
  description: "time to ready and to the first token, page cache cold or warm, compile cache fresh or kept",

  addOptions: (command: Command) =>
    command
      .option("--restarts <n>", "starts of each kind", whole(1, 50), 3)
      .option("--page-cache <states>", "weights before a start: cold, warm", listOf(PAGE_CACHE_STATES))
      .option("--compile-cache <states>", "what was compiled: fresh, kept", listOf(COMPILE_CACHE_STATES))
      .option(
        "--drop-caches",
        "for cold, empty the machine's whole page cache, as root; else the weights alone",
      )
      .option("--warm-requests <n>", "warm requests after each first one", whole(2, 1000), 10),

  readOptions: (given) => ({
    restarts: given["restarts"] as number,
    pageCache: (given["pageCache"] as PageCacheState[] | undefined) ?? [...PAGE_CACHE_STATES],
    compileCache: (given["compileCache"] as CompileCacheState[] | undefined) ?? [...COMPILE_CACHE_STATES],
    dropCaches: given["dropCaches"] === true,
    warmRequests: given["warmRequests"] as number,
  }),
  plan,
  report,
};

async function plan(
  options: ColdstartOptions,
  config: GateConfig,
  files: StudyFiles,
  world: Surroundings,
): Promise<StudyPlan> {
  const server = launchedServer(config, "coldstart");
  if (options.dropCaches) needsRoot("--drop-caches", "it empties the page cache of the whole machine");
  const weights = await weightsOf(server, world);
  if (weights.length === 0 && options.pageCache.includes("cold") && !options.dropCaches) {
    throw new UsageError(
      `--page-cache: the weights of ${server.model} are no files on this machine, so they cannot be made cold: ` +
        `download them (hf download ${server.model}), or give --page-cache warm`,
    );
  }
  const names = options.compileCache.flatMap((compile) =>
    options.pageCache.map((page) => variantName(compile, page)),
  );
  const ttft: TtftOptions = {
    cold: true,
    warmRequests: options.warmRequests,
    promptTokens: 256,
    outputTokens: 64,
  };
  return {
    variants: Object.fromEntries(names.map((name) => [name, server])),
    order: startOrder(names, options.restarts),
    rounds: 1,
    cells: [warmCell(ttft)],
    cold: (target) => coldCase(target, ttft),
    prepare: async (place) => {
      if ((await files.read(READING)) === null) {
        world.log.step("reading the weights alone, cold and warm");
        const reading = await readWeightsAlone(weights, options.dropCaches);
        await files.write(READING, `${JSON.stringify({ schemaVersion: 1, reading }, null, 1)}\n`);
      }
      const { compile, page } = statesOf(place.variant);
      await setPageCache(page, weights, options.dropCaches);
      const cache = await compileCache(place, compile, options);
      return {
        server: cache === null ? server : { ...server, env: { ...server.env, VLLM_CACHE_ROOT: cache } },
        undo: async () => {
          if (cache !== null && cache !== keptFolder(place))
            await rm(cache, { recursive: true, force: true });
        },
      };
    },
    finish: (runDir) => rm(join(runDir, CACHES), { recursive: true, force: true }),
    spare: spareLastPass(names.length),
    sessionName: startName,
  };
}

function variantName(compile: CompileCacheState, page: PageCacheState): string {
  return `${compile}-${page}`;
}

function startName(variant: string): string {
  const { compile, page } = statesOf(variant);
  return `a start with weights ${page} and the compile cache ${compile}`;
}

function statesOf(variant: string): { compile: CompileCacheState; page: PageCacheState } {
  const [compile, page] = variant.split("-") as [CompileCacheState, PageCacheState];
  return { compile, page };
}

/**
 * Each kind once in every pass, the passes forwards and backwards, so that what drifts meets all alike. The first is
 * `fresh`: what it compiles is what is kept.
 */
export function startOrder(names: readonly string[], restarts: number): string[] {
  const fresh = [...names].sort((a, b) => Number(b.startsWith("fresh")) - Number(a.startsWith("fresh")));
  return Array.from({ length: restarts }, (_, pass) => (pass % 2 === 0 ? fresh : fresh.toReversed())).flat();
}

function keptFolder({ runDir }: SessionPlace): string {
  return join(runDir, CACHES, "kept");
}

/**
 * The compile cache of a start. Kept ones share the folder that the first start filled; where none is fresh the
 * machine's own is used as it is.
 */
async function compileCache(
  place: SessionPlace,
  compile: CompileCacheState,
  { compileCache: states }: ColdstartOptions,
): Promise<string | null> {
  if (!states.includes("fresh")) return null;
  const isFirst = (await stat(keptFolder(place)).catch(() => null)) === null;
  const folder =
    compile === "kept" || (isFirst && states.includes("kept"))
      ? keptFolder(place)
      : join(place.runDir, CACHES, `fresh-${place.index}`);
  await makeFolder(folder);
  return folder;
}

function warmCell(options: TtftOptions): Cell {
  return {
    name: "ttft.warm",
    value: 1,
    concurrency: 1,
    work: {
      requests: options.warmRequests,
      concurrency: 1,
      promptTokens: options.promptTokens,
      outputTokens: options.outputTokens,
    },
    plan: async (target) => [warmCase(target, options)],
  };
}

async function report(study: MeasuredStudy<ColdstartOptions>): Promise<StudyReport> {
  const { options, run, traces, measurements, command, files } = study;
  const cells = startCells(run, traces, measurements);
  const pages: ColdstartPages = {
    run,
    cells,
    reading: readingOf(await files.read(READING)),
    command,
    emptied: options.dropCaches
      ? "/proc/sys/vm/drop_caches: programs and libraries were cold too"
      : "posix_fadvise, the weight files alone",
  };
  return {
    files: [
      { name: COLDSTART_CSV, text: coldstartCsv(cells) },
      { name: COLDSTART_PAGE, text: renderColdstartLog(pages) },
    ],
    report: renderColdstart(pages),
    summary: coldstartSummary(pages),
  };
}

function readingOf(text: string | null): WeightReading | null {
  return text === null ? null : (JSON.parse(text) as { reading: WeightReading | null }).reading;
}
