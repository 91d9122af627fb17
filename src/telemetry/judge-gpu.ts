import type { Finding, GpuFacts, Level, NodeFacts } from "../domain/node.ts";

/** Less than this is a display, a driver's own, or nothing. */
const FREE_ENOUGH_MIB = 1024;
const HOT_C = 83;
/** Reasons that slow a GPU down for its own protection. */
const PROTECTING = ["hw_slowdown", "hw_thermal", "sw_thermal", "hw_power_brake"];

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

/** The GPUs, judged. A thing that nvidia-smi does not report of a GPU is not judged. */
export function judgeGpus({ gpus, nvidiaSmi }: NodeFacts): Finding[] {
  return [
    { id: "gpu", subject: "GPUs", ...judgePresence(gpus, nvidiaSmi) },
    ...gpus.flatMap((gpu) =>
      judgeGpu(gpu).map(
        ([name, subject, finding]): Finding => ({
          id: `gpu${gpu.index}.${name}`,
          subject: `GPU ${gpu.index} ${subject}`,
          ...finding,
        }),
      ),
    ),
  ];
}

function judgePresence(gpus: readonly GpuFacts[], { state, reason }: NodeFacts["nvidiaSmi"]): Judged {
  if (state === "absent") {
    return judged(
      "note",
      "none",
      "there is no nvidia-smi",
      "A server on CPU can be gated; nothing is known of GPUs of other makers.",
    );
  }
  if (state === "failed") {
    return judged(
      "bad",
      "nvidia-smi failed",
      reason ?? "it gave no answer",
      "No server can use a GPU whose driver does not answer.",
      "sudo dmesg | grep -iE 'nvrm|xid' | tail",
    );
  }
  if (gpus.length === 0) {
    return judged(
      "bad",
      "none visible",
      "nvidia-smi works, but CUDA_VISIBLE_DEVICES names no GPU that there is",
      "The server will not find a device.",
      "unset CUDA_VISIBLE_DEVICES",
    );
  }
  const kinds = [...Map.groupBy(gpus, ({ name }) => name ?? "unknown GPU")];
  const value = kinds.map(([name, same]) => `${same.length} × ${name}`).join(", ");
  return kinds.length > 1
    ? judged(
        "warn",
        value,
        "the GPUs are not of one kind",
        "A server over all of them runs at the pace of the slowest.",
        "export CUDA_VISIBLE_DEVICES=…   # GPUs of one kind",
      )
    : ok(value, `driver ${gpus[0]?.driver ?? "unknown"}`);
}

function judgeGpu(gpu: GpuFacts): (readonly [name: string, subject: string, finding: Judged])[] {
  const found: (readonly [string, string, Judged | null])[] = [
    ["processes", "processes", judgeProcesses(gpu)],
    ["memory", "memory", judgeMemory(gpu)],
    ["throttle", "clock reasons", judgeThrottle(gpu)],
    ["temperature", "temperature", judgeTemperature(gpu)],
    ["clocks", "clocks", judgeClocks(gpu)],
    ["power", "power limit", judgePower(gpu)],
    ["persistence", "persistence", judgePersistence(gpu)],
    ["ecc", "ECC", judgeEcc(gpu)],
    ["pcie", "PCIe link", judgePcie(gpu)],
    ["mig", "MIG", judgeMig(gpu)],
    ["mode", "compute mode", judgeMode(gpu)],
  ];
  return found.flatMap(([name, subject, finding]) =>
    finding === null ? [] : [[name, subject, finding] as const],
  );
}

function judgeProcesses({ processes, index }: GpuFacts): Judged {
  if (processes.length === 0) return ok("none", "nobody else is on it");
  const value = processes
    .map(
      ({ pid, name, memoryMib }) =>
        `${name || "unnamed"} (PID ${pid}${memoryMib === null ? "" : `, ${memoryMib} MiB`})`,
    )
    .join(", ");
  return judged(
    "bad",
    value,
    "another process is on the GPU",
    "It takes compute, memory and bandwidth at times of its own: every round is dirty and the run invalid.",
    `nvidia-smi --query-compute-apps=pid,name --format=csv --id=${index}   # then end them`,
  );
}

