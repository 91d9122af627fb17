/**
 * The simulator with a seed of its own for each start, the same in each repetition:
 *
 *     node bench/seeded-simulator.ts COUNTER SEED serve MODEL ...
 *
 * COUNTER is a file that keeps how many servers were started with SEED.
 */
import { readFileSync, writeFileSync } from "node:fs";

const STARTS_PER_SEED = 1000;
const [counter = "", seed = ""] = process.argv.splice(2, 2);
let started = 0;
try {
  started = Number(readFileSync(counter, "utf8"));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
writeFileSync(counter, `${started + 1}`);
process.env["VLLM_SIM_SEED"] = `${Number(seed) * STARTS_PER_SEED + started}`;
await import("../src/simulator/main.ts");
