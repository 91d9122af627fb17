/** One run of one client against a running server: its errors, its rate and what it cost. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { Load } from "./client-cells.ts";
import { compare, type Errors } from "./client-errors.ts";
import type { Client, Installed } from "./client-peers.ts";
import { goBeforeOtherWork, SERVER_CORE, SHORT_SLICES, type TruthServer } from "./client-server.ts";

const TREE = fileURLToPath(new URL("client-process-tree.py", import.meta.url));
const LIMIT_S = 120;

/** What one run gave. */
export interface Run extends Omit<Errors, "fromNs" | "toNs"> {
  /** CPU seconds of the client's processes from the server's receipt of the first measured request to their end. */
  readonly cpuS: number;
  /** CPU seconds before that: imports, prompts, warm-up. */
  readonly startUpCpuS: number;
  /** Most resident bytes of the client's processes together. */
  readonly memoryBytes: number;
}

interface Cost {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly cpuS: number;
  readonly realtimeMinusMonotonicNs: number;
  readonly samples: readonly (readonly [atNs: number, cpuS: number, residentBytes: number])[];
}

/**
 * Runs a client under a load.
 *
 * @param folder where the client and this function leave their files; emptied first
 * @throws Error with the tail of the client's output when it failed, or what {@link compare} throws
 */
export async function runClient(
  client: Client,
  load: Load,
  server: TruthServer,
  installed: Installed,
  folder: string,
): Promise<Run> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await server.forget();
  const context = { url: server.url, load, installed, folder };
  const [result, log] = [join(folder, "cost.json"), join(folder, "log.txt")];
  const argv = [
    "-I",
    TREE,
    result,
    log,
    `${LIMIT_S}`,
    `${SERVER_CORE}`,
    ...SHORT_SLICES,
    ...client.command(context),
  ];
  const tree = execa("python3", argv, { cwd: folder, env: { ...client.env, NO_COLOR: "1" }, detached: true });
  await goBeforeOtherWork(tree.pid);
  await tree;
  const cost = JSON.parse(await readFile(result, "utf8")) as Cost;
  if (cost.code !== 0) {
    const tail = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-5).join("\n");
    const how = cost.timedOut ? `did not end within ${LIMIT_S} s` : `ended with ${cost.code}`;
    throw new Error(`${client.name} ${how}: ${tail}`);
  }
  const { realtimeMinusMonotonicNs } = cost;
  const reported = await client.read({ ...context, realtimeMinusMonotonicNs });
  const ids = new Set(reported.map(({ id }) => id));
  const truths = await server.read((id) => ids.has(id), ids.size);
  const { fromNs, toNs: _toNs, ...errors } = compare(load, reported, truths);
  const startUpCpuS = cpuAt(cost.samples, fromNs);
  const memoryBytes = Math.max(...cost.samples.map(([, , bytes]) => bytes));
  return { ...errors, cpuS: cost.cpuS - startUpCpuS, startUpCpuS, memoryBytes };
}

/** CPU seconds at a moment, between the samples before and after it. */
function cpuAt(samples: Cost["samples"], atNs: number): number {
  const after = samples.findIndex(([sampleNs]) => sampleNs >= atNs);
  if (after <= 0) throw new Error("the client's processes were not looked at before its first request");
  const [fromNs, fromS] = samples[after - 1]!;
  const [toNs, toS] = samples[after]!;
  return fromS + ((toS - fromS) * (atNs - fromNs)) / (toNs - fromNs);
}