function judgeMemory({ memoryUsedMib, memoryTotalMib, processes }: GpuFacts): Judged | null {
  if (memoryUsedMib === null) return null;
  const value = `${memoryUsedMib} of ${memoryTotalMib ?? "?"} MiB in use`;
  if (memoryUsedMib <= FREE_ENOUGH_MIB) return ok(value, "it is free");
  const holder =
    processes.length > 0
      ? "by the processes on it"
      : "by no process that can be seen: a leftover, or another container's";
  return judged(
    "bad",
    value,
    `memory is taken ${holder}`,
    "The KV cache gets what is left, so capacity shrinks by as much, or the start fails.",
    "sudo fuser -v /dev/nvidia*",
  );
}

function judgeThrottle({ throttle, smClockMhz, maxSmClockMhz }: GpuFacts): Judged | null {
  if (throttle === null) return null;
  const value = throttle.length === 0 ? "none" : throttle.join(", ");
  const protecting = throttle.filter((reason) => PROTECTING.includes(reason));
  if (protecting.length > 0) {
    return judged(
      "bad",
      value,
      "the GPU slows itself down to protect itself",
      `Its clock is ${smClockMhz ?? "?"} of ${maxSmClockMhz ?? "?"} MHz: compute-bound times grow by that ratio, and rounds are dirty.`,
      "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER   # then see to cooling and power supply",
    );
  }
  return throttle.includes("power_cap")
    ? judged(
        "note",
        value,
        "the power limit holds the clock down",
        "That is how this GPU is run: recorded, not blamed.",
      )
    : ok(value, "nothing holds the clock down");
}

function judgeTemperature({ temperatureC }: GpuFacts): Judged | null {
  if (temperatureC === null) return null;
  const value = `${temperatureC} °C`;
  return temperatureC >= HOT_C
    ? judged(
        "warn",
        value,
        `${HOT_C} °C and more before any load`,
        "Under load it will throttle: rounds become dirty.",
        "nvidia-smi -q -d TEMPERATURE",
      )
    : ok(value, "cool enough");
}

function judgeClocks(gpu: GpuFacts): Judged | null {
  const { index, maxSmClockMhz, applicationClockMhz, maxMemoryClockMhz, throttle, smClockMhz } = gpu;
  if (maxSmClockMhz === null) return null;
  if (applicationClockMhz !== null && applicationClockMhz < maxSmClockMhz) {
    return judged(
      "warn",
      `application clock ${applicationClockMhz} of ${maxSmClockMhz} MHz`,
      "somebody set the clock below what the GPU can do",
      `Compute-bound times (prefill, large batches) take up to ${percent(maxSmClockMhz / applicationClockMhz - 1)} longer; it is another machine to the baseline.`,
      `sudo nvidia-smi -i ${index} -rac`,
    );
  }
  const resting = throttle?.includes("idle") === true && smClockMhz !== null && smClockMhz < maxSmClockMhz;
  return judged(
    "note",
    resting ? `${smClockMhz} MHz at rest, up to ${maxSmClockMhz} MHz` : `up to ${maxSmClockMhz} MHz`,
    resting ? "not locked: the clock falls at rest and rises under load" : "not known to be locked",
    "The first requests after a pause may meet a slow clock; warm-up requests precede every measured case.",
    `sudo nvidia-smi -i ${index} -lgc ${maxSmClockMhz}${maxMemoryClockMhz === null ? "" : ` && sudo nvidia-smi -i ${index} -lmc ${maxMemoryClockMhz}`}`,
  );
}

function judgePower({ index, powerLimitW, defaultPowerLimitW }: GpuFacts): Judged | null {
  if (powerLimitW === null) return null;
  if (defaultPowerLimitW === null || powerLimitW === defaultPowerLimitW) {
    return ok(`${powerLimitW} W`, "the default");
  }
  const value = `${powerLimitW} W, default ${defaultPowerLimitW} W`;
  return powerLimitW < defaultPowerLimitW
    ? judged(
        "warn",
        value,
        "somebody lowered the power limit",
        "Large batches and long prefills run at a lower clock; a baseline of another limit is not compared.",
        `sudo nvidia-smi -i ${index} -pl ${Math.round(defaultPowerLimitW)}`,
      )
    : judged(
        "note",
        value,
        "somebody raised the power limit",
        "A baseline of another limit is not compared.",
      );
}

