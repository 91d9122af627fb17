import { join } from "node:path";
import type { ClientLoad } from "./domain/client-load.ts";
import { NotMeasuredError } from "./domain/errors.ts";
import type { CaseRecord, Gauges, RoundRecord, SessionRecord } from "./domain/run.ts";
import type { RequestTrace } from "./domain/trace.ts";
import type { CasePlan, PromptTarget } from "./probe/case-plan.ts";
import { runPhase } from "./probe/run-requests.ts";
import { createStreamClient, type StreamClient } from "./probe/stream-client.ts";
import type { ServerTools } from "./probe/suite.ts";
import { completionBody, promptOf } from "./probe/workload.ts";
import type { LaunchedServer } from "./serve/launch.ts";
import { startFailure } from "./serve/ready.ts";
import {
  counterIncrease,
  fetchMetrics,
  fetchModel,
  fetchTokenIds,
  fetchVersion,
  parseMetrics,
  readCounters,
  readGauges,
  readKvConfig,
} from "./serve/server-metrics.ts";
import type { GuardedContext } from "./session.ts";
import { delay, monotonicS } from "./system/clock.ts";
import { writeFileAtomic } from "./system/files.ts";
import { redactDeep } from "./system/redact.ts";
import { appendTraces } from "./system/run-folder.ts";
import { clientFaults } from "./telemetry/client-faults.ts";
import { dirtyReasons } from "./telemetry/dirty.ts";
import type { Sampler } from "./telemetry/sampler.ts";
import { summarize } from "./telemetry/summarize.ts";

/** A server that is healthy answers its first completion within this, or is wedged. */
const FIRST_COMPLETION_TIMEOUTS = {
  firstByteMs: 300_000,
  betweenEventsMs: 120_000,
  totalMs: 300_000,
} as const;

/** How long after its connections a server's own end may come to light. */
const DEATH_NOTICE_MS = 2_000;

/** A server that can be probed. */
export interface Target {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly model: string;
  readonly zeroS: number;
  /** Null for a server that was already running. */
  readonly launched: LaunchedServer | null;
}

/** What the machine does beside the probes; absent for a server that runs elsewhere. */
export interface Watch {
  readonly sampler: Sampler;
  /** Whether a round in which the machine was not quiet is measured again. */
  readonly repeatDirty: boolean;
  /** Takes the requests as they come. */
  readonly onTraces: (traces: readonly RequestTrace[]) => void;
}

/**
 * Sends a session's probes: the cold request, then its rounds. A round in which the machine was not quiet is measured
 * again, at most as often as rounds were asked for.
 */
export async function probe(
  context: GuardedContext,
  target: Target,
  record: SessionRecord,
  watch: Watch | null,
): Promise<void> {
  const { suite, signal } = context;
  const { baseUrl, apiKey } = target;
  await using client = createStreamClient({
    baseUrl,
    apiKey,
    maxConnections: suite.maxConcurrency,
    zeroS: target.zeroS,
    signal,
  });
  const session = new ProbedSession(context, target, client, record, watch);
  // Another session's prompts would be in the cache of a server that lives on.
  const prompts: PromptTarget = {
    model: target.model,
    seed: `${context.seed}/${context.variant}/${context.index}`,
  };

  const cold = target.launched === null ? null : suite.cold(prompts);
  // Nothing precedes the cold request: no version, no metrics, no tokenizer.
  if (cold === null) await session.firstCompletion(prompts);
  else await session.runCold(cold);
  await watch?.sampler.started();
  record.vllmVersion = (await fetchVersion(baseUrl, apiKey, signal)) ?? record.vllmVersion ?? null;
  record.maxModelLen = (await fetchModel(baseUrl, apiKey, signal))?.maxModelLen ?? null;
  const before = await session.saveMetrics("metrics-before.txt");
  if (before !== null) record.kv = readKvConfig(parseMetrics(before));
  const tools: ServerTools = {
    tokenize: (text) => fetchTokenIds(baseUrl, apiKey, signal, { model: target.model, text }),
    maxModelLen: record.maxModelLen,
    kv: record.kv ?? null,
  };
  await measureRounds(context, record, watch, async (round) => {
    const plans = await suite.round(prompts, round, tools);
    context.progress?.roundBegan(round, plans);
    const faults: string[] = [];
    for (const plan of plans) {
      faults.push(...(await session.runCase(plan, round)));
      context.progress?.caseEnded();
    }
    context.progress?.roundEnded();
    return faults;
  });
  await session.saveMetrics("metrics-after.txt");
}

