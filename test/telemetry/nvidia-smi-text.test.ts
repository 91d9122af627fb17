import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  createDmonParser,
  parseGpuProcess,
  parseGpuReading,
  parseMigDevices,
  parseNvlink,
  smiNumber,
  smiText,
  throttleReasons,
  unknownField,
  visibleGpus,
  withoutField,
} from "../../src/telemetry/nvidia-smi-text.ts";

const FIXTURE = new URL("../fixtures/nvidia-smi-h200.txt", import.meta.url);
const FIELDS = [
  "memory.used",
  "utilization.gpu",
  "clocks.sm",
  "clocks.mem",
  "power.draw",
  "temperature.gpu",
  "clocks_event_reasons.active",
];

describe("a line of nvidia-smi", () => {
  it("is read as a real H200 prints it, idle and under load", async () => {
    const lines = (await readFile(FIXTURE, "utf8")).split("\n").filter((line) => /^\d+, /.test(line));
    const readings = lines.map((line) => parseGpuReading(`0, ${line}`, ["index", ...FIELDS], 1));
    expect(readings.map((each) => [each?.smClockMhz, each?.throttle])).toEqual([
      [345, ["idle"]],
      [1980, []],
      [1980, []],
      [1980, []],
      [1980, ["power_cap"]],
      [1980, ["idle"]],
    ]);
    expect(readings[4]).toMatchObject({ utilization: 0.77, memoryUsedMib: 132437, powerW: 341.66 });
  });

  it("with fewer or more values than were asked for is not one", () => {
    expect(parseGpuReading("0, 1", ["index", ...FIELDS], 0)).toBeNull();
    expect(parseGpuReading("No devices were found", ["index"], 0)).toBeNull();
    expect(parseGpuReading("", ["index"], 0)).toBeNull();
    expect(parseGpuReading("-1, 2", ["index", "memory.used"], 0)).toBeNull();
  });

  it.each([
    ["[N/A]", null],
    ["[Unknown Error]", null],
    ["[Not Supported]", null],
    ["[GPU requires reset]", null],
    ["", null],
    ["1980", 1980],
    ["341.66", 341.66],
    ["700.00 W", 700],
    ["77 %", 77],
    ["5e3", null],
    ["0x1", null],
    ["Infinity", null],
  ])("whose value is %j holds %j", (text, value) => {
    expect(smiNumber(text)).toBe(value);
  });

  it("has no text where nvidia-smi has none", () => {
    expect([smiText("[N/A]"), smiText("N/A"), smiText(" Enabled "), smiText(undefined)]).toEqual([
      null,
      null,
      "Enabled",
      null,
    ]);
  });

  it.each([
    ["0x0000000000000000", []],
    ["0x0000000000000044", ["power_cap", "hw_thermal"]],
    [
      "0x00000000000001FF",
      [
        "idle",
        "application_clocks",
        "power_cap",
        "hw_slowdown",
        "sync_boost",
        "sw_thermal",
        "hw_thermal",
        "hw_power_brake",
        "display_clock",
      ],
    ],
    ["[N/A]", null],
  ])("with reasons %s", (mask, reasons) => {
    expect(throttleReasons(mask)).toEqual(reasons);
  });
});

describe("a field that a driver does not know", () => {
  it("is found in its complaint", () => {
    expect(unknownField('Field "nonsense" is not a valid field to query.\n\n')).toBe("nonsense");
    expect(unknownField("NVIDIA-SMI has failed")).toBeNull();
  });

  it("is asked for by its older name, then left out", () => {
    const active = "clocks_event_reasons.active";
    const older = withoutField(["index", active], active);
    expect(older).toEqual(["index", "clocks_throttle_reasons.active"]);
    expect(withoutField(older ?? [], "clocks_throttle_reasons.active")).toEqual(["index"]);
    expect(withoutField(["index"], "other")).toBeNull();
  });
});

