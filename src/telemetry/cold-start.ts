import type { TelemetrySample } from "../domain/telemetry.ts";
import { type ColdStart, START_TERMS, type StartPart, type StartTerm } from "../domain/telemetry-start.ts";
import type { Residency } from "./page-cache.ts";
import { type LogLine, startParts } from "./start-milestones.ts";
import { summarize } from "./summarize.ts";

/** A request as far as the account of a start needs it; the server's own times where it counts them. */
export interface RequestTimes {
  readonly ttftS: number;
  readonly prefillS: number | null;
  readonly queueS: number | null;
}

/** What an account of a start is made from. Only the log and the time to ready are needed. */
export interface ColdStartFacts {
  readonly log: readonly LogLine[];
  /** Spawn to the first 200 of `/health`. */
  readonly readyS: number;
  readonly samples?: readonly TelemetrySample[];
  /** The weight files, as they lay in the page cache before the spawn. */
  readonly residency?: Residency | null;
  /** The first request after the start, and a typical warm one. */
  readonly cold?: RequestTimes | null;
  readonly warm?: RequestTimes | null;
}

/**
 * A cold start as measured parts: between the lines of the server's log, and for its first request by the server's
 * own prefill and queue times. What no line names is `unexplainedS`.
 */
export function explainColdStart(facts: ColdStartFacts): ColdStart {
  const { readyS, cold = null, warm = null } = facts;
  const starting = startParts(facts.log, readyS);
  const explainedS = starting.reduce((sum, { seconds }) => sum + seconds, 0);
  const parts = [...starting, ...(cold === null ? [] : requestParts(cold, readyS))];
  const account: Omit<ColdStart, "paragraph"> = {
    readyS,
    parts,
    unexplainedS: round(Math.max(0, readyS - explainedS)),
    explainedShare: readyS <= 0 ? 0 : round(Math.min(1, explainedS / readyS)),
    terms: Object.fromEntries(
      START_TERMS.map((term) => [term, round(sumOf(parts, term))]),
    ) as ColdStart["terms"],
    weights: weightsOf(facts, starting),
    machine: machineOf(facts),
    coldWarm:
      cold === null || warm === null || warm.ttftS <= 0
        ? null
        : { coldS: cold.ttftS, warmS: warm.ttftS, factor: round(cold.ttftS / warm.ttftS) },
  };
  return { ...account, paragraph: paragraphOf(account, starting, warm) };
}

