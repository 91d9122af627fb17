import { isAbsolute } from "node:path";
import { actionOfEnv, isHarmlessEnv } from "./allowed-env.ts";
import { checkFlags } from "./check-flags.ts";
import { modelProblem } from "./flag-values.ts";
import { allowIn, NO_POLICY_ALLOWS, printable, quote, type Refusal } from "./refusal.ts";
import { hasControl } from "./suspicious-text.ts";

export type { Refusal };

/** What the base branch's configuration allows beyond the built-in rules. */
export interface ServerPolicy {
  /**
   * Flags by name (`--chat-template`; any spelling of dashes and underscores), or one key of a JSON flag
   * (`--compilation-config.backend`). An allowed flag may have any value.
   */
  allowFlags: readonly string[];
  /** Environment variables by exact name. */
  allowEnv: readonly string[];
  /** Origins of servers that are already running: `https://vllm.example.com`. Loopback needs none. */
  allowServers: readonly string[];
  /** Commands, each compared word by word. */
  allowCommands: readonly (readonly string[])[];
}

/** What {@link checkServer} looks at. */
export interface ServerSpec {
  command: readonly string[];
  model: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * Every reason not to start this server under this policy; an empty list means that it may be started.
 *
 * A pull request changes vLLM's flags, and the server they start runs on the owner's machine. Some flags make vLLM
 * import Python code, open files, listen to the network or speak to other machines, so a flag is a way in. What the
 * gate cannot read with certainty it refuses.
 *
 * Names of flags are compared the way vLLM's parser compares them: `_` is `-`, a value may follow `=`, dotted keys are
 * JSON, `+` makes a list, an unambiguous beginning of a name stands for the name. Flags that neither vLLM 0.22 nor 0.32
 * knows pass, so that vLLM can give its own reason, unless their name or value points at code, files or the network.
 * A few flags belong to the gate (`--host`, `--port`, `--api-key`, …): no policy allows those.
 */
export function checkServer(spec: ServerSpec, policy: ServerPolicy): Refusal[] {
  const refusals = [
    ...checkCommand(spec.command, policy.allowCommands),
    ...checkModel(spec.model),
    ...checkFlags(spec.args, spec.model, policy.allowFlags),
    ...checkEnv(spec.env, policy.allowEnv),
  ];
  const seen = new Set<string>();
  return refusals.filter(({ kind, name, reason }) => {
    const key = JSON.stringify([kind, name, reason]);
    return seen.has(key) ? false : seen.add(key);
  });
}

const COMMANDS: readonly (readonly string[])[] = [
  ["vllm", "serve"],
  ...["python3", "python"].flatMap((python) => [
    [python, "-m", "vllm.entrypoints.openai.api_server"],
    [python, "-m", "vllm.entrypoints.cli.main", "serve"],
  ]),
];

function checkCommand(command: readonly string[], allowed: ServerPolicy["allowCommands"]): Refusal[] {
  const same = (other: readonly string[]): boolean =>
    other.length === command.length && other.every((word, index) => word === command[index]);
  const [program = ""] = command;
  if (program.includes("/") && !isAbsolute(program)) {
    return [
      {
        kind: "command",
        name: printable(command.join(" ")),
        reason: `${quote(program)} is a file of the checkout, which a pull request can replace.`,
        howToAllow: "Name the program by an absolute path outside the checkout, or by its bare name on PATH.",
      },
    ];
  }
  if (command.length > 0 && [...COMMANDS, ...allowed].some(same)) return [];
  return [
    {
      kind: "command",
      name: printable(command.join(" ")),
      reason: "This command is not one of the known ways to start vLLM, so it could run any program.",
      howToAllow: allowIn("allowCommands", printable(JSON.stringify(command), 400)),
    },
  ];
}

function checkModel(model: string): Refusal[] {
  const problem = modelProblem(model);
  if (problem === undefined) return [];
  return [
    {
      kind: "model",
      name: printable(model),
      reason: `The model ${problem}.`,
      howToAllow: "Name a repository of the Hub or a folder on the runner; no policy allows this.",
    },
  ];
}

function checkEnv(env: ServerSpec["env"], allowed: readonly string[]): Refusal[] {
  return Object.entries(env).flatMap(([name, value]): Refusal[] => {
    const base = { kind: "env", name: printable(name) } as const;
    if (name === "" || name.includes("=") || hasControl(name) || value.includes("\0")) {
      const reason = `${quote(name)} is not a variable that a process can have.`;
      return [{ ...base, reason, howToAllow: NO_POLICY_ALLOWS }];
    }
    if (allowed.includes(name) || isHarmlessEnv(name, value)) return [];
    const action = actionOfEnv(name);
    const reason =
      action === undefined
        ? `${base.name} is not in the list of variables that are known to only tune the server.`
        : `${base.name} would ${action}.`;
    return [{ ...base, reason, howToAllow: allowIn("allowEnv", base.name) }];
  });
}
