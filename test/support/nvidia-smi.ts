import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a stub of nvidia-smi does wrong. Seconds of `delay` pass before its first line. */
export interface SmiFaults {
  readonly delayS?: number;
  /** It fails like this instead of answering. */
  readonly failure?: { readonly text: string; readonly code: number };
  /** It ends after so many rounds of a loop. */
  readonly endsAfter?: number;
  /** Lines printed before every answer. */
  readonly garbage?: string;
  /** It never answers and ignores TERM. */
  readonly hangs?: boolean;
  /** Fields that this driver does not know. */
  readonly unknownFields?: readonly string[];
}

/** A machine's GPUs as a stub of nvidia-smi reports them. */
export interface StubMachine {
  /** A record for each GPU, by field name; a field that is not there is `[N/A]`. */
  readonly gpus: readonly Readonly<Record<string, string | number>>[];
  readonly processes?: readonly { uuid: string; pid: number; memoryMib: number | string; name: string }[];
  /** What `-L` prints. */
  readonly listing?: string;
  /** Rows of `dmon -s t`: rx and tx in MB/s by GPU. */
  readonly pcie?: readonly (readonly [rx: number, tx: number])[];
  /** What `nvlink -gt d` prints; without it, nothing. */
  readonly nvlink?: string;
  /** A loop's first answer comes after so many seconds, a single question's at once. */
  readonly loopStartsAfterS?: number;
  readonly faults?: SmiFaults;
}

const H200_UUID = "GPU-00000000-0000-0000-0000-000000000000";

/** An idle H200, field by field as driver 580 prints it. */
export function idleH200(index = 0): Record<string, string | number> {
  return {
    index,
    uuid: H200_UUID.replace(/0$/, String(index)),
    name: "NVIDIA H200",
    "pci.bus_id": `00000000:0${index}:06.0`,
    driver_version: "580.159.04",
    "memory.total": 143771,
    "memory.used": 0,
    "utilization.gpu": 0,
    "utilization.memory": 0,
    "clocks.sm": 345,
    "clocks.mem": 3201,
    "clocks.max.sm": 1980,
    "clocks.max.mem": 3201,
    "clocks.applications.graphics": 1980,
    "clocks.default_applications.graphics": 1980,
    "power.draw": "79.59",
    "power.limit": "700.00",
    "power.default_limit": "700.00",
    "temperature.gpu": 36,
    "clocks_event_reasons.active": "0x0000000000000001",
    "clocks_event_reasons_counters.sw_power_cap": 468609,
    "clocks_event_reasons_counters.sw_thermal_slowdown": 0,
    "clocks_event_reasons_counters.hw_thermal_slowdown": 0,
    "clocks_event_reasons_counters.hw_power_brake_slowdown": 0,
    persistence_mode: "Enabled",
    "ecc.mode.current": "Enabled",
    "ecc.errors.uncorrected.volatile.total": 0,
    "ecc.errors.corrected.volatile.total": 0,
    "ecc.errors.uncorrected.aggregate.total": 0,
    "remapped_rows.pending": "No",
    "remapped_rows.failure": "No",
    "pcie.link.gen.current": 5,
    "pcie.link.gen.max": 5,
    "pcie.link.width.current": 16,
    "pcie.link.width.max": 16,
    "mig.mode.current": "Disabled",
    compute_mode: "Default",
    pstate: "P0",
  };
}

/** An H200 under load, as in the fixture with 32 requests at once. */
export function busyH200(index = 0): Record<string, string | number> {
  return {
    ...idleH200(index),
    "memory.used": 132437,
    "utilization.gpu": 77,
    "clocks.sm": 1980,
    "power.draw": "341.66",
    "temperature.gpu": 46,
    "clocks_event_reasons.active": "0x0000000000000004",
  };
}

/**
 * Writes a stub of nvidia-smi into a folder: it honours any `--query-gpu` and `--query-compute-apps` list, `-lms`,
 * `-l`, `--id`, `-L` and `dmon`, and complains about unknown fields in the real one's words.
 *
 * @returns its path
 */
export async function installNvidiaSmi(folder: string, machine: StubMachine): Promise<string> {
  const path = join(folder, "nvidia-smi");
  await setMachine(folder, machine);
  await writeFile(path, SCRIPT.replaceAll("@FOLDER@", folder));
  await chmod(path, 0o755);
  return path;
}

