import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { jsonSchemaOfConfig } from "../../src/config/json-schema.ts";
import { configSchema, scenarioSchema } from "../../src/config/schema.ts";

type Node = Record<string, unknown> & { properties: Record<string, Node> };

const schema = JSON.parse(jsonSchemaOfConfig()) as Node;
const scenario = schema.properties["scenarios"]?.["additionalProperties"] as Node;

describe("jsonSchemaOfConfig", () => {
  it("is what is published; `npm run schema` writes it", async () => {
    const published = await readFile(new URL("../../schema/vllm-gate.schema.json", import.meta.url), "utf8");
    expect(published).toBe(jsonSchemaOfConfig());
  });

  it("names its dialect and what it describes", () => {
    expect(schema["$schema"]).toBe("http://json-schema.org/draft-07/schema#");
    expect(schema["title"]).toBe("vllm-gate.yml");
  });

  it("knows every key of the file and of a scenario, and no other", () => {
    expect(Object.keys(schema.properties)).toEqual(Object.keys(configSchema.shape));
    expect(Object.keys(scenario.properties)).toEqual(Object.keys(scenarioSchema.shape));
    expect(schema["additionalProperties"]).toBe(false);
    expect(scenario["additionalProperties"]).toBe(false);
  });

  it("asks for scenarios only: everything else has a default", () => {
    expect(schema["required"]).toEqual(["scenarios"]);
    expect(scenario["required"] ?? []).toEqual([]);
  });

  it("carries bounds and defaults", () => {
    expect(schema.properties["rounds"]).toMatchObject({
      type: "integer",
      minimum: 1,
      maximum: 50,
      default: 2,
    });
    expect(schema.properties["budgetMinutes"]).toMatchObject({ exclusiveMinimum: 0, maximum: 1440 });
    expect(schema.properties["onInvalid"]).toMatchObject({ enum: ["warn", "fail"], default: "fail" });
  });

  it("takes flags as one text or as a list", () => {
    const forms = scenario.properties["args"]?.["anyOf"] as { type: string }[];
    expect(forms.map(({ type }) => type)).toEqual(["string", "array"]);
  });
});
