import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { measureFolder } from "../../src/measure/measure-folder.ts";
import { appendTraces, readRunFolder, writeRun } from "../../src/system/run-folder.ts";
import { run, session, timedTrace } from "../support/builders.ts";
import { tempDir } from "../support/temp-dir.ts";

const record = run({
  sessions: [session({ index: 0 }), session({ index: 1 }), session({ index: 2, outcome: "failed" })],
});

function tracesOf(index: number): RequestTrace[] {
  return Array.from({ length: 24 }, (_, number) =>
    timedTrace(
      { startS: number, ttftMs: 20 + index + number, tpotMs: 4, tokens: 8 },
      { session: index, id: `batching.c8.${number}` },
    ),
  );
}

async function folderOf(traces: readonly RequestTrace[]): Promise<string> {
  const folder = await tempDir();
  await writeRun(folder, record);
  await appendTraces(folder, traces);
  return folder;
}

const sorted = (list: readonly object[]) => list.map((each) => JSON.stringify(each)).sort();

describe("measureFolder", () => {
  it.each([
    ["session after session", [...tracesOf(0), ...tracesOf(1), ...tracesOf(2)]],
    ["mixed", [...tracesOf(0).slice(0, 5), ...tracesOf(1), ...tracesOf(0).slice(5)]],
    ["without traces", []],
  ])("measures what the whole run at once would: %s", async (_, traces) => {
    const folder = await folderOf(traces);
    const { run: read, measurements } = await measureFolder(folder);
    const whole = measureRun(record, (await readRunFolder(folder)).traces);
    expect(read.sessions).toHaveLength(3);
    for (const key of ["metrics", "measurements", "absent", "taints", "ttft"] as const) {
      expect(sorted(measurements[key])).toEqual(sorted(whole[key]));
    }
  });

  it("names the line that is none", async () => {
    const folder = await folderOf(tracesOf(0));
    await appendFile(join(folder, "traces.jsonl"), "{\n");
    await expect(measureFolder(folder)).rejects.toThrow(/traces\.jsonl:25: not JSON/);
  });
});
