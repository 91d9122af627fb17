import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  dropFromPageCache,
  parseFincore,
  readResidency,
  weightFiles,
} from "../../src/telemetry/page-cache.ts";
import {
  callVersion,
  judgeDisk,
  judgeFolder,
  judgeModel,
  judgePort,
  judgeVllm,
  modelFolder,
  runPreflight,
} from "../../src/telemetry/preflight.ts";
import { tempDir } from "../support/temp-dir.ts";

const GIB = 1024 ** 3;
const PATH = process.env["PATH"] ?? "";

async function program(text: string): Promise<string> {
  const path = join(await tempDir(), "vllm");
  await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

describe("vLLM", () => {
  const judge = async (command: string[], timeoutMs = 5_000) =>
    judgeVllm(await callVersion(command, { PATH }, timeoutMs));

  it("that prints its version can be started", async () => {
    const vllm = await program('[ "$1" = --version ] && echo "INFO 11-22 noise" && echo 0.22.0');
    expect(await judge([vllm, "serve"])).toMatchObject({ level: "ok", value: "0.22.0" });
  });

  it("that is not there makes the machine unfit", async () => {
    expect(await judge(["/nonexistent/vllm"])).toMatchObject({
      level: "bad",
      value: "/nonexistent/vllm: not found",
    });
  });

  it("that fails says why in its last line", async () => {
    const vllm = await program(
      "echo Traceback >&2; echo 'ImportError: libcuda.so.1: cannot open' >&2; exit 1",
    );
    expect(await judge([vllm])).toMatchObject({
      level: "bad",
      reason: "ImportError: libcuda.so.1: cannot open",
    });
  });

  it("that takes long to import is not broken", async () => {
    expect(await judge([await program("sleep 5")], 100)).toMatchObject({
      level: "note",
      value: "no answer in time",
    });
  });

  it("of a Python is asked without importing it", async () => {
    const folder = await tempDir();
    await mkdir(join(folder, "vllm"));
    await writeFile(join(folder, "vllm", "__init__.py"), "raise SystemExit('imported')\n");
    await writeFile(join(folder, "vllm", "_version.py"), "__version__ = version = '0.32.0'\n");
    const call = await callVersion(["python3", "-m", "vllm.entrypoints.openai.api_server"], {
      PATH,
      PYTHONPATH: folder,
    });
    expect(judgeVllm(call)).toMatchObject({ level: "ok", value: "0.32.0" });
  });
});

describe("judgements", () => {
  it("of the model", () => {
    const at = (state: "folder" | "cached" | "absent" | "incomplete", offline = false) =>
      judgeModel({ model: "org/m", state, weightsBytes: 3 * GIB }, offline).level;
    expect([at("folder"), at("cached"), at("absent"), at("absent", true), at("incomplete")]).toEqual([
      "ok",
      "ok",
      "note",
      "bad",
      "bad",
    ]);
    expect(judgeModel({ model: "org/m", state: "folder", weightsBytes: 3 * GIB }, false).value).toBe(
      "org/m, 3.00 GiB of weights",
    );
  });

  it.each([
    [0.5, "bad"],
    [3, "warn"],
    [70, "ok"],
  ])("of %d GiB of room is %s", (gib, level) => {
    expect(judgeDisk("/runs", gib * GIB).level).toBe(level);
  });

  it("of folders, ports and what cannot be told", () => {
    expect(judgeDisk("/runs", null).level).toBe("note");
    expect(judgeFolder("/runs", "EACCES: permission denied").level).toBe("bad");
    expect(judgePort(null, "no ports left").level).toBe("bad");
    expect(judgePort(4711, null)).toMatchObject({ level: "ok", value: "127.0.0.1:4711" });
  });
});

describe("a preflight", () => {
  it("looks at all that a run needs", async () => {
    const folder = await tempDir();
    await writeFile(join(folder, "config.json"), "{}");
    const findings = await runPreflight({
      command: [await program("echo 0.22.0")],
      model: folder,
      env: { PATH },
      cwd: "/",
      runsDir: join(folder, "runs", "not", "there", "yet"),
    });
    expect(findings.map(({ id, level }) => [id, level])).toEqual([
      ["preflight.vllm", "ok"],
      ["preflight.model", "ok"],
      ["preflight.disk", expect.stringMatching(/ok|warn/)],
      ["preflight.folder", "ok"],
      ["preflight.port", "ok"],
    ]);
  });
});

describe("the folder of a model", () => {
  it("is its own, or the snapshot of its branch in Hugging Face's cache", async () => {
    const home = await tempDir();
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const cached = join(home, "hub", "models--org--name");
    await mkdir(join(cached, "snapshots", commit), { recursive: true });
    await mkdir(join(cached, "refs"), { recursive: true });
    await writeFile(join(cached, "refs", "main"), commit);
    await writeFile(join(cached, "snapshots", commit, "config.json"), "{}");
    const env = { HF_HOME: home };
    expect(await modelFolder("org/name", home, env)).toBe(join(cached, "snapshots", commit));
    expect(await modelFolder("org/name", home, env, commit)).toBe(join(cached, "snapshots", commit));
    expect(await modelFolder("org/other", home, env)).toBeNull();
    expect(await modelFolder("../../etc/passwd", home, env)).toBeNull();
    expect(await modelFolder("hub", home, env)).toBe(join(home, "hub"));
  });
});

describe("the page cache", () => {
  it("is asked about weight files only", async () => {
    const folder = await tempDir();
    for (const name of ["a.safetensors", "b.bin", "config.json", "tokenizer.json"]) {
      await writeFile(join(folder, name), name);
    }
    expect((await weightFiles(folder)).map(({ sizeBytes }) => sizeBytes)).toEqual([13, 5]);
    expect(await weightFiles(join(folder, "nowhere"))).toEqual([]);
  });

  it("tells the share that is resident", async () => {
    const fincore = await program("echo 1024; echo '  2048'");
    const files = [
      { path: "/a", sizeBytes: 2048 },
      { path: "/b", sizeBytes: 4096 },
    ];
    expect(await readResidency(files, fincore)).toEqual({
      files: 2,
      sizeBytes: 6144,
      residentBytes: 3072,
      residentShare: 0.5,
    });
  });

  it("forgets a file that it is asked to forget, without root", async () => {
    const path = join(await tempDir(), "model.safetensors");
    const handle = await open(path, "w");
    await handle.write(Buffer.alloc(1024 * 1024, 1));
    await handle.sync();
    await handle.close();
    const files = [{ path, sizeBytes: 1024 * 1024 }];
    const before = await readResidency(files);
    await dropFromPageCache(files);
    const after = await readResidency(files);
    // A temporary folder in memory has nothing but its cache.
    if (before.residentShare === 1 && after.residentShare !== 1) expect(after.residentShare).toBe(0);
    await dropFromPageCache([{ path: "/nonexistent", sizeBytes: 1 }]);
  });

  it("is unknown without fincore", async () => {
    const files = [{ path: "/a", sizeBytes: 2048 }];
    expect(await readResidency(files, "/nonexistent/fincore")).toMatchObject({
      residentBytes: null,
      residentShare: null,
    });
    expect(await readResidency([], "/nonexistent/fincore")).toMatchObject({ files: 0, residentShare: null });
    expect([parseFincore("12\n13\n"), parseFincore("fincore: failed\n"), parseFincore("")]).toEqual([
      25,
      null,
      0,
    ]);
  });
});
