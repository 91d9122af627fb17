/** The HTTP side: routes, the API key, errors and the access log. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { chatPrompt } from "./api-types.ts";
import { Completions, sendJson } from "./completions.ts";
import type { Deployment } from "./deployment.ts";
import { HttpError, invalidJson, missingField, unknownModel } from "./errors.ts";
import type { VllmLog } from "./log.ts";
import { type MemoryPlan, planMemory } from "./memory-plan.ts";
import { Metrics } from "./metrics-text.ts";
import { RealTime } from "./real-time.ts";
import { Simulation } from "./simulation.ts";
import { Tokenizer } from "./tokenizer.ts";

/** A server that is ready to listen. */
export interface ApiServer {
  http: Server;
  simulation: Simulation;
  driver: RealTime;
  metrics: Metrics;
}

type Handler = (body: unknown, request: IncomingMessage, response: ServerResponse) => void;

/**
 * Builds the server of a deployment.
 *
 * @param keys API keys that guard `/v1`; none leaves it open
 * @param crash called when a planted crash strikes
 */
export function buildServer(
  deployment: Deployment,
  log: VllmLog,
  keys: readonly string[],
  crash: () => void,
): ApiServer {
  const plan: MemoryPlan = planMemory(deployment);
  const simulation = new Simulation(deployment);
  const driver = new RealTime(simulation);
  const metrics = new Metrics(deployment, plan);
  const tokenizer = new Tokenizer(deployment.model.vocab);
  simulation.engine.onIteration = (tokens) => metrics.iteration(tokens);
  const completions = new Completions({ deployment, driver, metrics, tokenizer, crash });
  const routes = buildRoutes(deployment, simulation, metrics, tokenizer, completions);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "/").split("?")[0]!;
    if (keys.length > 0 && path.startsWith("/v1") && request.method !== "OPTIONS") {
      const token = /^bearer (.*)$/i.exec(request.headers.authorization ?? "")?.[1];
      if (token === undefined || !keys.includes(token))
        return sendJson(response, '{"error":"Unauthorized"}', 401);
    }
    const methods = routes[path];
    if (methods === undefined) return sendJson(response, '{"detail":"Not Found"}', 404);
    const handler = methods[request.method ?? "GET"];
    if (handler === undefined) return sendJson(response, '{"detail":"Method Not Allowed"}', 405);
    const body = request.method === "POST" ? await readJson(request) : undefined;
    handler(body, request, response);
  };

  const http = createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    response.setHeader("server", "uvicorn");
    if (!deployment.flags.disableAccessLog) logAccess(request, response, log);
    handle(request, response).catch((error: unknown) => {
      if (error instanceof HttpError) sendJson(response, error.body, error.status);
      else if (!response.headersSent)
        response.writeHead(500, { "content-type": "text/plain" }).end("Internal Server Error");
    });
  });
  http.on("connection", (socket) => socket.setNoDelay(true));
  return { http, simulation, driver, metrics };
}

function buildRoutes(
  deployment: Deployment,
  simulation: Simulation,
  metrics: Metrics,
  tokenizer: Tokenizer,
  completions: Completions,
): Record<string, Record<string, Handler>> {
  const created = Math.floor(Date.now() / 1000);
  const ok: Handler = (_body, _request, response) => {
    response.writeHead(200, { "content-length": 0 }).end();
  };
  return {
    "/health": { GET: ok },
    "/ping": { GET: ok, POST: ok },
    "/version": {
      GET: (_body, _request, response) =>
        sendJson(response, JSON.stringify({ version: deployment.settings.version })),
    },
    "/v1/models": {
      GET: (_body, _request, response) => sendJson(response, JSON.stringify(modelList(deployment, created))),
    },
    "/metrics": {
      GET: (_body, _request, response) => {
        response.writeHead(200, { "content-type": "text/plain; version=1.0.0; charset=utf-8" });
        response.end(metrics.text(simulation));
      },
    },
    "/tokenize": {
      POST: (body, _request, response) => {
        const fields = fieldsOf(body, deployment);
        const tokens =
          fields["messages"] === undefined
            ? tokenizer.encode(textOf(fields, "prompt"))
            : chatPrompt(fields["messages"], tokenizer);
        const answer = {
          count: tokens.length,
          max_model_len: deployment.maxModelLen,
          tokens,
          token_strs: null,
        };
        sendJson(response, JSON.stringify(answer));
      },
    },
    "/detokenize": {
      POST: (body, _request, response) => {
        const tokens = fieldsOf(body, deployment)["tokens"];
        if (!Array.isArray(tokens)) throw missingField("tokens");
        sendJson(response, JSON.stringify({ prompt: tokenizer.decode(tokens.map(Number)) }));
      },
    },
    "/reset_prefix_cache": {
      POST: (_body, _request, response) => {
        simulation.engine.pool.reset();
        response.writeHead(200, { "content-length": 0 }).end();
      },
    },
    "/v1/completions": {
      POST: (body, request, response) => completions.handle(body, false, request, response),
    },
    "/v1/chat/completions": {
      POST: (body, request, response) => completions.handle(body, true, request, response),
    },
  };
}

function fieldsOf(body: unknown, deployment: Deployment): Readonly<Record<string, unknown>> {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const names = deployment.flags.servedModelNames;
  const model = fields["model"];
  if (typeof model === "string" && !names.includes(model)) throw unknownModel(model, names);
  return fields;
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw missingField(name);
  return value;
}

function modelList(deployment: Deployment, created: number): object {
  const { flags, maxModelLen } = deployment;
  const permission = {
    object: "model_permission",
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: "*",
    group: null,
    is_blocking: false,
  };
  const data = flags.servedModelNames.map((id, i) => ({
    id,
    object: "model",
    created,
    owned_by: "vllm",
    root: flags.model,
    parent: null,
    max_model_len: maxModelLen,
    permission: [{ id: `modelperm-${created.toString(16)}${i}`, ...permission }],
  }));
  return { object: "list", data };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalidJson(text, error);
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
