import type { RunRecord, Variant } from "./run.ts";

/** What a run took from options in place of the file, and how that is typed. */
const OPTIONS: Readonly<Record<string, (variant: Variant) => readonly string[]>> = {
  model: ({ model }) => (model === undefined ? [] : ["--model", model]),
  serverUrl: ({ url }) => (url === undefined ? [] : ["--server-url", url]),
  command: ({ command }) => (command === undefined ? [] : ["--command", typed(command)]),
  args: ({ args }) => ["--args", typed(args)],
};

/**
 * The command that does what a run did: its scenario, and the options that came in place of the file's values.
 *
 * @param without - options that are not repeated
 */
export function commandOf(verb: "run" | "record", run: RunRecord, without: readonly string[] = []): string {
  const variant = run.variants["head"] ?? Object.values(run.variants)[0];
  const repeated = (run.overridden ?? []).filter((key) => !without.includes(key));
  const options = variant === undefined ? [] : repeated.flatMap((key) => OPTIONS[key]?.(variant) ?? []);
  return typed(["vllm-gate", verb, "--scenario", run.scenario, ...options]);
}

/**
 * The command that runs the same again.
 *
 * @param beside - an A/B: the other side is typed out, whichever revision it came from
 */
export function repeatCommand(run: RunRecord, beside: boolean): string {
  const { base } = run.variants;
  const command = commandOf("run", run);
  if (!beside || base === undefined) return command;
  const isSame = typed(base.command ?? []) === typed(run.variants["head"]?.command ?? []);
  const other = isSame ? [] : ["--base-command", typed(base.command ?? [])];
  return `${command} ${typed(["--compare-to", "base", "--base-args", typed(base.args), ...other])}`;
}

/**
 * The command that records the baseline that a run lacks. Flags that were tried by an option are not the ones to
 * compare with, unless the model came by an option too: then there may be no file that says others.
 */
export function firstRecordCommand(run: RunRecord): string {
  return commandOf("record", run, run.overridden?.includes("model") ? [] : ["args"]);
}

/** Arguments as a shell takes them. */
export function typed(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
