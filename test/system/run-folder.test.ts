import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/domain/errors.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import {
  appendTraces,
  hashRun,
  newRunId,
  readRunFolder,
  readTraces,
  writeRun,
} from "../../src/system/run-folder.ts";
import { tempDir } from "../support/temp-dir.ts";

/** The smallest record that can be compared. */
const RUN: RunRecord = {
  schemaVersion: 1,
  scenario: "chat",
  variants: { head: { args: [] } },
  fingerprint: { gpuModel: "NVIDIA H200", gpuCount: 1, driver: null },
  sessions: [{ variant: "head", index: 0, outcome: "ok" }],
};

function trace(id: string): RequestTrace {
  return {
    variant: "head",
    session: 0,
    round: 0,
    probe: "batching",
    case: "c8",
    phase: "measure",
    id,
    promptTokens: 200,
    cachedTokens: null,
    outputTokens: 3,
    startS: 31.02,
    firstTokenS: 31.045,
    lastTokenS: 31.0492,
    endS: 31.05,
    arrivals: [
      [31.045, 1],
      [31.0492, 2],
    ],
    outcome: "ok",
    status: 200,
    error: null,
  };
}

async function folderWith(traces: string, run: unknown = RUN): Promise<string> {
  const folder = await tempDir();
  await writeFile(join(folder, "run.json"), JSON.stringify(run));
  await writeFile(join(folder, "traces.jsonl"), traces);
  return folder;
}

const lineOf = (value: unknown) => `${JSON.stringify(value)}\n`;

describe("newRunId", () => {
  it("tells the time to the second and takes the letters of any file system", () => {
    expect(newRunId(new Date("2026-11-22T06:35:00.987Z"))).toMatch(/^20261122T063500Z-[0-9a-f]{4}$/);
  });

  it("sorts by time", () => {
    const times = [
      "2025-12-31T23:59:59Z",
      "2026-01-01T00:00:00Z",
      "2026-01-01T00:00:09Z",
      "2026-01-01T00:00:10Z",
    ];
    const ids = times.map((time) => newRunId(new Date(time)));
    expect([...ids].sort()).toEqual(ids);
  });

  it("differs between runs of one second", () => {
    const now = new Date();
    const ids = Array.from({ length: 8 }, () => newRunId(now));
    expect(new Set(ids).size).toBeGreaterThan(1);
  });
});

