import { relative, resolve } from "node:path";
import { parseBaseline } from "./baseline/baseline-text.ts";
import type { Baseline } from "./domain/baseline.ts";
import { UsageError } from "./domain/errors.ts";
import { diffFingerprints, type Fingerprint } from "./domain/fingerprint.ts";
import { type NoiseFile, noiseFileSchema } from "./domain/noise.ts";
import type { Surroundings } from "./surroundings.ts";
import { parseJson, readCheckedOut } from "./system/files.ts";
import { gitRoot, gitShow } from "./system/git.ts";

/** The baseline that judges; null when there is none.
 *
 * @throws UsageError when it cannot be read, or is another scenario's
 */
export async function readBaseline(
  path: string,
  scenario: string,
  world: Surroundings,
): Promise<Baseline | null> {
  const text = await readJudging(path, world);
  return text === null ? null : parseBaseline(text, path, scenario);
}

/** Noise by metric, where `calibrate` found it out. */
export type Noise = NoiseFile["metrics"] | undefined;

/** How far sessions spread on this machine, where `calibrate` found it out. */
export async function readNoise(
  path: string,
  scenario: string,
  fingerprint: Fingerprint,
  world: Surroundings,
): Promise<Noise> {
  const text = await readJudging(path, world);
  if (text === null) return undefined;
  const noise = parseJson(text, noiseFileSchema, path);
  if (noise.scenario !== scenario) {
    throw new UsageError(
      `${path}: noise of scenario ${JSON.stringify(noise.scenario)}, expected ${JSON.stringify(scenario)}`,
    );
  }
  const differs = diffFingerprints(noise.fingerprint, fingerprint).find(({ rule }) => rule === "must");
  if (Object.keys(noise.fingerprint).length === 0 || differs !== undefined) {
    const why =
      differs === undefined
        ? "no machine is named"
        : `${differs.field} was ${differs.base}, here it is ${differs.head}`;
    world.log.warn(`${path} is not used: ${why}. Run vllm-gate calibrate here.`);
    return undefined;
  }
  return noise.metrics;
}

/** A file that judges: the base branch's copy of a pull request, else the one that is checked out. */
async function readJudging(path: string, { baseRevision, cwd }: Surroundings): Promise<string | null> {
  const file = resolve(cwd, path);
  return baseRevision === undefined
    ? readCheckedOut(file, await gitRoot(cwd))
    : gitShow(cwd, baseRevision, `./${relative(cwd, file)}`);
}
