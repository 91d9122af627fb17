/** The two completion endpoints: from a parsed body to the bytes of a response, with planted faults on the way. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readRequest } from "./api-types.ts";
import type { Deployment } from "./deployment.ts";
import { apiError } from "./errors.ts";
import { faultOf, type RequestFault } from "./faults.ts";
import type { Metrics } from "./metrics-text.ts";
import { hashText } from "./random.ts";
import type { RealTime } from "./real-time.ts";
import {
  DONE,
  type Progress,
  type ResponseContext,
  roleEvent,
  tokenEvent,
  usageEvent,
  wholeResponse,
} from "./response-text.ts";
import type { Emission } from "./simulation.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What the endpoints need of the server. */
export interface CompletionServices {
  deployment: Deployment;
  driver: RealTime;
  metrics: Metrics;
  tokenizer: Tokenizer;
  /** Ends the process the way a dying engine does. */
  crash: () => void;
}

/** Serves completions; one instance per server, since faults count requests. */
export class Completions {
  private readonly services: CompletionServices;
  private readonly fingerprint: string;
  private served = 0;

  constructor(services: CompletionServices) {
    this.services = services;
    const { settings, flags } = services.deployment;
    const suffix = hashText(`${flags.model} ${settings.version}`).toString(16).padStart(8, "0");
    this.fingerprint = `vllm-${settings.version}-${suffix}`;
  }

  /**
   * Answers one request.
   *
   * @throws HttpError for a body that vLLM refuses
   */
  handle(body: unknown, chat: boolean, request: IncomingMessage, response: ServerResponse): void {
    const { deployment, driver, metrics, tokenizer, crash } = this.services;
    const given = request.headers["x-request-id"];
    const id =
      (chat ? "chatcmpl-" : "cmpl-") + (typeof given === "string" ? given : randomBytes(8).toString("hex"));
    const internal = `${id}-${this.served}`;
    const api = readRequest(body, chat, internal, deployment, tokenizer);
    const fault = faultOf(deployment.settings.faults, ++this.served);
    if (fault === "crash") {
      crash();
      return;
    }
    if (fault === "http-500") throw apiError(500, "InternalServerError", "Internal server error", null);
    if (fault === "hang") {
      metrics.stuck++;
      response.on("close", () => metrics.stuck--);
      if (api.stream) startStream(response);
      return;
    }
    const context: ResponseContext = {
      request: api,
      id,
      created: Math.floor(Date.now() / 1000),
      version: deployment.settings.version,
      fingerprint: this.fingerprint,
      cachedDetails: deployment.flags.enablePromptTokensDetails,
      tokenizer,
    };
    const progress: Progress = { generated: 0, cached: 0, offset: 0 };
    const all: Emission["tokens"] = [];
    let done = false;
    const startedAt = driver.start(api.generation, (emission) => {
      metrics.event(emission, startedAt);
      progress.generated += emission.tokens.length;
      progress.cached = emission.record.cached;
      done = emission.finish !== undefined;
      if (api.stream) this.write(response, context, emission, progress, fault);
      else {
        all.push(...emission.tokens);
        if (done) sendJson(response, wholeResponse(context, { ...emission, tokens: all }, progress));
      }
    });
    if (api.stream) startStream(response);
    response.on("close", () => {
      if (!done) metrics.aborted(internal, driver.abort(internal));
    });
  }

  private write(
    response: ServerResponse,
    context: ResponseContext,
    emission: Emission,
    progress: Progress,
    fault: RequestFault,
  ): void {
    const first = emission.tokens[0]?.position === 0;
    const halfway = progress.generated * 2 > context.request.generation.maxTokens;
    if (fault === "stall" && halfway) return;
    if (fault === "reset" && halfway) {
      response.socket?.resetAndDestroy();
      return;
    }
    if (first && context.request.chat) response.write(roleEvent(context, progress));
    const event = tokenEvent(context, emission, progress);
    const middle = Math.ceil(context.request.generation.maxTokens / 2);
    const broken = fault === "malformed" && emission.tokens.some((item) => item.position + 1 === middle);
    let text = broken ? `${event.slice(0, event.length >> 1)}\n\n` : event;
    if (emission.finish !== undefined) {
      if (context.request.includeUsage) text += usageEvent(context, progress);
      text += DONE;
    }
    response.write(text);
    if (emission.finish !== undefined) response.end();
  }
}

function startStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).flushHeaders();
}

/** Answers with JSON text. */
export function sendJson(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
