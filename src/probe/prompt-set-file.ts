import { UsageError } from "../domain/errors.ts";
import {
  type CountedGroup,
  type PrefixPrompt,
  type PromptGroup,
  type PromptLine,
  promptLineSchema,
} from "../domain/prefix-prompts.ts";
import { textSha256 } from "./prompt-set.ts";

/** Largest file that is read. */
export const MAX_PROMPT_FILE_BYTES = 64_000_000;
const MAX_LINES = 20_000;
/** What prompts of a group must at least share to have a prefix: less is no block of a cache. */
const LEAST_PREFIX_BYTES = 64;
/** A token is a byte at least, but for tokens that stand for nothing. */
const LEAST_BYTES_PER_TOKEN = 1;
/** Workload or regime of prompts that are meant to share nothing. */
export const UNIQUE = "unique";

/**
 * The groups of a prompt file, each with its beginning found and proven: the longest that all its prompts share, byte
 * by byte, or the one that its lines name with length and hash.
 *
 * @param name - of the file, for messages
 * @throws UsageError for a line that is none, prompts that share too little for their regime, a hash that is not that
 *   of the beginning, and prompts of the workload `unique` that share one
 */
export function readPromptFile(text: string, name: string): PromptGroup[] {
  const lines = text.split(/\r?\n/);
  if (lines.length > MAX_LINES) {
    throw new UsageError(`${name}: ${lines.length} lines, expected at most ${MAX_LINES}`);
  }
  const groups = new Map<string, NumberedLine[]>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const read = readLine(line, `${name}:${index + 1}`);
    const key = JSON.stringify([read.workload ?? "user", read.prefix_regime ?? "own"]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push({ ...read, at: `${name}:${index + 1}` });
  }
  if (groups.size === 0) throw new UsageError(`${name}: no prompt in it`);
  return [...groups].map(([key, group]) => {
    const [workload, regime] = JSON.parse(key) as [string, string];
    return workload === UNIQUE || regime === UNIQUE
      ? { workload: UNIQUE, regime, prompts: uniquePrompts(group) }
      : { workload, regime, prompts: sharedPrompts(group, workload, regime) };
  });
}

interface NumberedLine extends PromptLine {
  /** File and line. */
  readonly at: string;
}

function readLine(line: string, at: string): PromptLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(
      `${at}: no JSON, expected an object such as {"prompt": "…", "prefix_regime": "1024"}`,
    );
  }
  const parsed = promptLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${at}: ${issue?.path.join(".") || "the line"}: ${issue?.message ?? "not a prompt"}`);
}

function sharedPrompts(group: readonly NumberedLine[], workload: string, regime: string): PrefixPrompt[] {
  const declared = group.every((line) => line.prefix_bytes !== undefined);
  if (declared) return group.map(declaredPrompt);
  const [first] = group as [NumberedLine];
  if (group.length < 2) {
    throw new UsageError(
      `${first.at}: the only prompt of workload ${workload}, regime ${regime}: a prefix is what several share, expected 20 to 50`,
    );
  }
  const bytes = group.map((line) => Buffer.from(line.prompt, "utf8"));
  const [start] = bytes as [Buffer];
  let shared = start.length;
  let odd = 0;
  for (const [index, other] of bytes.entries()) {
    const common = commonBytes(start, other);
    if (common < shared) {
      shared = common;
      odd = index;
    }
  }
  const tokens = /^\d+$/.test(regime) ? Number(regime) : 0;
  const least = Math.max(LEAST_PREFIX_BYTES, tokens * LEAST_BYTES_PER_TOKEN);
  if (shared < least) {
    const other = group[odd] as NumberedLine;
    throw new UsageError(
      `${other.at}: prompts of workload ${workload}, regime ${regime} share their first ${shared} bytes only, expected ` +
        `${least} or more: here follows ${quoteAt(other.prompt, shared)}, in ${first.at} ${quoteAt(first.prompt, shared)}. ` +
        "A prefix must be the same byte by byte.",
    );
  }
  return group.map((line) => split(line.prompt, shared));
}

function declaredPrompt(line: NumberedLine): PrefixPrompt {
  const length = line.prefix_bytes ?? 0;
  const size = Buffer.byteLength(line.prompt, "utf8");
  if (length > size) throw new UsageError(`${line.at}: prefix_bytes is ${length}, the prompt has ${size}`);
  const prompt = split(line.prompt, length);
  if (line.prefix_sha256 !== undefined && line.prefix_sha256 !== prompt.prefixSha256) {
    throw new UsageError(
      `${line.at}: the first ${length} bytes hash to ${prompt.prefixSha256}, prefix_sha256 is ${line.prefix_sha256}`,
    );
  }
  return { ...prompt, thread: line.thread ?? null };
}

/** Prompts that must miss a cache: no two may begin alike, or a miss would be measured as a hit. */
function uniquePrompts(group: readonly NumberedLine[]): PrefixPrompt[] {
  const sorted = [...group].sort((a, b) => (a.prompt < b.prompt ? -1 : 1));
  for (const [index, line] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined) break;
    const shared = commonBytes(Buffer.from(line.prompt, "utf8"), Buffer.from(next.prompt, "utf8"));
    if (shared < LEAST_PREFIX_BYTES) continue;
    throw new UsageError(
      `${next.at}: a prompt of the workload unique shares its first ${shared} bytes with ${line.at}: the second would ` +
        "hit the prefix cache and be measured as a miss. Begin each with something of its own.",
    );
  }
  return group.map((line) =>
    split(line.prompt, Math.min(LEAST_PREFIX_BYTES, Buffer.byteLength(line.prompt))),
  );
}

function commonBytes(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a[at] === b[at]) at += 1;
  return at;
}

/** A prompt in two, cut before the character that holds the byte. */
function split(prompt: string, bytes: number): PrefixPrompt {
  const buffer = Buffer.from(prompt, "utf8");
  let at = bytes;
  while (at > 0 && at < buffer.length && ((buffer[at] as number) & 0xc0) === 0x80) at -= 1;
  const prefix = buffer.subarray(0, at).toString("utf8");
  return {
    prefix,
    suffix: buffer.subarray(at).toString("utf8"),
    prefixSha256: textSha256(prefix),
    thread: null,
  };
}

function quoteAt(prompt: string, bytes: number): string {
  const rest = Buffer.from(prompt, "utf8")
    .subarray(bytes, bytes + 40)
    .toString("utf8");
  return rest === "" ? "its end" : JSON.stringify(rest.slice(0, 24));
}

/** The groups as `csv/prefix_prompts.jsonl`, a prompt a line, with the proof of its prefix. */
export function formatPromptFile(groups: readonly CountedGroup[]): string {
  return groups
    .flatMap((group) =>
      group.prompts.map((prompt, index) => {
        const { prefix, suffix, prefixSha256, thread } = prompt;
        const tokens = group.prefixTokens[prefixSha256];
        return `${JSON.stringify({
          prompt: prefix + suffix,
          workload: group.workload,
          prefix_regime: group.regime,
          id: index,
          prefix_sha256: prefixSha256,
          prefix_bytes: Buffer.byteLength(prefix, "utf8"),
          prefix_tokens: tokens?.own ?? 0,
          shared_tokens: tokens?.shared ?? 0,
          prompt_tokens: group.promptTokens[index] ?? 0,
          ...(thread === null ? {} : { thread }),
        })}\n`;
      }),
    )
    .join("");
}
