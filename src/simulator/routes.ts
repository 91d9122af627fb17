/** The pages of the server: what each path answers to each method. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Completions } from "./completions.ts";
import type { Deployment } from "./deployment.ts";
import { unknownModel } from "./errors.ts";
import { sendJson } from "./exchange.ts";
import { FieldReader } from "./field-reader.ts";
import type { Metrics } from "./metrics-text.ts";
import { readMessages, renderChat } from "./prompts.ts";
import { atLeast } from "./settings.ts";
import type { Simulation } from "./simulation.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Answers one request whose body has been read. */
export type Handler = (body: unknown, request: IncomingMessage, response: ServerResponse) => void;

/** Handlers by path and method. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** What the pages tell about. */
export interface RouteServices {
  deployment: Deployment;
  simulation: Simulation;
  metrics: Metrics;
  tokenizer: Tokenizer;
  completions: Completions;
  /** Whether vLLM's development pages are there (`VLLM_SERVER_DEV_MODE=1`). */
  developer: boolean;
}

/** Builds the table of pages. */
export function buildRoutes(services: RouteServices): Routes {
  const { deployment, simulation, metrics, completions, developer } = services;
  const { version } = deployment.settings;
  const created = Math.floor(Date.now() / 1000);
  const json =
    (value: () => object): Handler =>
    (_body, _request, response) =>
      sendJson(response, JSON.stringify(value()));
  const ok: Handler = (_body, _request, response) => {
    response.writeHead(200, { "content-length": 0 }).end();
  };
  const page: Handler = (_body, request, response) => {
    const text = metrics.text(simulation);
    const format = request.method === "HEAD" ? "0.0.4" : "1.0.0";
    const headers = { "content-type": `text/plain; version=${format}; charset=utf-8` };
    response.writeHead(
      200,
      request.method === "HEAD" ? headers : { ...headers, "content-length": Buffer.byteLength(text) },
    );
    response.end(request.method === "HEAD" ? undefined : text);
  };
  const reset: Handler = (_body, _request, response) => {
    simulation.engine.pool.reset();
    if (atLeast(version, 0, 26)) sendJson(response, '{"success":true}');
    else response.writeHead(200, { "content-length": 0 }).end();
  };
  return {
    "/health": { GET: ok },
    "/ping": { GET: ok, POST: ok },
    "/load": { GET: json(() => ({ server_load: 0 })) },
    "/version": { GET: json(() => ({ version })) },
    "/v1/models": { GET: json(() => modelList(deployment, created)) },
    "/metrics": { GET: page, HEAD: page, POST: page },
    "/tokenize": { POST: (body, _request, response) => sendJson(response, tokenize(services, body)) },
    "/detokenize": { POST: (body, _request, response) => sendJson(response, detokenize(services, body)) },
    ...(developer ? { "/reset_prefix_cache": { POST: reset } } : {}),
    "/v1/completions": {
      POST: (body, request, response) => completions.handle(body, false, request, response),
    },
    "/v1/chat/completions": {
      POST: (body, request, response) => completions.handle(body, true, request, response),
    },
  };
}

function tokenize({ deployment, tokenizer }: RouteServices, body: unknown): string {
  const fields = new FieldReader(body);
  const chat = fields.raw("messages") !== undefined;
  if (!chat && fields.raw("prompt") === undefined) {
    fields.missing("prompt");
    fields.missing("messages");
  }
  const messages = chat ? readMessages(fields) : [];
  const prompt = chat ? "" : (fields.text("prompt", true) ?? "");
  checkModel(fields, deployment);
  const tokens = tokenizer.encode(chat ? renderChat(messages, deployment.flags.model) : prompt);
  const pieces = fields.raw("return_token_strs") === true ? tokens.map((id) => tokenizer.pieceOf(id)) : null;
  return JSON.stringify({
    count: tokens.length,
    max_model_len: deployment.maxModelLen,
    tokens,
    token_strs: pieces,
  });
}

function detokenize({ deployment, tokenizer }: RouteServices, body: unknown): string {
  const fields = new FieldReader(body);
  if (fields.raw("tokens") === undefined) fields.missing("tokens");
  const tokens = fields.ints("tokens") ?? [];
  checkModel(fields, deployment);
  return JSON.stringify({ prompt: tokenizer.decode(tokens) });
}

function checkModel(fields: FieldReader, { flags, settings }: Deployment): void {
  const model = fields.text("model");
  fields.finish();
  if (model && !flags.servedModelNames.includes(model))
    throw unknownModel(model, flags.servedModelNames, settings.version);
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
    permission: [{ id: `modelperm-${(created * 4096 + i).toString(16).padStart(16, "b")}`, ...permission }],
  }));
  return { object: "list", data };
}
