import type { NvlinkReading } from "../domain/telemetry.ts";
import { Allowance } from "./allowance.ts";
import { runSmi } from "./nvidia-smi.ts";
import { parseNvlink } from "./nvidia-smi-text.ts";

/**
 * What a question beside the stream costs in CPU seconds (driver 580, H200), how much of one core all of them may take,
 * and how many may be asked at once: with the stream it stays below 1 %.
 */
const READING = { costS: 0.04, share: 0.0015, atOnce: 4 } as const;
/** The same of NVLink's counters, for each GPU: 36 lines each. */
const LINKS = { costS: 0.04, share: 0.002, atOnce: 2 } as const;
/** One round's end is the next one's beginning: its counters serve both. */
const LINKS_FRESH_S = 0.2;
/** A question at a mark holds up the probes: it is ended after this. */
const TIMEOUT_MS = 1_000;

/** The GPUs that are watched, and how they are asked. */
export interface MarkReaderOptions {
  readonly program: string;
  readonly signal: AbortSignal;
  readonly nowS: () => number;
  /** Indexes of the GPUs that are watched. */
  readonly gpus: () => readonly number[];
  /** They are all that there are. */
  readonly all: boolean;
  /** What is asked of each. */
  readonly fields: () => readonly string[];
  /** Takes a line of the answer; true for a reading. */
  readonly onReading: (line: string) => boolean;
}

/** Questions at the ends of a round, as far as the allowance goes. Nothing that they do rejects. */
export interface MarkReader {
  /** Reads the GPUs now. @returns whether there was an answer */
  readGpus(): Promise<boolean>;
  /** Reads the counters of NVLink, where there are several GPUs. @returns whether there are any */
  readLinks(): Promise<boolean>;
  /** What {@link readLinks} read since it was last taken. */
  takeLinks(): NvlinkReading[];
}

export function createMarkReader(options: MarkReaderOptions): MarkReader {
  const { program, signal, nowS, gpus, all, fields, onReading } = options;
  const allowance = new Allowance(READING.share, READING.costS * READING.atOnce, nowS);
  let linkAllowance: Allowance | null = null;
  // What did not answer once is not asked again: the stream says when it does.
  let answers = true;
  let hasLinks = true;
  let links: NvlinkReading[] = [];
  let linksReadS = Number.NEGATIVE_INFINITY;
  const ids = () => gpus().join(",");
  return {
    async readGpus() {
      if (!answers || !allowance.take(READING.costS)) return false;
      const query = [`--query-gpu=${fields().join(",")}`, "--format=csv,noheader,nounits"];
      const args = all ? query : [`--id=${ids()}`, ...query];
      const { state, text } = await runSmi(program, args, { signal, timeoutMs: TIMEOUT_MS });
      answers = state === "ok" && text.split("\n").filter(onReading).length > 0;
      return answers;
    },
    async readLinks() {
      const indexes = gpus();
      // Over NVLink a GPU only talks to others.
      if (!hasLinks || indexes.length < 2 || nowS() - linksReadS < LINKS_FRESH_S) return false;
      const costS = LINKS.costS * indexes.length;
      linkAllowance ??= new Allowance(LINKS.share, costS * LINKS.atOnce, nowS);
      if (!linkAllowance.take(costS)) return false;
      const args = ["nvlink", "-gt", "d", ...(all ? [] : ["-i", ids()])];
      const { state, text } = await runSmi(program, args, { signal, timeoutMs: TIMEOUT_MS });
      linksReadS = nowS();
      const found =
        state === "ok" ? parseNvlink(text, linksReadS).filter(({ index }) => indexes.includes(index)) : [];
      hasLinks = found.length > 0;
      links.push(...found);
      return hasLinks;
    },
    takeLinks() {
      const taken = links;
      links = [];
      return taken;
    },
  };
}
