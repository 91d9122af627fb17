import { VALUE_RULES } from "./flag-values.ts";
import { findInJson, takesKnownKeysOnly } from "./json-keys.ts";
import { allowIn, NO_POLICY_ALLOWS, printable, quote, type Refusal } from "./refusal.ts";
import { OWNED_FLAGS, REFUSED_FLAGS } from "./refused-flags.ts";
import { looksLikePlace, smellOfFlag } from "./suspicious-text.ts";
import { type Argument, type Flag, isInverse, normaliseFlagName, readArgv } from "./vllm-argv.ts";
import { type ReadJson, readJson } from "./vllm-json.ts";

/** What else a flag's value is judged by. */
interface Context {
  /** The scenario's model. */
  model: string;
  /** Flags and JSON keys, by their normal names. */
  allowed: ReadonlySet<string>;
}

/** Every reason not to start a server of this model with these arguments. */
export function checkFlags(args: readonly string[], model: string, allowFlags: readonly string[]): Refusal[] {
  const context = { model, allowed: new Set(allowFlags.map(normaliseFlagName)) };
  return readArgv(args).flatMap((argument) => checkArgument(argument, context) ?? []);
}

function checkArgument(argument: Argument, context: Context): Refusal | undefined {
  switch (argument.kind) {
    case "stray":
      return refuseStray(argument.token);
    case "problem":
      return refuseUnread(argument.token, argument.action);
    case "flag":
      return checkFlag(argument.flag, argument.values, context);
  }
}

function checkFlag(flag: Flag, values: readonly string[], context: Context): Refusal | undefined {
  const owned = flag.meanings.find((meaning) => OWNED_FLAGS.has(meaning));
  if (owned !== undefined)
    return { ...refuse(flag, owned, OWNED_FLAGS.get(owned)!), howToAllow: NO_POLICY_ALLOWS };
  if (flag.meanings.length === 0) return checkUnknown(flag, values, context);
  for (const meaning of flag.meanings) {
    if (context.allowed.has(meaning)) continue;
    const action = REFUSED_FLAGS.get(meaning);
    const refusal =
      action === undefined ? checkValues(flag, meaning, values, context) : refuse(flag, meaning, action);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkUnknown(flag: Flag, values: readonly string[], context: Context): Refusal | undefined {
  if (context.allowed.has(flag.name) || isInverse(flag.name)) return undefined;
  const word = smellOfFlag(flag.name);
  if (word !== undefined) {
    const reason = `${printable(flag.typed)} is not a flag that the gate knows, and ${quote(word)} in its name points at code, files or the network.`;
    return refusal(flag.typed, reason, allowFlag(flag.name));
  }
  if (values.some(looksLikePlace))
    return refuse(flag, flag.name, "read from a path or an address (the gate does not know this flag)");
  return checkValues(flag, flag.name, values, context);
}

function checkValues(
  flag: Flag,
  meaning: string,
  values: readonly string[],
  context: Context,
): Refusal | undefined {
  for (const value of values) {
    const read = readJson(value);
    const nested = nest(flag, read, value);
    const isJson = typeof nested === "object" && nested !== null;
    const plain = flag.path.length > 0 ? JSON.stringify(nested) : value;
    const action =
      VALUE_RULES.get(meaning)?.(plain, context.model) ??
      (isJson ? repeatProblem(read) : textProblem(meaning, value, read));
    if (action !== undefined) return refuse(flag, meaning, action);
    const found = isJson ? findInJson(meaning, nested, context.allowed) : undefined;
    if (found !== undefined) return refuseKey(flag, meaning, found.path, found.problem);
  }
  return undefined;
}

/** The value of `--flag.a.b` as the object that vLLM makes of it. */
function nest(flag: Flag, read: ReadJson, value: string): unknown {
  const inner = flag.list ? value.split(",") : read.kind === "json" ? read.value : value;
  return flag.path.reduceRight<unknown>((nested, key) => Object.fromEntries([[key, nested]]), inner);
}

function repeatProblem(read: ReadJson): string | undefined {
  return read.kind === "json" && read.repeats
    ? "set a JSON key twice, and programs differ in which of the two they take"
    : undefined;
}

/** What a value that is no JSON object would do. */
function textProblem(meaning: string, value: string, read: ReadJson): string | undefined {
  if (read.kind === "unreadable") return "set JSON that the gate cannot read, so it cannot see what it sets";
  if (takesKnownKeysOnly(meaning)) return "set something other than the keys that the gate knows";
  const takesObject = /-(?:config|kwargs|overrides|loras)$/.test(meaning);
  return takesObject && !VALUE_RULES.has(meaning) && looksLikePlace(value)
    ? "read from a path or an address"
    : undefined;
}

// How a refusal reads.

function refuse(flag: Flag, meaning: string, action: string): Refusal {
  const typed = printable(flag.typed);
  const isItself = flag.name === meaning && typed.startsWith("--");
  const reason = isItself
    ? `${typed} would ${action}.`
    : `${typed} can stand for ${meaning}, which would ${action}.`;
  return refusal(flag.typed, reason, allowFlag(meaning));
}

function refuseKey(flag: Flag, meaning: string, path: readonly string[], action: string): Refusal {
  const typed = flag.path.length > 0 ? flag.typed : [flag.typed, ...path].join(".");
  const name = [meaning, ...path].join(".");
  return refusal(typed, `${printable(name)} would ${action}.`, allowFlag(name));
}

function refuseUnread(token: string, action: string): Refusal {
  return refusal(
    token,
    `${printable(token)} would ${action}.`,
    "Remove it, or write the flags out in full, with two dashes and their values after `=`; no policy allows it.",
  );
}

function refuseStray(token: string): Refusal {
  return refusal(
    token,
    `${quote(token)} belongs to no flag, so vLLM would read it as a second model.`,
    "Remove it, or join it to its flag with `=`; no policy allows it.",
  );
}

function allowFlag(name: string): string {
  return allowIn("allowFlags", printable(name));
}

function refusal(typed: string, reason: string, howToAllow: string): Refusal {
  return { kind: "flag", name: printable(typed), reason, howToAllow };
}
