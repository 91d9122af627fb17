import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";

/** Writes the kernel's files below a folder. */
export async function writeRoot(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    // As the kernel's own files: whoever reads one never sees half of it.
    await writeFile(`${target}.new`, text);
    await rename(`${target}.new`, target);
  }
}

/** A folder with the files of a machine: two quiet cores unless told. */
export async function machineRoot(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const root = await tempDir();
  await writeRoot(root, { ...quietMachine(), ...files });
  return root;
}

/** Clock ticks of one core's line in `/proc/stat`. */
export interface CoreTicks {
  readonly user?: number;
  readonly idle?: number;
  readonly iowait?: number;
  readonly steal?: number;
}

export function procStat(cores: readonly CoreTicks[], contextSwitches = 1000): string {
  const lines = cores.map(
    ({ user = 0, idle = 0, iowait = 0, steal = 0 }, index) =>
      `cpu${index} ${user} 0 0 ${idle} ${iowait} 0 0 ${steal} 0 0`,
  );
  return ["cpu  1 1 1 1 1 1 1 1 0 0", ...lines, "intr 5", `ctxt ${contextSwitches}`, ""].join("\n");
}

/** `/proc/PID/stat` of a process; times in clock ticks. */
export function pidStat(
  pid: number,
  { name = "python3", ppid = 1, user = 0, children = 0, start = 100, faults = 0 } = {},
): string {
  return `${pid} (${name}) S ${ppid} 1 1 0 -1 4194304 10 0 ${faults} 0 ${user} 0 ${children} 0 20 0 1 0 ${start} 1 1\n`;
}

/** The files of one process below `proc`. */
export function processFiles(
  pid: number,
  commandLine: string,
  { rssKib = 102_400, ...stat }: Parameters<typeof pidStat>[1] & { rssKib?: number } = {},
): Record<string, string> {
  return {
    [`proc/${pid}/stat`]: pidStat(pid, stat),
    [`proc/${pid}/status`]: `Name:\tpython3\nVmRSS:\t  ${rssKib} kB\nCpus_allowed_list:\t0-1\n`,
    [`proc/${pid}/cmdline`]: commandLine.replaceAll(" ", "\0"),
  };
}

export function quietMachine(): Record<string, string> {
  return {
    "proc/stat": procStat([{ idle: 1000 }, { idle: 1000 }]),
    "proc/vmstat": "pgpgin 2048\npgpgout 1024\npswpin 0\npswpout 0\npgfault 9\npgmajfault 3\n",
    "proc/meminfo":
      "MemTotal: 16384000 kB\nMemAvailable: 8192000 kB\nCached: 1024000 kB\nSwapCached: 0 kB\n" +
      "SwapTotal: 0 kB\nSwapFree: 0 kB\nHugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\n",
    "proc/loadavg": "0.50 0.40 0.30 1/200 999\n",
    "proc/pressure/cpu":
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/pressure/memory":
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/pressure/io":
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/self/status": "Name:\tnode\nCpus_allowed_list:\t0-1\n",
    "proc/self/cgroup": "0::/\n",
  };
}
