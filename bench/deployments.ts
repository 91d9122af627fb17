/** Deployments as the simulator's command line would make them. */
import { type Deployment, deploy } from "../src/simulator/deployment.ts";
import { parseFlags } from "../src/simulator/flags.ts";
import { findGpu } from "../src/simulator/gpu.ts";
import { findModel } from "../src/simulator/model-config.ts";
import { readSettings } from "../src/simulator/settings.ts";

/** The model whose shape most fixtures have. */
export const QWEN = "Qwen/Qwen2.5-1.5B-Instruct";
/** The shape of the fixture phi-3-mini.log. */
export const PHI = "microsoft/Phi-3-mini-4k-instruct";

/** The deployment of a model under flags and `VLLM_SIM_*` settings, with the fixtures' `--max-model-len 4096`. */
export function benchDeployment(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  model = QWEN,
): Deployment {
  const lookup = findModel(model);
  if (lookup.kind !== "found") throw new Error(`no such model: ${model}`);
  const settings = readSettings(env);
  const parsed = parseFlags([model, "--max-model-len", "4096", "--load-format", "dummy", ...flags]);
  return deploy(parsed, settings, findGpu(settings.gpu), lookup.shape);
}
