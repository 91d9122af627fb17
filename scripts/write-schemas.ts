// Writes the JSON Schema that editors use for vllm-gate.yml.
import { writeFile } from "node:fs/promises";
import { jsonSchemaOfConfig } from "../src/config/json-schema.ts";

await writeFile(new URL("../schema/vllm-gate.schema.json", import.meta.url), jsonSchemaOfConfig());
