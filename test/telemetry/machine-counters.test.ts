import { describe, expect, it } from "vitest";
import { machineSample, readMachine, readScope } from "../../src/telemetry/machine-counters.ts";
import { rootReader } from "../../src/telemetry/proc-files.ts";
import { machineRoot, procStat, writeRoot } from "./machine-root.ts";

const PAGE = 4096;

/** The sample between a machine's files and the same ones after one second with changes. */
async function sampleOf(
  before: Record<string, string>,
  after: Record<string, string>,
  usedS: { server: number | null; own: number } = { server: 0, own: 0 },
) {
  const root = await machineRoot(before);
  const read = rootReader(root);
  const scope = await readScope(read);
  const first = await readMachine(read, scope, 10);
  await writeRoot(root, after);
  return machineSample(first, await readMachine(read, scope, 11), usedS, PAGE);
}

describe("what happened between two readings of a machine", () => {
  it("tells the server's, our own and everybody else's use of the cores apart", async () => {
    const { cpu } = await sampleOf(
      { "proc/stat": procStat([{ idle: 0 }, { idle: 0 }], 100) },
      { "proc/stat": procStat([{ user: 100 }, { user: 50, idle: 30, iowait: 10, steal: 10 }], 600) },
      { server: 1.1, own: 0.1 },
    );
    expect(cpu).toEqual({
      cores: 2,
      busy: 0.75,
      steal: 0.05,
      iowait: 0.05,
      contextSwitchesPerS: 500,
      load1: 0.5,
      serverCores: 1.1,
      ownCores: 0.1,
      outsideCores: 0.3,
    });
  });

  it("counts only the cores that the server may use", async () => {
    const status = { "proc/self/status": "Cpus_allowed_list:\t1-2\n" };
    const cores = (busy: number[]) => procStat(busy.map((user) => ({ user, idle: 100 - user })));
    const { cpu } = await sampleOf(
      { ...status, "proc/stat": cores([0, 0, 0, 0]) },
      {
        "proc/stat": procStat([100, 0, 50, 100].map((user) => ({ user, idle: 200 - user }))),
      },
    );
    expect(cpu).toMatchObject({ cores: 2, busy: 0.25, outsideCores: 0.5 });
  });

  it("does not guess what others use while no server is watched", async () => {
    const { cpu } = await sampleOf(
      {},
      { "proc/stat": procStat([{ user: 100 }, { user: 100 }]) },
      { server: null, own: 0 },
    );
    expect(cpu?.outsideCores).toBeNull();
  });

  it("counts swap in pages, disk reads in kilobytes, pressure as a share of the time", async () => {
    const { memory, pressure } = await sampleOf(
      {},
      {
        "proc/vmstat": "pgpgin 4096\npgpgout 2048\npswpin 256\npswpout 512\npgfault 9\npgmajfault 10\n",
        "proc/pressure/cpu": "some avg10=9 avg60=9 avg300=9 total=1250000\n",
      },
    );
    expect(memory).toMatchObject({
      swapInMib: 1,
      swapOutMib: 2,
      majorFaults: 7,
      diskReadMib: 2,
      diskWriteMib: 1,
      cachedMib: 1000,
      availableMib: 8000,
    });
    expect(pressure).toMatchObject({ cpuSome: 0.25, memorySome: 0 });
  });

  it("is null where the kernel has no such file", async () => {
    const read = rootReader("/nonexistent");
    const scope = await readScope(read);
    const at = (s: number) => readMachine(read, scope, s);
    expect(machineSample(await at(1), await at(2), { server: 0, own: 0 }, PAGE)).toEqual({
      cpu: null,
      memory: null,
      pressure: null,
      cgroup: null,
    });
  });
});

describe("control groups", () => {
  const v2 = {
    "proc/self/cgroup": "0::/kubepods/pod1\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
    "sys/fs/cgroup/kubepods/pod1/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/kubepods/pod1/cpu.stat": "usage_usec 5\nthrottled_usec 1000000\n",
    "sys/fs/cgroup/kubepods/pod1/memory.max": "max\n",
    "sys/fs/cgroup/kubepods/memory.max": "8589934592\n",
    "sys/fs/cgroup/kubepods/memory.current": "4294967296\n",
  };

  it("of version 2 limit by the tightest above the process, and throttle", async () => {
    const { cgroup } = await sampleOf(v2, {
      "sys/fs/cgroup/kubepods/pod1/cpu.stat": "usage_usec 5\nthrottled_usec 1400000\n",
    });
    expect(cgroup).toEqual({
      cpuLimitCores: 1.5,
      throttled: 0.4,
      memoryLimitMib: 8192,
      memoryUsedMib: 4096,
    });
  });

  it("of version 1 as well", async () => {
    const cpu = "sys/fs/cgroup/cpu/docker/c1";
    const memory = "sys/fs/cgroup/memory/docker/c1";
    const { cgroup } = await sampleOf(
      {
        "proc/self/cgroup": "4:memory:/docker/c1\n1:cpu,cpuacct:/docker/c1\n0::/\n",
        [`${cpu}/cpu.cfs_quota_us`]: "200000\n",
        [`${cpu}/cpu.cfs_period_us`]: "100000\n",
        [`${cpu}/cpu.stat`]: "nr_periods 1\nthrottled_time 0\n",
        [`${memory}/memory.limit_in_bytes`]: "2147483648\n",
        [`${memory}/memory.usage_in_bytes`]: "1073741824\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      },
      { [`${cpu}/cpu.stat`]: "nr_periods 1\nthrottled_time 100000000\n" },
    );
    expect(cgroup).toEqual({
      cpuLimitCores: 2,
      throttled: 0.1,
      memoryLimitMib: 2048,
      memoryUsedMib: 1024,
    });
  });

  it("whose path is another one inside a container are those at the top of the mount", async () => {
    const { cgroup } = await sampleOf(
      {
        "proc/self/cgroup": "0::/host/path/not/visible\n",
        "sys/fs/cgroup/cgroup.controllers": "cpu\n",
        "sys/fs/cgroup/cpu.max": "400000 100000\n",
        "sys/fs/cgroup/cpu.stat": "throttled_usec 0\n",
      },
      {},
    );
    expect(cgroup).toMatchObject({ cpuLimitCores: 4, throttled: 0, memoryLimitMib: null });
  });

  it("without a limit are not mentioned", async () => {
    const { cgroup } = await sampleOf(
      { "sys/fs/cgroup/cgroup.controllers": "cpu\n", "sys/fs/cgroup/cpu.max": "max 100000\n" },
      {},
    );
    expect(cgroup).toBeNull();
  });
});
