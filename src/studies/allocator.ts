import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { GateConfig } from "../config/load.ts";
import { messageOf, UsageError } from "../domain/errors.ts";
import { ALLOCATORS, type Allocator } from "../domain/node.ts";
import { PAGE_CACHE_STATES, type PageCacheState } from "../domain/start-study.ts";
import { startCells } from "../measure/cold-study.ts";
import { batchingCase, coldCase, warmCase } from "../probe/cases.ts";
import type { Cell } from "../probe/cells.ts";
import {
  ALLOCATOR_CSV,
  ALLOCATOR_PAGE,
  type AllocatorCell,
  type AllocatorPages,
  allocatorCsv,
  allocatorSummary,
  notTaken,
  renderAllocatorLog,
  renderAllocators,
} from "../report/allocator-pages.ts";
import type { Surroundings } from "../surroundings.ts";
import { findAllocators, THP_FILE, THP_MODES, type ThpMode } from "../telemetry/allocator-libraries.ts";
import { launchedServer, listOf, needsRoot, setPageCache, weightsOf, whole } from "./start-state.ts";
import {
  type MeasuredStudy,
  type StudyFiles,
  type StudyKind,
  type StudyPlan,
  type StudyReport,
  spareLastPass,
} from "./study-kind.ts";

/** Options of `study allocator`. */
export interface AllocatorOptions {
  /** Null for all that are found. */
  readonly allocators: readonly Allocator[] | null;
  /** Modes of transparent huge pages; null leaves the machine's own. */
  readonly thp: readonly ThpMode[] | null;
  readonly restarts: number;
  readonly requests: number;
  readonly outputTokens: number;
}

const CONCURRENCY = 8;
const ASIS = "asis";

/** Memory allocators against each other, by LD_PRELOAD, and modes of transparent huge pages. */
export const ALLOCATOR_STUDY: StudyKind<AllocatorOptions> = {
  name: "allocator",
  description:
    "glibc, jemalloc and tcmalloc under the server, and modes of huge pages: memory, load, latency",

  addOptions: (command: Command) =>
    command
      .option(
        "--allocators <names>",
        `of ${ALLOCATORS.join(", ")} (default: those found)`,
        listOf(ALLOCATORS),
      )
      .option(
        "--thp <modes>",
        `also these modes of huge pages, as root: ${THP_MODES.join(", ")}`,
        listOf(THP_MODES),
      )
      .option("--restarts <n>", "starts of each kind, with the weights cold and warm", whole(1, 50), 2)
      .option("--requests <n>", "requests one by one after each start", whole(2, 10_000), 30)
      .option("--output-tokens <n>", "length of the answers", whole(2, 100_000), 64),

  readOptions: (given) => ({
    allocators: (given["allocators"] as Allocator[] | undefined) ?? null,
    thp: (given["thp"] as ThpMode[] | undefined) ?? null,
    restarts: given["restarts"] as number,
    requests: given["requests"] as number,
    outputTokens: given["outputTokens"] as number,
  }),
  plan,
  report,
};

interface Kind {
  readonly allocator: Allocator;
  readonly thp: ThpMode | typeof ASIS;
  readonly page: PageCacheState;
}

function variantName({ allocator, thp, page }: Kind): string {
  return `${allocator}-${thp}-${page}`;
}

function kindOf(variant: string): Kind {
  const [allocator, thp, page] = variant.split("-") as [Allocator, ThpMode, PageCacheState];
  return { allocator, thp, page };
}

