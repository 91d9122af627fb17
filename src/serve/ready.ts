import { request } from "undici";
import { NotMeasuredError } from "../domain/errors.ts";
import { delay, monotonicS } from "../system/clock.ts";
import { findGroup, findListeners, findMarked } from "../system/processes.ts";
import { findFailureCause } from "./failure-cause.ts";
import type { LaunchedServer } from "./launch.ts";

/** A server that did not come up: the cause in its own words, what to do, and the end of its log. */
export class ServerStartError extends NotMeasuredError {
  readonly hint: string | null;
  readonly logTail: string[];
  /** True when its leading process had ended. */
  readonly exited: boolean;

  constructor(message: string, details: { hint: string | null; logTail: string[]; exited: boolean }) {
    super(message);
    this.hint = details.hint;
    this.logTail = details.logTail;
    this.exited = details.exited;
  }
}

/** How often `/health` is asked: often enough for a start-up time, seldom enough to cost nothing. */
const POLL_MS = 50;
const SHOWN_TAIL = 30;

/**
 * Waits for the first 200 of `/health`.
 *
 * @returns seconds from the spawn to that answer
 * @throws ServerStartError at once when the process ends, with the cause that its log names; after the timeout;
 *   or when another process owns the port
 */
export async function waitUntilHealthy(
  server: LaunchedServer,
  options: { readonly timeoutS: number; readonly signal: AbortSignal; readonly marker: string },
): Promise<number> {
  const { timeoutS, signal } = options;
  const since = () => monotonicS() - server.spawnedAtS;
  for (;;) {
    signal.throwIfAborted();
    const exit = server.exit();
    if (exit !== null) throw startFailure(server, `The server ended after ${exit.atS.toFixed(1)} s`);
    if (since() > timeoutS) {
      throw startFailure(server, `The server was not healthy after ${timeoutS} s (readyTimeoutS)`);
    }
    if (await isHealthy(server.baseUrl, signal)) break;
    await Promise.race([delay(POLL_MS, signal), server.exited]);
  }
  const readyS = since();
  await checkPortOwner(server, options.marker);
  return readyS;
}

async function isHealthy(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
    const response = await request(`${baseUrl}/health`, { signal: limit, reset: true });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

/**
 * vLLM 0.7 to 0.24 binds with SO_REUSEPORT, so a foreign server on the same port goes unnoticed and may be the
 * one that answers (vllm/entrypoints/openai/api_server.py).
 */
async function checkPortOwner(server: LaunchedServer, marker: string): Promise<void> {
  const port = Number(new URL(server.baseUrl).port);
  const listeners = await findListeners(port);
  if (listeners === null) return;
  const own = new Set([...(await findMarked(marker)), ...(await findGroup(server.leader.pid))]);
  const foreign = listeners.filter((pid) => !own.has(pid));
  if (foreign.length > 0 || listeners.length === 0) {
    const who = foreign.length > 0 ? `process ${foreign.join(", ")}` : "no process that this user may see";
    throw startFailure(server, `Port ${port} is owned by ${who}, not by the server that was started`);
  }
}

/** The error of a server that ended or never came up. */
export function startFailure(server: LaunchedServer, what: string): ServerStartError {
  const lines = server.tail();
  const found = findFailureCause(lines);
  const exit = server.exit();
  const how =
    exit === null
      ? ""
      : exit.signal !== null
        ? ` by ${exit.signal}`
        : ` with exit code ${exit.code ?? "unknown"}`;
  const cause =
    found.kind === "unknown" ? (exit === null ? "its log names no cause" : found.cause) : found.cause;
  return new ServerStartError(`${what}${how}: ${cause}`, {
    exited: exit !== null,
    hint: found.hint ?? null,
    logTail: lines.slice(-SHOWN_TAIL),
  });
}
