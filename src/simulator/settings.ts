/** The simulator's own settings, from environment variables that start with `VLLM_SIM_`. */
import { type FaultPlan, parseFaults } from "./faults.ts";
import { NOISE_LEVELS, type NoiseLevel } from "./noise.ts";

/** Planted regressions: factors on what they name, 1 meaning none. */
export interface Regressions {
  /** Factor on the time of an iteration that only decodes. */
  decode: number;
  /** Factor on everything before a request's first token: front end and prefill iterations. */
  ttft: number;
  /** Factor on the number of KV blocks. */
  kv: number;
  /** Factor on the duration of the start-up. */
  startup: number;
  /** Prefix caching reports itself enabled and never hits. */
  prefixOff: boolean;
  /** Share of prompts whose greedy tokens differ, 0 to 1. */
  drift: number;
}

/** Everything the environment decides. */
export interface Settings {
  /** `VLLM_SIM_GPU`: a name in `gpus.json`, or the path of a JSON file with the fields of `Gpu`. */
  gpu: string;
  version: string;
  /** Real seconds per simulated second of start-up. */
  startupScale: number;
  seed: number;
  /** `VLLM_SIM_NOISE`: `none`; `jitter` (the default), residuals of real requests; `h200`, also slow spells and sessions. */
  noise: NoiseLevel;
  /** GiB of the device's memory that something else holds. */
  memoryTakenGiB: number;
  compileCache: "cold" | "warm";
  regressions: Regressions;
  faults: FaultPlan;
  /** Fixed times of events, in place of the engine's model. */
  plan: EmissionPlan | undefined;
  /** File that gets each request's event times. */
  truth: string | undefined;
}

/** Events at fixed times after a request's arrival, seconds. */
export interface EmissionPlan {
  ttft: number;
  itl: number;
  /** Standard deviation of each event's time; it does not add up. */
  jitter: number;
  /** First events are put off by even shares of this, so that requests that came at once do not stay in step. */
  spread: number;
}

/** The variables that {@link readSettings} reads. */
export const SETTING_NAMES: readonly string[] = [
  "VLLM_SIM_GPU",
  "VLLM_SIM_VERSION",
  "VLLM_SIM_STARTUP_SCALE",
  "VLLM_SIM_SEED",
  "VLLM_SIM_NOISE",
  "VLLM_SIM_MEMORY_TAKEN_GIB",
  "VLLM_SIM_COMPILE_CACHE",
  "VLLM_SIM_REGRESSION",
  "VLLM_SIM_FAULT",
  "VLLM_SIM_PLAN",
  "VLLM_SIM_TRUTH",
];

/**
 * Reads the settings.
 *
 * @throws Error that names the variable and the value that does not parse
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const number = (name: string, fallback: number): number => {
    const text = env[name];
    if (text === undefined || text === "") return fallback;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name}: not a number: '${text}'`);
    return value;
  };
  const cache = env["VLLM_SIM_COMPILE_CACHE"] ?? "cold";
  if (cache !== "cold" && cache !== "warm")
    throw new Error(`VLLM_SIM_COMPILE_CACHE: '${cache}' is not cold or warm`);
  const noise = env["VLLM_SIM_NOISE"] || "jitter";
  if (!NOISE_LEVELS.some((level) => level === noise))
    throw new Error(`VLLM_SIM_NOISE: '${noise}' is not one of ${NOISE_LEVELS.join(", ")}`);
  const version = env["VLLM_SIM_VERSION"] ?? "0.22.0";
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`VLLM_SIM_VERSION: '${version}' is not a version`);
  return {
    gpu: env["VLLM_SIM_GPU"] ?? "h200",
    version,
    startupScale: number("VLLM_SIM_STARTUP_SCALE", 1),
    seed:
      env["VLLM_SIM_SEED"] === "random" ? Math.floor(Math.random() * 2 ** 32) : number("VLLM_SIM_SEED", 0),
    noise: noise as NoiseLevel,
    memoryTakenGiB: number("VLLM_SIM_MEMORY_TAKEN_GIB", 0),
    compileCache: cache,
    regressions: parseRegressions(env["VLLM_SIM_REGRESSION"] ?? ""),
    faults: parseFaults(env["VLLM_SIM_FAULT"] ?? ""),
    plan: parsePlan(env["VLLM_SIM_PLAN"] ?? ""),
    truth: env["VLLM_SIM_TRUTH"] || undefined,
  };
}

/** Parses e.g. `ttftMs=20,itlMs=6.4,jitterMs=0.2`; what is left out is 0. */
function parsePlan(text: string): EmissionPlan | undefined {
  if (text === "") return undefined;
  const times: Record<string, number> = { ttftMs: 0, itlMs: 0, jitterMs: 0, spreadMs: 0 };
  for (const item of text.split(",")) {
    const [name = "", value = ""] = item.split("=");
    const time = Number(value);
    if (!Object.hasOwn(times, name) || value === "" || !(time >= 0 && time < 1e9))
      throw new Error(`VLLM_SIM_PLAN: cannot read '${item}' (e.g. ttftMs=20,itlMs=6.4,jitterMs=0)`);
    times[name] = time / 1000;
  }
  return {
    ttft: times["ttftMs"]!,
    itl: times["itlMs"]!,
    jitter: times["jitterMs"]!,
    spread: times["spreadMs"]!,
  };
}

/** Parses e.g. `decode:1.15,ttft:1.3,kv:0.8,prefix:off,drift:0.1`. */
export function parseRegressions(text: string): Regressions {
  const result: Regressions = { decode: 1, ttft: 1, kv: 1, startup: 1, prefixOff: false, drift: 0 };
  for (const item of text.split(",").filter((part) => part !== "")) {
    const [name = "", value = ""] = item.split(":");
    if (name === "prefix" && value === "off") {
      result.prefixOff = true;
      continue;
    }
    const factor = Number(value);
    if (value === "" || !Number.isFinite(factor))
      throw new Error(`VLLM_SIM_REGRESSION: cannot read '${item}'`);
    if (name === "decode" || name === "ttft" || name === "kv" || name === "startup" || name === "drift") {
      result[name] = factor;
    } else throw new Error(`VLLM_SIM_REGRESSION: unknown regression '${name}'`);
  }
  return result;
}

/** Whether `version` is at least `major.minor`. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [have = 0, haveMinor = 0] = version.split(".").map(Number);
  return have > major || (have === major && haveMinor >= minor);
}
