/** The checks of vLLM's own that a request passes: on its raw body first, on its sampling parameters last. */
import { InvalidValue } from "./errors.ts";
import type { FieldReader } from "./field-reader.ts";
import { pythonFloat } from "./log.ts";
import { atLeast } from "./settings.ts";

const MOST_CHOICES = 16384;

function early(message: string, parameter: string, value?: unknown): InvalidValue {
  return new InvalidValue(message, parameter, value, true);
}

/**
 * What the request's model checks before its fields.
 *
 * @throws InvalidValue
 */
export function checkBody(fields: FieldReader, chat: boolean, version: string): void {
  const stream = fields.raw("stream");
  if (!chat && (fields.raw("prompt") === undefined || fields.raw("prompt") === ""))
    throw early("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  if (fields.raw("stream_options") && !stream)
    throw early("Stream options can only be defined when `stream=True`.", "stream_options");
  const counts = chat ? ["prompt_logprobs", "top_logprobs"] : ["prompt_logprobs", "logprobs"];
  for (const name of counts) {
    const value = fields.raw(name);
    if (value !== undefined && typeof value !== "number")
      throw early(`\`${name}\` must be an integer.`, name, value);
    if (value === undefined) continue;
    if (name === "prompt_logprobs" && stream && (value > 0 || value === -1))
      throw early("`prompt_logprobs` are not available when `stream=True`.", name);
    const negatives = name === "prompt_logprobs" || atLeast(version, 0, 26);
    if (value < 0 && !(negatives && value === -1))
      throw early(`\`${name}\` must be a positive value${negatives ? " or -1" : ""}.`, name, value);
    if (name === "top_logprobs" && value !== 0 && !fields.raw("logprobs"))
      throw early("when using `top_logprobs`, `logprobs` must be set to true.", name);
  }
  checkSalt(fields.raw("cache_salt"), version);
}

function checkSalt(salt: unknown, version: string): void {
  if (salt === undefined) return;
  if (typeof salt !== "string" || salt === "")
    throw early("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
  const odd = salt.length > 128 || ["@", "/", "\\", "\0"].some((char) => salt.includes(char));
  if (odd && atLeast(version, 0, 26)) {
    const message =
      "Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL.";
    throw early(message, "cache_salt");
  }
}

/** What a request asks of the sampler; undefined stands for the default. */
export interface Sampling {
  n: number;
  maxTokens: number;
  minTokens: number;
  temperature: number;
  topP: number | undefined;
  topK: number | undefined;
  minP: number | undefined;
  presence: number | undefined;
  frequency: number | undefined;
  repetition: number | undefined;
  logprobs: number | undefined;
  stop: readonly string[];
}

/** Checks the number of choices. @throws InvalidValue */
export function checkChoices(n: number): void {
  if (n < 1) throw new InvalidValue(`n must be at least 1, got ${n}.`);
  if (n <= MOST_CHOICES) return;
  const how = "To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.";
  throw new InvalidValue(`n must be at most ${MOST_CHOICES}, got ${n}. ${how}`);
}

/**
 * The checks of `SamplingParams`, in its order.
 *
 * @throws InvalidValue
 */
export function checkSampling(sampling: Sampling, mostLogprobs: number, version: string): void {
  const { temperature, topP, topK, minP, maxTokens, minTokens } = sampling;
  for (const name of ["presence", "frequency"] as const) {
    const value = sampling[name] ?? 0;
    if (value < -2 || value > 2)
      throw new InvalidValue(`${name}_penalty must be in [-2, 2], got ${pythonFloat(value)}.`);
  }
  if ((sampling.repetition ?? 1) <= 0)
    throw new InvalidValue(
      `repetition_penalty must be greater than zero, got ${pythonFloat(sampling.repetition!)}.`,
    );
  if (temperature < 0) throw refuse("temperature", "must be non-negative", temperature);
  if (temperature > 2 && atLeast(version, 0, 26))
    throw refuse("temperature", "must be in [0, 2]", temperature);
  if (topP !== undefined && (topP <= 0 || topP > 1)) throw refuse("top_p", "must be in (0, 1]", topP);
  if (topK !== undefined && topK < -1)
    throw new InvalidValue(`top_k must be 0 (disable), or at least 1, got ${topK}.`);
  if (minP !== undefined && (minP < 0 || minP > 1))
    throw new InvalidValue(`min_p must be in [0, 1], got ${pythonFloat(minP)}.`);
  if (maxTokens < 1)
    throw new InvalidValue(`max_tokens must be at least 1, got ${maxTokens}.`, "max_tokens", maxTokens);
  if (minTokens < 0)
    throw new InvalidValue(`min_tokens must be greater than or equal to 0, got ${minTokens}.`);
  if (minTokens > maxTokens)
    throw new InvalidValue(
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`,
    );
  if (sampling.stop.includes("")) throw new InvalidValue("stop cannot contain an empty string.");
  if (temperature < 1e-5 && sampling.n > 1)
    throw new InvalidValue(`n must be 1 when using greedy sampling, got ${sampling.n}.`);
  if ((sampling.logprobs ?? 0) > mostLogprobs) {
    const message = `Requested sample logprobs of ${sampling.logprobs}, which is greater than max allowed: ${mostLogprobs}`;
    throw new InvalidValue(message, "logprobs", sampling.logprobs);
  }
}

function refuse(name: string, rule: string, value: number): InvalidValue {
  const text = pythonFloat(value);
  return new InvalidValue(`${name} ${rule}, got ${text}.`, name, { toPython: text });
}
