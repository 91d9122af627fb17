// Writes the tables of inputs and outputs in the README from action.yml: what the action takes is said once.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { code, table } from "../src/report/markdown.ts";

const README = fileURLToPath(new URL("../README.md", import.meta.url));
const MANIFEST = fileURLToPath(new URL("../action.yml", import.meta.url));

interface Manifest {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: unknown }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
}

const START = (name: string) => `<!-- ${name} of action.yml, written by scripts/write-action-docs.ts -->`;
const END = (name: string) => `<!-- end of ${name} -->`;

function between(text: string, name: string, content: string): string {
  const start = text.indexOf(START(name));
  const end = text.indexOf(END(name));
  if (start < 0 || end < start) throw new Error(`the README has no place for the ${name}`);
  return `${text.slice(0, start)}${START(name)}\n\n${content}\n\n${text.slice(end)}`;
}

/** The README with the tables as the manifest has them. */
export function withTables(readme: string, { inputs, outputs }: Manifest): string {
  const ofInputs = Object.entries(inputs).map(([name, { description, default: given }]) => [
    code(name),
    description,
    given === undefined ? "" : code(String(given)),
  ]);
  const ofOutputs = Object.entries(outputs).map(([name, { description }]) => [code(name), description]);
  const first = between(readme, "inputs", table(["input", "what it is", "default"], ofInputs));
  return between(first, "outputs", table(["output", "what it is"], ofOutputs));
}

if (import.meta.main) {
  const manifest = parse(await readFile(MANIFEST, "utf8")) as Manifest;
  await writeFile(README, withTables(await readFile(README, "utf8"), manifest));
}
