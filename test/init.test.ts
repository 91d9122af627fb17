import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../src/config/load.ts";
import { initRepository } from "../src/init.ts";
import { runCli } from "./support/cli.ts";
import { createRepository } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

const WORKFLOW = ".github/workflows/vllm-gate.yml";
const EXAMPLES = new URL("../examples/", import.meta.url);

const example = (name: string) => readFile(new URL(name, EXAMPLES), "utf8");
const written = (root: string, name: string) => readFile(join(root, name), "utf8");

describe("initRepository", () => {
  it("writes what the examples show", async () => {
    const root = await tempDir();
    const { files, scenario, exampleModel } = await initRepository({ root, force: false });
    expect(files).toEqual(["vllm-gate.yml", WORKFLOW]);
    expect([scenario, exampleModel]).toEqual(["chat", true]);
    expect(await written(root, "vllm-gate.yml")).toBe(await example("config/vllm-gate.yml"));
    const workflow = await written(root, WORKFLOW);
    expect(parse(workflow)).toEqual(parse(await example("pull-request.yml")));
    expect(workflow).toMatch(/^name: /);
    // What is in the job's words stays.
    expect(workflow).toContain("# One GPU serves one run");
  });

  it("takes model and flags, and keeps what editors and people read", async () => {
    const root = await tempDir();
    const args = "--max-model-len 8192 --served-model-name 'our: chat'";
    await initRepository({ root, model: "org/model: #1", args, force: false });
    const text = await written(root, "vllm-gate.yml");
    expect(parseConfig(text, "vllm-gate.yml").scenarios["chat"]).toMatchObject({
      model: "org/model: #1",
      args,
    });
    expect(text).toMatch(/^# yaml-language-server: \$schema=/);
    expect(text).toContain("# limits:");
  });

  it("leaves the example's flags out beside another model: they may not fit it", async () => {
    const root = await tempDir();
    await initRepository({ root, model: "org/model", force: false });
    const { chat } = parseConfig(await written(root, "vllm-gate.yml"), "vllm-gate.yml").scenarios;
    expect([chat?.model, chat?.args]).toEqual(["org/model", undefined]);
  });

  it.each([
    ["--trust-remote-code", /^refused: --trust-remote-code.*allowFlags/],
    ["--seed 1; id", /--args: .*";" has a meaning to a shell only/],
  ])("refuses flags that the gate would refuse, and writes nothing: %s", async (args, message) => {
    const root = await tempDir();
    await expect(initRepository({ root, args, force: false })).rejects.toThrow(message);
    expect(await readdir(root)).toEqual([]);
  });

  it("overwrites nothing without being told to, not even the other file", async () => {
    const root = await tempDir();
    await mkdir(join(root, ".github", "workflows"), { recursive: true });
    await writeFile(join(root, WORKFLOW), "mine\n");
    await expect(initRepository({ root, force: false })).rejects.toThrow(
      `${WORKFLOW}: there already; --force overwrites, nothing was written`,
    );
    expect(await readdir(root)).toEqual([".github"]);
    await initRepository({ root, force: true });
    expect(await written(root, WORKFLOW)).not.toBe("mine\n");
  });
});

describe("vllm-gate init", () => {
  it("writes at the top of the repository, prints what is next, and what it wrote works", async () => {
    const root = await createRepository(join(await tempDir(), "serving"), { "deploy/README": "ours\n" });
    const cwd = join(root, "deploy");
    const result = await runCli(["init", "--model", "org/model", "--args", "--max-model-len 2048"], { cwd });
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain("Wrote ../vllm-gate.yml");
    expect(result.stdout).toContain("vllm-gate record --scenario chat");
    // A name that is not there: the configuration was read, and nothing was started.
    const checked = await runCli(["run", "--scenario", "other"], { cwd: root });
    expect(checked.stderr).toContain('vllm-gate.yml has no scenario "other". It has: chat');
    const again = await runCli(["init"], { cwd });
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/vllm-gate\.yml and .+: there already; --force overwrites/);
  });
});
