/** How long each part of a start-up takes. */
import type { Deployment } from "./deployment.ts";
import { gib, type MemoryPlan } from "./memory-plan.ts";
import { Random } from "./random.ts";

/** The durations of one start-up, seconds. */
export interface StartupTimes {
  import: number;
  engineProcess: number;
  weights: number;
  dynamo: number;
  compile: number;
  profile: number;
  graphProfile: number;
  capture: number;
  /** From the end of loading to the engine being ready, as `init engine` reports it. */
  initEngine: number;
}

/** Relative standard deviation of each part between restarts that load from the same caches, as the logs show it. */
const SPREAD = 0.04;

/**
 * Durations from causes: bytes over the rate of loading, layers to compile, graphs to capture. Calibrated with vLLM
 * 0.22 on an H200: compiling took 16 s cold and 3.3 s from the cache for 28 layers, capturing 102 graphs 4 s.
 */
export function startupTimes(deployment: Deployment, plan: MemoryPlan): StartupTimes {
  const { gpu, model, settings, flags } = deployment;
  const random = new Random(settings.seed + 7);
  const near = (value: number): number =>
    value * settings.regressions.startup * (1 + (settings.noise === "none" ? 0 : SPREAD) * random.normal());
  const graphs = deployment.cudaGraphs ? deployment.captureSizes.length : 0;
  const compiled = !flags.enforceEager;
  const dummy = flags.loadFormat === "dummy";
  const load = 0.2 + gib(plan.weights) * (dummy ? 0.07 : 1.074 / gpu.loadGBps);
  const cold = settings.compileCache === "cold";
  const dynamo = compiled ? near(0.07 * model.layers) : 0;
  const compile = compiled ? dynamo + near((cold ? 0.5 : 0.05) * model.layers) : 0;
  const profile = near(0.13);
  const graphProfile = graphs === 0 ? 0 : near(0.02 * graphs + 0.6);
  const capture = graphs === 0 ? 0 : near(0.0027 * graphs * model.layers);
  const initEngine = compile + profile + graphProfile + capture + near(1.4);
  return {
    import: near(4),
    engineProcess: near(16),
    weights: near(load),
    dynamo,
    compile,
    profile,
    graphProfile,
    capture,
    initEngine,
  };
}