describe("processes on a GPU", () => {
  it("are read with names that hold commas", () => {
    expect(parseGpuProcess("GPU-3d93, 429, 874, /usr/bin/python3, -c")).toEqual({
      gpuUuid: "GPU-3d93",
      pid: 429,
      memoryMib: 874,
      name: "/usr/bin/python3,-c",
    });
    expect(parseGpuProcess("GPU-3d93, 429, [N/A], [Not Found]")?.memoryMib).toBeNull();
    expect(parseGpuProcess("No running processes found")).toBeNull();
  });
});

describe("dmon", () => {
  it("is read by the columns that its header names", () => {
    const parse = createDmonParser();
    const text = `#Time         gpu    pwr  gtemp  mtemp   mclk   pclk  rxpci  txpci
#HH:MM:SS     Idx      W      C      C    MHz    MHz   MB/s   MB/s
 09:28:46       0     79     40     40   3201    345     26     17
 09:28:46       1     79     40     40   3201    345      -      -`;
    expect(text.split("\n").map((line) => parse(line, 2))).toEqual([
      null,
      null,
      { tS: 2, index: 0, rxMbPerS: 26, txMbPerS: 17 },
      { tS: 2, index: 1, rxMbPerS: null, txMbPerS: null },
    ]);
  });
});

describe("the GPUs that a server sees", () => {
  const gpus = [0, 1, 2, 3].map((index) => ({ index, uuid: `GPU-${index}abc-def` }));
  const mig = parseMigDevices(`GPU 0: NVIDIA H200 (UUID: GPU-0abc-def)
GPU 2: NVIDIA H200 (UUID: GPU-2abc-def)
  MIG 1g.18gb     Device  0: (UUID: MIG-5f0c1)
  MIG 3g.71gb     Device  1: (UUID: MIG-GPU-2abc/1/0)`);
  it.each([
    [undefined, [0, 1, 2, 3]],
    ["", []],
    ["-1", []],
    ["2,0", [2, 0]],
    ["1,1", [1]],
    ["GPU-3", [3]],
    // CUDA stops at the first entry that it does not know.
    ["0,9,1", [0]],
    ["MIG-5f0c1", [2]],
    ["MIG-GPU-2abc/1/0", [2]],
    ["GPU-nowhere", []],
  ])("with CUDA_VISIBLE_DEVICES=%j are %j", (visible, indexes) => {
    expect(visibleGpus(gpus, visible, mig).map(({ index }) => index)).toEqual(indexes);
  });

  it("slices have their profile and their GPU", () => {
    expect(mig.map(({ gpuIndex, profile }) => [gpuIndex, profile])).toEqual([
      [2, "1g.18gb"],
      [2, "3g.71gb"],
    ]);
  });
});

describe("NVLink's counters", () => {
  it("are summed over a GPU's links, as driver 580 lists them", () => {
    const listing =
      "GPU 0: NVIDIA H200 (UUID: GPU-3e33a20f-c4b7-2cc1-b249-40b1a425a1ee)\n" +
      "\t Link 0: Data Tx: 58270 KiB\n\t Link 0: Data Rx: 0 KiB\n\t Link 1: Data Tx: 58181 KiB\n\t Link 1: Data Rx: 2048 KiB\n" +
      "GPU 1: NVIDIA H200 (UUID: GPU-3aac3e88-56a8-f6ba-19f4-7469982a4483)\n\t Link 0: Data Tx: 1024 KiB\n\t Link 0: Data Rx: N/A\n" +
      "GPU 2: NVIDIA H200 (UUID: GPU-0)\n\t Link 0: <inactive>\n";
    expect(parseNvlink(listing, 7)).toEqual([
      { tS: 7, index: 0, txMib: (58_270 + 58_181) / 1024, rxMib: 2 },
      { tS: 7, index: 1, txMib: 1, rxMib: 0 },
    ]);
  });

  it.each(["", "No NVLinks\n", "\t Link 0: Data Tx: 5 KiB\n", "GPU 0: x\n\t Link 0: Data Tx: -5 KiB\n"])(
    "none in %j",
    (text) => expect(parseNvlink(text, 0)).toEqual([]),
  );
});
