/**
 * The whole grids of the studies on real vLLM on CPU, which take half an hour on two cores: what they say goes to
 * docs/studies-cpu.md, each in a section of its own.
 *
 *     npm run e2e:vllm:full [-- prefix kv batching]
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newestRun } from "../support/runs.ts";
import { ROOT, realVllm } from "./real-vllm.ts";

const PAGE = join(ROOT, "docs", "studies-cpu.md");
const HEADER = `# The studies on CPU

What the studies wrote on two cores of a shared machine without a GPU, with vLLM 0.32.0 and the \`tiny\` shape of
\`scripts/make-model.py\` (random weights: text means nothing, times and memory do). \`npm run e2e:vllm:full\` writes this page.
`;
/** Each study with its own defaults: the whole grid. */
const STUDIES: Readonly<Record<string, readonly string[]>> = {
  prefix: [],
  kv: [],
  batching: [],
};

/** A study's page as a section: headings two levels down, places of this machine left out. */
function sectionOf(name: string, report: string, tookS: number): string {
  const took = `${Math.floor(tookS / 60)} min ${Math.round(tookS % 60)} s`;
  const text = report
    .replaceAll(ROOT, "")
    .replaceAll(/^#(?=#* )/gm, "###")
    .trim();
  return `## study ${name}\n\n    vllm-gate study ${[name, ...(STUDIES[name] ?? [])].join(" ")}      ${took}\n\n${text}\n`;
}

/** The page's sections by their studies. */
function sectionsOf(page: string): Record<string, string> {
  const parts = page.split(/^(?=## study )/m).slice(1);
  return Object.fromEntries(
    parts.map((part) => [/^## study (\w+)/.exec(part)?.[1] ?? "", `${part.trim()}\n`]),
  );
}

const given = process.argv.slice(2);
const unknown = given.find((name) => !Object.hasOwn(STUDIES, name));
if (unknown !== undefined) {
  throw new RangeError(`${unknown}: no such study, expected of ${Object.keys(STUDIES).join(", ")}`);
}
const sections = sectionsOf(await readFile(PAGE, "utf8").catch(() => ""));
const vllm = await realVllm();
try {
  for (const name of given.length === 0 ? Object.keys(STUDIES) : given) {
    const beganMs = performance.now();
    const started = vllm.start(["study", name, ...(STUDIES[name] ?? [])]);
    started.nodeChildProcess.stderr?.pipe(process.stderr);
    const { exitCode, stdout, stderr } = await started;
    if (exitCode !== 0) throw new Error(`study ${name}: exit ${exitCode}\n${stdout}\n${stderr}`);
    const report = await readFile(join(await newestRun(vllm.cwd), "report.md"), "utf8");
    sections[name] = sectionOf(name, report, (performance.now() - beganMs) / 1000);
    const ordered = Object.keys(STUDIES).flatMap((each) => sections[each] ?? []);
    await writeFile(PAGE, [HEADER, ...ordered].join("\n"));
  }
} finally {
  await vllm.remove();
}
