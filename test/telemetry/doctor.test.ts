import { describe, expect, it } from "vitest";
import { diagnosisSchema } from "../../src/domain/doctor.ts";
import { nodeReportSchema } from "../../src/domain/node.ts";
import { diagnose, probeNode, renderDiagnosis } from "../../src/telemetry/doctor.ts";
import { allocatorOf } from "../../src/telemetry/node-facts.ts";
import { idleH200, installNvidiaSmi, type StubMachine } from "../support/nvidia-smi.ts";
import { tempDir } from "../support/temp-dir.ts";
import { machineRoot } from "./machine-root.ts";

/** The files of a node that is set up as the seed recommends. */
const TUNED: Record<string, string> = {
  "proc/cpuinfo": "processor: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C\n",
  "proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units\n" +
    "Max processes             96365                96365                processes\n" +
    "Max open files            1048576              1048576              files\n" +
    "Max locked memory         unlimited            unlimited            bytes\n",
  "proc/sys/vm/swappiness": "1\n",
  "proc/sys/kernel/numa_balancing": "0\n",
  "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  "sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise madvise [never]\n",
  "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc acpi_pm\n",
  "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "performance\n",
  "sys/devices/system/node/node0/meminfo": "\n",
};
const H200 = { ...idleH200() };

async function examine(
  machine: StubMachine | null,
  files: Record<string, string> = {},
  options: { visibleDevices?: string; serverPid?: number } = {},
) {
  const root = await machineRoot({ ...TUNED, ...files });
  const nvidiaSmi =
    machine === null ? "/nonexistent/nvidia-smi" : await installNvidiaSmi(await tempDir(), machine);
  const report = await probeNode({ root, nvidiaSmi, stealMs: 1, ...options });
  expect(nodeReportSchema.parse(report)).toEqual(report);
  const diagnosis = diagnose(report);
  expect(diagnosisSchema.parse(diagnosis)).toEqual(diagnosis);
  const worse = diagnosis.findings.filter(({ level }) => level === "warn" || level === "bad");
  return {
    diagnosis,
    worse: worse.map(({ id, level }) => `${level} ${id}`),
    text: renderDiagnosis(diagnosis).join("\n"),
  };
}

describe("a healthy H200", () => {
  it("is healthy, and every line says why", async () => {
    const { diagnosis, worse, text } = await examine({ gpus: [H200] });
    expect(worse).toEqual([]);
    expect(diagnosis.verdict).toBe("healthy");
    expect(text).toMatchInlineSnapshot(`
      "healthy: a verdict from this machine can be trusted

      note  GPU 0 clocks               345 MHz at rest, up to 1980 MHz
            why:  not locked: the clock falls at rest and rises under load
            does: The first requests after a pause may meet a slow clock; warm-up requests precede every measured case.
            fix:  sudo nvidia-smi -i 0 -lgc 1980 && sudo nvidia-smi -i 0 -lmc 3201
      note  reserved huge pages        none
            why:  a small, stable reserve is part of the sane default, but vLLM does not ask for one by itself
            does: Nothing for most models; the loading of large ones from host memory may gain.
            fix:  sudo sysctl vm.nr_hugepages=1024
      ok    GPUs                       1 × NVIDIA H200 (driver 580.159.04)
      ok    GPU 0 processes            none (nobody else is on it)
      ok    GPU 0 memory               0 of 143771 MiB in use (it is free)
      ok    GPU 0 clock reasons        idle (nothing holds the clock down)
      ok    GPU 0 temperature          36 °C (cool enough)
      ok    GPU 0 power limit          700 W (the default)
      ok    GPU 0 persistence          on (the driver stays loaded between servers)
      ok    GPU 0 ECC                  on, no errors (memory is sound)
      ok    GPU 0 PCIe link            generation 5 × 16 (as fast as it can be)
      ok    transparent huge pages     madvise (programs that ask for huge pages get them, nobody else)
      ok    huge page defragmentation  never (no allocation waits for memory to be compacted)
      ok    swap                       none (nothing can be swapped out)
      ok    memory                     8000 of 16000 MiB available (there is room for the server and for its weights in the page cache)
      ok    NUMA                       1 node (all memory is equally near)
      ok    CPU governor               performance (the clock does not wait for load)
      ok    clock source               tsc (time is read without a system call)
      ok    other load                 0.50 on 2 cores (the machine is idle)
      ok    steal                      0.0 % (the host gives this machine its time)
      ok    CPU limit                  none (no control group limits the CPU)
      ok    open files                 1048576 (vLLM asks for 65,535)
      ok    memory allocator           not looked at (no server runs)"
    `);
  });

  it("is healthy eight times over", async () => {
    const gpus = Array.from({ length: 8 }, (_, index) => idleH200(index));
    const { diagnosis, text } = await examine({ gpus });
    expect(diagnosis.verdict).toBe("healthy");
    expect(text).toContain("8 × NVIDIA H200 (driver 580.159.04)");
    expect(text).toContain("GPU 7 PCIe link");
  });
});

