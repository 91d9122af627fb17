/**
 * What the telemetry costs beside a server that has started: CPU seconds per minute of this program and of the
 * nvidia-smi processes that it runs. The server is six idle processes; its GPUs are those of CUDA_VISIBLE_DEVICES.
 *
 *     npm run bench:telemetry [-- SECONDS [PERIOD_MS]]
 *
 * Without an nvidia-smi only the reading of `/proc` is measured. Exits 1 above one percent of one core.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { delay, monotonicS } from "../src/system/clock.ts";
import { Descendants, identify } from "../src/system/processes.ts";
import { parsePidStat } from "../src/telemetry/proc-text.ts";
import { startSampler } from "../src/telemetry/sampler.ts";

const [seconds = "60", periodMs = "1000"] = process.argv.slice(2);
const LIMIT = 0.01;

/** CPU seconds of the children that live, and of those that ended. */
async function childrenUsedS(except: ReadonlySet<number>): Promise<number> {
  const own = parsePidStat(await readFile("/proc/self/stat", "latin1"));
  const listed = await readFile(`/proc/self/task/${process.pid}/children`, "latin1").catch(() => "");
  let usedS = own?.endedChildrenS ?? 0;
  for (const pid of listed.trim().split(" ").filter(Boolean).map(Number)) {
    if (except.has(pid)) continue;
    const stat = parsePidStat(await readFile(`/proc/${pid}/stat`, "latin1").catch(() => ""));
    usedS += stat === null ? 0 : stat.ownS + stat.endedChildrenS;
  }
  return usedS;
}

function ownUsedS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const server = spawn("sh", ["-c", "for i in 1 2 3 4 5; do sleep 600 & done; wait"], {
  detached: true,
  stdio: "ignore",
});
const leaderPid = server.pid as number;
try {
  const leader = await identify(leaderPid);
  const descendants = new Descendants(leader === null ? [] : [leader]);
  const sampler = startSampler({
    periodMs: Number(periodMs),
    visibleDevices: process.env["CUDA_VISIBLE_DEVICES"],
  });
  sampler.watch({
    zeroS: monotonicS(),
    leaderPid,
    pids: async () => (await descendants.look()).map(({ pid }) => pid),
  });
  // What starting costs is not what running costs.
  await delay(3_000);
  await sampler.started();
  const servers = new Set([leaderPid]);
  const before = { own: ownUsedS(), children: await childrenUsedS(servers), atS: monotonicS() };
  await delay(Number(seconds) * 1000);
  const minutes = (monotonicS() - before.atS) / 60;
  const own = (ownUsedS() - before.own) / minutes;
  const children = ((await childrenUsedS(servers)) - before.children) / minutes;
  const samples = await sampler.stop();
  const readings = samples.reduce((sum, { gpus }) => sum + gpus.length, 0);
  const share = (own + children) / 60;
  process.stdout.write(
    [
      `period ${periodMs} ms, ${samples.length} samples, ${samples.at(-1)?.processes.length ?? 0} server processes, ${readings} GPU readings`,
      `this program    ${own.toFixed(3)} CPU s per minute`,
      `nvidia-smi      ${readings === 0 ? "none on this machine" : `${children.toFixed(3)} CPU s per minute`}`,
      `together        ${(share * 100).toFixed(2)} % of one core (limit ${LIMIT * 100} %)`,
      "",
    ].join("\n"),
  );
  process.exitCode = share > LIMIT ? 1 : 0;
} finally {
  process.kill(-leaderPid, "SIGKILL");
}