function sumOf(parts: readonly StartPart[], term: StartTerm): number {
  return parts.filter((part) => part.term === term).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The first request, one after the other: waiting, prefill, and the way to and from the server around them. */
function requestParts({ ttftS, prefillS, queueS }: RequestTimes, readyS: number): StartPart[] {
  const parts: StartPart[] = [];
  let atS = readyS;
  const add = (name: string, seconds: number, source: string) => {
    if (seconds <= 0) return;
    parts.push({
      name,
      term: "request",
      fromS: round(atS),
      toS: round(atS + seconds),
      seconds: round(seconds),
      reportedS: null,
      source,
    });
    atS += seconds;
  };
  if (prefillS === null && queueS === null) {
    add("first request to its first token", ttftS, "the client's clock");
    return parts;
  }
  add("queue of the first request", queueS ?? 0, "vllm:request_queue_time_seconds");
  add("first prefill", prefillS ?? 0, "vllm:request_prefill_time_seconds");
  add(
    "way to and from the server",
    ttftS - (queueS ?? 0) - (prefillS ?? 0),
    "the client's clock, less those two",
  );
  return parts;
}

function weightsOf({ residency }: ColdStartFacts, parts: readonly StartPart[]): ColdStart["weights"] {
  if (residency === undefined || residency === null || residency.files === 0) return null;
  const reading = parts.find(({ name }) => name === "reading the weights");
  const seconds = reading?.reportedS ?? reading?.seconds ?? null;
  const sizeMib = residency.sizeBytes / 1024 ** 2;
  return {
    sizeMib: round(sizeMib),
    residentShare: residency.residentShare === null ? null : round(residency.residentShare),
    mibPerS: seconds === null || seconds <= 0 ? null : Math.round(sizeMib / seconds),
  };
}

function machineOf({ samples, readyS }: ColdStartFacts): ColdStart["machine"] {
  if (samples === undefined || samples.length === 0) return null;
  const summary = summarize(samples, 0, readyS);
  const readings = samples.flatMap(({ gpus }) => gpus);
  const rises = [...Map.groupBy(readings, ({ index }) => index).values()].map((ofGpu) => {
    const before = ofGpu.find(({ memoryUsedMib }) => memoryUsedMib !== null)?.memoryUsedMib ?? 0;
    const after = ofGpu.findLast(({ tS, memoryUsedMib }) => tS <= readyS && memoryUsedMib !== null);
    return (after?.memoryUsedMib ?? before) - before;
  });
  const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  const peaks = known(summary.gpus.map(({ pcieRxPeakMbPerS }) => pcieRxPeakMbPerS));
  const busy = known(summary.gpus.map(({ busyMean }) => busyMean));
  return {
    diskReadMib: summary.memory?.diskReadMib ?? null,
    cachedRiseMib: summary.memory?.cachedRiseMib ?? null,
    gpuMemoryRiseMib: rises.length === 0 ? null : rises.reduce((sum, value) => sum + value, 0),
    pcieRxPeakMbPerS: peaks.length === 0 ? null : Math.max(...peaks),
    gpuBusyMean: busy.length === 0 ? null : round(busy.reduce((sum, value) => sum + value, 0) / busy.length),
    serverCores: summary.cpu?.serverCores ?? null,
  };
}

const TERM_NAMES: Readonly<Record<StartTerm, string>> = {
  processes: "starting processes and importing modules",
  weights: "the weights",
  warmup: "compilation, profiling and warm-up",
  request: "the first request",
};

function paragraphOf(
  account: Omit<ColdStart, "paragraph">,
  starting: readonly StartPart[],
  warm: RequestTimes | null,
): string {
  const { readyS, unexplainedS, explainedShare } = account;
  const sentences = [`The server was ready ${seconds(readyS)} after its spawn.`];
  const terms = START_TERMS.filter((term) => term !== "request")
    .map((term) => ({ term, spentS: sumOf(starting, term) }))
    .filter(({ spentS }) => spentS > 0)
    .sort((a, b) => b.spentS - a.spentS);
  if (terms.length > 0) {
    const shares = terms.map(
      ({ term, spentS }) => `${TERM_NAMES[term]} ${seconds(spentS)} (${percent(spentS / readyS)})`,
    );
    const longest = starting.toSorted((a, b) => b.seconds - a.seconds)[0] as StartPart;
    sentences.push(
      `Of that, ${list(shares)}; the longest single part was ${longest.name} with ${seconds(longest.seconds)}.`,
    );
  }
  sentences.push(...weightSentences(account));
  const { cold, sentence } = requestSentence(account, warm);
  if (sentence !== "") sentences.push(sentence);
  if (unexplainedS > 0.05 * readyS) {
    sentences.push(
      `${seconds(unexplainedS)} (${percent(1 - explainedShare)}) lie between lines of the log that name nothing.`,
    );
  }
  sentences.push(
    cold
      ? `After a restart expect the first request ${seconds(readyS)} after it at the earliest, and the next ones at the warm time.`
      : `After a restart expect no answer for ${seconds(readyS)}.`,
  );
  return sentences.join(" ");
}

/** The seed's rule: disk reads and a growing page cache tell of storage, GPU memory and PCIe of the copy to the GPU. */
function weightSentences({ weights, machine }: Omit<ColdStart, "paragraph">): string[] {
  const said: string[] = [];
  if (weights !== null) {
    const speed =
      weights.mibPerS === null ? "" : ` and were read at ${(weights.mibPerS / 1024).toFixed(2)} GiB/s`;
    const resident =
      weights.residentShare === null
        ? ""
        : weights.residentShare >= 0.95
          ? `; they lay in the page cache already, so storage had no part in it`
          : `; ${percent(weights.residentShare)} of them lay in the page cache before`;
    said.push(`The weights are ${(weights.sizeMib / 1024).toFixed(2)} GiB${speed}${resident}.`);
  }
  if (machine?.diskReadMib != null && machine.diskReadMib >= 1) {
    const cached =
      machine.cachedRiseMib === null
        ? ""
        : machine.cachedRiseMib < 0
          ? `, the page cache shrank by ${Math.round(-machine.cachedRiseMib)} MiB: other files left it`
          : `, the page cache grew by ${Math.round(machine.cachedRiseMib)} MiB`;
    said.push(`Meanwhile ${Math.round(machine.diskReadMib)} MiB were read from disk${cached}.`);
  }
  if (machine?.gpuMemoryRiseMib != null && machine.gpuMemoryRiseMib > 0) {
    const peak =
      machine.pcieRxPeakMbPerS === null
        ? ""
        : `, over PCIe with up to ${(machine.pcieRxPeakMbPerS / 1000).toFixed(1)} GB/s`;
    const busy =
      machine.gpuBusyMean === null ? "" : `; the GPU was busy ${percent(machine.gpuBusyMean)} of the time`;
    said.push(`GPU memory rose by ${Math.round(machine.gpuMemoryRiseMib)} MiB${peak}${busy}.`);
  }
  return said;
}

function requestSentence(
  { coldWarm, parts }: Omit<ColdStart, "paragraph">,
  warm: RequestTimes | null,
): { cold: boolean; sentence: string } {
  const request = parts.filter(({ term }) => term === "request");
  if (request.length === 0) return { cold: false, sentence: "" };
  const totalS = request.reduce((sum, part) => sum + part.seconds, 0);
  const split = list(request.map(({ name, seconds: spentS }) => `${name} ${ms(spentS)}`));
  const versus =
    coldWarm === null ? "" : `, ${coldWarm.factor.toFixed(1)} times a warm one (${ms(coldWarm.warmS)})`;
  const warmSplit =
    warm === null || warm.prefillS === null
      ? ""
      : ` Warm, the prefill takes ${ms(warm.prefillS)} and the queue ${ms(warm.queueS ?? 0)} of it.`;
  return {
    cold: true,
    sentence: `The first request then had its first token after ${ms(totalS)}${versus}: ${split}.${warmSplit}`,
  };
}

function list(items: readonly string[]): string {
  return items.length <= 1 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function ms(value: number): string {
  return `${Math.round(value * 1000)} ms`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
