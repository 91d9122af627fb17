// Writes src/stats/null-splits.json: how clear the best split of points of no order is, by their number.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { mulberry32 } from "../src/stats/random.ts";
import { bestSplit, shuffle } from "../src/stats/rank-split.ts";

const PATH = fileURLToPath(new URL("../src/stats/null-splits.json", import.meta.url));
const PERMUTATIONS = 20_000;
const SIZES = [10, 11, 12, 14, 16, 18, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 400];
const LEVELS = [0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

/** The least value that at most this share of the statistics reach; null when no value is that rare. */
function criticalValue(statistics: readonly number[], level: number): number | null {
  const falling = statistics.map((value) => Math.round(value * 1e5)).sort((a, b) => b - a);
  const most = Math.floor(level * falling.length);
  // The values before it are reached by at most that many, unless the next one equals the last of them.
  let count = most;
  while (count > 0 && falling[count - 1] === falling[count]) count -= 1;
  const least = falling[count - 1];
  return least === undefined ? null : least / 1e5;
}

const rows = SIZES.map((n) => {
  const random = mulberry32(n);
  const ranks = Float64Array.from({ length: n }, (_, index) => (index + 1) / n);
  const statistics = Array.from({ length: PERMUTATIONS }, () => {
    shuffle(ranks, random);
    return bestSplit(ranks).statistic;
  });
  const critical = LEVELS.map((level) => criticalValue(statistics, level));
  return { n, critical };
});
const lines = rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n");
await writeFile(
  PATH,
  `{\n "permutations": ${PERMUTATIONS},\n "levels": ${JSON.stringify(LEVELS)},\n "rows": [\n${lines}\n ]\n}\n`,
);
