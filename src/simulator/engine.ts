/** The engine process in virtual time: iterations, one or two in flight, and the tokens that come out of them. */
import { BlockPool } from "./block-pool.ts";
import type { Deployment } from "./deployment.ts";
import type { Noise } from "./noise.ts";
import { hashTokens } from "./random.ts";
import { type GenerationRequest, TokenSource } from "./request.ts";
import { iterationCost } from "./roofline.ts";
import { type EngineRequest, type FinishReason, type Iteration, Scheduler } from "./scheduler.ts";

/** A token leaving the engine. */
export interface EngineOutput {
  request: EngineRequest;
  token: number;
  position: number;
  finish: FinishReason | undefined;
}

/** What happened at one moment of the engine's life. */
export interface EngineEvent {
  /** Seconds on the caller's clock. */
  time: number;
  outputs: EngineOutput[];
}

interface InFlight {
  iteration: Iteration;
  doneAt: number;
}

/**
 * vLLM's engine core. Give it requests with {@link add}, ask {@link nextTime} when something happens next, and
 * let it happen with {@link step}; the clock is the caller's, real or not.
 */
export class Engine {
  readonly pool: BlockPool;
  readonly scheduler: Scheduler;
  /** Called with the number of tokens of every iteration. */
  onIteration: (tokens: number) => void = () => {};
  private readonly deployment: Deployment;
  private readonly noise: Noise;
  private readonly requests = new Map<string, EngineRequest>();
  private readonly inFlight: InFlight[] = [];
  private hostFreeAt = 0;
  private deviceFreeAt = 0;
  private blocked = false;
  private first = true;

  constructor(deployment: Deployment, blocks: number, noise: Noise) {
    this.deployment = deployment;
    this.noise = noise;
    this.pool = new BlockPool(blocks);
    this.scheduler = new Scheduler(
      {
        maxNumSeqs: deployment.maxNumSeqs,
        maxNumBatchedTokens: deployment.maxNumBatchedTokens,
        blockSize: deployment.blockSize,
        maxModelLen: deployment.maxModelLen,
        prefixCaching: deployment.flags.enablePrefixCaching,
        prefixBroken: deployment.settings.regressions.prefixOff,
        eosToken: deployment.model.eosToken,
      },
      this.pool,
    );
  }

  /** Takes a request in at time `now`. */
  add(now: number, request: GenerationRequest): EngineRequest {
    const entry: EngineRequest = {
      request,
      source: new TokenSource(request.prompt, this.deployment.model.vocab, this.outputSalt(request)),
      tokens: [...request.prompt],
      generated: 0,
      computed: 0,
      blocks: [],
      hashes: [],
      cached: 0,
      preemptions: 0,
      finish: undefined,
      arrivedAt: now,
      scheduledAt: -1,
      admittedAt: -1,
      firstTokenAt: -1,
      lastTokenAt: -1,
    };
    this.requests.set(request.id, entry);
    this.scheduler.add(entry);
    this.blocked = false;
    if (this.inFlight.length === 0) this.hostFreeAt = Math.max(this.hostFreeAt, now);
    return entry;
  }

  /** Drops a request, e.g. when its client has gone. */
  abort(id: string): EngineRequest | undefined {
    const entry = this.requests.get(id);
    if (entry === undefined) return undefined;
    this.requests.delete(id);
    entry.finish = "abort";
    this.scheduler.remove(entry);
    this.blocked = false;
    return entry;
  }

  /** When the engine next acts, seconds; Infinity when idle. */
  nextTime(): number {
    if (this.canSchedule()) return this.hostFreeAt;
    const oldest = this.inFlight[0];
    return oldest === undefined ? Number.POSITIVE_INFINITY : Math.max(this.hostFreeAt, oldest.doneAt);
  }

  /**
   * Lets the next action happen, if it is due at `now`.
   *
   * @returns the tokens it released; undefined when it was not due or released none
   */
  step(now: number): EngineEvent | undefined {
    const time = this.nextTime();
    if (time > now) return undefined;
    if (!this.canSchedule()) return this.collect(time);
    const iteration = this.scheduler.schedule(time);
    if (iteration === undefined) this.blocked = true;
    else this.launch(time, iteration);
    return undefined;
  }

  private canSchedule(): boolean {
    const depth = this.deployment.asyncScheduling ? 2 : 1;
    return !this.blocked && this.inFlight.length < depth && this.scheduler.hasWork;
  }

  private launch(time: number, iteration: Iteration): void {
    const { settings, costs, gpu, cudaGraphs } = this.deployment;
    const cost = iterationCost(this.deployment, iteration.work);
    const planted = iteration.work.decodeOnly ? settings.regressions.decode : settings.regressions.ttft;
    const host = planted * this.noise.host(time);
    const launchFrom = time + cost.schedule * host;
    const replayed = iteration.work.tokens <= this.deployment.largestGraph;
    const launched = launchFrom + cost.launch * host * (replayed ? 1 : this.noise.launch);
    const start = Math.max(launchFrom + cost.launchDelay * host, this.deviceFreeAt);
    let doneAt = Math.max(start + cost.device * planted * this.noise.device(time), launched);
    if (this.first) {
      const { jitCold, jitWarm, jitEager } = costs.host;
      if (!cudaGraphs) doneAt += gpu.device === "cuda" ? jitEager : 0;
      else doneAt += settings.compileCache === "cold" ? jitCold : jitWarm;
      this.first = false;
    }
    this.deviceFreeAt = doneAt;
    this.hostFreeAt = launched;
    this.inFlight.push({ iteration, doneAt });
    this.onIteration(iteration.work.tokens);
  }

  private collect(time: number): EngineEvent | undefined {
    const { iteration } = this.inFlight.shift()!;
    const cost = iterationCost(this.deployment, iteration.work);
    const released = time + cost.collect * this.noise.host(time);
    this.hostFreeAt = released;
    this.blocked = false;
    const outputs: EngineOutput[] = [];
    for (const { request, token, position } of iteration.sampled) {
      if (this.requests.get(request.request.id) !== request) continue;
      if (position === 0) request.firstTokenAt = released;
      request.lastTokenAt = released;
      const last = request.finish !== undefined && position === request.generated - 1;
      outputs.push({ request, token, position, finish: last ? request.finish : undefined });
      if (last) {
        this.scheduler.remove(request);
        this.requests.delete(request.request.id);
      }
    }
    return outputs.length === 0 ? undefined : { time: released, outputs };
  }

  private outputSalt(request: GenerationRequest): number {
    const { model, settings } = this.deployment;
    const salt = request.temperature > 0 ? request.seed : 0;
    const share = hashTokens(request.prompt, 99) / 4294967296;
    const drifts = share < settings.regressions.drift;
    return salt + (model.parameters % 1000003) + (drifts ? 77 : 0);
  }
}
