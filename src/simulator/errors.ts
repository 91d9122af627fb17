/** vLLM's error bodies. */

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

/** The OpenAI-style error that vLLM's handlers give. */
export function apiError(status: number, type: string, message: string, param: string | null): HttpError {
  return new HttpError(status, { error: { message, type, param, code: status } });
}

/** A request for a model that is not served. */
export function unknownModel(asked: string, aliases: readonly string[]): HttpError {
  const message = `The model \`${asked}\` does not exist. Valid aliases: ${aliases.join(", ")}`;
  return apiError(404, "NotFoundError", message, "model");
}

/** A prompt that leaves no room for output. */
export function promptTooLong(limit: number, prompt: number): HttpError {
  return apiError(
    400,
    "BadRequestError",
    `This model's maximum context length is ${limit} tokens. However, your prompt contains ${prompt} input tokens, ` +
      "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. " +
      `(parameter=input_tokens, value=${prompt})`,
    "input_tokens",
  );
}

/** A prompt and an output that do not fit together. */
export function requestTooLong(limit: number, prompt: number, output: number): HttpError {
  return apiError(
    400,
    "BadRequestError",
    `This model's maximum context length is ${limit} tokens. However, you requested ${output} output tokens and your ` +
      `prompt contains ${prompt} input tokens, for a total of ${prompt + output} tokens. Please reduce the length of ` +
      `the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${prompt})`,
    "input_tokens",
  );
}

/** A field that does not validate. */
export function invalidField(field: string, message: string): HttpError {
  return apiError(400, "BadRequestError", message, field);
}

/** A field that is missing. */
export function missingField(field: string): HttpError {
  return validationError(
    `{'type': 'missing', 'loc': 'body.${field}', 'msg': 'Field required'}`,
    `body.${field}`,
  );
}

/** A body that is not JSON. */
export function invalidJson(text: string, error: unknown): HttpError {
  const at = Number(/position (\d+)/.exec(String(error))?.[1] ?? text.length);
  const before = text.slice(0, at).trimEnd().at(-1);
  const reason = before === "{" ? "Expecting property name enclosed in double quotes" : "Expecting value";
  const item = `{'type': 'json_invalid', 'loc': 'body.${at}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': '${reason}'}}`;
  return validationError(item, `body.${at}`);
}

function validationError(item: string, param: string): HttpError {
  return apiError(400, "Bad Request", `1 validation error:\n  ${item}`, param);
}
