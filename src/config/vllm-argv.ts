import { OWNED_FLAGS, REFUSED_FLAGS } from "./refused-flags.ts";
import { type FlagArity, VLLM_FLAGS, VLLM_SHORT_FLAGS } from "./vllm-flags.ts";

/** A flag as vLLM's parser may understand it. */
export interface Flag {
  /** As typed, up to the value. */
  typed: string;
  /** Dashes for underscores, lower case, without dotted keys. */
  name: string;
  /** The flags it can stand for; empty if no known one. */
  meanings: readonly string[];
  /** Dotted keys after the name. */
  path: readonly string[];
  /** `--flag.key+`: the value is a list, split at commas. */
  list: boolean;
  /** The value after `=`, or glued to a short flag. */
  attached: string | undefined;
  /** How many values follow; `undefined` if nobody knows. */
  arity: FlagArity | undefined;
}

/** A part of a command line: a flag with its values, a word to refuse unread, or a word that no flag takes. */
export type Argument =
  | { kind: "flag"; flag: Flag; values: readonly string[] }
  | Problem
  | { kind: "stray"; token: string };

interface Problem {
  kind: "problem";
  token: string;
  /** What it would do. */
  action: string;
}

/**
 * Reads an argv the way vLLM's own parser (`FlexibleArgumentParser`, Python's argparse with abbreviations on) reads
 * it. What cannot be read with certainty is a problem.
 */
export function readArgv(args: readonly string[]): Argument[] {
  const read: Argument[] = [];
  let index = 0;
  while (index < args.length) {
    const token = args[index]!;
    index += 1;
    if (token.includes("\0")) {
      read.push(problem(token, "hold a NUL character, which no command line can"));
    } else if (token === "--") {
      read.push(problem(token, "turn every flag after it into something else"));
    } else if (!isFlagToken(token)) {
      read.push({ kind: "stray", token });
    } else {
      const next = args.findIndex((arg, at) => at >= index && isFlagToken(arg));
      const following = args.slice(index, next < 0 ? args.length : next);
      read.push(...readFlag(token, following));
      index += following.length;
    }
  }
  return read;
}

function problem(token: string, action: string): Problem {
  return { kind: "problem", token, action };
}

/** Argparse takes a negative number for a value, and a lone dash too. */
function isFlagToken(token: string): boolean {
  return token.startsWith("-") && token.length > 1 && !/^-(?:\d+|\d*\.\d+)$/.test(token);
}

function readFlag(token: string, following: readonly string[]): Argument[] {
  const flag = token.startsWith("--") ? readLong(token) : readShort(token);
  if ("action" in flag) return [flag];
  const taken = valuesTaken(flag, following.length);
  const values = [...(flag.attached === undefined ? [] : [flag.attached]), ...following.slice(0, taken)];
  const strays = following.slice(taken).map((word): Argument => ({ kind: "stray", token: word }));
  // After a dotted key vLLM takes the next word as the value even if it is a flag, and moves both to the end: in
  // `--a --b.key --seed x` the word `x` becomes the value of `--a`.
  const swallows = flag.path.length > 0 && values.length === 0;
  return [
    ...(swallows ? [problem(flag.typed, "take the next flag for its value")] : []),
    { kind: "flag", flag, values },
    ...strays,
  ];
}

/** How many of the words after a flag are its values. */
function valuesTaken({ path, attached, arity }: Flag, following: number): number {
  if (path.length > 0) return attached === undefined ? Math.min(1, following) : 0;
  if (attached !== undefined) return arity === undefined ? following : 0;
  switch (arity) {
    case "none":
      return 0;
    case "one":
    case "optional":
      return Math.min(1, following);
    case "many":
    case undefined:
      return following;
  }
}

/** Every flag with a name of its own, to close refusals under abbreviation. */
const KNOWN: readonly string[] = [
  ...new Set([...VLLM_FLAGS.keys(), ...REFUSED_FLAGS.keys(), ...OWNED_FLAGS.keys()]),
];

function readLong(token: string): Flag {
  const { key, attached } = splitValue(token);
  const { head, path, list } = splitKeys(key);
  const name = dashed(head);
  const inverse = isInverse(name);
  const meanings = inverse ? [] : meaningsOf(name);
  return { typed: key, name, meanings, path, list, attached, arity: inverse ? "none" : arityOf(meanings) };
}

