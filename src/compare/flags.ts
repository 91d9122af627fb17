import type { Difference } from "../domain/comparison.ts";

/** What a side was started with. */
export interface FlagSide {
  readonly args: readonly string[];
  readonly vllmVersion: string | null;
}

/** Flags and version that differ, as a reader says them: `--max-num-seqs 256 → 64`. */
export function diffFlags(base: FlagSide, head: FlagSide): Difference[] {
  const before = groupFlags(base.args);
  const after = groupFlags(head.args);
  const flags = [...new Set([...before.keys(), ...after.keys()])].sort();
  const differences = flags
    .map((what): Difference => ({ what, base: before.get(what) ?? null, head: after.get(what) ?? null }))
    .filter((difference) => difference.base !== difference.head);
  if (base.vllmVersion !== head.vllmVersion) {
    differences.unshift({ what: "vLLM", base: base.vllmVersion, head: head.vllmVersion });
  }
  return differences;
}

/** A server's command and environment. */
export interface ServerSide {
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** What differs between two servers beside their flags: the command, and variables by name. */
export function diffServers(base: ServerSide, head: ServerSide): Difference[] {
  const commands = [base.command, head.command].map((command) => command?.join(" ") ?? null);
  const names = [...new Set([...Object.keys(base.env ?? {}), ...Object.keys(head.env ?? {})])].sort();
  return [
    { what: "command", base: commands[0] ?? null, head: commands[1] ?? null },
    ...names.map((name) => ({
      what: `env ${name}`,
      base: base.env?.[name] ?? null,
      head: head.env?.[name] ?? null,
    })),
  ].filter((difference) => difference.base !== difference.head);
}

/**
 * Flags with their values; `--a=b` and `--a b` are the same, as are `_` and `-` in a name. A flag without a value
 * is "on"; the values of a flag that is given several times are separated by commas.
 */
function groupFlags(args: readonly string[]): Map<string, string> {
  const given: { readonly name: string; readonly values: string[] }[] = [];
  for (const arg of args) {
    if (arg.startsWith("-") && !/^-\d/.test(arg)) {
      const [, name = arg, value] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
      given.push({ name: flagName(name), values: value === undefined ? [] : [value] });
      continue;
    }
    const last = given.at(-1);
    if (last === undefined) given.push({ name: "(argument)", values: [arg] });
    else last.values.push(arg);
  }
  const flags = Map.groupBy(given, ({ name }) => name);
  return new Map(
    [...flags].map(([name, each]) => [
      name,
      each.map(({ values }) => (values.length === 0 ? "on" : values.join(" "))).join(", "),
    ]),
  );
}

/** `--max_num_seqs` is `--max-num-seqs`; the key after a dot (`--compilation-config.cudagraph_mode`) is a field's. */
function flagName(name: string): string {
  const dot = name.indexOf(".");
  return dot === -1
    ? name.replaceAll("_", "-")
    : `${name.slice(0, dot).replaceAll("_", "-")}${name.slice(dot)}`;
}
