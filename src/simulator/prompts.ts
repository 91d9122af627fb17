/** Prompts as requests give them: text or ids, one or several, or a conversation. */
import { apiError, InvalidValue } from "./errors.ts";
import type { FieldReader } from "./field-reader.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** One prompt, in ids. */
export interface Prompt {
  tokens: number[];
  /** The text it came as; undefined when it came as ids. */
  text: string | undefined;
}

const LIST = "Input should be a valid list";
const TEXT = "Input should be a valid string";

/** A completion's prompts as they were given: each text or ids. */
export function readPrompts(fields: FieldReader): (string | number[])[] {
  const value = fields.raw("prompt");
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) {
    for (const kind of ["list", "list", "string", "list"] as const)
      fields.complain(`${kind}_type`, "prompt", kind === "list" ? LIST : TEXT, value);
    return [];
  }
  if (value.every(isToken)) return value.length === 0 ? [] : [value as number[]];
  if (value.every((item) => typeof item === "string")) return value as string[];
  if (value.every((item) => Array.isArray(item) && item.every(isToken))) return value as number[][];
  complainOfList(fields, value);
  return [];
}

function isToken(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** Pydantic's complaints for each kind of list that this is not. */
function complainOfList(fields: FieldReader, value: readonly unknown[]): void {
  value.forEach((item, i) => {
    if (isToken(item)) return;
    const negative = typeof item === "number" && item < 0;
    const msg = negative ? "Input should be greater than or equal to 0" : "Input should be a valid integer";
    if (negative) fields.complain("greater_than_equal", ["prompt", i], msg, item, { ge: 0 });
    else fields.complain("int_type", ["prompt", i], msg, item);
  });
  value.forEach((item, i) => {
    if (!Array.isArray(item)) fields.complain("list_type", ["prompt", i], LIST, item);
  });
  fields.complain("string_type", "prompt", TEXT, value);
  value.forEach((item, i) => {
    if (typeof item !== "string") fields.complain("string_type", ["prompt", i], TEXT, item);
  });
}

/**
 * Turns prompts into ids.
 *
 * @throws InvalidValue for none, an empty one, or ids past the vocabulary
 */
export function encodePrompts(
  given: readonly (string | number[])[],
  tokenizer: Tokenizer,
  vocab: number,
): Prompt[] {
  if (given.length === 0) throw new InvalidValue("You must pass at least one prompt");
  return given.map((item) => {
    const text = typeof item === "string" ? item : undefined;
    const tokens = typeof item === "string" ? tokenizer.encode(item) : item;
    if (tokens.length === 0) throw new InvalidValue("The decoder prompt cannot be empty");
    const outside = tokens.find((token) => token >= vocab);
    if (outside !== undefined) throw new InvalidValue(`Token id ${outside} is out of vocabulary`);
    return { tokens, text };
  });
}

/** A conversation's messages; complaints go to `fields`. */
export function readMessages(fields: FieldReader): Readonly<Record<string, unknown>>[] {
  const value = fields.raw("messages");
  if (value === undefined) fields.missing("messages");
  else if (!Array.isArray(value)) fields.complain("list_type", "messages", LIST, value);
  else {
    value.forEach((message, i) => {
      const whole = typeof message === "object" && message !== null && typeof message.role === "string";
      if (!whole) fields.complain("missing", ["messages", i, "role"], "Field required", message);
    });
    return value as Record<string, unknown>[];
  }
  return [];
}

/**
 * Lays messages out as a chat template would.
 *
 * @throws InvalidValue for an empty conversation
 */
export function renderChat(messages: readonly Readonly<Record<string, unknown>>[], model: string): string {
  if (messages.length === 0)
    throw new InvalidValue(
      "Cannot apply chat template to an empty conversation. Provide at least one message.",
    );
  let text = "";
  for (const message of messages)
    text += `<|im_start|>${String(message["role"])}\n${contentText(message["content"], model)}<|im_end|>\n`;
  return `${text}<|im_start|>assistant\n`;
}

function contentText(content: unknown, model: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as Record<string, unknown>[])
    .map((part) => {
      if (typeof part["text"] === "string") return part["text"];
      throw apiError(400, "BadRequestError", `${model} is not a multimodal model`, null);
    })
    .join("\n");
}
