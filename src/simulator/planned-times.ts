/** In place of the engine: events at planned times, so that clients can be judged against truth at any rate. */
import type { Deployment } from "./deployment.ts";
import { Random } from "./random.ts";
import { type GenerationRequest, TokenSource } from "./request.ts";
import type { EngineRequest } from "./scheduler.ts";
import type { EmissionPlan } from "./settings.ts";
import type { Emission } from "./simulation.ts";

/** What drives streams: the engine's model, or a plan. All times are seconds on the caller's clock. */
export interface EventSource {
  submit(now: number, request: GenerationRequest): void;
  abort(id: string): EngineRequest | undefined;
  nextTime(): number;
  advance(now: number): Emission[];
}

interface Stream {
  record: EngineRequest;
  /** When its next token is due. */
  at: number;
  /** When it would be without jitter, so that jitter does not add up. */
  mean: number;
  pending: Emission["tokens"];
}

/** Multiples of it, less their whole part, lie as evenly in 0 to 1 as numbers can, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Streams whose events leave at fixed times after their request's arrival; one heap orders them all. */
export class PlannedTimes implements EventSource {
  private readonly plan: EmissionPlan;
  private readonly deployment: Deployment;
  private readonly random: Random;
  private readonly streams = new Map<string, Stream>();
  private readonly heap: Stream[] = [];
  private submitted = 0;

  constructor(deployment: Deployment, plan: EmissionPlan) {
    this.deployment = deployment;
    this.plan = plan;
    this.random = new Random(deployment.settings.seed);
  }

  /** Requests accepted and not yet finished. */
  get active(): number {
    return this.streams.size;
  }

  /** Plans a request's first token. */
  submit(now: number, request: GenerationRequest): void {
    const { vocab } = this.deployment.model;
    const salt = request.temperature > 0 ? request.seed : 0;
    const record = idleRecord(request, new TokenSource(request.prompt, vocab, salt), now);
    const mean = now + this.plan.ttft + this.plan.spread * ((this.submitted++ * GOLDEN) % 1);
    const stream: Stream = { record, mean, at: this.jittered(mean, now), pending: [] };
    this.streams.set(request.id, stream);
    this.heap.push(stream);
    this.rise(this.heap.length - 1);
  }

  /** Forgets a request. */
  abort(id: string): EngineRequest | undefined {
    const stream = this.streams.get(id);
    if (stream === undefined) return undefined;
    this.streams.delete(id);
    stream.record.finish = "abort";
    return stream.record;
  }

  /** When the next token is due; Infinity when none is. */
  nextTime(): number {
    return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** The events due at `now`, in order. */
  advance(now: number): Emission[] {
    const emissions: Emission[] = [];
    for (let stream = this.heap[0]; stream !== undefined && stream.at <= now; stream = this.heap[0]) {
      const emission = stream.record.finish === "abort" ? undefined : this.emit(stream);
      if (emission !== undefined) emissions.push(emission);
      if (stream.record.finish === undefined) {
        stream.mean += this.plan.itl;
        stream.at = this.jittered(stream.mean, stream.at);
      } else this.removeTop();
      this.sink(0);
    }
    return emissions;
  }

  private emit(stream: Stream): Emission | undefined {
    const { record, at: time, pending } = stream;
    const { request, source } = record;
    const position = record.generated++;
    const stops = !request.ignoreEos && position + 1 > request.minTokens && source.endsAt(position);
    pending.push({ token: stops ? this.deployment.model.eosToken : source.tokenAt(position), position });
    if (position === 0) record.firstTokenAt = time;
    record.lastTokenAt = time;
    if (stops) record.finish = "stop";
    else if (record.generated >= request.maxTokens) record.finish = "length";
    const interval = request.streamInterval ?? 1;
    if (record.finish === undefined && position > 0 && pending.length < interval) return undefined;
    stream.pending = [];
    const finish = record.finish;
    if (finish !== undefined) this.streams.delete(request.id);
    return { id: request.id, time, tokens: pending, finish, record };
  }

  private jittered(mean: number, after: number): number {
    return this.plan.jitter === 0 ? mean : Math.max(after, mean + this.plan.jitter * this.random.normal());
  }

  private removeTop(): void {
    const last = this.heap.pop();
    if (last !== undefined && this.heap.length > 0) this.heap[0] = last;
  }

  private rise(from: number): void {
    const { heap } = this;
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.at <= heap[i]!.at) return;
      [heap[parent], heap[i]] = [heap[i]!, heap[parent]!];
      i = parent;
    }
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let i = from; ; ) {
      const left = 2 * i + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const least = right < heap.length && heap[right]!.at < heap[left]!.at ? right : left;
      if (heap[i]!.at <= heap[least]!.at) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

/** A request's record that no scheduler has seen. */
function idleRecord(request: GenerationRequest, source: TokenSource, now: number): EngineRequest {
  return {
    ...{ request, source, tokens: [], generated: 0, computed: 0, blocks: [], hashes: [], cached: 0 },
    ...{ preemptions: 0, finish: undefined, arrivedAt: now, scheduledAt: now, admittedAt: now },
    ...{ firstTokenAt: -1, lastTokenAt: -1 },
  };
}
