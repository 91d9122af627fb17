import type { StartPart, StartTerm } from "../domain/telemetry-start.ts";

/** A line of `server.log` and when it came, seconds since the spawn. */
export interface LogLine {
  readonly tS: number;
  readonly text: string;
}

const LINE = /^ *(\d{1,7}\.\d{3}) (?:out|err) (.*)$/;

/** `server.log` as the launcher writes it: seconds since the spawn, the stream, the line. */
export function parseServerLog(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => {
    const found = LINE.exec(line);
    return found === null ? [] : [{ tS: Number(found[1]), text: found[2] as string }];
  });
}

/**
 * A line that ends a part of the start. The time before it, back to the milestone before, is the part; it is only
 * taken for that when the milestone before is one that the part may follow.
 */
interface Milestone {
  readonly id: string;
  readonly regex: RegExp;
  /** The last line of several ranks counts, or the first. */
  readonly pick: "first" | "last";
  readonly name: string;
  readonly term: StartTerm;
  /** The earliest milestone that may come right before: with one before that, lines are missing. */
  readonly notBefore: string;
  /** The server's own figure on the line. */
  readonly reported?: RegExp;
}

const SPAWN = "spawn";

/**
 * The milestones of a start, in their order, of vLLM 0.6 to 0.33 on GPU and CPU. Lines of the API server come
 * first and last; between them speak the engine and its workers.
 */