/** Measures until there are as many clean rounds as were asked for, or twice as many rounds in all. */
async function measureRounds(
  { rounds, log, index, variant, progress }: GuardedContext,
  record: SessionRecord,
  watch: Watch | null,
  measure: (round: number) => Promise<string[]>,
): Promise<void> {
  const records: RoundRecord[] = [];
  record.rounds = records;
  const isDone = () =>
    records.length >= 2 * rounds ||
    records.filter(({ dirty }) => dirty.length === 0 || watch?.repeatDirty !== true).length >= rounds;
  while (!isDone()) {
    const round = records.length;
    const left = progress?.leftWords() ?? "";
    log.step(`session ${index} of ${variant}: round ${round + 1} of ${Math.max(rounds, round + 1)}${left}`);
    const fromS = (await watch?.sampler.mark()) ?? 0;
    const faults = await measure(round);
    const toS = (await watch?.sampler.mark()) ?? 0;
    const telemetry = watch === null ? null : summarize(watch.sampler.between(fromS, toS), fromS, toS);
    const dirty = [...(telemetry === null ? [] : dirtyReasons(telemetry)), ...faults];
    records.push({ round, fromS, toS, dirty, use: "kept", telemetry });
    const [reason] = dirty;
    if (reason === undefined) continue;
    const again = watch?.repeatDirty === true && !isDone();
    log.warn(
      `session ${index}: round ${round + 1} is dirty: ${reason}${again ? "; measuring another one" : ""}`,
    );
  }
  if (watch?.repeatDirty !== true) return;
  const anyClean = records.some(({ dirty }) => dirty.length === 0);
  for (const each of records) {
    if (each.dirty.length > 0) each.use = anyClean ? "replaced" : "untrusted";
  }
}

/** How many tokens a case's longest request needs at once, or null when no request says. */
function longestContext({ warmup, measure }: CasePlan): number | null {
  const lengths = [...warmup, ...measure].flatMap(({ promptTokens, expectedTokens }) =>
    promptTokens === undefined ? [] : [promptTokens + expectedTokens],
  );
  return lengths.length === 0 ? null : Math.max(...lengths);
}

/** The cases of one session, run one after another on one client. */
class ProbedSession {
  readonly #context: GuardedContext;
  readonly #target: Target;
  readonly #client: StreamClient;
  readonly #record: SessionRecord;
  readonly #watch: Watch | null;

  constructor(
    context: GuardedContext,
    target: Target,
    client: StreamClient,
    record: SessionRecord,
    watch: Watch | null,
  ) {
    this.#context = context;
    this.#target = target;
    this.#client = client;
    this.#record = record;
    this.#watch = watch;
  }