function dashed(name: string): string {
  return name.replaceAll("_", "-").toLowerCase();
}

/** vLLM 0.33 gives every `--enable-x` an inverse `--disable-x`; like a `--no-x` it only turns something off. */
export function isInverse(name: string): boolean {
  const enable = name.replace(/^--disable-/, "--enable-");
  return enable !== name && VLLM_FLAGS.get(enable) === "none";
}

/** What a long name can stand for: itself if it is one, else every flag that it begins. */
function meaningsOf(name: string): readonly string[] {
  return KNOWN.includes(name) ? [name] : KNOWN.filter((known) => known.startsWith(name));
}

function arityOf(meanings: readonly string[]): FlagArity | undefined {
  const arities = new Set(meanings.map((meaning) => VLLM_FLAGS.get(meaning)));
  return arities.size === 1 ? [...arities][0] : undefined;
}

function readShort(token: string): Flag | Problem {
  if (token.startsWith("-O")) return readOptimization(token);
  const { key, attached } = splitValue(token);
  const { head, path, list } = splitKeys(key);
  const meanings = shortMeaningsOf(head);
  const [name] = meanings;
  if (name !== undefined) {
    const arity = arityOf(meanings);
    // `-ep=q` is `-ep -q` to argparse: a switch with a glued value can hide any short flag.
    if (attached !== undefined && arity !== "one")
      return problem(key, "hide another flag behind the equals sign of a short one");
    return { typed: key, name, meanings, path, list, attached, arity };
  }
  // A value glued to a flag of one letter: `-qfp8`.
  const letter = token.slice(0, 2);
  const long = VLLM_SHORT_FLAGS.get(letter);
  if (long !== undefined && VLLM_FLAGS.get(long) === "one" && !key.includes("."))
    return {
      ...NO_KEYS,
      typed: letter,
      name: long,
      meanings: [long],
      attached: token.slice(2),
      arity: "one",
    };
  return problem(key, "set something unknown: no short flag has that name");
}

/** Argparse completes short flags too: `-c` is `-cc`. */
function shortMeaningsOf(name: string): readonly string[] {
  const exact = VLLM_SHORT_FLAGS.get(name);
  if (exact !== undefined) return [exact];
  return [...VLLM_SHORT_FLAGS].filter(([short]) => short.startsWith(name)).map(([, long]) => long);
}

const NO_KEYS = { path: [], list: false } as const;

/** `-O3` and `-O 3`, and the compilation configuration that `-O` was up to vLLM 0.11: `-O{…}`, `-O.key=value`. */
function readOptimization(token: string): Flag {
  const name = "--compilation-config";
  const flag = { name, meanings: [name], arity: "one" } as const;
  const rest = token.slice("-O".length);
  if (!rest.startsWith("."))
    return { ...flag, ...NO_KEYS, typed: "-O", attached: rest === "" ? undefined : rest.replace(/^=/, "") };
  const { key, attached } = splitValue(token);
  const { path, list } = splitKeys(key);
  return { ...flag, typed: key, path, list, attached };
}

function splitValue(token: string): { key: string; attached: string | undefined } {
  const at = token.indexOf("=");
  return at < 0
    ? { key: token, attached: undefined }
    : { key: token.slice(0, at), attached: token.slice(at + 1) };
}

function splitKeys(key: string): { head: string; path: readonly string[]; list: boolean } {
  const [head = "", ...path] = key.split(".");
  const list = path.length > 0 && key.endsWith("+");
  if (list) path[path.length - 1] = path[path.length - 1]!.slice(0, -1);
  return { head, path, list };
}

/** A policy's entry for a flag, `Chat_Template` say, as the reader names that flag. */
export function normaliseFlagName(entry: string): string {
  const [head = "", ...path] = entry.trim().split(".");
  const flag = head.startsWith("-") ? head : `--${head}`;
  const name = flag.startsWith("--") ? dashed(flag) : flag;
  return [VLLM_SHORT_FLAGS.get(name) ?? name, ...path].join(".");
}