const MILESTONES: readonly Milestone[] = [
  {
    id: "imports",
    regex: /version \d+\.\d|non-default args: |args: Namespace\(/,
    pick: "first",
    name: "imports of the API server",
    term: "processes",
    notBefore: SPAWN,
  },
  {
    id: "config",
    regex:
      /Resolved architecture|Using max model len|resolved to use task|This model supports multiple tasks/,
    pick: "last",
    name: "model configuration",
    term: "processes",
    notBefore: "imports",
  },
  {
    id: "engine",
    regex: /Initializing an? (?:V\d )?LLM engine/,
    pick: "first",
    name: "start of the engine process",
    term: "processes",
    notBefore: "imports",
  },
  {
    id: "worker",
    regex: /world_size=\d+ rank=\d+ local_rank=|rank \d+ in world size \d+ is assigned/,
    pick: "last",
    name: "start of the workers",
    term: "processes",
    notBefore: "engine",
  },
  {
    id: "loading",
    regex: /Starting to load model/,
    pick: "last",
    name: "device set-up",
    term: "processes",
    notBefore: "engine",
  },
  {
    id: "built",
    regex: /Initializing model took/,
    pick: "last",
    name: "model construction",
    term: "weights",
    notBefore: "loading",
    reported: /Initializing model took ([\d.]+) seconds/,
  },
  {
    id: "weights",
    regex: /Loading (?:model )?weights took/,
    pick: "last",
    name: "reading the weights",
    term: "weights",
    notBefore: "loading",
    reported: /Loading weights took ([\d.]+) seconds/,
  },
  {
    id: "loaded",
    regex: /Model loading took/,
    pick: "last",
    name: "placing the model",
    term: "weights",
    notBefore: "loading",
    reported: /Model loading took .* and ([\d.]+) seconds/,
  },
  {
    id: "prepared",
    regex: /Warming up model for the compilation|Using \w+ KV cache layout/,
    pick: "last",
    name: "preparing the weights",
    term: "weights",
    notBefore: "loading",
  },
  {
    id: "compiled",
    regex:
      /torch\.compile (?:takes|took|and initial)|saved AOT compiled function|Directly load (?:AOT|the compiled graph)|Dynamo bytecode transform time|Using cache directory: .*torch_compile_cache/,
    pick: "last",
    name: "compilation",
    term: "warmup",
    notBefore: "loading",
    reported: /torch\.compile .*?([\d.]+) s in total/,
  },
  {
    id: "profiled",
    regex: /Initial profiling\/warmup run took|Memory profiling takes|Warming up done/,
    pick: "last",
    name: "profile run",
    term: "warmup",
    notBefore: "loading",
    reported: /Initial profiling\/warmup run took ([\d.]+) s/,
  },
  {
    id: "graph-profile",
    regex: /Profiling CUDA graph memory/,
    pick: "last",
    name: "memory profile",
    term: "warmup",
    notBefore: "loading",
  },
  {
    id: "graph-estimate",
    regex: /Estimated CUDA graph memory/,
    pick: "last",
    name: "graph memory estimate",
    term: "warmup",
    notBefore: "graph-profile",
  },
  {
    id: "kv",
    regex: /KV cache size: |# \w+ blocks: |Maximum concurrency for/,
    pick: "last",
    name: "KV cache sizing",
    term: "warmup",
    notBefore: "loading",
  },
  {
    id: "graphs",
    regex: /Graph capturing finished/,
    pick: "last",
    name: "CUDA graph capture",
    term: "warmup",
    notBefore: "kv",
    reported: /Graph capturing finished in (\d+) secs/,
  },
  {
    id: "engine-ready",
    regex: /init engine \(profile, create kv cache, warmup model\) took/,
    pick: "last",
    name: "KV cache allocation and kernel warm-up",
    term: "warmup",
    notBefore: "kv",
  },
  {
    id: "handed-over",
    regex: /Supported[_ ]tasks/,
    pick: "last",
    name: "hand-over to the API server",
    term: "processes",
    notBefore: "kv",
  },
  {
    id: "listening",
    regex: /Starting vLLM (?:API )?server|Application startup complete/,
    pick: "last",
    name: "start of the API server",
    term: "processes",
    notBefore: "kv",
  },
];

const ORDER = [SPAWN, ...MILESTONES.map(({ id }) => id)];
const REQUESTS = /Application startup complete/;

/**
 * The parts of a start, by the log's lines: each stretch between two milestones that may follow each other. A stretch
 * between two that may not, since lines are missing between them, is nobody's.
 *
 * @param readyS - spawn to the first answer of `/health`
 */
export function startParts(log: readonly LogLine[], readyS: number): StartPart[] {
  const ended = log.findIndex(({ text }) => REQUESTS.test(text));
  const lines = (ended < 0 ? log : log.slice(0, ended + 1)).filter(({ tS }) => tS <= readyS);
  const parts: StartPart[] = [];
  let [atS, from] = [0, SPAWN];
  for (const milestone of MILESTONES) {
    const found =
      milestone.pick === "first"
        ? lines.find(({ text }) => milestone.regex.test(text))
        : lines.findLast(({ text }) => milestone.regex.test(text));
    // Ranks run side by side, so one may speak of the next part before another ends this one.
    if (found === undefined || found.tS < atS) continue;
    const follows = ORDER.indexOf(from) >= ORDER.indexOf(milestone.notBefore);
    if (follows && found.tS > atS) {
      parts.push(
        partOf(
          milestone.name,
          milestone.term,
          atS,
          found.tS,
          reportedBy(milestone, lines),
          quote(found.text),
        ),
      );
    }
    [atS, from] = [found.tS, milestone.id];
  }
  if (from === "listening" && readyS > atS) {
    parts.push(partOf("first answer", "processes", atS, readyS, null, "the first 200 of /health"));
  }
  return parts;
}

function partOf(
  name: string,
  term: StartTerm,
  fromS: number,
  toS: number,
  reportedS: number | null,
  source: string,
): StartPart {
  return { name, term, fromS, toS, seconds: Math.round((toS - fromS) * 1000) / 1000, reportedS, source };
}

/** The server's own figure; of several ranks or models the largest. */
function reportedBy({ reported }: Milestone, lines: readonly LogLine[]): number | null {
  if (reported === undefined) return null;
  const values = lines.flatMap(({ text }) => reported.exec(text)?.[1] ?? []).map(Number);
  return values.length === 0 ? null : Math.max(...values);
}

/** The beginning of what a line says, without its header. */
function quote(text: string): string {
  const said = text.replace(/^.*?\[[\w./-]+:\d+\] /, "").replace(/^\([^)]*\) /, "");
  return `log: ${said.length > 60 ? `${said.slice(0, 60)}…` : said}`;
}
