/** vLLM's error bodies, which changed between 0.22 and 0.32. */
import { pythonJsonError } from "./json-error.ts";
import { pythonRepr } from "./log.ts";
import { atLeast } from "./settings.ts";

/** An error that a handler answers with. */
export class HttpError extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: object) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = JSON.stringify(body);
  }
}

/** One complaint of pydantic about a body. */
export interface Problem {
  type: string;
  loc: readonly (string | number)[];
  msg: string;
  input: unknown;
  ctx?: Readonly<Record<string, unknown>>;
}

/** A body that pydantic refuses. */
export class InvalidBody extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems[0]?.msg);
    this.problems = problems;
  }
}

/** A value that vLLM's own checks refuse (its `VLLMValidationError`). */
export class InvalidValue extends Error {
  readonly parameter: string | null;
  /** Whether the request's model raised it, before anything else was looked at. */
  readonly early: boolean;

  /** @param value shown with the parameter; undefined shows none */
  constructor(message: string, parameter: string | null = null, value?: unknown, early = false) {
    const extras = parameter === null ? [] : [`parameter=${parameter}`];
    if (value !== undefined) extras.push(`value=${typeof value === "string" ? value : pythonRepr(value)}`);
    super(extras.length === 0 ? message : `${message} (${extras.join(", ")})`);
    this.parameter = parameter;
    this.early = early;
  }
}

/** The OpenAI-style error that vLLM's handlers give. */
export function apiError(status: number, type: string, message: string, param: string | null): HttpError {
  return new HttpError(status, { error: { message, type, param, code: status } });
}

/** Where a request was going, as 0.22 tells in its errors. */
export interface Endpoint {
  version: string;
  method: string;
  path: string;
  body: unknown;
}

/** The answer to an error of a handler; undefined when it is none that vLLM knows. */
export function answerTo(error: unknown, endpoint: Endpoint): HttpError | undefined {
  if (error instanceof HttpError) return error;
  const early = error instanceof InvalidValue && error.early && !atLeast(endpoint.version, 0, 26);
  if (error instanceof InvalidValue && !early)
    return apiError(400, "BadRequestError", error.message, error.parameter);
  if (error instanceof InvalidValue) {
    const msg = `Value error, ${error.message}`;
    const problem: Problem = { type: "value_error", loc: ["body"], msg, input: endpoint.body };
    const name = error.parameter === null ? "ValueError" : "VLLMValidationError";
    const text = error.message.replace(/ \(parameter=.*\)$/, "");
    const shown = { ...problem, ctx: { error: { toPython: `${name}(${pythonRepr(text)})` } } };
    return refusal([shown], endpoint, error.parameter);
  }
  if (error instanceof InvalidBody) return refusal(error.problems, endpoint, null);
  return undefined;
}

const MOST_PROBLEMS = 10;

/** The "Bad Request" that repeats pydantic's complaints: whole up to 0.25, shortened later. */
function refusal(problems: readonly Problem[], endpoint: Endpoint, parameter: string | null): HttpError {
  const count = `${problems.length} validation error${problems.length === 1 ? "" : "s"}`;
  if (atLeast(endpoint.version, 0, 26)) {
    const lines = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${shortened(problem)}`);
    if (problems.length > MOST_PROBLEMS)
      lines.push(`  ...and ${problems.length - MOST_PROBLEMS} more errors`);
    return apiError(400, "Bad Request", `${count}:\n${lines.join("\n")}`, problems[0]!.loc.join("."));
  }
  const items = problems.map(whole);
  const file = endpoint.path.includes("chat") ? "chat_completion" : "completion";
  const where =
    `  File "/usr/local/lib/python3.12/dist-packages/vllm/entrypoints/openai/${file}/api_router.py", line 46, ` +
    `in create_${file}\n    ${endpoint.method} ${endpoint.path}`;
  const text = `${count}:\n${items.map((item) => `  ${item}`).join("\n")}\n\n${where} [${items.join(", ")}]`;
  return apiError(400, "Bad Request", text, parameter);
}

function shortened({ type, loc, msg, input, ctx }: Problem): string {
  return pythonRepr({ type, loc: loc.join("."), msg, input: summary(input), ...(ctx && { ctx }) });
}

function whole({ type, loc, msg, input, ctx }: Problem): string {
  const path = { toPython: `(${loc.map(pythonRepr).join(", ")}${loc.length === 1 ? "," : ""})` };
  return pythonRepr({ type, loc: path, msg, input, ...(ctx && { ctx }) });
}

function summary(input: unknown): string {
  if (typeof input === "string") return input.length > 200 ? `${input.slice(0, 200)}...[truncated]` : input;
  if (Array.isArray(input)) return `<list of ${input.length} items>`;
  if (typeof input === "object" && input !== null) return `<dict of ${Object.keys(input).length} items>`;
  return pythonRepr(input);
}

/** A request for a model that is not served; the names were added to the text after 0.22. */
export function unknownModel(asked: string, aliases: readonly string[], version: string): HttpError {
  const valid = atLeast(version, 0, 26) ? ` Valid aliases: ${aliases.join(", ")}.` : "";
  return apiError(404, "NotFoundError", `The model \`${asked}\` does not exist.${valid}`, "model");
}

/**
 * Checks that a prompt leaves room for output. 0.22 refuses what does not fit together; 0.32 cuts the output.
 *
 * @param output tokens asked for, 0 when none were
 * @param text whether the prompt came as text, whose tokens vLLM stops counting past the limit
 * @throws InvalidValue
 */
export function checkLength(
  limit: number,
  prompt: number,
  output: number,
  text: boolean,
  version: string,
): void {
  const cuts = atLeast(version, 0, 26);
  if (output > limit) {
    const of = cuts ? `${limit}` : `max_total_tokens=${limit}`;
    const message = `max_tokens=${output} cannot be greater than max_model_len=${of}. Please request fewer output tokens.`;
    throw new InvalidValue(message, "max_tokens", output);
  }
  const most = cuts ? limit : limit - output;
  if (prompt <= most) return;
  const counted = text ? most + 1 : prompt;
  const some = counted === most + 1 ? "at least " : "";
  const start = `This model's maximum context length is ${limit} tokens. However, `;
  const message = cuts
    ? `${start}your prompt contains ${some}${counted} input tokens, which exceeds this limit even without any ` +
      "output tokens. Please reduce the length of the input prompt."
    : `${start}you requested ${output} output tokens and your prompt contains ${some}${counted} input tokens, for a ` +
      `total of ${some}${counted + output} tokens. Please reduce the length of the input prompt or the number of ` +
      "requested output tokens.";
  throw new InvalidValue(message, "input_tokens", counted);
}

/** A body that is not JSON. */
export function invalidJson(text: string): InvalidBody {
  const { message, position } = pythonJsonError(text);
  const ctx = { error: message };
  return new InvalidBody([
    { type: "json_invalid", loc: ["body", position], msg: "JSON decode error", input: {}, ctx },
  ]);
}

/** A field that is missing. */
export function missingField(field: string, body: unknown): InvalidBody {
  return new InvalidBody([{ type: "missing", loc: ["body", field], msg: "Field required", input: body }]);
}
