import { jsonSchemaOfConfig } from "../src/config/json-schema.ts";
import type { Overrides } from "../src/config/overrides.ts";
import { code, table } from "../src/report/markdown.ts";
import { optionName } from "../src/serve-options.ts";
import { prose } from "./prose.ts";

/** The configuration that the page begins with. */
export const EXAMPLE = `# yaml-language-server: $schema=https://raw.githubusercontent.com/vllm-gate/vllm-gate/main/schema/vllm-gate.schema.json
scenarios:
  chat:
    model: Qwen/Qwen2.5-1.5B-Instruct
    args: [--max-model-len, 4096, --gpu-memory-utilization, 0.9]
    env: { VLLM_LOGGING_LEVEL: INFO }
    readyTimeoutS: 600
    probes:
      ttft: { warmRequests: 40 }
      batching: { concurrency: [1, 8, 32], outputTokens: 64 }
      prefix: { regimes: [512, 2048], concurrency: [1, 8] }
      kv: false
    tolerances: { "batching.*.wave_tokens_per_s": { relative: 0.1 } }
    levels: { ttft.cold_ms: gate }
    limits: { batching.c8.ttft_p95_ms: { max: 200 } }
    slo: { ttftP95Ms: 200, itlP95Ms: 50 }
  running: # a server that is there already
    server: { url: "https://vllm.example.com", apiKeyEnv: VLLM_API_KEY }
sessions: 1
maxSessions: 3
rounds: 2
budgetMinutes: 45
onInconclusive: warn
onInvalid: fail
policy:
  allowServers: ["https://vllm.example.com"]
`;

/** Keys of a scenario of which a pull request's own copy counts; of everything else it is the base branch's. */
export const OWN_KEYS = ["model", "command", "args", "env", "readyTimeoutS", "server", "probes"] as const;

/** The key that an override takes the place of; null where the file has no such key. */
export const OVERRIDDEN: Readonly<Record<keyof Overrides, string | null>> = {
  scenario: null,
  model: "scenarios.<name>.model",
  args: "scenarios.<name>.args",
  command: "scenarios.<name>.command",
  serverUrl: "scenarios.<name>.server.url",
  compareTo: "compareTo",
  baseArgs: null,
  baseCommand: null,
  sessions: "sessions",
  maxSessions: "maxSessions",
  rounds: "rounds",
  budgetMinutes: "budgetMinutes",
  baselineDir: "baselineDir",
  reportOnly: "reportOnly",
};

/** Options of a command other than `run` that take the place of a key. */
export const OF_COMMANDS: readonly {
  readonly key: string;
  readonly option: string;
  readonly command: string;
}[] = [
  { key: "recordSessions", option: "--sessions", command: "record" },
  { key: "baselineMaxAgeDays", option: "--max-age-days", command: "audit" },
  { key: "scenarios.<name>.slo.ttftP95Ms", option: "--slo-ttft-p95-ms", command: "study batching" },
  { key: "scenarios.<name>.slo.itlP95Ms", option: "--slo-itl-p95-ms", command: "study batching" },
  { key: "scenarios.<name>.slo.e2eP95Ms", option: "--slo-e2e-p95-ms", command: "study batching" },
];

const INTRODUCTION = `<!-- Written by scripts/write-docs.ts from src/config/schema.ts: change it there. -->

# Configuration

\`vllm-gate.yml\` in the repository's root says what is served, what is sent to it, and what blocks. \`--config\`, or the
action's input \`config\`, names another file. This page is made from the schema that checks the file; editors read the
same one, with these descriptions, from the address in the first line of this example:

\`\`\`yaml
${EXAMPLE}\`\`\`

Only \`scenarios\` is needed, and of a scenario only \`model\`, or \`server.url\`. A key that the schema does not know, a
value out of its range and a metric that does not exist are refused by name (exit 2); nothing is measured then.

- **Default** is what counts where the key is missing; \`–\` is nothing.
- **Option** is what takes the key's place on the command line of \`vllm-gate run\`, or of the command that is named
  beside it. Those of \`run\` and \`record\` are inputs of the action, too, without the dashes: \`max-sessions\`.
- In a pull request the base branch's copy of the file judges, so that a change cannot loosen what it is judged by. Of the
  pull request's own copy these keys of a scenario count:
  ${OWN_KEYS.map((key) => `\`${key}\``).join(", ")}.
  A scenario that the base branch lacks is judged as its own copy says, under the base branch's \`policy\`.
