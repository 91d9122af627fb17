import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "./support/cli.ts";
import { serveHttp } from "./support/http.ts";
import { tempDir } from "./support/temp-dir.ts";

const KEY = "an-api-key-that-nobody-may-read";

async function everythingUnder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
  );
  return texts.join("\n");
}

describe("a hostile server that is already running", () => {
  it.each([500, 200])("gets the key that it echoes with %d into no file and no log", async (status) => {
    const cwd = await tempDir();
    const seen: string[] = [];
    const url = await serveHttp((request, response) => {
      const given = request.headers.authorization ?? "";
      seen.push(given);
      if (request.url === "/version") return void response.end(`{"version": "1 ${given}"}`);
      if (request.url === "/metrics") return void response.end(`# ${given}\na{x="${given}"} 1\n`);
      if (request.url === "/v1/models") return void response.end(`{"data": [{"id": "m ${given}"}]}`);
      response.statusCode = status;
      response.end(`{"error": {"message": "no, ${given}"}}`);
    });
    await writeFile(
      join(cwd, "vllm-gate.yml"),
      `scenarios: {a: {server: {url: "${url}", apiKeyEnv: VLLM_API_KEY}}}\n`,
    );
    const result = await runCli(["run"], { cwd, env: { VLLM_API_KEY: KEY } });
    expect(result.code, result.stderr).toBe(4);
    expect(seen.join()).toContain(KEY);
    expect(`${result.stdout}${result.stderr}`).not.toContain(KEY);
    expect(await everythingUnder(join(cwd, "runs"))).not.toContain(KEY);
  });
});

describe("bad input", () => {
  it.each<[args: string[], says: RegExp]>([
    [["run", "--config", "/"], /^vllm-gate: \/: is a folder, expected a file/],
    [["report", "file"], /^vllm-gate: file: no such folder, expected a run folder/],
    [["compare", "--base", "file", "--head", "file"], /file\/run\.json: a part of this path is a file/],
    [["record", "--scenario", "a", "--runs-dir", "file/x"], /file/],
    [["record", "file", "--config", "linked.yml"], /linked\.yml: a symbolic link leads out/],
    [["compare", "--base", "x", "--head", "x", "--config", "linked.yml"], /linked\.yml: a symbolic link/],
    [["run", "--config", "linked.yml"], /linked\.yml: a symbolic link leads out of the repository/],
    [
      ["compare", "--base", "x", "--head", "x", "--config", "gate.yml", "--scenario", "constructor"],
      /no scenario "constructor"/,
    ],
    [
      ["compare", "--base", "x", "--head", "x", "--config", "gate.yml", "--scenario", "__proto__"],
      /no scenario "__proto__"/,
    ],
  ])("%j ends with 2 and one sentence", async (args, says) => {
    const folder = await tempDir();
    const cwd = join(folder, "repository");
    await mkdir(cwd);
    await writeFile(join(folder, "outside"), "hunter22: [\n");
    await writeFile(join(cwd, "file"), "no JSON");
    await writeFile(join(cwd, "gate.yml"), "scenarios: {a: {model: m}}\n");
    await writeFile(join(cwd, "vllm-gate.yml"), "scenarios: {a: {model: m}}\n");
    await symlink("../outside", join(cwd, "linked.yml"));
    const { code, stderr } = await runCli(args, { cwd });
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/\n\s+at |hunter22/);
    expect(code).toBe(2);
  });
});
