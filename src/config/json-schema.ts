import { z } from "zod";
import { configSchema } from "./schema.ts";

/** The JSON Schema of `vllm-gate.yml`, as text, from the schema that checks it. */
export function jsonSchemaOfConfig(): string {
  const schema = z.toJSONSchema(configSchema, { io: "input", target: "draft-7", unrepresentable: "any" });
  return `${JSON.stringify({ title: "vllm-gate.yml", ...schema }, null, 2)}\n`;
}
