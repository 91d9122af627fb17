import type { Finding, Level, NodeFacts } from "../domain/node.ts";

/** vLLM raises its limit to this many open files, and warns when it may not (`vllm/utils/system_utils.py`). */
const OPEN_FILES_WANTED = 65_535;
/** A clock that the CPU itself keeps is read in about 25 ns; the others need a system call or a device. */
const CPU_CLOCKS = /^(?:tsc|kvm-clock|arch_sys_counter|hyperv_clocksource_\w+)$/;

type Judged = Omit<Finding, "id" | "subject">;

const ok = (value: string, reason: string): Judged => ({
  level: "ok",
  value,
  reason,
  matters: "",
  fix: null,
});
const judged = (
  level: Level,
  value: string,
  reason: string,
  matters: string,
  fix: string | null = null,
): Judged => ({
  level,
  value,
  reason,
  matters,
  fix,
});
const unknown = (reason: string): Judged =>
  judged("note", "unknown", reason, "It may differ between two runs without being noticed.");

/** The machine apart from its GPUs, judged by the rules of day 6 of the SRE diary that this tool began as. */
export function judgeHost(facts: NodeFacts): Finding[] {
  const { cpu, memory } = facts;
  const of = (id: string, subject: string, finding: Judged): Finding => ({ id, subject, ...finding });
  return [
    of("memory.thp", "transparent huge pages", judgeThp(memory.thp)),
    of("memory.thp_defrag", "huge page defragmentation", judgeDefrag(memory.thpDefrag, memory.thp)),
    of("memory.hugepages", "reserved huge pages", judgeHugePages(memory)),
    of("memory.swap", "swap", judgeSwap(memory)),
    of("memory.room", "memory", judgeMemory(memory)),
    of("memory.numa", "NUMA", judgeNuma(memory)),
    of("cpu.governor", "CPU governor", judgeGovernor(cpu.governors)),
    of("cpu.clocksource", "clock source", judgeClock(cpu)),
    of("cpu.load", "other load", judgeLoad(cpu)),
    of("cpu.steal", "steal", judgeSteal(cpu.stealShare)),
    of("cpu.limit", "CPU limit", judgeCpuLimit(cpu)),
    of("limits.files", "open files", judgeOpenFiles(facts.limits)),
    of("process.allocator", "memory allocator", judgeAllocator(facts.allocator)),
  ];
}

function judgeThp(mode: string | null): Judged {
  const fix = "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled";
  if (mode === null) return unknown("the kernel has no transparent huge pages, or does not show them");
  if (mode === "madvise") return ok(mode, "programs that ask for huge pages get them, nobody else");
  if (mode === "always") {
    return judged(
      "warn",
      mode,
      "the kernel may turn anybody's memory into huge pages at any time; madvise with explicit huge pages is the sane default",
      "Compaction stalls a server for milliseconds at random: TTFT p95 spreads, resident memory grows.",
      fix,
    );
  }
  return judged(
    "note",
    mode,
    "no program can opt in to huge pages",
    "Weights and pinned buffers in host memory use 4 KiB pages: loading may take some percent longer.",
    fix,
  );
}

function judgeDefrag(mode: string | null, thp: string | null): Judged {
  const fix = "echo never | sudo tee /sys/kernel/mm/transparent_hugepage/defrag";
  if (mode === null) return unknown("the kernel does not show it");
  if (mode === "never" || thp === "never") return ok(mode, "no allocation waits for memory to be compacted");
  if (mode === "defer") return ok(mode, "compaction is left to a thread of the kernel");
  if (mode === "always") {
    return judged(
      "warn",
      mode,
      "every page fault may wait for compaction",
      "Stalls of milliseconds while the server allocates, at start most of all.",
      fix,
    );
  }
  return judged(
    "note",
    mode,
    "the kernel's default: memory that asked for huge pages may wait for compaction; `never` is steadier",
    "Allocators that use madvise (jemalloc, tcmalloc, PyTorch's pinned memory) may stall at start.",
    fix,
  );
}

