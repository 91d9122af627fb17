import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parse } from "yaml";

interface Workflow {
  readonly on: Readonly<Record<string, { readonly paths?: readonly string[] } | null>>;
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly env?: Readonly<Record<string, string>> }[] }>
  >;
}

const workflow = async (name: string) =>
  parse(await readFile(fileURLToPath(new URL(`../examples/${name}`, import.meta.url)), "utf8")) as Workflow;

it("what the gate does not run for, and nothing else, gets its check as skipped", async () => {
  const { jobs } = await workflow("unaffected.yml");
  const [paths] = Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .flatMap(({ env }) => (env?.["PATHS"] === undefined ? [] : [env["PATHS"]]));
  for (const name of ["pull-request.yml", "matrix.yml"]) {
    expect((await workflow(name)).on["pull_request"]?.paths, name).toEqual(paths?.trim().split("\n"));
  }
});
