import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { ClientLoad, Delay } from "../domain/client-load.ts";
import { monotonicS } from "../system/clock.ts";
import type { LagSummary } from "./read-lag.ts";
import { round6 } from "./stamped-body.ts";

/** Resolution of the timer whose lateness is measured. */
const RESOLUTION_MS = 1;

/** Watches the process's own lateness until it is stopped. */
export class ClientLoadRecorder {
  readonly #startS = monotonicS();
  readonly #cpu = process.cpuUsage();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #pausesMs: number[] = [];
  readonly #observer = new PerformanceObserver((list) => this.#collect(list.getEntries()));

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#delay.enable();
  }

  /**
   * @param sendLateMs - how late each planned request was written
   * @param idleS - time that senders of a closed loop spent between requests, of all together
   */
  stop(
    lag: LagSummary,
    sendLateMs: readonly number[],
    idleS: number,
    senders: number,
  ): Omit<ClientLoad, "resent"> {
    const wallS = monotonicS() - this.#startS;
    const cpu = process.cpuUsage(this.#cpu);
    this.#delay.disable();
    this.#collect(this.#observer.takeRecords());
    this.#observer.disconnect();
    const late = (ns: number) => round3(Math.max(0, ns / 1e6 - RESOLUTION_MS));
    const measured = this.#delay.count > 0;
    return {
      wallS: round3(wallS),
      cpuS: round3((cpu.user + cpu.system) / 1e6),
      reads: lag.reads,
      readLagMs: { p50: round3(lag.p50), p99: round3(lag.p99), max: round3(lag.max) },
      loopDelayMs: measured
        ? {
            p50: late(this.#delay.percentile(50)),
            p99: late(this.#delay.percentile(99)),
            max: late(this.#delay.max),
          }
        : { p50: 0, p99: 0, max: 0 },
      gc: {
        count: this.#pausesMs.length,
        totalMs: round3(this.#pausesMs.reduce((sum, ms) => sum + ms, 0)),
        longestMs: round3(Math.max(0, ...this.#pausesMs)),
      },
      sendLateMs: delayOf(sendLateMs),
      senderIdleShare: wallS * senders === 0 ? 0 : round6(idleS / (wallS * senders)),
    };
  }

  #collect(entries: readonly { readonly duration: number; readonly detail?: unknown }[]): void {
    for (const { duration, detail } of entries) {
      // Weak callbacks run beside the program, they do not stop it.
      if ((detail as { kind?: number } | undefined)?.kind === constants.NODE_PERFORMANCE_GC_WEAKCB) continue;
      this.#pausesMs.push(duration);
    }
  }
}

function delayOf(valuesMs: readonly number[]): Delay {
  const sorted = valuesMs.map((ms) => Math.max(0, ms)).sort((a, b) => a - b);
  const at = (share: number) =>
    round3(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
