import { relative, resolve } from "node:path";
import {
  deepFreeze,
  type GateConfig,
  ownRulesOf,
  parseConfig,
  policyOf,
  type ResolveInput,
  resolveConfig,
} from "./config/load.ts";
import type { Overrides } from "./config/overrides.ts";
import type { ConfigFile } from "./config/schema.ts";
import { UsageError } from "./domain/errors.ts";
import { unknownMetricPatterns } from "./measure/metric-names.ts";
import { readCheckedOut } from "./system/files.ts";
import { gitHas, gitRoot, gitShow } from "./system/git.ts";
import { withTraffic } from "./traffic-input.ts";

/** Where the configuration comes from when nothing else is said. */
export const CONFIG_FILE = "vllm-gate.yml";

export interface ConfigRequest extends Pick<ResolveInput, "headAlone"> {
  readonly cwd: string;
  /** Path of the file; {@link CONFIG_FILE} when absent, which then may be missing. */
  readonly configPath?: string;
  readonly overrides: Overrides;
  readonly nameOverride: (key: keyof Overrides) => string;
  /** Git revision whose copy of the file holds the policy; the same file when absent. */
  readonly baseRevision?: string;
}

const NO_POLICY = { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [] };

const METRIC_RULES = ["tolerances", "levels", "limits"] as const;

/**
 * Refuses rules of metrics that do not exist: they would be ignored, and a mistyped limit would limit nothing.
 *
 * @throws UsageError with a line for each of them
 */
export function checkMetricNames(file: ConfigFile, fileName: string): void {
  const wrong = Object.entries(file.scenarios).flatMap(([name, scenario]) =>
    METRIC_RULES.flatMap((key) =>
      unknownMetricPatterns(Object.keys(scenario[key])).map(
        ({ pattern, nearest }) =>
          `${fileName}: scenarios.${name}.${key}: no metric is called \`${pattern}\`, the nearest is \`${nearest}\``,
      ),
    ),
  );
  if (wrong.length > 0) throw new UsageError(wrong.join("\n"));
}

/**
 * The configuration of a run: the file, what overrides it, and the policy that says which flags are allowed.
 * Of a pull request, policy, tolerances, effort and the baselines' folder are those of the base branch: it cannot allow or excuse itself anything.
 *
 * @throws UsageError for anything wrong in file, overrides or revision
 */
export async function loadConfig(request: ConfigRequest): Promise<GateConfig> {
  const { cwd, configPath, overrides, nameOverride, baseRevision } = request;
  const fileName = configPath ?? CONFIG_FILE;
  const path = resolve(cwd, fileName);
  const text = await readCheckedOut(path, await gitRoot(cwd));
  if (text === null && configPath !== undefined) throw new UsageError(`${fileName}: no such file`);
  const file = text === null ? null : parseConfig(text, fileName);
  if (file !== null) checkMetricNames(file, fileName);
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
  const resolved = resolveConfig({
    file,
    fileName,
    overrides,
    nameOverride,
    policy,
    ...(request.headAlone === undefined ? {} : { headAlone: request.headAlone }),
    ...(judge === null ? {} : { judge }),
  });
  const config =
    baseRevision === undefined
      ? resolved
      : deepFreeze({ ...resolved, own: ownRulesOf(file, fileName, resolved) });
  return withTraffic(config, cwd, baseRevision);
}
