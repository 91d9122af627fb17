/** Faults to plant, by name and size: what goes wrong with which request, or with the process. */

/** The planted faults; a count is the ordinal (from 1) of the completion request it strikes. */
export interface FaultPlan {
  /** The process dies once this many completion requests have been accepted. */
  crashAfter?: number;
  /** After this many completion requests no further one is answered. */
  hangAfter?: number;
  /** Healthy, yet no completion is ever answered. */
  wedged: boolean;
  ignoreSigterm: boolean;
  orphanChild: boolean;
  /** Extra seconds of start-up, in real time. */
  slowStartS: number;
  /** Every Nth completion request stalls for ever after half of its events. */
  stallStream?: number;
  /** Every Nth completion request carries one event that is not JSON. */
  malformedEvent?: number;
  /** Every Nth completion request is answered with HTTP 500. */
  http500?: number;
  /** Every Nth completion request has its connection reset in mid-stream. */
  reset?: number;
  /** Share of the spells of 15 s that are 20 to 30 % slower. */
  slowRounds?: number;
  /** Factor on the host's work during the whole session. */
  slowSession?: number;
  /** Share of its clock at which the GPU runs. */
  throttle?: number;
  /** Growth of the device's time for each minute of the server's life. */
  driftPerMinute?: number;
}

/** What happens to one completion request. */
export type RequestFault = "none" | "crash" | "hang" | "stall" | "malformed" | "http-500" | "reset";

const PLAIN = ["wedged", "ignore-sigterm", "orphan-child"];
const SIZED = [
  "crash-after",
  "hang-after",
  "slow-start",
  "stall-stream",
  "malformed-event",
  "http-500",
  "reset",
  "slow-rounds",
  "slow-session",
  "throttle",
  "drift-per-minute",
];

/** Names of the faults that can be planted. */
export const FAULT_NAMES: readonly string[] = [...PLAIN, ...SIZED];

/**
 * Parses e.g. `crash-after:20,ignore-sigterm` or `throttle:0.6,slow-rounds:0.1`.
 *
 * @throws Error naming the part that does not parse
 */
export function parseFaults(text: string): FaultPlan {
  const plan: FaultPlan = { wedged: false, ignoreSigterm: false, orphanChild: false, slowStartS: 0 };
  for (const item of text.split(",").filter((part) => part !== "")) {
    const [name = "", value] = item.split(":");
    const size = Number(value);
    const known = SIZED.includes(name) || PLAIN.includes(name);
    if (!known) throw new Error(`VLLM_SIM_FAULT: unknown fault '${name}'`);
    if (SIZED.includes(name) && (value === undefined || value === "" || !(size >= 0)))
      throw new Error(`VLLM_SIM_FAULT: cannot read '${item}'`);
    if (name === "crash-after") plan.crashAfter = size;
    else if (name === "hang-after") plan.hangAfter = size;
    else if (name === "wedged") plan.wedged = true;
    else if (name === "ignore-sigterm") plan.ignoreSigterm = true;
    else if (name === "orphan-child") plan.orphanChild = true;
    else if (name === "slow-start") plan.slowStartS = size;
    else if (name === "stall-stream") plan.stallStream = size;
    else if (name === "malformed-event") plan.malformedEvent = size;
    else if (name === "http-500") plan.http500 = size;
    else if (name === "reset") plan.reset = size;
    else if (name === "slow-rounds") plan.slowRounds = size;
    else if (name === "slow-session") plan.slowSession = size;
    else if (name === "drift-per-minute") plan.driftPerMinute = size;
    else if (name === "throttle") {
      if (size <= 0 || size > 1) throw new Error(`VLLM_SIM_FAULT: '${item}' is not a share of the clock`);
      plan.throttle = size;
    }
  }
  return plan;
}

/**
 * Decides the fault of the `ordinal`-th completion request (from 1).
 */
export function faultOf(plan: FaultPlan, ordinal: number): RequestFault {
  const strikes = (n: number | undefined): boolean => n !== undefined && n > 0 && ordinal % n === 0;
  if (plan.crashAfter !== undefined && ordinal > plan.crashAfter) return "crash";
  if (plan.wedged || (plan.hangAfter !== undefined && ordinal > plan.hangAfter)) return "hang";
  if (strikes(plan.http500)) return "http-500";
  if (strikes(plan.reset)) return "reset";
  if (strikes(plan.stallStream)) return "stall";
  if (strikes(plan.malformedEvent)) return "malformed";
  return "none";
}
