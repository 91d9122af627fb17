/**
 * Installs what runs workflows without GitHub (act) and what checks them (zizmor, check-jsonschema).
 *
 *     node scripts/install-github-tools.ts
 *
 * The last line of standard output is JSON, `{"act": "…", "zizmor": "…", "checkJsonschema": "…"}`. What is already
 * installed is not installed again: a stamp file, written last, says that an installation is whole.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const home = join(root, ".cache", "github-tools");
const requirements = join(root, "scripts", "github-requirements.txt");
const stamp = join(home, "installed.txt");

/** Where the programs lie. */
export interface GitHubTools {
  readonly act: string;
  readonly zizmor: string;
  readonly checkJsonschema: string;
}

/** Installs what is missing. */
export async function installGitHubTools(): Promise<GitHubTools> {
  const wanted = readFileSync(requirements, "utf8");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    await rm(home, { recursive: true, force: true });
    await mkdir(dirname(home), { recursive: true });
    await execa("python3", ["-I", "-m", "venv", home]);
    const pip = ["-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"];
    await execa(join(home, "bin", "python3"), [...pip, "install", "-r", requirements], { timeout: 600_000 });
    await writeFile(stamp, wanted);
  }
  const program = (name: string) => join(home, "bin", name);
  return {
    act: program("act"),
    zizmor: program("zizmor"),
    checkJsonschema: program("check-jsonschema"),
  };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await installGitHubTools())}\n`);
