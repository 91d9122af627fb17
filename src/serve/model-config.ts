import { open, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { flagValue } from "../domain/flag-value.ts";
import { kvDeployment, type ModelFacts, modelFacts } from "../domain/kv-formula.ts";
import { type ModelShape, readModelShape } from "../domain/model-shape.ts";

/** Which model a server serves. */
export interface ServedSpec {
  /** Folder that a relative model path starts from. */
  readonly cwd: string;
  /** A folder, or a name on the Hugging Face Hub. */
  readonly model: string;
  readonly args: readonly string[];
  /** The server's environment: it says where downloaded models are kept. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A `config.json` is a few kB; one of a model with thousands of layers' settings stays below this. */
const MAX_CONFIG_BYTES = 4_000_000;

/**
 * The shape of a model from its `config.json`: of a folder, or of a Hub model that was downloaded to this machine.
 * Nothing is fetched.
 *
 * @returns null when there is none here, or it is not one: the server will say what is wrong with it
 */
export async function findModelShape(spec: ServedSpec): Promise<ModelShape | null> {
  for (const path of await configPaths(spec)) {
    const config = await readConfig(path);
    const shape = config === null ? null : readModelShape(config);
    if (shape !== null) return shape;
  }
  return null;
}

/** What is known of a model under the flags that it is served with; null when its config is not on this machine. */
export async function findModelFacts(spec: ServedSpec): Promise<ModelFacts | null> {
  const shape = await findModelShape(spec);
  return shape === null ? null : modelFacts(shape, kvDeployment(spec.args));
}

async function configPaths({ cwd, model, args, env }: ServedSpec): Promise<string[]> {
  const folder = resolve(cwd, model);
  if (await isFolder(folder)) return [join(folder, "config.json")];
  // Only a name of the Hub from here on: what is joined below cannot leave the cache.
  if (!/^[\w.-]{1,96}\/[\w.-]{1,96}$/.test(model) || model.includes("..")) return [];
  const cache =
    flagValue(args, "--download-dir") ??
    env["HF_HUB_CACHE"] ??
    env["HUGGINGFACE_HUB_CACHE"] ??
    join(
      env["HF_HOME"] ??
        join(env["XDG_CACHE_HOME"] ?? join(env["HOME"] ?? homedir(), ".cache"), "huggingface"),
      "hub",
    );
  const repository = join(resolve(cwd, cache), `models--${model.replace("/", "--")}`);
  const revision = flagValue(args, "--revision") ?? "main";
  const commit = /^[0-9a-f]{40}$/.test(revision) ? revision : await readCommit(repository, revision);
  return commit === null ? [] : [join(repository, "snapshots", commit, "config.json")];
}

async function readCommit(repository: string, revision: string): Promise<string | null> {
  if (!/^[\w.-]{1,96}$/.test(revision) || revision.includes("..")) return null;
  const text = await readStart(join(repository, "refs", revision), 100);
  const commit = text?.trim() ?? "";
  return /^[0-9a-f]{40}$/.test(commit) ? commit : null;
}

async function readConfig(path: string): Promise<unknown> {
  const text = await readStart(path, MAX_CONFIG_BYTES);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The text of a regular file that is not larger than it may be; null for anything else. */
async function readStart(path: string, maxBytes: number): Promise<string | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > maxBytes) return null;
    await using file = await open(path, "r");
    return await file.readFile("utf8");
  } catch {
    return null;
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
