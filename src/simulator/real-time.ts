/** Runs streams against the real clock: events leave at their planned times, and nothing drifts. */
import { lifetime } from "./clock.ts";
import type { EventSource } from "./planned-times.ts";
import type { GenerationRequest } from "./request.ts";
import type { EngineRequest } from "./scheduler.ts";
import type { Emission } from "./simulation.ts";

/**
 * Milliseconds before an event from which the loop spins instead of sleeping: a timer of N ms, counted in whole
 * milliseconds, fires up to N + 1 ms after it was asked for.
 */
const SPIN = 1.1;

/** Receives one request's events. */
export type Listener = (emission: Emission) => void;

/**
 * The driver. One timer serves all streams: it sleeps while the next event is far, and goes round the event loop
 * while it is near; without events to come it holds no timer at all.
 */
export class RealTime {
  private readonly source: EventSource;
  private readonly listeners = new Map<string, Listener>();
  private timer: NodeJS.Timeout | undefined;
  private wakesAt = 0;
  private spinning = false;

  constructor(source: EventSource) {
    this.source = source;
  }

  /** Starts a request; `listener` gets its events as they fall due. Returns its start, seconds of the process's life. */
  start(request: GenerationRequest, listener: Listener): number {
    const now = lifetime();
    this.run(now);
    this.listeners.set(request.id, listener);
    this.source.submit(now, request);
    this.arm();
    return now;
  }

  /** Stops a request whose client has gone. */
  abort(id: string): EngineRequest | undefined {
    this.listeners.delete(id);
    const record = this.source.abort(id);
    this.arm();
    return record;
  }

  /** Milliseconds until something is due. */
  slack(): number {
    return (this.source.nextTime() - lifetime()) * 1000;
  }

  /** Stops the clock. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.listeners.clear();
  }

  private readonly wake = (): void => {
    this.timer = undefined;
    this.spin();
  };

  private readonly spin = (): void => {
    this.spinning = false;
    this.run(lifetime());
    this.arm();
  };

  private run(now: number): void {
    if (this.source.nextTime() > now) return;
    for (const emission of this.source.advance(now)) {
      const listener = this.listeners.get(emission.id);
      if (listener === undefined) continue;
      if (emission.finish !== undefined) this.listeners.delete(emission.id);
      listener(emission);
    }
  }

  private arm(): void {
    if (this.spinning) return;
    const next = this.source.nextTime();
    if (this.timer !== undefined) {
      if (next === this.wakesAt) return;
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    if (next === Number.POSITIVE_INFINITY) return;
    const wait = (next - lifetime()) * 1000 - SPIN;
    if (wait >= 1) {
      this.wakesAt = next;
      this.timer = setTimeout(this.wake, Math.floor(wait));
    } else {
      this.spinning = true;
      setImmediate(this.spin);
    }
  }
}
