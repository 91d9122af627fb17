/**
 * What events cost a client that does nothing with them: a Node program that reads each socket when something is
 * there, and throws it away, under the plan of one cell. No client in Node that stamps events as they come is cheaper.
 *
 *     node bench/client-floor.ts [CELL]         (64@10000)
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { parseCells } from "./client-cells.ts";
import { SERVER_CORE, SHORT_SLICES, startTruthServer } from "./client-server.ts";

const LIGHT_CLIENT = fileURLToPath(new URL("timing-client.ts", import.meta.url));
const TREE = fileURLToPath(new URL("client-process-tree.py", import.meta.url));
const MODEL = fileURLToPath(new URL("../.cache/models/tiny-shape", import.meta.url));
const [FEW, MANY] = [8, 1024];
const REPEATS = 3;

const [load] = parseCells(process.argv[2] ?? "64@10000");
if (load === undefined) throw new Error("no cell");
const folder = await mkdtemp(join(tmpdir(), "client-floor-"));
try {
  await using server = await startTruthServer(load, MODEL, join(folder, "truth.jsonl"));
  const port = new URL(server.url).port;
  const cpuOf = async (tokens: number): Promise<number> => {
    const result = join(folder, "cost.json");
    const client = [process.execPath, LIGHT_CLIENT, port, `${load.streams}`, `${tokens}`];
    await execa("python3", [
      "-I",
      TREE,
      result,
      "/dev/null",
      "120",
      `${SERVER_CORE}`,
      ...SHORT_SLICES,
      ...client,
    ]);
    return (JSON.parse(await readFile(result, "utf8")) as { cpuS: number }).cpuS;
  };
  const costs: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const seconds = (await cpuOf(MANY)) - (await cpuOf(FEW));
    costs.push((seconds / (load.streams * (MANY - FEW))) * 1e5);
  }
  costs.sort((a, b) => a - b);
  process.stdout.write(
    `${load.name}: a program that reads events and throws them away needs ${costs[1]?.toFixed(2)} CPU s per 100,000 ` +
      `(median of ${REPEATS}, ${costs[0]?.toFixed(2)} to ${costs[2]?.toFixed(2)})\n`,
  );
} finally {
  await rm(folder, { recursive: true });
}
