import { monitorEventLoopDelay } from "node:perf_hooks";
import type { OwnCost } from "../domain/own-cost.ts";
import { monotonicS } from "./clock.ts";

/** Coarse: it is on for the whole run, and each tick wakes the process. */
const RESOLUTION_MS = 20;

/** Measures what this process costs, until now or a later call. */
export interface OwnCostMeter {
  read(): OwnCost;
  stop(): void;
}

/** Starts measuring; the timer keeps no process alive. */
export function measureOwnCost(): OwnCostMeter {
  const startS = monotonicS();
  const startCpu = process.cpuUsage();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    read: () => {
      const wallS = monotonicS() - startS;
      const { user, system } = process.cpuUsage(startCpu);
      const cpuS = (user + system) / 1e6;
      const p99Ms = delay.count === 0 ? 0 : delay.percentile(99) / 1e6 - RESOLUTION_MS;
      return {
        wallS: round3(wallS),
        cpuS: round3(cpuS),
        coreShare: wallS === 0 ? 0 : round3(cpuS / wallS),
        // Kibibytes, on every system.
        peakRssMb: round3((process.resourceUsage().maxRSS * 1024) / 1e6),
        loopDelayP99Ms: round3(Math.max(0, p99Ms)),
      };
    },
    stop: () => {
      delay.disable();
    },
  };
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
