import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: "path" | "query" | "header";
    readonly required: boolean;
    readonly schema: object;
  }[];
  readonly body: object | null;
  readonly responses: Readonly<Record<string, { readonly schema: object | null; readonly example: unknown }>>;
}

const slice = JSON.parse(readFileSync(new URL("./openapi-slice.json", import.meta.url), "utf8")) as {
  operations: Operation[];
  definitions: Record<string, object>;
};

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const coercing = new Ajv({ strict: false, validateFormats: false, coerceTypes: true });
for (const each of [ajv, coercing]) each.addSchema({ $id: "github", definitions: slice.definitions });

const compiled = new WeakMap<object, ValidateFunction>();

function validator(schema: object, by: Ajv): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = by.compile(
    JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions', '"github#/definitions')),
  );
  compiled.set(schema, made);
  return made;
}

function check(schema: object, value: unknown, what: string, by: Ajv = ajv): string[] {
  const validate = validator(schema, by);
  return validate(value) ? [] : [`${what}: ${by.errorsText(validate.errors).slice(0, 400)}`];
}

/** A request that GitHub's description knows. */
export interface Matched {
  readonly operation: Operation;
  /** Values of the path's parameters. */
  readonly path: Readonly<Record<string, string>>;
}

const routes = slice.operations.map((operation) => ({
  operation,
  // `basehead` holds two branches.
  pattern: new RegExp(`^${operation.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
}));

/** The operation that a request is, or null. */
export function matchOperation(method: string, pathname: string): Matched | null {
  for (const { operation, pattern } of routes) {
    const match = operation.method === method ? pattern.exec(pathname) : null;
    if (match !== null) {
      const path = Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
      return { operation, path: Object.fromEntries(path) };
    }
  }
  return null;
}

/** What of a request GitHub's description does not allow. */
export function requestViolations(
  { operation, path }: Matched,
  query: Readonly<Record<string, string>>,
  body: unknown,
): string[] {
  const known = operation.parameters.filter((each) => each.in !== "header");
  const unknown = Object.keys(query).filter((name) => !known.some((each) => each.name === name));
  const ofParameters = known.flatMap((each) => {
    const value = each.in === "path" ? path[each.name] : query[each.name];
    if (value === undefined) return each.required ? [`${each.name} is missing`] : [];
    const boxed = { type: "object", properties: { value: each.schema } };
    return check(boxed, { value }, each.name, coercing);
  });
  const ofBody =
    operation.body === null ? (body === undefined ? [] : ["a body"]) : check(operation.body, body, "body");
  return [...unknown.map((name) => `unknown parameter ${name}`), ...ofParameters, ...ofBody].map(
    (text) => `${operation.id} request: ${text}`,
  );
}

/** What of a response GitHub would not say: the double must not be a friendlier GitHub. */
export function responseViolations({ operation }: Matched, status: number, body: unknown): string[] {
  const response = operation.responses[String(status)];
  if (response?.schema == null) return [];
  return check(response.schema, body, `${operation.id} response ${status}`);
}

/** GitHub's own example of an operation's answer. */
export function exampleOf(id: string): Record<string, unknown> {
  const operation = slice.operations.find((each) => each.id === id);
  const [answer] = Object.values(operation?.responses ?? {}).filter((each) => each.example !== null);
  if (answer === undefined) throw new Error(`${id} has no example`);
  const example = structuredClone(answer.example) as Record<string, unknown> | Record<string, unknown>[];
  const first = Array.isArray(example) ? example[0] : example;
  return first ?? {};
}
