/** A whole server in virtual time: front end and engine, from a request's arrival to the events of its stream. */
import type { FrontEndCosts } from "./costs.ts";
import type { Deployment } from "./deployment.ts";
import { decodesToNothing, idsDecoded } from "./detokenizer-work.ts";
import { Engine, type EngineOutput } from "./engine.ts";
import { EventLoopModel } from "./front-end.ts";
import { planMemory } from "./memory-plan.ts";
import { Noise } from "./noise.ts";
import type { GenerationRequest } from "./request.ts";
import type { EngineRequest, FinishReason } from "./scheduler.ts";

/** One event of one request's stream: one token or, when the front end lags, several. */
export interface Emission {
  id: string;
  /** When it is written, seconds on the caller's clock. */
  time: number;
  tokens: { token: number; position: number }[];
  finish: FinishReason | undefined;
  /** The engine's record of the request: cached tokens, times. */
  record: EngineRequest;
}

interface Stream {
  pending: Emission["tokens"];
  finish: FinishReason | undefined;
  queued: boolean;
  /** Whether its tokens decode to nothing. */
  textless: boolean;
}

/**
 * The server without its sockets. Drive it with {@link submit}, {@link nextTime} and {@link advance}; the clock
 * is the caller's, so hours can pass in a second.
 */
export class Simulation {
  readonly engine: Engine;
  /** What makes this server differ from an equal one. */
  readonly noise: Noise;
  private readonly loop = new EventLoopModel();
  private readonly streams = new Map<string, Stream>();
  private readonly costs: FrontEndCosts;
  private readonly deployment: Deployment;
  private emitted: Emission[] = [];

  constructor(deployment: Deployment) {
    this.deployment = deployment;
    const { noise, seed, faults } = deployment.settings;
    this.noise = new Noise({
      level: noise,
      seed,
      slowRounds: faults.slowRounds,
      slowSession: faults.slowSession,
      driftPerMinute: faults.driftPerMinute ?? 0,
    });
    this.engine = new Engine(deployment, planMemory(deployment).blocks, this.noise);
    this.costs = deployment.costs.frontEnd;
  }

  /** Requests accepted and not yet finished. */
  get active(): number {
    return this.streams.size;
  }

  /** Takes a request in at time `now`. */
  submit(now: number, request: GenerationRequest): void {
    const { costs } = this;
    const textless = decodesToNothing(this.deployment, request.prompt);
    this.streams.set(request.id, { pending: [], finish: undefined, queued: false, textless });
    const factor = this.deployment.settings.regressions.ttft * this.noise.host(now);
    const latency = Math.max(costs.latency / 4, costs.latency + this.noise.firstToken()) * factor;
    const slice =
      ((costs.intake + costs.intakePerToken * request.prompt.length) * factor) / costs.intakeSlices;
    let left = costs.intakeSlices;
    const takeIn = (time: number): void => {
      left--;
      if (left > 0) this.loop.call(time, slice, takeIn);
      else {
        this.loop.at(time + latency, (at) => {
          if (!this.streams.has(request.id)) return;
          this.engine.add(at, request);
        });
      }
    };
    this.loop.call(now, slice, takeIn);
  }

  /** Forgets a request whose client has gone; returns its record if the engine had it. */
  abort(id: string): EngineRequest | undefined {
    this.streams.delete(id);
    return this.engine.abort(id);
  }

  /** When something happens next, seconds; Infinity when idle. */
  nextTime(): number {
    return Math.min(this.loop.nextTime(), this.engine.nextTime());
  }

  /**
   * Lets everything happen that is due at `now`, in order.
   *
   * @returns the events written meanwhile, in order
   */
  advance(now: number): Emission[] {
    for (;;) {
      const loopTime = this.loop.nextTime();
      const engineTime = this.engine.nextTime();
      if (Math.min(loopTime, engineTime) > now) break;
      if (loopTime <= engineTime) {
        this.loop.step();
        continue;
      }
      const event = this.engine.step(now);
      if (event === undefined) continue;
      this.loop.at(event.time + this.costs.transfer, (time) => {
        this.loop.call(
          time,
          this.batchWork(event.outputs) * this.noise.host(time) + this.noise.lateToken(),
          (done) => {
            for (const output of event.outputs) {
              this.deliver(done, output.request, output.token, output.position, output.finish);
            }
          },
        );
      });
    }
    const result = this.emitted;
    this.emitted = [];
    return result;
  }

  private batchWork(outputs: readonly EngineOutput[]): number {
    let ids = 0;
    for (const { request, position } of outputs) {
      const textless = this.streams.get(request.request.id)?.textless ?? false;
      ids += idsDecoded(request.request.prompt.length, position, textless);
    }
    const { batch, batchPerOutput, detokenize } = this.costs;
    return batch + batchPerOutput * outputs.length + detokenize * ids;
  }

  private deliver(
    now: number,
    record: EngineRequest,
    token: number,
    position: number,
    finish: FinishReason | undefined,
  ): void {
    const id = record.request.id;
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.pending.push({ token, position });
    stream.finish = finish;
    if (stream.queued) return;
    const interval = record.request.streamInterval ?? 1;
    if (finish === undefined && stream.pending[0]!.position > 0 && stream.pending.length < interval) return;
    stream.queued = true;
    this.loop.call(now, this.costs.event * this.noise.host(now), (time) => {
      if (this.streams.get(id) !== stream) return;
      this.emitted.push({ id, time, tokens: stream.pending, finish: stream.finish, record });
      if (stream.finish !== undefined) this.streams.delete(id);
      stream.pending = [];
      stream.queued = false;
    });
  }
}