`;

interface Section {
  readonly title: string;
  readonly text?: string;
  /** Keys that begin so, but for those of a longer beginning. */
  readonly keys: string;
}

const SECTIONS: readonly Section[] = [
  { title: "The run", keys: "" },
  {
    title: "The server of a scenario",
    text: "A server that the gate starts (`model` with `command`, `args` and `env`), or one that is running (`server`).",
    keys: "scenarios.<name>",
  },
  {
    title: "Probes",
    text: "What is sent in each round; `false` leaves a probe out. Which metrics come from which: [metrics.md](metrics.md).",
    keys: "scenarios.<name>.probes",
  },
  { title: "Probe `ttft`", keys: "scenarios.<name>.probes.ttft" },
  { title: "Probe `batching`", keys: "scenarios.<name>.probes.batching" },
  { title: "Probe `prefix`", keys: "scenarios.<name>.probes.prefix" },
  { title: "Probe `kv`", keys: "scenarios.<name>.probes.kv" },
  {
    title: "Probe `traffic`",
    text: "The file's format with an example: [studies.md](studies.md).",
    keys: "scenarios.<name>.probes.traffic",
  },
  {
    title: "Levels, tolerances and limits",
    text:
      "By metric: an id of [metrics.md](metrics.md) or a pattern. Where several fit, the id itself counts, else the\n" +
      "pattern with the fewest stars. How a verdict comes about: [decision.md](decision.md).",
    keys: "scenarios.<name>.tolerances",
  },
  { title: "Promises", keys: "scenarios.<name>.slo" },
  {
    title: "Policy",
    text: "What is refused without it, and why: the README's section on safety.",
    keys: "policy",
  },
];

/** Sections whose keys stand in another one. */
const MOVED: Readonly<Record<string, string>> = {
  "scenarios.<name>.levels": "scenarios.<name>.tolerances",
  "scenarios.<name>.limits": "scenarios.<name>.tolerances",
};

/** What stands for a key of the user's own, by the mapping that it is in. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  scenarios: "<name>",
  tolerances: "<metric>",
  limits: "<metric>",
};

/** Units of numbers whose names do not end in one. */
const UNITS: Readonly<Record<string, string>> = {
  sessions: "server starts",
  maxSessions: "server starts",
  recordSessions: "server starts",
  rounds: "rounds",
  concurrency: "requests in flight",
  waves: "times the concurrency",
  warmRequests: "requests",
  requests: "requests",
  regimes: "tokens",
  steps: "lengths",
  rateScale: "times the rate",
  relative: "share",
  absolute: "the metric's unit",
  min: "the metric's unit",
  max: "the metric's unit",
};

const ENDINGS: readonly (readonly [ending: string, unit: string])[] = [
  ["Tokens", "tokens"],
  ["Minutes", "minutes"],
  ["Days", "days"],
  ["Ms", "ms"],
  ["S", "s"],
];

/** The part of a JSON Schema that ours uses. */
interface Node {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** A key of the file. */
export interface ConfigurationKey {
  readonly path: string;
  readonly node: Node;
  readonly required: boolean;
}

/** Every key of the file with its path, in the schema's order. */
export function configurationKeys(): ConfigurationKey[] {
  return [...keysOf(JSON.parse(jsonSchemaOfConfig()) as Node, [])];
}

function* keysOf(node: Node, path: readonly string[]): Generator<ConfigurationKey> {
  const mapping = mappingOf(node);
  for (const [key, inner] of Object.entries(mapping?.properties ?? {})) {
    const own = [...path, key];
    yield { path: own.join("."), node: inner, required: mapping?.required?.includes(key) === true };
    yield* keysOf(inner, own);
  }
  const values = mapping?.additionalProperties;
  const own = OWN_NAMES[path.at(-1) ?? ""];
  if (typeof values === "object" && mappingOf(values) !== null) {
    if (own === undefined) throw new Error(`no name for the keys of ${path.join(".")}`);
    yield* keysOf(values, [...path, own]);
  }
}

/** The mapping that a value is, or may be. */
function mappingOf(node: Node): Node | null {
  if (node.type === "object") return node;
  return node.anyOf?.find(({ type }) => type === "object") ?? null;
}

const descriptionOf = (node: Node) =>
  node.description ?? node.anyOf?.find(({ description }) => description !== undefined)?.description;

/** A value's type in words; `many`: of several. */
function typeOf(node: Node, many = ""): string {
  if (node.anyOf !== undefined) return node.anyOf.map((each) => typeOf(each, many)).join(" or ");
  if (node.const !== undefined) return code(String(node.const));
  if (node.enum !== undefined) return node.enum.map((each) => code(String(each))).join(", ");
  if (typeof node.type === "object") return node.type.map((type) => typeOf({ type }, many)).join(", ");
  switch (node.type) {
    case "string":
      return `${node.format === "uri" ? "URL" : "text"}${many}`;
    case "integer":
      return `whole number${many}`;
    case "number":
      return `number${many}`;
    case "boolean":
      return "`true`, `false`";
    case "array":
      return `list${many} of ${typeOf(node.items ?? {}, "s")}`;
    case "object":
      return `mapping${many}${valuesOf(node)}`;
    default:
      throw new Error(`no word for ${JSON.stringify(node)}`);
  }
}

/** The type of a mapping's values, where it has no keys of its own. */
function valuesOf({ additionalProperties }: Node): string {
  if (typeof additionalProperties !== "object" || mappingOf(additionalProperties) !== null) return "";
  return ` to ${typeOf(additionalProperties)}`;
}

function defaultOf({ node, required }: ConfigurationKey): string {
  if (required) return "needed";
  if (node.default === undefined) return "–";
  const text = JSON.stringify(node.default);
  if (typeof node.default === "object" && text.startsWith("{") && text !== "{}") return "as below";
  return code(typeof node.default === "string" ? node.default : text.replaceAll(",", ", "));
}

/** Unit and range of a number, or of a list's numbers. */
function unitOf(path: string, node: Node): string {
  const number = node.type === "array" ? (node.items ?? {}) : node;
  if (number.type !== "integer" && number.type !== "number") return "";
  const name = path.split(".").at(-1) ?? "";
  const unit = UNITS[name] ?? ENDINGS.find(([ending]) => name.endsWith(ending))?.[1];
  if (unit === undefined) throw new Error(`no unit for ${path}`);
  const { minimum, maximum, exclusiveMinimum } = number;
  const shown = (value: number) => value.toLocaleString("en-US");
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${shown(minimum)} to ${shown(maximum)}`
      : [
          ...(minimum === undefined ? [] : [`at least ${shown(minimum)}`]),
          ...(exclusiveMinimum === undefined ? [] : [`above ${shown(exclusiveMinimum)}`]),
          ...(maximum === undefined ? [] : [`at most ${shown(maximum)}`]),
        ].join(", ");
  return range === "" ? unit : `${unit}, ${range}`;
}