async function plan(
  options: AllocatorOptions,
  config: GateConfig,
  _files: StudyFiles,
  world: Surroundings,
): Promise<StudyPlan> {
  const server = launchedServer(config, "allocator");
  if (options.thp !== null) needsRoot("--thp", "it sets the mode of the whole machine");
  const libraries = await findAllocators();
  const absent = (options.allocators ?? []).filter(
    (each) => each !== "glibc" && libraries[each] === undefined,
  );
  if (absent.length > 0) {
    throw new UsageError(
      `--allocators: no library of ${absent.join(", ")} was found on this machine: install it (Debian and Ubuntu: ` +
        "apt-get install libjemalloc2 libtcmalloc-minimal4), or leave it out",
    );
  }
  const allocators = options.allocators ?? ALLOCATORS.filter((each) => each === "glibc" || libraries[each]);
  const weights = await weightsOf(server, world);
  const pages = weights.length === 0 ? (["warm"] as const) : PAGE_CACHE_STATES;
  const names = (options.thp ?? [ASIS]).flatMap((thp) =>
    allocators.flatMap((allocator) => pages.map((page) => variantName({ allocator, thp, page }))),
  );
  if (names.length === pages.length) {
    throw new UsageError(
      "study allocator: only glibc's allocator is on this machine, so there is nothing to compare it with: " +
        "apt-get install libjemalloc2 libtcmalloc-minimal4, or compare modes of huge pages (--thp, as root)",
    );
  }
  const withLibrary = (variant: string) => {
    const library = libraries[kindOf(variant).allocator];
    return library === undefined ? server : { ...server, env: { ...server.env, LD_PRELOAD: library } };
  };
  const ttft = {
    cold: true,
    warmRequests: options.requests,
    promptTokens: 256,
    outputTokens: options.outputTokens,
  };
  return {
    variants: Object.fromEntries(names.map((name) => [name, withLibrary(name)])),
    order: Array.from({ length: options.restarts }, (_, pass) =>
      pass % 2 === 0 ? names : names.toReversed(),
    ).flat(),
    rounds: 1,
    cells: cellsOf(options),
    spare: spareLastPass(names.length),
    sessionName: (variant) => `a start under ${variant}`,
    cold: (target) => coldCase(target, ttft),
    prepare: async ({ variant }) => {
      const { thp, page } = kindOf(variant);
      await setPageCache(page, weights, false);
      return { server: withLibrary(variant), ...(thp === ASIS ? {} : { undo: await setThp(thp, world) }) };
    },
  };
}

/** Sets the machine's mode of huge pages; what it returns sets the former one again. */
async function setThp(
  mode: ThpMode,
  { log }: Pick<Surroundings, "log">,
  root = "/",
): Promise<() => Promise<void>> {
  const path = join(root, THP_FILE);
  try {
    const before = /\[(\w+)\]/.exec(await readFile(path, "utf8"))?.[1];
    await writeFile(path, mode);
    return async () => {
      if (before === undefined || before === mode) return;
      await writeFile(path, before).catch((error: unknown) =>
        log.warn(`${path}: not set back to ${before} (${messageOf(error)}): echo ${before} > ${path}`),
      );
    };
  } catch (error) {
    throw new UsageError(`--thp: ${path} cannot be set to ${mode} (${messageOf(error)})`);
  }
}

function cellsOf({ requests, outputTokens }: AllocatorOptions): Cell[] {
  const ttft = { cold: true, warmRequests: requests, promptTokens: 256, outputTokens };
  const batching = { concurrency: [CONCURRENCY], waves: 3, promptTokens: 200, outputTokens };
  return [
    {
      name: "ttft.warm",
      value: 2,
      concurrency: 1,
      work: { requests, concurrency: 1, promptTokens: ttft.promptTokens, outputTokens },
      plan: async (target) => [warmCase(target, ttft)],
    },
    {
      name: `batching.c${CONCURRENCY}`,
      value: 1,
      concurrency: CONCURRENCY,
      work: {
        requests: 3 * CONCURRENCY,
        concurrency: CONCURRENCY,
        promptTokens: batching.promptTokens,
        outputTokens,
      },
      plan: async (target, round) => [batchingCase(target, batching, CONCURRENCY, String(round))],
    },
  ];
}

async function report(study: MeasuredStudy<AllocatorOptions>): Promise<StudyReport> {
  const { run, traces, measurements, command } = study;
  const cells = allocatorCells(startCells(run, traces, measurements));
  const libraries = await findAllocators();
  const pages: AllocatorPages = {
    run,
    cells,
    command,
    missing: ["jemalloc", "tcmalloc"].filter(
      (each) =>
        libraries[each as Allocator] === undefined && !cells.some(({ allocator }) => allocator === each),
    ),
  };
  return {
    files: [
      { name: ALLOCATOR_CSV, text: allocatorCsv(cells) },
      { name: ALLOCATOR_PAGE, text: renderAllocatorLog(pages) },
    ],
    report: renderAllocators(pages),
    summary: allocatorSummary(pages),
    invalid: notTaken(cells),
  };
}

/** Cold and warm starts of one allocator side by side. */
function allocatorCells(starts: ReturnType<typeof startCells>): AllocatorCell[] {
  const byKind = Map.groupBy(starts, ({ variant }) => {
    const { allocator, thp } = kindOf(variant);
    return `${allocator}-${thp}`;
  });
  return [...byKind.values()].map((group) => {
    const { allocator, thp } = kindOf(group[0]?.variant ?? "");
    const of = (page: PageCacheState) => group.find(({ variant }) => kindOf(variant).page === page) ?? null;
    return { allocator, thp: thp === ASIS ? "as it was" : thp, cold: of("cold"), warm: of("warm") };
  });
}
