/** Entry of the simulator: `serve MODEL [vllm flags]`, with its own settings as `VLLM_SIM_*` variables or flags. */
import { parseFlags, UsageError, usageText } from "./flags.ts";
import { launch } from "./launch.ts";
import { takeOwnFlags } from "./own-flags.ts";
import { readSettings, SETTING_NAMES } from "./settings.ts";

/** Parses, launches, and sets the exit code of a server that did not start. */
async function main(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  if (command !== "serve") {
    process.stderr.write("usage: main.ts serve MODEL [vllm flags]\n");
    process.exitCode = 2;
    return;
  }
  try {
    const { argv: given, env } = takeOwnFlags(rest, process.env, SETTING_NAMES);
    const flags = parseFlags(given);
    const code = await launch(flags, readSettings(env), env);
    if (code !== undefined) process.exit(code);
  } catch (error) {
    if (error instanceof UsageError)
      process.stderr.write(`${usageText()}api_server.py: error: ${error.message}\n`);
    else process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

await main(process.argv.slice(2));
