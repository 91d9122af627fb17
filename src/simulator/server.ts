/** The HTTP side: connections, routing, the API key, errors and the access log. */
import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { Completions } from "./completions.ts";
import { Cors } from "./cors.ts";
import type { Deployment } from "./deployment.ts";
import { answerTo, apiError, invalidJson } from "./errors.ts";
import { sendJson } from "./exchange.ts";
import type { VllmLog } from "./log.ts";
import { planMemory } from "./memory-plan.ts";
import { Metrics } from "./metrics-text.ts";
import { PlannedTimes } from "./planned-times.ts";
import { RealTime } from "./real-time.ts";
import { buildRoutes } from "./routes.ts";
import { atLeast } from "./settings.ts";
import { Simulation } from "./simulation.ts";
import { Tokenizer } from "./tokenizer.ts";
import { TruthLog } from "./truth.ts";

/** A server that is ready to listen. */
export interface ApiServer {
  http: Server;
  simulation: Simulation;
  driver: RealTime;
  metrics: Metrics;
  truth: TruthLog | undefined;
}

/** What a server takes from its surroundings. */
export interface ServerOptions {
  log: VllmLog;
  /** API keys that guard `/v1`; none leaves it open. */
  keys: readonly string[];
  /** Whether vLLM's development pages are there. */
  developer: boolean;
  /** Called when a planted crash strikes. */
  crash: () => void;
}

const GUARDED = ["/v1", "/v2", "/inference"];

/** Builds the server of a deployment. */
export function buildServer(deployment: Deployment, options: ServerOptions): ApiServer {
  const { log, keys, developer, crash } = options;
  const { flags, settings, model } = deployment;
  const folder = flags.nonDefault["tokenizer"] ?? flags.model;
  const tokenizer = new Tokenizer(String(folder), model.vocab, model.eosToken);
  const simulation = new Simulation({
    ...deployment,
    knownIds: tokenizer.knownIds ?? deployment.knownIds,
  });
  const planned = settings.plan === undefined ? undefined : new PlannedTimes(deployment, settings.plan);
  const driver = new RealTime(planned ?? simulation);
  const metrics = new Metrics(deployment, planMemory(deployment), () => planned?.active ?? 0);
  const truth = settings.truth === undefined ? undefined : new TruthLog(settings.truth);
  if (truth !== undefined) truth.slack = () => driver.slack();
  simulation.engine.onIteration = (tokens) => metrics.iteration(tokens);
  const completions = new Completions({ deployment, driver, metrics, tokenizer, truth, crash });
  const routes = buildRoutes({ deployment, simulation, metrics, tokenizer, completions, developer });
  const recent = atLeast(settings.version, 0, 26);
  const cors = new Cors(flags.nonDefault["allowed_origins"], recent);
  const tellId = flags.nonDefault["enable_request_id_headers"] === true;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "/").split("?")[0]!;
    const method = request.method ?? "GET";
    if (tellId)
      response.setHeader("x-request-id", request.headers["x-request-id"] ?? randomUUID().replaceAll("-", ""));
    if (keys.length > 0 && method !== "OPTIONS" && GUARDED.some((prefix) => path.startsWith(prefix))) {
      const token = /^bearer (.*)$/i.exec(request.headers.authorization ?? "")?.[1];
      if (token === undefined || !keys.includes(token))
        return sendJson(response, '{"error":"Unauthorized"}', 401);
    }
    if (cors.handle(request, response)) return;
    const methods = routes[path];
    if (methods === undefined) {
      const bare = path.replace(/\/$/, "");
      if (bare !== path && bare in routes) return redirect(request, response, bare);
      return sendJson(response, '{"detail":"Not Found"}', 404);
    }
    const handler = methods[method];
    if (handler === undefined) {
      response.setHeader("allow", Object.keys(methods).join(", "));
      return sendJson(response, '{"detail":"Method Not Allowed"}', 405);
    }
    let body: unknown;
    try {
      if (method === "POST" && path !== "/metrics" && path !== "/ping") body = await readJson(request);
      handler(body, request, response);
    } catch (error) {
      const known = answerTo(error, { version: settings.version, method, path, body });
      if (known === undefined) throw error;
      sendJson(response, known.body, known.status);
    }
  };

  const http = createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    response.setHeader("server", "uvicorn");
    response.removeHeader("connection");
    if (!flags.disableAccessLog) logAccess(request, response, log);
    answer(request, response).catch(() => {
      if (!response.headersSent)
        response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("Internal Server Error");
    });
  });
  http.on("connection", (socket) => socket.setNoDelay(true));
  return { http, simulation, driver, metrics, truth };
}

function redirect(request: IncomingMessage, response: ServerResponse, path: string): void {
  const location = `http://${request.headers.host ?? "localhost"}${path}`;
  response.writeHead(307, { "content-length": 0, location }).end();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const type = (request.headers["content-type"] ?? "").toLowerCase().split(";")[0]!.trim();
  if (type !== "application/json") {
    const message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed";
    throw apiError(400, "Bad Request", message, null);
  }
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalidJson(text);
  }
}

function logAccess(request: IncomingMessage, response: ServerResponse, log: VllmLog): void {
  const from = `${request.socket.remoteAddress?.replace("::ffff:", "") ?? "-"}:${request.socket.remotePort ?? 0}`;
  const original = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = (status: number, ...rest: unknown[]): ServerResponse => {
    const line = `${request.method ?? "GET"} ${request.url ?? "/"} HTTP/${request.httpVersion}`;
    log.access(`INFO:     ${from} - "${line}" ${status} ${STATUS_CODES[status] ?? ""}`);
    return original(status, ...rest);
  };
}