  /** A server can be healthy and wedged (vllm-project/vllm#51663): only a completion shows that it serves. */
  async firstCompletion(prompts: { model: string; seed: string }): Promise<void> {
    const outputTokens = 2;
    const body = completionBody({
      model: prompts.model,
      prompt: promptOf(`${prompts.seed}/first`, 8),
      outputTokens,
    });
    const response = await this.#client.send({
      body,
      expectedTokens: outputTokens,
      timeouts: FIRST_COMPLETION_TIMEOUTS,
    });
    const first = response.read();
    if (first.outcome !== "ok") await this.#failServing(`the first completion failed (${first.error})`);
    this.#record.servingS = round3(first.endS);
  }

  async runCold(plan: CasePlan): Promise<void> {
    const { traces, client } = await this.#measure(plan, 0, "measure");
    const [cold] = traces;
    // No counters were read before it, since nothing may precede it: a fresh server's begin at zero.
    const text = await this.#metrics();
    this.#keep(plan, 0, traces, text === null ? null : readCounters(parseMetrics(text)), {
      client,
    });
    if (cold === undefined || cold.outcome !== "ok") {
      return this.#failServing(`the first completion failed (${cold?.error ?? "not sent"})`);
    }
    this.#record.servingS = round3(cold.endS);
  }

  /** Returns why the case says more about the client than about the server. */
  async runCase(plan: CasePlan, round: number): Promise<string[]> {
    const longest = longestContext(plan);
    const { maxModelLen } = this.#record;
    if (longest !== null && typeof maxModelLen === "number" && longest > maxModelLen) {
      const refused =
        `${plan.probe}.${plan.case} asks for ${longest} tokens of context, the server takes ${maxModelLen}: ` +
        "shorten the probe's prompts or raise --max-model-len";
      this.#context.log.warn(`session ${this.#context.index}: ${refused}`);
      this.#keep(plan, round, [], null, { refused });
      return [];
    }
    // Failed requests are counted, not fatal; a server that lets requests time out would cost hours.
    if (plan.warmup.length > 0) {
      await this.#checkAnswers(plan, (await this.#measure(plan, round, "warmup")).traces);
    }
    const before = await this.#metrics();
    const watch = plan.gaugesEveryMs === undefined ? null : this.#watchGauges(plan.gaugesEveryMs);
    const { traces, client } = await this.#measure(plan, round, "measure").finally(() => watch?.stop());
    const gauges = watch === null ? {} : { gauges: await watch.read };
    const after = await this.#metrics();
    const counters =
      before === null || after === null
        ? null
        : counterIncrease(readCounters(parseMetrics(before)), readCounters(parseMetrics(after)));
    this.#keep(plan, round, traces, counters, { ...gauges, client });
    await this.#checkAnswers(plan, traces);
    return clientFaults(`${plan.probe}.${plan.case}`, client, traces);
  }

  /** Reads the server's gauges again and again until it is stopped. */
  #watchGauges(everyMs: number): { stop: () => void; read: Promise<Gauges[]> } {
    const stopped = new AbortController();
    const { zeroS } = this.#target;
    const watch = async () => {
      const read: Gauges[] = [];
      while (!stopped.signal.aborted) {
        const fromS = monotonicS();
        const text = await this.#metrics();
        const toS = monotonicS();
        // The server reads them while it answers: in the middle, as near as can be known.
        if (text !== null)
          read.push({ atS: round6((fromS + toS) / 2 - zeroS), ...readGauges(parseMetrics(text)) });
        await delay(everyMs, stopped.signal);
      }
      return read;
    };
    const read = watch();
    // It is awaited later, and not at all when the requests fail.
    read.catch(() => undefined);
    return { stop: () => stopped.abort(), read };
  }

  async #checkAnswers(plan: CasePlan, traces: readonly RequestTrace[]): Promise<void> {
    const [first] = traces;
    if (first === undefined || traces.some((trace) => trace.outcome !== "timeout")) return;
    await this.#failServing(
      `all ${traces.length} requests of ${plan.probe}.${plan.case} timed out (${first.error})`,
    );
  }

  async saveMetrics(name: string): Promise<string | null> {
    const text = await this.#metrics();
    if (text !== null) {
      const { runDir, index, redact } = this.#context;
      await writeFileAtomic(join(runDir, "sessions", String(index), name), redact(text));
    }
    return text;
  }

  #metrics(): Promise<string | null> {
    return fetchMetrics(this.#target.baseUrl, this.#target.apiKey, this.#context.signal);
  }

  async #measure(
    plan: CasePlan,
    round: number,
    phase: "warmup" | "measure",
  ): Promise<{ traces: RequestTrace[]; client: ClientLoad }> {
    const { variant, index, signal, redact, progress } = this.#context;
    const client = progress?.phaseBegan(plan, phase, this.#client) ?? this.#client;
    const place = { variant, session: index, round };
    const { traces: raw, clientLoad } = await runPhase(client, plan, phase, place, signal);
    const traces = redactDeep(raw, redact);
    this.#watch?.onTraces(traces);
    await appendTraces(this.#context.runDir, traces);
    signal.throwIfAborted();
    if (traces.some((trace) => trace.outcome !== "ok")) await this.#checkAlive();
    return { traces, client: clientLoad };
  }

  #keep(
    plan: CasePlan,
    round: number,
    traces: readonly RequestTrace[],
    counters: CaseRecord["counters"],
    more: Pick<CaseRecord, "gauges" | "refused" | "client"> = {},
  ): void {
    const starts = traces.map((trace) => trace.startS);
    const ends = traces.map((trace) => trace.endS);
    this.#record.cases ??= [];
    this.#record.cases.push({
      round,
      probe: plan.probe,
      case: plan.case,
      concurrency: plan.concurrency,
      mustMiss: plan.mustMiss,
      startS: traces.length === 0 ? 0 : Math.min(...starts),
      endS: traces.length === 0 ? 0 : Math.max(...ends),
      counters,
      ...more,
    });
  }

  /** After a failed request: did the server itself end? Its end may be noticed a moment after its connections'. */
  async #checkAlive(): Promise<void> {
    const launched = this.#target.launched;
    if (launched === null) return;
    await Promise.race([launched.exited, delay(DEATH_NOTICE_MS)]);
    if (launched.exit() !== null) throw startFailure(launched, "The server died while it was probed");
  }

  async #failServing(what: string): Promise<never> {
    await this.#checkAlive();
    const launched = this.#target.launched;
    if (launched === null) throw new NotMeasuredError(`${this.#target.baseUrl}: ${what}`);
    throw startFailure(launched, `The server is healthy, but ${what}`);
  }
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