function optionOf(path: string): string {
  const own = Object.entries(OVERRIDDEN).flatMap(([key, overridden]) =>
    overridden === path ? [code(optionName(key as keyof Overrides))] : [],
  );
  const others = OF_COMMANDS.filter(({ key }) => key === path).map(
    ({ option, command }) => `${code(option)} of ${code(command)}`,
  );
  return [...own, ...others].join(", ");
}

const HEADER = ["key", "type", "default", "unit, range", "option", "what it is for"];

function row(key: ConfigurationKey): string[] {
  const { path, node } = key;
  const description = descriptionOf(node);
  if (description === undefined) throw new Error(`${path} has no description in the schema`);
  return [code(path), typeOf(node), defaultOf(key), unitOf(path, node), optionOf(path), prose(description)];
}

/** The section of a key: that of the longest beginning. */
function sectionOf(path: string): Section | undefined {
  const moved = Object.entries(MOVED).find(([from]) => isWithin(path, from))?.[1];
  const place = moved ?? path;
  return SECTIONS.filter(({ keys }) => isWithin(place, keys)).sort(
    (a, b) => b.keys.length - a.keys.length,
  )[0];
}

const isWithin = (path: string, keys: string) => keys === "" || path === keys || path.startsWith(`${keys}.`);

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const keys = configurationKeys();
  const sections = SECTIONS.map((section) => {
    const rows = keys.filter(({ path }) => sectionOf(path) === section).map(row);
    const text = section.text === undefined ? "" : `${section.text}\n\n`;
    return `## ${section.title}\n\n${text}${tableOf(rows)}\n`;
  });
  return [INTRODUCTION, ...sections].join("\n");
}

/** A table without the columns that nothing stands in. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const used = HEADER.map((_, index) => rows.some((cells) => cells[index] !== ""));
  const [header = [], ...body] = [HEADER, ...rows].map((cells) => cells.filter((_, index) => used[index]));
  return table(header, body);
}