function judgeHugePages({ hugePages, hugePagesFree, hugePageKib, totalMib }: NodeFacts["memory"]): Judged {
  if (hugePages === null) return unknown("/proc/meminfo does not show them");
  const reservedMib = (hugePages * (hugePageKib ?? 2048)) / 1024;
  const value = `${hugePages} of ${(hugePageKib ?? 2048) / 1024} MiB, ${hugePagesFree ?? 0} free`;
  if (totalMib !== null && reservedMib > totalMib / 2 && hugePages === hugePagesFree) {
    return judged(
      "warn",
      value,
      `${Math.round(reservedMib)} MiB of ${totalMib} MiB are set aside and nobody uses them`,
      "The page cache that keeps weight files warm has less room: cold starts read from disk again.",
      "sudo sysctl vm.nr_hugepages=0",
    );
  }
  return hugePages === 0
    ? judged(
        "note",
        "none",
        "a small, stable reserve is part of the sane default, but vLLM does not ask for one by itself",
        "Nothing for most models; the loading of large ones from host memory may gain.",
        "sudo sysctl vm.nr_hugepages=1024",
      )
    : ok(value, "an explicit reserve is part of the sane default");
}

function judgeSwap({ swapTotalMib, swapUsedMib, swappiness }: NodeFacts["memory"]): Judged {
  if (swapTotalMib === null) return unknown("/proc/meminfo does not show it");
  if (swapTotalMib === 0) return ok("none", "nothing can be swapped out");
  const value = `${swapUsedMib ?? 0} of ${swapTotalMib} MiB in use, swappiness ${swappiness ?? "unknown"}`;
  if ((swapUsedMib ?? 0) > 64) {
    return judged(
      "warn",
      value,
      "memory of some process lies on disk",
      "The first touch of a swapped page takes a disk read: TTFT outliers of 10 ms and more; rounds in which it swaps are dirty.",
      "sudo swapoff -a && sudo swapon -a",
    );
  }
  return (swappiness ?? 0) > 10
    ? judged(
        "note",
        value,
        "the kernel may swap idle memory out to grow the page cache, as reading weight files does",
        "A server that is idle between rounds may answer its next request late.",
        "sudo sysctl vm.swappiness=1",
      )
    : ok(value, "the kernel swaps only when it must");
}

function judgeMemory({ totalMib, availableMib, limitMib }: NodeFacts["memory"]): Judged {
  if (totalMib === null || availableMib === null) return unknown("/proc/meminfo does not show it");
  const room = Math.min(availableMib, limitMib ?? Number.POSITIVE_INFINITY);
  const limit = limitMib === null ? "" : `, limited to ${limitMib} MiB by the control group`;
  const value = `${availableMib} of ${totalMib} MiB available${limit}`;
  return room < 4096
    ? judged(
        "warn",
        value,
        "vLLM's processes take about 3 GiB together before the model's weights pass through",
        "The start may be killed for memory, or weights are read from disk at every start.",
        "ps -eo rss,args --sort=-rss | head",
      )
    : ok(value, "there is room for the server and for its weights in the page cache");
}

function judgeNuma({ numaNodes, numaBalancing }: NodeFacts["memory"]): Judged {
  if (numaNodes === null) return unknown("the kernel does not show its nodes");
  if (numaNodes === 1) return ok("1 node", "all memory is equally near");
  const value = `${numaNodes} nodes, balancing ${numaBalancing === null ? "unknown" : numaBalancing ? "on" : "off"}`;
  return numaBalancing === true
    ? judged(
        "warn",
        value,
        "the kernel moves pages between nodes behind the server's back",
        "Moved pages fault: stalls, and host-bound times (TTFT, start-up) that differ from start to start.",
        "sudo sysctl kernel.numa_balancing=0",
      )
    : judged(
        "note",
        value,
        "a server that is not bound to the GPU's node may start on either",
        "Host-bound times (TTFT, copies to the GPU) may differ by 10 % and more between starts.",
        "nvidia-smi topo -m   # then prefix the command with numactl --cpunodebind=N --membind=N",
      );
}

