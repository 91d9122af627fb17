/** Runs a simulation against the real clock: events leave at their planned times, and nothing drifts. */
import { performance } from "node:perf_hooks";
import type { GenerationRequest } from "./request.ts";
import type { EngineRequest } from "./scheduler.ts";
import type { Emission, Simulation } from "./simulation.ts";

/** A timer is asked for only when this much time remains, seconds: timers have a grain of a millisecond. */
const SPIN = 1.1e-3;

/** Receives one request's events. */
export type Listener = (emission: Emission) => void;

/**
 * The driver. It sleeps on a timer while the next event is far, and yields to the event loop in between while it
 * is near; an idle engine holds no timer at all.
 */
export class RealTime {
  private readonly simulation: Simulation;
  private readonly listeners = new Map<string, Listener>();
  private timer: NodeJS.Timeout | undefined;
  private spinning = false;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  /** Seconds on the monotonic clock that the simulation runs on. */
  static now(): number {
    return performance.now() / 1000;
  }

  /** Starts a request; `listener` gets its events as they fall due. */
  start(request: GenerationRequest, listener: Listener): number {
    const now = RealTime.now();
    this.run(now);
    this.listeners.set(request.id, listener);
    this.simulation.submit(now, request);
    this.arm();
    return now;
  }

  /** Stops a request whose client has gone. */
  abort(id: string): EngineRequest | undefined {
    this.listeners.delete(id);
    const record = this.simulation.abort(id);
    this.arm();
    return record;
  }

  /** Stops the clock. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.listeners.clear();
  }

  private readonly tick = (): void => {
    this.timer = undefined;
    this.spinning = false;
    this.run(RealTime.now());
    this.arm();
  };

  private run(now: number): void {
    if (this.simulation.nextTime() > now) return;
    for (const emission of this.simulation.advance(now)) {
      const listener = this.listeners.get(emission.id);
      if (emission.finish !== undefined) this.listeners.delete(emission.id);
      listener?.(emission);
    }
  }

  private arm(): void {
    if (this.spinning) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    const next = this.simulation.nextTime();
    if (next === Number.POSITIVE_INFINITY) return;
    const wait = (next - RealTime.now() - SPIN) * 1000;
    if (wait >= 1) {
      this.timer = setTimeout(this.tick, Math.floor(wait));
      return;
    }
    this.spinning = true;
    setImmediate(this.tick);
  }
}
