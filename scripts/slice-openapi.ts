/**
 * Cuts the operations that vllm-gate calls out of GitHub's own OpenAPI description, for the double of the API that the
 * tests run against.
 *
 *     npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
 *     node scripts/slice-openapi.ts package/generated/api.github.com.json
 *
 * The description is MIT licensed. It is 13 MB, the package 400 MB, so the slice is committed and the package is no
 * dependency. Schemas become JSON Schema (`nullable` is OpenAPI's own word); words for readers are dropped.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const OUT = fileURLToPath(new URL("../test/publish/double/openapi-slice.json", import.meta.url));
const REPO = "/repos/{owner}/{repo}";

const OPERATIONS: readonly (readonly [method: string, path: string])[] = [
  ["get", "/user"],
  ["get", `${REPO}/pulls`],
  ["get", `${REPO}/pulls/{pull_number}`],
  ["get", `${REPO}/pulls/{pull_number}/files`],
  ["get", `${REPO}/issues/{issue_number}/comments`],
  ["post", `${REPO}/issues/{issue_number}/comments`],
  ["patch", `${REPO}/issues/comments/{comment_id}`],
  ["delete", `${REPO}/issues/comments/{comment_id}`],
  ["get", `${REPO}/issues/{issue_number}/events`],
  ["get", `${REPO}/collaborators/{username}/permission`],
  ["post", `${REPO}/check-runs`],
  ["patch", `${REPO}/check-runs/{check_run_id}`],
  ["get", `${REPO}/commits/{ref}/check-runs`],
  ["post", `${REPO}/statuses/{sha}`],
  ["get", `${REPO}/compare/{basehead}`],
  ["get", REPO],
  ["get", `${REPO}/issues`],
  ["post", `${REPO}/issues`],
  ["patch", `${REPO}/issues/{issue_number}`],
  ["get", `${REPO}/git/ref/{ref}`],
  ["post", `${REPO}/git/refs`],
  ["patch", `${REPO}/git/refs/{ref}`],
  ["get", `${REPO}/git/commits/{commit_sha}`],
  ["post", `${REPO}/git/commits`],
  ["post", `${REPO}/git/trees`],
  ["post", `${REPO}/pulls`],
  ["patch", `${REPO}/pulls/{pull_number}`],
];

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** What steers no validation. */
const DROPPED = new Set([
  "description",
  "summary",
  "externalDocs",
  "x-github",
  "tags",
  "deprecated",
  "title",
]);

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** OpenAPI's dialect as JSON Schema. `isProperties` where keys are names of fields, not words of the schema. */
function toJsonSchema(value: Json, isProperties = false): Json {
  if (Array.isArray(value)) return value.map((each) => toJsonSchema(each));
  if (!isObject(value)) return value;
  const { nullable, ...rest } = isProperties ? { nullable: undefined, ...value } : value;
  const entries = Object.entries(rest)
    .filter(([key]) => isProperties || (!DROPPED.has(key) && key !== "example" && key !== "examples"))
    .map(([key, inner]): [string, Json] => [
      key,
      key === "enum" || key === "default" || key === "required" || inner === undefined
        ? (inner ?? null)
        : toJsonSchema(inner, !isProperties && key === "properties"),
    ]);
  const schema = Object.fromEntries(entries);
  if (isProperties && Object.hasOwn(value, "nullable")) {
    schema["nullable"] = toJsonSchema(value["nullable"] ?? null);
  }
  return nullable === true ? { anyOf: [{ type: "null" }, schema] } : schema;
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("give the path of api.github.com.json");
const full = JSON.parse(await readFile(source, "utf8")) as JsonObject;

function at(ref: string): Json {
  return ref
    .slice(2)
    .split("/")
    .reduce<Json>((node, key) => (isObject(node) ? (node[key.replaceAll("~1", "/")] ?? null) : null), full);
}

function resolved(value: Json | undefined): JsonObject {
  if (!isObject(value)) return {};
  const ref = value["$ref"];
  return typeof ref === "string" ? resolved(at(ref)) : value;
}

const schemas: JsonObject = {};
/** Copies a schema with all that it refers to; `#/components/schemas/x` becomes `#/definitions/x`. */
function take(value: Json): Json {
  const text = JSON.stringify(toJsonSchema(value));
  const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? "");
  for (const name of names) {
    if (Object.hasOwn(schemas, name)) continue;
    schemas[name] = null;
    schemas[name] = take(at(`#/components/schemas/${name}`));
  }
  return JSON.parse(text.replaceAll("#/components/schemas/", "#/definitions/"));
}

function firstExample(content: JsonObject): Json {
  const { example, examples } = content;
  if (example !== undefined) return example;
  const [first] = Object.values(isObject(examples) ? examples : {});
  return resolved(first)["value"] ?? null;
}

const operations = OPERATIONS.map(([method, path]) => {
  const operation = resolved(resolved(resolved(full["paths"])[path])[method]);
  const parameters = (Array.isArray(operation["parameters"]) ? operation["parameters"] : []).map((each) => {
    const { name, in: where, required, schema } = resolved(each);
    return { name: name ?? null, in: where ?? null, required: required === true, schema: take(schema ?? {}) };
  });
  const body = resolved(
    resolved(resolved(resolved(operation["requestBody"])["content"])["application/json"]),
  );
  const responses = Object.entries(resolved(operation["responses"])).map(([status, response]) => {
    const content = resolved(resolved(resolved(response)["content"])["application/json"]);
    const hasSchema = content["schema"] !== undefined;
    const example = status.startsWith("2") && hasSchema ? firstExample(content) : null;
    return [status, { schema: hasSchema ? take(content["schema"] ?? {}) : null, example }] as const;
  });
  if (operation["operationId"] === undefined) throw new Error(`${method} ${path} is not in the description`);
  return {
    id: operation["operationId"],
    method: method.toUpperCase(),
    path,
    parameters,
    body: body["schema"] === undefined ? null : take(body["schema"]),
    responses: Object.fromEntries(responses),
  };
});

/** One line for each operation and each schema: a new version differs in the lines that changed. */
const lines = (entries: readonly string[]) => entries.join(",\n");
const text = `{
"source": ${JSON.stringify(`github/rest-api-description ${String(resolved(full["info"])["version"])}, from @octokit/openapi`)},
"license": "MIT",
"operations": [
${lines(operations.map((each) => JSON.stringify(each)))}
],
"definitions": {
${lines(Object.entries(schemas).map(([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`))}
}
}
`;
await writeFile(OUT, text);
console.log(
  `${operations.length} operations, ${Object.keys(schemas).length} schemas, ${text.length} characters`,
);