describe("a sick GPU", () => {
  const hot = {
    "clocks_event_reasons.active": "0x0000000000000068",
    "clocks.sm": 1200,
    "temperature.gpu": 91,
  };
  it.each<[string, Record<string, string | number>, string[], RegExp]>([
    [
      "that throttles for heat",
      hot,
      ["bad gpu0.throttle", "warn gpu0.temperature"],
      /hw_slowdown, sw_thermal, hw_thermal\n.*protect itself\n.*Its clock is 1200 of 1980 MHz/,
    ],
    [
      "with faulty memory",
      { "ecc.errors.uncorrected.volatile.total": 2 },
      ["bad gpu0.ecc"],
      /2 uncorrected errors/,
    ],
    ["with rows to remap", { "remapped_rows.pending": "Yes" }, ["bad gpu0.ecc"], /row remapping pending/],
    [
      "that cannot be repaired",
      { "remapped_rows.failure": "Yes" },
      ["bad gpu0.ecc"],
      /have the GPU replaced/,
    ],
    [
      "whose memory is taken by nobody",
      { "memory.used": 70_000 },
      ["bad gpu0.memory"],
      /70000 of 143771 MiB in use\n.*by no process that can be seen/,
    ],
    ["that may not compute", { compute_mode: "Prohibited" }, ["bad gpu0.mode"], /nvidia-smi -i 0 -c DEFAULT/],
    [
      "without persistence",
      { persistence_mode: "Disabled" },
      ["warn gpu0.persistence"],
      /sudo nvidia-smi -i 0 -pm 1/,
    ],
    [
      "with a lower power limit",
      { "power.limit": "500.00" },
      ["warn gpu0.power"],
      /500 W, default 700 W[\s\S]*sudo nvidia-smi -i 0 -pl 700/,
    ],
    [
      "with a lower clock",
      { "clocks.applications.graphics": 1320 },
      ["warn gpu0.clocks"],
      /application clock 1320 of 1980 MHz[\s\S]*up to 50 % longer[\s\S]*-rac/,
    ],
    [
      "on half its lanes",
      { "pcie.link.width.current": 8 },
      ["warn gpu0.pcie"],
      /× 8, could be × 16[\s\S]*at 50 % of the speed/,
    ],
    [
      "on a slow link at work",
      { "pcie.link.gen.current": 3 },
      ["warn gpu0.pcie"],
      /generation 3 × 16, could be generation 5/,
    ],
    [
      "on a slow link at rest",
      { "pcie.link.gen.current": 1, pstate: "P8" },
      [],
      /the link may slow down at rest \(P8\)/,
    ],
    ["under a power cap", { "clocks_event_reasons.active": "0x4" }, [], /recorded, not blamed/],
  ])("%s", async (_, fields, expected, said) => {
    const { worse, text, diagnosis } = await examine({ gpus: [{ ...H200, ...fields }] });
    expect(worse).toEqual(expected);
    expect(text).toMatch(said);
    const verdict = expected.some((each) => each.startsWith("bad"))
      ? "unfit"
      : expected.length > 0
        ? "degraded"
        : "healthy";
    expect(diagnosis.verdict).toBe(verdict);
  });

  it("shared with another process is unfit, and the process is named", async () => {
    const processes = [
      { uuid: String(H200["uuid"]), pid: 4242, memoryMib: 60_000, name: "/usr/bin/train.py" },
    ];
    const { worse, text } = await examine({ gpus: [{ ...H200, "memory.used": 60_100 }], processes });
    expect(worse).toEqual(["bad gpu0.processes", "bad gpu0.memory"]);
    expect(text).toContain("/usr/bin/train.py (PID 4242, 60000 MiB)");
    expect(text).toContain("nvidia-smi --query-compute-apps=pid,name --format=csv --id=0");
  });

  it("among eight is the one that is named; one that the server does not see does not matter", async () => {
    const gpus = Array.from({ length: 8 }, (_, index) => ({
      ...idleH200(index),
      ...(index === 5 ? hot : {}),
    }));
    expect((await examine({ gpus })).worse).toEqual(["bad gpu5.throttle", "warn gpu5.temperature"]);
    expect((await examine({ gpus }, {}, { visibleDevices: "0,1,2,3" })).worse).toEqual([]);
  });

  it("that is split is named by its slices", async () => {
    const gpu: StubMachine["gpus"][number] = {
      ...H200,
      "mig.mode.current": "Enabled",
      "utilization.gpu": "[N/A]",
    };
    const listing = `GPU 0: NVIDIA H200 (UUID: ${gpu["uuid"]})\n  MIG 3g.71gb     Device  0: (UUID: MIG-5f0c1)`;
    const { diagnosis, text } = await examine({ gpus: [gpu], listing });
    expect(diagnosis.verdict).toBe("healthy");
    expect(text).toContain("3g.71gb\n      why:  the GPU is split");
  });

  it("whose values are not reported is not judged by them", async () => {
    const bare = { index: 0, uuid: H200["uuid"] ?? "", name: "NVIDIA T4" };
    const { diagnosis } = await examine({ gpus: [bare] });
    expect(diagnosis.verdict).toBe("healthy");
    expect(diagnosis.findings.filter(({ id }) => id.startsWith("gpu0")).map(({ id }) => id)).toEqual([
      "gpu0.processes",
    ]);
  });
});

