/** The `/metrics` page: vLLM's names, labels, help texts and buckets. */
import { cacheConfig } from "./cache-config.ts";
import type { Deployment } from "./deployment.ts";
import { Histogram, histogramText, type Labels, plain } from "./histogram.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import type { EngineRequest, FinishReason } from "./scheduler.ts";
import type { Emission, Simulation } from "./simulation.ts";

const TOKENS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000];
const ITERATION = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];
const PER_TOKEN = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const REQUEST = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];

/** Everything that is counted while serving. */
export class Metrics {
  readonly created = Date.now() / 1000;
  promptTokens = 0;
  cachedTokens = 0;
  generationTokens = 0;
  /** Requests that a planted hang holds; they count as running. */
  stuck = 0;
  readonly finished: Record<FinishReason, number> = { stop: 0, length: 0, abort: 0 };
  private readonly deployment: Deployment;
  private readonly plan: MemoryPlan;
  private readonly planned: () => number;
  private readonly lastEvent = new Map<string, number>();
  private readonly histograms: Record<string, { help: string; data: Histogram }>;

  /** @param planned requests that a plan serves in the engine's place; they count as running */
  constructor(deployment: Deployment, plan: MemoryPlan, planned: () => number = () => 0) {
    this.planned = planned;
    this.deployment = deployment;
    this.plan = plan;
    const upTo = (deployment.maxModelLen >= 5000 ? TOKENS : TOKENS.slice(0, 11)).filter(
      (bound) => bound <= deployment.maxModelLen,
    );
    const phase = (name: string): string => `Histogram of time spent in ${name} phase for request.`;
    this.histograms = {
      request_prompt_tokens: { help: "Number of prefill tokens processed.", data: new Histogram(upTo) },
      request_generation_tokens: {
        help: "Number of generation tokens processed.",
        data: new Histogram(upTo),
      },
      iteration_tokens_total: {
        help: "Histogram of number of tokens per engine_step.",
        data: new Histogram(ITERATION),
      },
      request_params_max_tokens: {
        help: "Histogram of the max_tokens request parameter.",
        data: new Histogram(upTo),
      },
      time_to_first_token_seconds: {
        help: "Histogram of time to first token in seconds.",
        data: new Histogram(FIRST_TOKEN),
      },
      inter_token_latency_seconds: {
        help: "Histogram of inter-token latency in seconds.",
        data: new Histogram(PER_TOKEN),
      },
      request_time_per_output_token_seconds: {
        help: "Histogram of time_per_output_token_seconds per request.",
        data: new Histogram(PER_TOKEN),
      },
      e2e_request_latency_seconds: {
        help: "Histogram of e2e request latency in seconds.",
        data: new Histogram(REQUEST),
      },
      request_queue_time_seconds: { help: phase("WAITING"), data: new Histogram(REQUEST) },
      request_inference_time_seconds: { help: phase("RUNNING"), data: new Histogram(REQUEST) },
      request_prefill_time_seconds: { help: phase("PREFILL"), data: new Histogram(REQUEST) },
      request_decode_time_seconds: { help: phase("DECODE"), data: new Histogram(REQUEST) },
      request_prefill_kv_computed_tokens: {
        help: "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
        data: new Histogram(upTo),
      },
    };
  }

  /** Counts one iteration of the engine. */
  iteration(tokens: number): void {
    this.observe("iteration_tokens_total", tokens);
  }

  /** Counts one event of a stream that began at `startedAt`. */
  event(emission: Emission, startedAt: number): void {
    const { record, time, tokens } = emission;
    const last = this.lastEvent.get(emission.id);
    this.generationTokens += tokens.length;
    if (last === undefined) {
      this.promptTokens += record.request.prompt.length;
      this.cachedTokens += record.cached;
      this.observe("time_to_first_token_seconds", time - startedAt);
    } else {
      for (const _ of tokens) this.observe("inter_token_latency_seconds", (time - last) / tokens.length);
    }
    this.lastEvent.set(emission.id, time);
    if (emission.finish !== undefined) this.finish(record, emission.finish, time - startedAt);
  }

  /** Counts a request that ended with its client gone. */
  aborted(id: string, record: EngineRequest | undefined): void {
    this.lastEvent.delete(id);
    if (record !== undefined) this.finished.abort++;
  }

