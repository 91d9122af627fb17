/**
 * The simulator's own settings on its command line or in a file: `--sim-noise h200` is `VLLM_SIM_NOISE=h200`,
 * `--sim-settings FILE` takes several from a JSON object (`{"noise": "h200", "seed": 3}`), and `--startup-scale` is short
 * for `--sim-startup-scale`.
 */
import { readFileSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "--sim-";

/** What is left when the simulator has taken its own. */
export interface TakenFlags {
  /** Arguments for vLLM's parser. */
  argv: string[];
  /** The environment under the settings given: a flag goes before the file, the file before the environment. */
  env: Environment;
}

/**
 * Takes the simulator's own flags out of the arguments.
 *
 * @param known names of settings, e.g. `VLLM_SIM_NOISE`
 * @throws Error naming a flag that is unknown or has no value, or a file that cannot be read
 */
export function takeOwnFlags(
  argv: readonly string[],
  env: Environment,
  known: readonly string[],
): TakenFlags {
  const rest: string[] = [];
  const given = new Map<string, string>();
  let file: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    const [written = "", ...parts] = arg.split("=");
    const flag = written === "--startup-scale" ? `${PREFIX}startup-scale` : written;
    if (!flag.startsWith(PREFIX)) {
      rest.push(arg);
      continue;
    }
    const value = parts.length > 0 ? parts.join("=") : argv[++i];
    if (value === undefined) throw new Error(`${written}: needs a value`);
    if (flag === `${PREFIX}settings`) file = value;
    else given.set(variableOf(flag.slice(PREFIX.length), written, known), value);
  }
  const fromFile = file === undefined ? {} : readSettingsFile(file, known);
  return { argv: rest, env: { ...env, ...fromFile, ...Object.fromEntries(given) } };
}

function variableOf(name: string, written: string, known: readonly string[]): string {
  const variable = `VLLM_SIM_${name.toUpperCase().replaceAll("-", "_")}`;
  if (known.includes(variable)) return variable;
  const names = known.map((each) => each.slice("VLLM_SIM_".length).toLowerCase().replaceAll("_", "-"));
  throw new Error(`${written}: no setting of the simulator (known: ${names.join(", ")})`);
}

function readSettingsFile(path: string, known: readonly string[]): Record<string, string> {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`--sim-settings: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new Error(`--sim-settings: ${path} is not a JSON object`);
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) {
    if (typeof value !== "string" && typeof value !== "number")
      throw new Error(`--sim-settings: ${path}: ${name} is neither a text nor a number`);
    settings[variableOf(name, `--sim-settings: ${path}: ${name}`, known)] = `${value}`;
  }
  return settings;
}