function judgePersistence({ index, persistence }: GpuFacts): Judged | null {
  if (persistence === null) return null;
  return persistence
    ? ok("on", "the driver stays loaded between servers")
    : judged(
        "warn",
        "off",
        "the driver is unloaded when the last process leaves the GPU",
        "Every start pays 1–3 s for loading it, and clock settings are lost.",
        `sudo nvidia-smi -i ${index} -pm 1`,
      );
}

function judgeEcc({
  index,
  ecc,
  eccUncorrected,
  eccCorrected,
  rowsPending,
  rowsFailed,
}: GpuFacts): Judged | null {
  if (rowsFailed === true) {
    return judged(
      "bad",
      "row remapping failed",
      "faulty memory could not be replaced",
      "Servers crash or compute nonsense.",
      "nvidia-smi -q -d ROW_REMAPPER   # have the GPU replaced",
    );
  }
  if (rowsPending === true || (eccUncorrected ?? 0) > 0) {
    return judged(
      "bad",
      rowsPending === true
        ? "row remapping pending"
        : `${eccUncorrected} uncorrected errors since the driver was loaded`,
      "memory of the GPU is faulty",
      "A server may crash at any time (Xid 48, 63, 94, 95).",
      `sudo nvidia-smi -i ${index} -r   # resets the GPU: nothing may use it`,
    );
  }
  if (ecc === null) return null;
  if (!ecc) {
    return judged(
      "note",
      "off",
      "memory errors are not corrected",
      "Capacity and bandwidth differ from a GPU with ECC on cards without HBM.",
    );
  }
  return (eccCorrected ?? 0) > 0
    ? judged(
        "note",
        `on, ${eccCorrected} corrected errors`,
        "single-bit errors were corrected",
        "None yet; many in a short time announce a fault.",
      )
    : ok("on, no errors", "memory is sound");
}

function judgePcie(gpu: GpuFacts): Judged | null {
  const { pcieGeneration, pcieMaxGeneration, pcieWidth, pcieMaxWidth, performanceState } = gpu;
  if (pcieGeneration === null || pcieWidth === null) return null;
  const value = `generation ${pcieGeneration} × ${pcieWidth}`;
  if (pcieMaxWidth !== null && pcieWidth < pcieMaxWidth) {
    return judged(
      "warn",
      `${value}, could be × ${pcieMaxWidth}`,
      "fewer lanes than the GPU has",
      `Weights and prompts reach the GPU at ${percent(pcieWidth / pcieMaxWidth)} of the speed: cold starts suffer, and tensor parallelism without NVLink.`,
      "sudo lspci -vv | grep -E 'NVIDIA|LnkSta:'   # reseat the card or riser",
    );
  }
  if (pcieMaxGeneration !== null && pcieGeneration < pcieMaxGeneration) {
    const atRest = performanceState !== null && performanceState !== "P0";
    return judged(
      atRest ? "note" : "warn",
      `${value}, could be generation ${pcieMaxGeneration}`,
      atRest
        ? `the link may slow down at rest (${performanceState})`
        : "the link is slower than the GPU allows",
      "Each generation halves the speed at which weights reach the GPU.",
      atRest ? null : "sudo lspci -vv | grep -E 'NVIDIA|LnkSta:'",
    );
  }
  return ok(value, "as fast as it can be");
}

function judgeMig({ mig, migProfiles }: GpuFacts): Judged | null {
  if (mig !== true) return null;
  return judged(
    "note",
    migProfiles.length === 0 ? "on, no slices" : migProfiles.join(", "),
    "the GPU is split",
    "Neighbours on other slices share its power and clocks; nvidia-smi reports no utilisation of a slice.",
  );
}

function judgeMode({ index, computeMode }: GpuFacts): Judged | null {
  return computeMode === "Prohibited"
    ? judged(
        "bad",
        computeMode,
        "no process may compute on it",
        "The server cannot start.",
        `sudo nvidia-smi -i ${index} -c DEFAULT`,
      )
    : null;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
