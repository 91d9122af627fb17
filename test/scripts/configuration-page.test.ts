import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import {
  configurationKeys,
  configurationPage,
  EXAMPLE,
  OF_COMMANDS,
  OVERRIDDEN,
  OWN_KEYS,
} from "../../scripts/configuration-page.ts";
import { jsonSchemaOfConfig } from "../../src/config/json-schema.ts";
import { parseConfig, policyOf, resolveConfig } from "../../src/config/load.ts";
import type { Overrides } from "../../src/config/overrides.ts";
import { configSchema, scenarioSchema } from "../../src/config/schema.ts";
import { checkMetricNames } from "../../src/inputs.ts";
import { optionName } from "../../src/serve-options.ts";
import { runCli } from "../support/cli.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

/** The rows of the page by key, each as its cells. */
const rows = new Map(
  [...configurationPage().matchAll(/^\| `([^`]+)` .*$/gm)].map(([line, key]) => [key as string, line]),
);

describe("docs/configuration.md", () => {
  it("is what `node scripts/write-docs.ts` writes", async () => {
    expect(await read("docs/configuration.md")).toBe(configurationPage());
  });

  it("has a row for every key of the file, a scenario, its probes and the policy, once", () => {
    const probes = scenarioSchema.shape.probes.unwrap().shape;
    const inner = Object.entries(probes).flatMap(([probe, schema]) => {
      const [, options] = schema.unwrap().options;
      return Object.keys(options.shape).map((key) => `scenarios.<name>.probes.${probe}.${key}`);
    });
    const policy = configSchema.shape.policy.unwrap().shape;
    const expected = [
      ...Object.keys(configSchema.shape),
      ...Object.keys(scenarioSchema.shape).map((key) => `scenarios.<name>.${key}`),
      ...Object.keys(probes).map((probe) => `scenarios.<name>.probes.${probe}`),
      ...inner,
      ...Object.keys(policy).map((key) => `policy.${key}`),
    ];
    expect([...rows.keys()]).toEqual(expect.arrayContaining(expected));
    const listed = [...configurationPage().matchAll(/^\| `([^`]+)`/gm)].map(([, key]) => key);
    expect(listed.sort()).toEqual(
      configurationKeys()
        .map(({ path }) => path)
        .sort(),
    );
  });

  it.each([
    [
      "scenarios.<name>.probes.batching.concurrency",
      ["list of whole numbers", "`[1, 8]`", "requests in flight, 1 to 1,024"],
    ],
    ["scenarios.<name>.readyTimeoutS", ["number", "`900`", "s, 1 to 86,400"]],
    ["scenarios.<name>.slo.e2eP95Ms", ["number", "–", "ms, above 0, at most 3,600,000"]],
    ["scenarios.<name>.levels", ["mapping to `gate`, `watch`, `off`", "`{}`"]],
    ["scenarios.<name>.tolerances.<metric>.relative", ["number", "–", "share, 0 to 10"]],
    ["scenarios.<name>.probes.traffic", ["`false` or mapping", "`false`"]],
    ["scenarios.<name>.probes.traffic.file", ["text", "needed"]],
    ["budgetMinutes", ["number", "`30`", "minutes, above 0, at most 1,440", "`--budget-minutes`"]],
  ])("tells type, default and range of %s", (key, expected) => {
    const cells = (rows.get(key) ?? "").split(/ *\| */).slice(2);
    expect(cells.slice(0, expected.length)).toEqual(expected);
  });

  it("names the pages and keys that there are", async () => {
    const page = configurationPage();
    for (const [, target] of page.matchAll(/\]\(([\w./-]+)\)/g)) await read(`docs/${target}`);
    for (const [, key = ""] of page.matchAll(/`(policy\.[A-Za-z]+)`/g))
      expect([...rows.keys()]).toContain(key);
  });
});

describe("the example of docs/configuration.md", () => {
  it("is accepted by the schema, with every metric and flag in it", () => {
    expect(configurationPage()).toContain(`\`\`\`yaml\n${EXAMPLE}\`\`\``);
    const file = parseConfig(EXAMPLE, "vllm-gate.yml");
    checkMetricNames(file, "vllm-gate.yml");
    for (const scenario of Object.keys(file.scenarios)) {
      const config = resolveConfig({
        file,
        fileName: "vllm-gate.yml",
        overrides: { scenario },
        nameOverride: optionName,
        policy: policyOf(file, "vllm-gate.yml"),
      });
      expect(config.scenario).toBe(scenario);
    }
  });

  it("is accepted by the schema that editors read", () => {
    const validate = new Ajv({ validateFormats: false, strict: false }).compile(
      JSON.parse(jsonSchemaOfConfig()),
    );
    expect(validate(parse(EXAMPLE)), JSON.stringify(validate.errors)).toBe(true);
  });
});

