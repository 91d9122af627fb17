import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createStateFile, readStateFile } from "../../src/system/state-file.ts";
import { tempDir } from "../support/temp-dir.ts";

const INITIAL = { scenario: "chat", runDir: "runs/one", doing: "starting" };
const SERVER = { marker: "abc", leader: null };

describe("createStateFile", () => {
  it("is on disk as soon as it is there", async () => {
    const path = join(await tempDir(), "deep", "state.json");
    const state = await createStateFile(path, INITIAL);
    expect(await readStateFile(path)).toEqual({ schemaVersion: 1, ...INITIAL, servers: [] });
    expect(state.current).toEqual(await readStateFile(path));
  });

  it("has each update on disk when it settles, and keeps what the update does not name", async () => {
    const path = join(await tempDir(), "state.json");
    const state = await createStateFile(path, INITIAL);
    await state.update({ servers: [SERVER] });
    expect(await readStateFile(path)).toMatchObject({ doing: "starting", servers: [SERVER] });
    await state.update({ doing: "measuring" });
    expect(await readStateFile(path)).toMatchObject({ doing: "measuring", servers: [SERVER] });
    await state.update({ servers: [{ marker: "abc", leader: { pid: 7, startTicks: 12345 } }] });
    expect(state.current).toEqual(await readStateFile(path));
  });

  it("is gone after its end, also when it was gone already", async () => {
    const folder = await tempDir();
    const state = await createStateFile(join(folder, "state.json"), INITIAL);
    await state.close();
    await state.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it("outlasts its end while it names a server", async () => {
    const path = join(await tempDir(), "state.json");
    const state = await createStateFile(path, INITIAL);
    await state.update({ servers: [SERVER] });
    await state.close();
    expect(await readStateFile(path)).toMatchObject({ servers: [SERVER] });
    await state.update({ servers: [] });
    await state.close();
    await expect(readStateFile(path)).rejects.toThrow("no such file");
  });
});

describe("readStateFile", () => {
  it.each<[what: string, text: string, says: RegExp]>([
    ["half a file", '{"schemaVersion": 1, "scen', /not JSON/],
    ["another version", '{"schemaVersion": 2}', /schemaVersion/],
    [
      "a leader without its start time",
      JSON.stringify({ schemaVersion: 1, ...INITIAL, servers: [{ marker: "a", leader: { pid: 1 } }] }),
      /servers\.0\.leader\.startTicks/,
    ],
  ])("refuses %s, naming the file", async (_, text, says) => {
    const path = join(await tempDir(), "state.json");
    await writeFile(path, text);
    await expect(readStateFile(path)).rejects.toThrow(path);
    await expect(readStateFile(path)).rejects.toThrow(says);
  });

  it("names a file that is missing", async () => {
    const path = join(await tempDir(), "state.json");
    await expect(readStateFile(path)).rejects.toThrow(`${path}: no such file`);
  });
});
