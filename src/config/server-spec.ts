import { z } from "zod";
import { UsageError } from "../domain/errors.ts";
import { toArguments } from "./arguments.ts";
import type { Overrides } from "./overrides.ts";
import { quote } from "./refusal.ts";
import type { ScenarioFile } from "./schema.ts";
import { checkServer, type ServerPolicy } from "./server-policy.ts";
import { hasControl } from "./suspicious-text.ts";

/** How the server of a scenario comes to be: started by the gate, or already running. */
export type ServerSpec =
  | {
      readonly kind: "launch";
      readonly model: string;
      readonly command: readonly string[];
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "attach";
      readonly url: string;
      readonly apiKeyEnv: string | null;
      readonly model: string | null;
    };

/** What a scenario and its overrides say of the server. */
export interface ServerInput {
  readonly section: ScenarioFile;
  readonly scenario: string;
  readonly overrides: Overrides;
  readonly nameOverride: (key: keyof Overrides) => string;
  readonly fileName: string;
  readonly policy: ServerPolicy;
}

/** Header of the API key of a server that is already running, unless the policy allows another variable. */
const API_KEY_VARIABLE = "VLLM_API_KEY";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * The server of a scenario: one to start, checked against the policy, or one that is already running.
 *
 * @throws UsageError when a value is not of its kind, or a flag, variable, command or address is refused
 */
export function resolveServer(input: ServerInput): ServerSpec {
  const { section, scenario, overrides, nameOverride, fileName } = input;
  const at = (key: string) => `${fileName}: scenarios.${scenario}.${key}`;
  const url = overrides.serverUrl ?? section.server?.url;
  if (url !== undefined) {
    const checked = z.url({ protocol: /^https?$/ }).safeParse(url);
    if (!checked.success) {
      throw new UsageError(
        `${nameOverride("serverUrl")}: got "${url}", expected a URL such as http://127.0.0.1:8000`,
      );
    }
    checkAddress(url, overrides.serverUrl === undefined ? at("server.url") : nameOverride("serverUrl"));
    for (const key of ["args", "command"] as const) {
      if (overrides[key] !== undefined) {
        throw new UsageError(
          `${nameOverride(key)} has no effect on a server that is already running (${url}): remove one of the two`,
        );
      }
    }
    checkAttach(input, overrides.serverUrl === undefined);
    return {
      kind: "attach",
      url: url.replace(/\/+$/, "").replace(/\/v1$/, ""),
      apiKeyEnv: section.server?.apiKeyEnv ?? null,
      model: overrides.model ?? section.model ?? null,
    };
  }
  const model = overrides.model ?? section.model;
  if (model === undefined) throw new UsageError(`${at("model")}: needs a model`);
  const command =
    overrides.command !== undefined
      ? toArguments(overrides.command, nameOverride("command"))
      : toArguments(section.command, at("command"));
  const args =
    overrides.args !== undefined
      ? toArguments(overrides.args, nameOverride("args"))
      : toArguments(section.args, at("args"));
  const env = Object.fromEntries(
    Object.entries(section.env ?? {}).map(([name, value]) => [name, String(value)]),
  );
  const spec = {
    kind: "launch" as const,
    model,
    command: command.length > 0 ? command : ["vllm", "serve"],
    args,
    env,
  };
  const words = [...spec.command, spec.model, ...spec.args, ...Object.entries(spec.env).flat()];
  const strange = words.find(hasControl);
  if (strange !== undefined) {
    const where = [
      { words: spec.command, key: "command" },
      { words: [spec.model], key: "model" },
      { words: spec.args, key: "args" },
    ].find(({ words: own }) => own.includes(strange));
    throw new UsageError(
      `${at(where?.key ?? "env")}: ${quote(strange)} holds a control character (a line end, a tab, …): write it without`,
    );
  }
  const refusals = checkServer(spec, input.policy);
  if (refusals.length > 0) {
    throw new UsageError(
      refusals
        .map((refusal) => `refused: ${refusal.name}: ${refusal.reason} ${refusal.howToAllow}`)
        .join("\n"),
    );
  }
  return spec;
}

/** Only the place of a server: a password in an address ends in logs, and a query makes every request another one. */
function checkAddress(address: string, at: string): void {
  const { username, password, search, hash, origin, pathname } = new URL(address);
  const shown = `${origin}${pathname}`.replace(/\/$/, "");
  if (username !== "" || password !== "") {
    throw new UsageError(
      `refused: ${at}: holds a user name or a password, expected ${quote(shown)}. Put the key into the variable ` +
        `${API_KEY_VARIABLE} and name it in \`server.apiKeyEnv\`.`,
    );
  }
  if (search !== "" || hash !== "" || /[?#]/.test(address)) {
    throw new UsageError(`refused: ${at}: holds a query or a fragment, expected ${quote(shown)}.`);
  }
}

/**
 * A configuration must not send the machine's secrets to a server of its own choice: requests carry the API key,
 * and a run's results show what the server answers. An address that the caller gave is the caller's own word.
 */
function checkAttach(input: ServerInput, fromFile: boolean): void {
  const { section, scenario, fileName, policy } = input;
  const { url, apiKeyEnv } = section.server ?? {};
  const at = (key: string) => `${fileName}: scenarios.${scenario}.server.${key}`;
  const how = (key: string, value: string) =>
    `To allow it, add \`policy.${key}: [${value}]\` to ${fileName} on the base branch.`;
  if (fromFile && url !== undefined) {
    const { hostname, origin } = new URL(url);
    if (!LOOPBACK.test(hostname) && !policy.allowServers.includes(origin)) {
      throw new UsageError(
        `refused: ${at("url")}: ${origin} is not this machine. ${how("allowServers", `"${origin}"`)}`,
      );
    }
  }
  if (apiKeyEnv !== undefined && apiKeyEnv !== API_KEY_VARIABLE && !policy.allowEnv.includes(apiKeyEnv)) {
    throw new UsageError(
      `refused: ${at("apiKeyEnv")}: ${apiKeyEnv} may hold a secret that is not the server's; expected ` +
        `${API_KEY_VARIABLE}. ${how("allowEnv", apiKeyEnv)}`,
    );
  }
}