describe("readRunFolder", () => {
  it("reads what was written, in its order", async () => {
    const folder = join(await tempDir(), "runs", "one");
    await appendTraces(folder, [trace("a"), trace("b")]);
    await appendTraces(folder, []);
    await appendTraces(folder, [trace("c")]);
    await writeRun(folder, RUN);
    expect(await readRunFolder(folder)).toEqual({ run: RUN, traces: [trace("a"), trace("b"), trace("c")] });
  });

  it("writes a line for each trace", async () => {
    const folder = await tempDir();
    await appendTraces(folder, [trace("a"), trace("b")]);
    const text = await readFile(join(folder, "traces.jsonl"), "utf8");
    expect(text).toBe(lineOf(trace("a")) + lineOf(trace("b")));
  });

  it("reads a run without traces", async () => {
    const folder = await tempDir();
    await writeRun(folder, RUN);
    expect((await readRunFolder(folder)).traces).toEqual([]);
  });

  it("passes over a last line that a killed writer left unfinished, and over empty lines", async () => {
    const half = lineOf(trace("c")).slice(0, 40);
    const folder = await folderWith(`${lineOf(trace("a"))}\n${lineOf(trace("b"))}${half}`);
    expect((await readRunFolder(folder)).traces.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("reads traces without arrivals, and keys that it does not know", async () => {
    const { arrivals: _, ...rest } = trace("a");
    const folder = await folderWith(lineOf({ ...rest, colour: "red" }), { ...RUN, colour: "red" });
    const { run, traces } = await readRunFolder(folder);
    expect(run).toEqual(RUN);
    expect(traces).toEqual([rest]);
  });

  it.each<[what: string, text: string, says: string]>([
    ["a line that is not JSON", `${lineOf(trace("a"))}{"id": \n`, "traces.jsonl:2: not JSON"],
    ["an unknown outcome", `\n${lineOf({ ...trace("a"), outcome: "fine" })}`, "traces.jsonl:2: outcome: "],
    ["a missing time", lineOf({ ...trace("a"), startS: undefined }), "traces.jsonl:1: startS: "],
    [
      "a time that is text",
      lineOf({ ...trace("a"), arrivals: [["x", 1]] }),
      "traces.jsonl:1: arrivals.0.0: ",
    ],
    ["tokens below zero", lineOf({ ...trace("a"), outputTokens: -1 }), "traces.jsonl:1: outputTokens: "],
  ])("names file, line and key of %s", async (_, text, says) => {
    const folder = await folderWith(text);
    const reading = readRunFolder(folder);
    await expect(reading).rejects.toBeInstanceOf(UsageError);
    await expect(reading).rejects.toThrow(`${folder}/${says}`);
  });

  it.each<[what: string, run: unknown, key: string]>([
    ["of a later version", { ...RUN, schemaVersion: 2 }, "schemaVersion"],
    ["without sessions", { ...RUN, sessions: undefined }, "sessions"],
    [
      "with an unknown outcome",
      { ...RUN, sessions: [{ variant: "head", index: 0, outcome: "x" }] },
      "sessions.0.outcome",
    ],
  ])("names the key of a run.json %s", async (_, run, key) => {
    const folder = await folderWith("", run);
    await expect(readRunFolder(folder)).rejects.toThrow(`${folder}/run.json: ${key}: `);
  });

  it("names a folder without run.json", async () => {
    const folder = await tempDir();
    await expect(readRunFolder(folder)).rejects.toThrow(`${folder}/run.json: no such file`);
  });
});

describe("hashRun", () => {
  it("is the same for the same run elsewhere", async () => {
    const [one, two] = [await folderWith(lineOf(trace("a"))), await folderWith(lineOf(trace("a")))];
    expect(await hashRun(one)).toBe(await hashRun(two));
    expect(await hashRun(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("changes with the record and with each trace", async () => {
    const folders = [
      await folderWith(lineOf(trace("a"))),
      await folderWith(lineOf(trace("b"))),
      await folderWith(lineOf(trace("a")), { ...RUN, scenario: "other" }),
      await folderWith(""),
    ];
    expect(new Set(await Promise.all(folders.map(hashRun))).size).toBe(folders.length);
  });
});

describe("traces without their arrivals", () => {
  const spoof = 'it said "arrivals":[[1,2]], and \\"arrivals\\":[[3,4]]';
  const all = [
    trace("a"),
    { ...trace("b"), error: spoof, arrivals: undefined },
    { ...trace("c"), error: spoof },
    { ...trace("d"), arrivals: [] },
  ];
  async function readAll(folder: string, needs?: (each: RequestTrace) => boolean): Promise<RequestTrace[]> {
    const read: RequestTrace[] = [];
    for await (const each of readTraces(folder, needs)) read.push(each);
    return read;
  }
  const without = ({ arrivals: _, ...rest }: RequestTrace) => rest;

  it("are the same in all else, wherever the key stands and however it is written", async () => {
    const { arrivals, ...rest } = trace("e");
    const lines = [
      ...all.map((each) => JSON.stringify(each)),
      JSON.stringify({ arrivals, ...rest }),
      JSON.stringify({ ...rest, arrivals }),
      JSON.stringify({ ...rest, arrivals }).replaceAll(":", ": "),
    ];
    const folder = await folderWith(`${lines.join("\n")}\n`);
    const whole = await readAll(folder);
    expect(await readAll(folder, () => true)).toEqual(whole);
    expect((await readAll(folder, () => false)).map(without)).toEqual(whole.map(without));
    const short = await readAll(folder, ({ id }) => id === "c");
    expect(short.map((each) => each.arrivals?.length)).toEqual([
      undefined,
      undefined,
      2,
      0,
      undefined,
      undefined,
      // Not as this tool writes it: read whole.
      2,
    ]);
  });
});
