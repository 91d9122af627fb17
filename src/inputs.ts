import { relative, resolve } from "node:path";
import { type GateConfig, parseConfig, policyOf, resolveConfig } from "./config/load.ts";
import type { Overrides } from "./config/overrides.ts";
import type { ConfigFile } from "./config/schema.ts";
import { UsageError } from "./domain/errors.ts";
import { readTextIfExists } from "./system/files.ts";
import { gitHas, gitShow } from "./system/git.ts";

/** Where the configuration comes from when nothing else is said. */
export const CONFIG_FILE = "vllm-gate.yml";

export interface ConfigRequest {
  readonly cwd: string;
  /** Path of the file; {@link CONFIG_FILE} when absent, which then may be missing. */
  readonly configPath?: string;
  readonly overrides: Overrides;
  readonly nameOverride: (key: keyof Overrides) => string;
  /** Git revision whose copy of the file holds the policy; the same file when absent. */
  readonly baseRevision?: string;
}

const NO_POLICY = { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [] };

/**
 * The configuration of a run: the file, what overrides it, and the policy that says which flags are allowed.
 * Of a pull request, policy and tolerances are those of the base branch: it cannot allow or excuse itself anything.
 *
 * @throws UsageError for anything wrong in file, overrides or revision
 */
export async function loadConfig(request: ConfigRequest): Promise<GateConfig> {
  const { cwd, configPath, overrides, nameOverride, baseRevision } = request;
  const fileName = configPath ?? CONFIG_FILE;
  const path = resolve(cwd, fileName);
  const text = await readTextIfExists(path);
  if (text === null && configPath !== undefined) throw new UsageError(`${fileName}: no such file`);
  const file = text === null ? null : parseConfig(text, fileName);
  let policy = file === null ? NO_POLICY : policyOf(file, fileName);
  let judge: ConfigFile | null = null;
  if (baseRevision !== undefined) {
    if (!(await gitHas(cwd, baseRevision))) {
      throw new UsageError(
        `${baseRevision}: no such commit in this clone, expected the base branch. Fetch it first.`,
      );
    }
    const baseText = await gitShow(cwd, baseRevision, `./${relative(cwd, path)}`);
    const name = `${fileName} of ${baseRevision}`;
    judge = baseText === null ? null : parseConfig(baseText, name);
    policy = judge === null ? NO_POLICY : policyOf(judge, name);
  }
  return resolveConfig({
    file,
    fileName,
    overrides,
    nameOverride,
    policy,
    ...(judge === null ? {} : { judge }),
  });
}