  private finish(record: EngineRequest, reason: FinishReason, endToEnd: number): void {
    this.lastEvent.delete(record.request.id);
    this.finished[reason]++;
    const decode = record.lastTokenAt - record.firstTokenAt;
    this.observe("e2e_request_latency_seconds", endToEnd);
    this.observe("request_queue_time_seconds", record.scheduledAt - record.arrivedAt);
    this.observe("request_prefill_time_seconds", record.firstTokenAt - record.scheduledAt);
    this.observe("request_decode_time_seconds", decode);
    this.observe("request_inference_time_seconds", record.lastTokenAt - record.scheduledAt);
    if (record.generated > 1)
      this.observe("request_time_per_output_token_seconds", decode / (record.generated - 1));
    this.observe("request_prompt_tokens", record.request.prompt.length);
    this.observe("request_generation_tokens", record.generated);
    this.observe("request_params_max_tokens", record.request.maxTokens);
    this.observe("request_prefill_kv_computed_tokens", record.request.prompt.length - record.cached);
  }

  private observe(name: string, value: number): void {
    this.histograms[name]!.data.observe(value);
  }

  /** The page. */
  text(simulation: Simulation): string {
    if (this.deployment.flags.disableLogStats) return "";
    const { scheduler, pool } = simulation.engine;
    const labels: Labels = { engine: "0", model_name: this.deployment.flags.servedModelNames[0]! };
    const since = this.created;
    const gauge = (name: string, help: string, value: number): string =>
      plain(`vllm:${name}`, help, "gauge", [[labels, value]], since);
    const counter = (name: string, help: string, value: number): string =>
      plain(`vllm:${name}`, help, "counter", [[labels, value]], since);
    const by = (key: string, values: Readonly<Record<string, number>>): [Labels, number][] =>
      Object.entries(values).map(([name, value]) => [{ ...labels, [key]: name }, value]);
    const { model_name: model = "", engine = "0" } = labels;
    const reasons: [Labels, number][] = Object.entries({ ...this.finished, error: 0, repetition: 0 }).map(
      ([reason, value]) => [{ engine, finished_reason: reason, model_name: model }, value],
    );
    const waiting = scheduler.waiting.length;
    const { counters } = scheduler;
    const sources = {
      local_compute: this.promptTokens - this.cachedTokens,
      local_cache_hit: this.cachedTokens,
      external_kv_transfer: 0,
    };
    let text =
      gauge(
        "num_requests_running",
        "Number of requests in model execution batches.",
        scheduler.running.length + this.stuck + this.planned(),
      ) +
      gauge("num_requests_waiting", "Number of requests waiting to be processed.", waiting) +
      plain(
        "vllm:num_requests_waiting_by_reason",
        "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.",
        "gauge",
        by("reason", { capacity: waiting, deferred: 0 }),
        since,
      ) +
      gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", pool.usage) +
      counter(
        "prefix_cache_queries_total",
        "Prefix cache queries, in terms of number of queried tokens.",
        counters.prefixQueries,
      ) +
      counter(
        "prefix_cache_hits_total",
        "Prefix cache hits, in terms of number of cached tokens.",
        counters.prefixHits,
      ) +
      counter(
        "num_preemptions_total",
        "Cumulative number of preemption from the engine.",
        counters.preemptions,
      ) +
      counter("prompt_tokens_total", "Number of prefill tokens processed.", this.promptTokens) +
      plain(
        "vllm:prompt_tokens_by_source_total",
        "Number of prompt tokens by source.",
        "counter",
        by("source", sources),
        since,
      ) +
      counter(
        "prompt_tokens_cached_total",
        "Number of cached prompt tokens (local + external).",
        this.cachedTokens,
      ) +
      counter("generation_tokens_total", "Number of generation tokens processed.", this.generationTokens) +
      plain(
        "vllm:request_success_total",
        "Count of successfully processed requests.",
        "counter",
        reasons,
        since,
      );
    for (const [name, { help, data }] of Object.entries(this.histograms)) {
      text += histogramText(`vllm:${name}`, help, labels, data, since);
    }
    return (
      text +
      plain(
        "vllm:cache_config_info",
        "Information of the LLMEngine CacheConfig",
        "gauge",
        [[cacheConfig(this.deployment, this.plan), 1]],
        since,
      )
    );
  }
}