describe("a driver", () => {
  it.each([
    [
      { text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", code: 9 },
      /couldn't communicate/,
    ],
    [{ text: "Failed to initialize NVML: Driver/library version mismatch", code: 18 }, /version mismatch/],
  ])("that fails makes the machine unfit, in its own words", async (failure, words) => {
    const { worse, text } = await examine({ gpus: [H200], faults: { failure } });
    expect(worse).toEqual(["bad gpu"]);
    expect(text).toMatch(words);
  });

  it("that does not answer is given up after the time it is given", async () => {
    const nvidiaSmi = await installNvidiaSmi(await tempDir(), { gpus: [H200], faults: { hangs: true } });
    const report = await probeNode({
      root: await machineRoot(TUNED),
      nvidiaSmi,
      stealMs: 1,
      smi: { timeoutMs: 100 },
    });
    expect(report.facts.nvidiaSmi).toEqual({ state: "failed", reason: "no answer in 0.1 s" });
  });

  it("that is absent is worth a note: there are servers on CPU", async () => {
    const { diagnosis, text } = await examine(null);
    expect(diagnosis.verdict).toBe("healthy");
    expect(text).toContain("there is no nvidia-smi");
  });

  it("that sees no GPU of CUDA_VISIBLE_DEVICES makes the machine unfit", async () => {
    expect((await examine({ gpus: [H200] }, {}, { visibleDevices: "7" })).worse).toEqual(["bad gpu"]);
  });
});

describe("a node", () => {
  const meminfo = (changes: Record<string, number>) => {
    const values = {
      MemTotal: 16384000,
      MemAvailable: 8192000,
      SwapTotal: 0,
      SwapFree: 0,
      Hugepagesize: 2048,
      ...changes,
    };
    const huge = { HugePages_Total: 0, HugePages_Free: 0, ...changes };
    return [
      ...Object.entries(values)
        .filter(([name]) => !name.startsWith("HugePages"))
        .map(([name, value]) => `${name}: ${value} kB`),
      ...Object.entries(huge)
        .filter(([name]) => name.startsWith("HugePages"))
        .map(([name, value]) => `${name}: ${value}`),
      "",
    ].join("\n");
  };
  const thp = "sys/kernel/mm/transparent_hugepage";
  const clock = "sys/devices/system/clocksource/clocksource0";
  it.each<[string, Record<string, string>, string[], RegExp]>([
    [
      "with huge pages for everybody",
      { [`${thp}/enabled`]: "[always] madvise never\n" },
      ["warn memory.thp"],
      /echo madvise \| sudo tee/,
    ],
    [
      "without huge pages",
      { [`${thp}/enabled`]: "always madvise [never]\n" },
      [],
      /note {2}transparent huge pages +never/,
    ],
    [
      "that compacts at every fault",
      { [`${thp}/defrag`]: "[always] defer defer+madvise madvise never\n" },
      ["warn memory.thp_defrag"],
      /echo never \| sudo tee/,
    ],
    [
      "with the kernel's default of defrag",
      { [`${thp}/defrag`]: "always defer defer+madvise [madvise] never\n" },
      [],
      /`never` is steadier/,
    ],
    [
      "with memory swapped out",
      { "proc/meminfo": meminfo({ SwapTotal: 2048000, SwapFree: 1024000 }) },
      ["warn memory.swap"],
      /1000 of 2000 MiB in use/,
    ],
    [
      "that likes to swap",
      {
        "proc/meminfo": meminfo({ SwapTotal: 2048000, SwapFree: 2048000 }),
        "proc/sys/vm/swappiness": "60\n",
      },
      [],
      /sudo sysctl vm\.swappiness=1/,
    ],
    [
      "with idle huge pages",
      { "proc/meminfo": meminfo({ HugePages_Total: 6000, HugePages_Free: 6000 }) },
      ["warn memory.hugepages"],
      /nobody uses them/,
    ],
    [
      "with an explicit reserve",
      { "proc/meminfo": meminfo({ HugePages_Total: 1024, HugePages_Free: 1000 }) },
      [],
      /1024 of 2 MiB, 1000 free/,
    ],
    [
      "with little memory",
      { "proc/meminfo": meminfo({ MemAvailable: 2048000 }) },
      ["warn memory.room"],
      /2000 of 16000 MiB available/,
    ],
    [
      "that moves pages between its nodes",
      { "sys/devices/system/node/node1/meminfo": "\n", "proc/sys/kernel/numa_balancing": "1\n" },
      ["warn memory.numa"],
      /2 nodes, balancing on/,
    ],
    ["with two nodes", { "sys/devices/system/node/node1/meminfo": "\n" }, [], /numactl --cpunodebind/],
    [
      "with a clock that follows the load",
      { "sys/devices/system/cpu/cpufreq/policy1/scaling_governor": "powersave\n" },
      ["warn cpu.governor"],
      /performance, powersave/,
    ],
    [
      "with a slow clock source",
      { [`${clock}/current_clocksource`]: "acpi_pm\n" },
      ["warn cpu.clocksource"],
      /echo tsc \| sudo tee/,
    ],
    ["that is loaded", { "proc/loadavg": "1.90 1 1 1/2 3\n" }, ["warn cpu.load"], /1\.90 on 2 cores/],
    [
      "with few open files",
      { "proc/self/limits": "Max open files            1024                 4096                 files\n" },
      ["warn limits.files"],
      /ulimit -n 65535/,
    ],
    [
      "with a limit on the CPU",
      { "sys/fs/cgroup/cgroup.controllers": "cpu\n", "sys/fs/cgroup/cpu.max": "100000 100000\n" },
      ["warn cpu.limit"],
      /1 cores/,
    ],
  ])("%s", async (_, files, expected, said) => {
    const { worse, text } = await examine({ gpus: [H200] }, files);
    expect(worse).toEqual(expected);
    expect(text).toMatch(said);
  });

  it("of which nothing can be read is not called sick", async () => {
    const report = await probeNode({ root: "/nonexistent", nvidiaSmi: null, stealMs: 1 });
    expect(diagnose(report).verdict).toBe("healthy");
    expect(report.findings.filter(({ value }) => value === "unknown").length).toBeGreaterThan(6);
  });

  it("is examined in well under ten seconds on this very machine", async () => {
    const startedMs = performance.now();
    const report = await probeNode();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(report.facts.cpu.cores).toBeGreaterThan(0);
  });
});

describe("the allocator of a server", () => {
  const map = (path: string) => `7f00-7f01 r-xp 00000000 fe:00 1 ${path}\n`;
  const glibc = map("/usr/lib/x86_64-linux-gnu/libc.so.6");
  it.each([
    [glibc, "glibc"],
    [glibc + map("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"), "jemalloc"],
    [map("/usr/lib/libtcmalloc_minimal.so.4.5.9") + glibc, "tcmalloc"],
    [map("/opt/lib/libmimalloc.so.2.1") + glibc, "mimalloc"],
    [map("/srv/jemalloc-notes.txt") + glibc, "glibc"],
  ])("is the one that is mapped", (maps, allocator) => {
    expect(allocatorOf(maps)).toBe(allocator);
  });

  it("is in the report, with what to try", async () => {
    const { text } = await examine({ gpus: [H200] }, { "proc/77/maps": glibc }, { serverPid: 77 });
    expect(text).toMatch(/note {2}memory allocator +glibc[\s\S]*vllm-gate study allocator/);
  });
});
