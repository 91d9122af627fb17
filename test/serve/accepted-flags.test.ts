import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  fetchAcceptedFlags,
  prefixCachingFlags,
  readHelp,
  withoutPrefixCaching,
} from "../../src/serve/accepted-flags.ts";
import { tempDir } from "../support/temp-dir.ts";
import { SIMULATOR } from "../support/workspace.ts";

const never = new AbortController().signal;
const env = { PATH: process.env["PATH"] ?? "" };

/** A command that answers with some JavaScript. */
async function command(script: string): Promise<string[]> {
  const path = join(await tempDir(), "server.mjs");
  await writeFile(path, script);
  return [process.execPath, path, "serve"];
}

describe("the flags that a command takes", () => {
  it("are those of vLLM's own usage", async () => {
    const usage = await readFile(
      new URL("../fixtures/vllm-0.22.0-h200/fail-badflag.log", import.meta.url),
      "utf8",
    );
    const flags = readHelp(usage);
    expect(flags).toContain("--enable-prefix-caching");
    expect(flags).toContain("--no-enable-prefix-caching");
    expect(flags).toContain("--kv-cache-memory-bytes");
  });

  it("are read from the simulator as from vLLM", async () => {
    const flags = await fetchAcceptedFlags({ command: SIMULATOR, env, signal: never });
    expect(prefixCachingFlags(flags)).toEqual({
      off: ["--no-enable-prefix-caching"],
      on: ["--enable-prefix-caching"],
    });
  });

  it("are asked for the older way when --help=all is refused", async () => {
    const older = await command(`
      if (process.argv.at(-1) !== "--help") { console.error("error: ignored explicit argument 'all'"); process.exit(2); }
      console.log("  --max-model-len MAX_MODEL_LEN\\n  --enable-prefix-caching  Enables automatic prefix caching.");`);
    const flags = await fetchAcceptedFlags({ command: older, env, signal: never });
    expect(prefixCachingFlags(flags)).toEqual({ off: [], on: ["--enable-prefix-caching"] });
  });

  it("are unknown when the command says nothing, hangs, or is not there", async () => {
    const silent = await command("");
    expect(await fetchAcceptedFlags({ command: silent, env, signal: never })).toBeNull();
    const hanging = await command("setInterval(() => {}, 1000);");
    expect(await fetchAcceptedFlags({ command: hanging, env, signal: never, timeoutMs: 300 })).toBeNull();
    expect(await fetchAcceptedFlags({ command: ["/no/such/program"], env, signal: never })).toBeNull();
  });

  it("are given up when the run is cancelled", async () => {
    const hanging = await command("setInterval(() => {}, 1000);");
    const stop = AbortSignal.abort(new Error("cancelled"));
    await expect(fetchAcceptedFlags({ command: hanging, env, signal: stop })).rejects.toThrow("cancelled");
  });
});

describe("prefix caching", () => {
  it("is switched as every current version has it when nothing is known", () => {
    expect(prefixCachingFlags(null)).toEqual({
      off: ["--no-enable-prefix-caching"],
      on: ["--enable-prefix-caching"],
    });
  });

  it("cannot be switched on a server without the flag", () => {
    expect(prefixCachingFlags(new Set(["--max-model-len"]))).toBeNull();
  });

  it("is taken out of a scenario's own arguments in every spelling", () => {
    expect(
      withoutPrefixCaching([
        "--enable-prefix-caching",
        "--max-model-len",
        "4096",
        "--no_enable_prefix_caching",
      ]),
    ).toEqual(["--max-model-len", "4096"]);
  });
});