const GIVEN = {
  scenario: "chat",
  model: "other/model",
  args: "--seed 1",
  command: "python3 -m vllm.entrypoints.openai.api_server",
  serverUrl: "http://127.0.0.1:9000",
  compareTo: "base",
  baseArgs: "--seed 2",
  baseCommand: "python3 -m vllm.entrypoints.openai.api_server",
  sessions: 2,
  maxSessions: 7,
  rounds: 5,
  budgetMinutes: 11,
  baselineDir: "elsewhere",
  reportOnly: true,
} as const satisfies Required<Overrides>;

describe("the options of docs/configuration.md", () => {
  const file = parseConfig(stringify({ scenarios: { chat: { model: "own/model" } } }), "vllm-gate.yml");
  const resolve = (overrides: Overrides, judge = file) =>
    resolveConfig({
      file,
      judge,
      fileName: "vllm-gate.yml",
      overrides,
      nameOverride: optionName,
      policy: policyOf(judge, "vllm-gate.yml"),
    });

  it("take the place of the keys that the page names", () => {
    const overridden = Object.entries(OVERRIDDEN) as [keyof Overrides, string | null][];
    for (const [override, key] of overridden) {
      if (key === null) continue;
      const option = `\`${optionName(override)}\``;
      const found = [...rows]
        .filter(([, line]) => line.split(/ *\| */).includes(option))
        .map(([path]) => path);
      expect(found, override).toEqual([key]);
      const before = JSON.stringify(resolve({}));
      const given = { [override]: GIVEN[override] };
      expect(JSON.stringify({ ...resolve(given), sources: {} }), override).not.toBe(
        before.replace(/"sources":\{.*?\}/, '"sources":{}'),
      );
      expect(Object.keys(resolve(given).sources), override).toEqual([override]);
    }
  });

  it("are options of the commands that it names, and inputs of the action", async () => {
    const manifest = parse(await read("action.yml")) as { inputs: Record<string, unknown> };
    const commands = new Set(["run", ...OF_COMMANDS.map(({ command }) => command)]);
    const help = new Map<string, string>();
    for (const command of commands) {
      help.set(command, (await runCli([...command.split(" "), "--help"], { cwd: root })).stdout);
    }
    for (const override of Object.keys(OVERRIDDEN) as (keyof Overrides)[]) {
      expect(help.get("run"), override).toMatch(new RegExp(`^ +${optionName(override)} `, "m"));
      expect(manifest.inputs).toHaveProperty(optionName(override).slice(2));
    }
    for (const { option, command, key } of OF_COMMANDS) {
      expect(help.get(command), option).toMatch(new RegExp(`^ +${option} `, "m"));
      expect(rows.get(key), key).toContain(`\`${option}\` of \`${command}\``);
    }
  });
});

describe("whose copy counts in a pull request", () => {
  const side = (name: "own" | "base") => {
    const number = name === "own" ? 2 : 4;
    const server = {
      model: `${name}/model`,
      command: `python3 -m vllm.entrypoints.${name === "own" ? "openai.api_server" : "cli.main serve"}`,
      args: [`--seed=${number}`],
      env: { OMP_NUM_THREADS: number },
    };
    const text = stringify({
      scenarios: {
        chat: {
          ...server,
          readyTimeoutS: 100 + number,
          probes: { kv: name === "own" ? false : {} },
          tolerances: { "ttft.warm.floor_ms": { relative: number } },
          levels: { "ttft.cold_ms": name === "own" ? "off" : "gate" },
          limits: { "ttft.cold_ms": { max: number } },
          slo: { ttftP95Ms: number },
        },
      },
      sessions: number,
      maxSessions: number + 1,
      recordSessions: number,
      rounds: number,
      budgetMinutes: number,
      baselineDir: name,
      baselineMaxAgeDays: number,
      onInconclusive: name === "own" ? "warn" : "fail",
      onInvalid: name === "own" ? "warn" : "fail",
      onDirty: name === "own" ? "note" : "repeat",
      reportOnly: name === "own",
    });
    return parseConfig(text, name);
  };

  it("is as the page says", () => {
    const [file, judge] = [side("own"), side("base")];
    const of = (one: typeof file, other: typeof file) =>
      resolveConfig({
        file: one,
        judge: other,
        fileName: "vllm-gate.yml",
        overrides: {},
        nameOverride: optionName,
        policy: policyOf(other, "vllm-gate.yml"),
      });
    const [mixed, own, base] = [of(file, judge), of(file, file), of(judge, judge)];
    const differing = (other: typeof own) =>
      (Object.keys(mixed) as (keyof typeof mixed)[]).filter(
        (key) => JSON.stringify(mixed[key]) !== JSON.stringify(other[key]),
      );
    // `server` holds model, command, args and env here.
    const started = ["model", "command", "args", "env"] as const;
    expect(Object.keys(mixed.server)).toEqual(expect.arrayContaining([...started]));
    const keys = OWN_KEYS.filter((key) => !started.some((each) => each === key));
    expect(differing(base).sort()).toEqual([...keys].sort());
    const judged = [...Object.keys(configSchema.shape), ...Object.keys(scenarioSchema.shape)].filter(
      (key) => !["$schema", "scenarios", "policy", "compareTo", ...OWN_KEYS].includes(key),
    );
    expect(differing(own).sort()).toEqual(judged.sort());
  });
});