/** Changes what the stub in a folder reports, also to those that run already. */
export async function setMachine(folder: string, machine: StubMachine): Promise<void> {
  const {
    gpus,
    processes = [],
    listing,
    pcie = [],
    nvlink = "",
    loopStartsAfterS = 0,
    faults = {},
  } = machine;
  const rows = gpus.flatMap((gpu, position) =>
    Object.entries(gpu).map(([field, value]) => `${position}\t${field}\t${value}`),
  );
  const apps = processes.map(({ uuid, pid, memoryMib, name }) => [uuid, pid, memoryMib, name].join("\t"));
  const list =
    listing ?? gpus.map((gpu) => `GPU ${gpu["index"]}: ${gpu["name"]} (UUID: ${gpu["uuid"]})`).join("\n");
  const settings = [
    `delay=${faults.delayS ?? 0}`,
    `loopwait=${loopStartsAfterS}`,
    `ends=${faults.endsAfter ?? -1}`,
    `hangs=${faults.hangs === true ? 1 : 0}`,
    `code=${faults.failure?.code ?? 0}`,
    `unknown=' ${(faults.unknownFields ?? []).join(" ")} '`,
  ];
  await Promise.all([
    writeFile(join(folder, "gpus.tsv"), `${rows.join("\n")}\n`),
    writeFile(join(folder, "apps.tsv"), apps.map((row) => `${row}\n`).join("")),
    writeFile(join(folder, "list.txt"), `${list}\n`),
    writeFile(
      join(folder, "dmon.txt"),
      pcie.map(([rx, tx], index) => `    ${index}  ${rx}  ${tx}\n`).join(""),
    ),
    writeFile(join(folder, "nvlink.txt"), nvlink),
    writeFile(join(folder, "failure.txt"), faults.failure?.text ?? ""),
    writeFile(join(folder, "garbage.txt"), faults.garbage ?? ""),
    writeFile(join(folder, "settings.sh"), `${settings.join("\n")}\n`),
  ]);
}

const SCRIPT = String.raw`#!/bin/sh
cd '@FOLDER@' || exit 1
. ./settings.sh
[ "$hangs" = 1 ] && { trap '' TERM; while :; do sleep 1; done; }
[ "$delay" != 0 ] && sleep "$delay"
cat garbage.txt
[ "$code" != 0 ] && { cat failure.txt; exit "$code"; }
gpu='' apps='' every='' ids='' dmon=''
while [ $# -gt 0 ]; do
  case "$1" in
    --query-gpu=*) gpu=$(printf %s "$1" | cut -d= -f2) ;;
    --query-compute-apps=*) apps=$(printf %s "$1" | cut -d= -f2) ;;
    --loop-ms=*) every=$(awk "BEGIN { print $(printf %s "$1" | cut -d= -f2) / 1000 }") ;;
    -lms) every=$(awk "BEGIN { print $2 / 1000 }"); shift ;;
    -l|-d) every=$2; shift ;;
    --id=*) ids=$(printf %s "$1" | cut -d= -f2) ;;
    -i) ids=$2; shift ;;
    dmon) dmon=1 ;;
    nvlink) cat nvlink.txt; exit 0 ;;
    -L) cat list.txt; exit 0 ;;
  esac
  shift
done
for field in $(printf %s "$gpu$apps" | tr , ' '); do
  case "$unknown" in *" $field "*) echo "Field \"$field\" is not a valid field to query."; echo; exit 2 ;; esac
done
answer() {
  if [ -n "$dmon" ]; then
    cat dmon.txt
  elif [ -n "$gpu" ]; then
    awk -F'\t' -v list="$gpu" -v ids="$ids" '
      { value[$1, $2] = $3; if ($1 + 0 >= count) count = $1 + 1 }
      END {
        n = split(list, fields, ",")
        split(ids, wanted, ","); for (w in wanted) ok[wanted[w]] = 1
        for (g = 0; g < count; g++) {
          if (ids != "" && !(value[g, "index"] in ok)) continue
          row = ""
          for (f = 1; f <= n; f++)
            row = row (f > 1 ? ", " : "") ((g, fields[f]) in value ? value[g, fields[f]] : "[N/A]")
          print row
        }
      }' gpus.tsv
  else
    awk -F'\t' -v list="$apps" '
      BEGIN { n = split(list, fields, ","); at["gpu_uuid"] = 1; at["pid"] = 2; at["used_memory"] = 3; at["process_name"] = 4 }
      { row = ""; for (f = 1; f <= n; f++) row = row (f > 1 ? ", " : "") $(at[fields[f]]); print row }' apps.tsv
  fi
}
[ -n "$dmon" ] && printf '# gpu  rxpci  txpci \n# Idx   MB/s   MB/s \n'
round=0
[ -n "$every" ] && [ "$loopwait" != 0 ] && sleep "$loopwait"
while :; do
  . ./settings.sh
  [ "$round" = "$ends" ] && exit 9
  cat garbage.txt
  answer
  [ -z "$every" ] && exit 0
  round=$((round + 1))
  sleep "$every"
done
`;
