/** The two completion endpoints: which request meets which fault, and what its response is called. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readRequest } from "./api-types.ts";
import { lifetime } from "./clock.ts";
import type { Deployment } from "./deployment.ts";
import { apiError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import { Exchange, type ExchangeServices } from "./exchange.ts";
import { faultOf } from "./faults.ts";
import { hashText } from "./random.ts";
import { ResponseContext } from "./response-text.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What the endpoints need of the server. */
export interface CompletionServices extends ExchangeServices {
  deployment: Deployment;
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
   * @throws HttpError, InvalidBody or InvalidValue for a body that vLLM refuses
   */
  handle(body: unknown, chat: boolean, request: IncomingMessage, response: ServerResponse): void {
    const received = lifetime();
    const { deployment, metrics, tokenizer, crash } = this.services;
    const { settings, flags } = deployment;
    const given = request.headers["x-request-id"];
    const base = typeof given === "string" ? given : randomBytes(8).toString("hex");
    const api = readRequest(body, chat, base, deployment, tokenizer);
    const fault = faultOf(settings.faults, ++this.served);
    if (fault === "crash") {
      crash();
      return;
    }
    if (fault === "http-500") throw apiError(500, "InternalServerError", "Internal server error", null);
    if (fault === "hang") {
      metrics.stuck++;
      response.on("close", () => metrics.stuck--);
      if (api.stream) new EventStream(response);
      return;
    }
    const { version } = settings;
    const details = flags.enablePromptTokensDetails;
    const context = new ResponseContext(api, tokenizer, version, this.fingerprint, details);
    new Exchange(this.services, context, response, fault, received).start();
  }
}