function judgeGovernor(governors: readonly string[]): Judged {
  if (governors.length === 0) return ok("set by the host", "this machine does not control its own clock");
  const value = governors.join(", ");
  return governors.every((governor) => governor === "performance")
    ? ok(value, "the clock does not wait for load")
    : judged(
        "warn",
        value,
        "the CPU's clock follows the load with a delay",
        "A server that waits between requests begins each one on a slow clock: TTFT floors vary by some percent.",
        "sudo cpupower frequency-set -g performance",
      );
}

function judgeClock({ clockSource, clockSources }: NodeFacts["cpu"]): Judged {
  if (clockSource === null) return unknown("the kernel does not show it");
  if (CPU_CLOCKS.test(clockSource)) return ok(clockSource, "time is read without a system call");
  const better = clockSources.find((name) => CPU_CLOCKS.test(name));
  return judged(
    "warn",
    clockSource,
    "each look at the clock is a system call or a device access, about 1 µs",
    "Python's and vLLM's many time stamps cost some percent of every decode step.",
    better === undefined
      ? null
      : `echo ${better} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource`,
  );
}

function judgeLoad({ load1, cores }: NodeFacts["cpu"]): Judged {
  if (load1 === null || cores === null) return unknown("/proc/loadavg cannot be read");
  const value = `${load1.toFixed(2)} on ${cores} cores`;
  return load1 > cores * 0.5
    ? judged(
        "warn",
        value,
        "other programs are running, or were within the last minute",
        "Rounds in which others use more than 10 % of the cores and tasks wait are dirty, and measured again.",
        "ps -eo pcpu,args --sort=-pcpu | head",
      )
    : ok(value, "the machine is idle");
}

function judgeSteal(share: number | null): Judged {
  if (share === null) return unknown("/proc/stat cannot be read");
  const value = `${(share * 100).toFixed(1)} %`;
  return share > 0.03
    ? judged(
        "warn",
        value,
        "the host gives this machine's time to others",
        "Everything takes longer by about this share; rounds above 3 % are dirty.",
        null,
      )
    : ok(value, "the host gives this machine its time");
}

function judgeCpuLimit({ limitCores, cores }: NodeFacts["cpu"]): Judged {
  if (limitCores === null) return ok("none", "no control group limits the CPU");
  const value = `${limitCores} cores`;
  return limitCores < Math.min(4, cores ?? 4)
    ? judged(
        "warn",
        value,
        "vLLM's API server, engine and one worker each keep a core busy under load, and the probes need one",
        "The control group stops the server for tens of milliseconds at a time: TTFT and inter-token times jump.",
        null,
      )
    : judged(
        "note",
        value,
        "a control group limits the CPU",
        "Rounds in which it held the server back are dirty.",
        null,
      );
}

function judgeOpenFiles(limits: NodeFacts["limits"]): Judged {
  if (limits === null) return unknown("/proc/self/limits cannot be read");
  if (limits.openFiles === null) return ok("unlimited", "connections cannot run out");
  const value = String(limits.openFiles);
  if (limits.openFiles >= OPEN_FILES_WANTED) return ok(value, "vLLM asks for 65,535");
  return judged(
    limits.openFiles < 4096 ? "warn" : "note",
    value,
    "vLLM tries to raise it to 65,535",
    "If it may not, connections fail with `Too many open files` at high concurrency.",
    `ulimit -n ${OPEN_FILES_WANTED}`,
  );
}

function judgeAllocator(allocator: NodeFacts["allocator"]): Judged {
  if (allocator === null) return ok("not looked at", "no server runs");
  return allocator === "glibc"
    ? judged(
        "note",
        allocator,
        "glibc's allocator keeps memory of many threads apart and gives little of it back",
        "When p99 matters, try another one: `vllm-gate study allocator` measures it.",
        "sudo apt-get install libjemalloc2   # then env: LD_PRELOAD=libjemalloc.so.2",
      )
    : ok(allocator, "bounds fragmentation over a long life");
}
