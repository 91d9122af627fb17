import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { parseConfig, policyOf, resolveConfig } from "./config/load.ts";
import { UsageError } from "./domain/errors.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { writeFileAtomic } from "./system/files.ts";

const WORKFLOW = ".github/workflows/vllm-gate.yml";
/** Beside `src/` and `dist/` alike. */
const EXAMPLES = new URL("../examples/", import.meta.url);

export interface InitRequest {
  /** The repository's folder. */
  readonly root: string;
  /** Model name or folder, as vLLM takes it; the example's when absent. */
  readonly model?: string;
  /** Server flags in one string; none when only a model is given, the example's when both are absent. */
  readonly args?: string;
  /** Overwrite what is there. */
  readonly force: boolean;
}

/** What was written, in order. */
export interface Initialized {
  readonly files: readonly string[];
  readonly scenario: string;
  /** Whether the model is still the example's. */
  readonly exampleModel: boolean;
}

/**
 * Writes a workflow and a configuration for a repository, from the same files that `examples/` shows.
 *
 * @throws UsageError when one of them is there already, or the flags are none that a gate would take; nothing is
 * written then
 */
export async function initRepository({ root, model, args, force }: InitRequest): Promise<Initialized> {
  const example = await readFile(new URL("config/vllm-gate.yml", EXAMPLES), "utf8");
  const { text, scenario } = configOf(example, model, args);
  const workflow = workflowOf(await readFile(new URL("pull-request.yml", EXAMPLES), "utf8"));
  const files = [
    { name: CONFIG_FILE, text },
    { name: WORKFLOW, text: workflow },
  ];
  const present = await presentOf(
    root,
    files.map(({ name }) => name),
  );
  if (present.length > 0 && !force) {
    throw new UsageError(`${present.join(" and ")}: there already; --force overwrites, nothing was written`);
  }
  for (const { name, text: content } of files) await writeFileAtomic(join(root, name), content);
  return { files: files.map(({ name }) => name), scenario, exampleModel: model === undefined };
}

/** The example's configuration with the user's model and flags, comments kept, and checked as every other is. */
function configOf(example: string, model: string | undefined, args: string | undefined) {
  const document = parseDocument(example);
  const [scenario = ""] = Object.keys(parseConfig(example, CONFIG_FILE).scenarios);
  if (model !== undefined) {
    document.setIn(["scenarios", scenario, "model"], model);
    // Flags that fit the example's model may not fit this one.
    if (args === undefined) document.deleteIn(["scenarios", scenario, "args"]);
  }
  if (args !== undefined) document.setIn(["scenarios", scenario, "args"], args);
  const text = document.toString({ lineWidth: 0 });
  const file = parseConfig(text, CONFIG_FILE);
  resolveConfig({
    file,
    fileName: CONFIG_FILE,
    // Named as they were given, so that a refusal speaks of them.
    overrides: { ...(model === undefined ? {} : { model }), ...(args === undefined ? {} : { args }) },
    nameOverride: (key) => `--${key}`,
    policy: policyOf(file, CONFIG_FILE),
  });
  return { text, scenario };
}

/** The example's workflow without its first words, which say where to copy it. */
function workflowOf(example: string): string {
  return example.slice(example.search(/^name:/m));
}

async function presentOf(root: string, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map((name) =>
      lstat(join(root, name)).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") return false;
          throw new UsageError(`${name}: cannot be looked at (${error.code})`);
        },
      ),
    ),
  );
  return names.filter((_, at) => found[at]);
}
