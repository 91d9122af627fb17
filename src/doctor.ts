import { request } from "undici";
import type { ServerSpec } from "./config/server-spec.ts";
import { checkToken } from "./doctor-token.ts";
import type { Diagnosis } from "./domain/doctor.ts";
import { messageOf } from "./domain/errors.ts";
import type { Finding } from "./domain/node.ts";
import { serverEnvironment } from "./serve/environment.ts";
import type { Surroundings } from "./surroundings.ts";
import { createRedactor, redactDeep, secretsOf } from "./system/redact.ts";
import { diagnose, probeNode } from "./telemetry/doctor.ts";
import { runPreflight } from "./telemetry/preflight.ts";

/** All of it takes less than ten seconds, whatever hangs. */
const TIMEOUT_MS = 8_000;
const HEALTH_MS = 3_000;

/** What would be started on the node: a scenario's server, or only the command where no model is known. */
export type Patient =
  | ServerSpec
  | {
      readonly kind: "launch";
      readonly model: null;
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    };

/**
 * Every node probe, and everything that a run needs, without starting a server.
 *
 * @param more - findings from elsewhere, judged with the rest
 */
export async function examineNode(
  server: Patient,
  world: Pick<Surroundings, "cwd" | "environment" | "runsDir" | "machine">,
  more: () => Promise<readonly Finding[]> = async () => [],
): Promise<Diagnosis> {
  const env = serverEnvironment(world.environment, server.kind === "launch" ? server.env : {});
  const [node, needs, token] = await Promise.all([
    probeNode({
      ...world.machine,
      visibleDevices: env["CUDA_VISIBLE_DEVICES"],
      smi: { timeoutMs: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS) },
    }),
    server.kind === "attach"
      ? checkServer(server.url)
      : runPreflight({ ...server, env, cwd: world.cwd, runsDir: world.runsDir, timeoutMs: TIMEOUT_MS - 500 }),
    checkToken(world.environment),
  ]);
  // Afterwards: a server that is measured would be a load on the node that is looked at.
  const rest = await more();
  const diagnosis = diagnose(node, [...needs, ...(token === null ? [] : [token]), ...rest]);
  // What a program or a server answered may hold what it was given.
  return redactDeep(diagnosis, createRedactor([...secretsOf(world.environment), ...secretsOf(env)]));
}

/** Whether a server that is already running answers. */
async function checkServer(url: string): Promise<Finding[]> {
  const judged = (level: Finding["level"], value: string, reason: string): Finding[] => [
    {
      id: "preflight.server",
      subject: "server",
      level,
      value,
      reason,
      matters: level === "ok" ? "" : "There is nothing to measure.",
      fix: level === "ok" ? null : `curl -i ${url}/health`,
    },
  ];
  try {
    const response = await request(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_MS), reset: true });
    await response.body.dump();
    return response.statusCode === 200
      ? judged("ok", url, "it is healthy")
      : judged("bad", url, `/health answered ${response.statusCode}`);
  } catch (error) {
    return judged("bad", url, messageOf(error));
  }
}
