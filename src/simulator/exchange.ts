/** One completion request and its response: the choices' events in, the bytes out, with planted faults on the way. */
import type { ServerResponse } from "node:http";
import type { Choice } from "./api-types.ts";
import { ChoiceText, type Delta } from "./choice-text.ts";
import { lifetime } from "./clock.ts";
import { EventStream } from "./event-stream.ts";
import type { RequestFault } from "./faults.ts";
import type { Metrics } from "./metrics-text.ts";
import type { RealTime } from "./real-time.ts";
import {
  DONE,
  type FinishedChoice,
  type ResponseContext,
  roleEvents,
  tokenEvent,
  usageEvent,
  wholeResponse,
} from "./response-text.ts";
import type { Emission } from "./simulation.ts";
import type { TruthLog, TruthRecord } from "./truth.ts";

/** What a response needs of the server. */
export interface ExchangeServices {
  driver: RealTime;
  metrics: Metrics;
  truth: TruthLog | undefined;
}

/** One request that is being answered. */
export class Exchange {
  private readonly services: ExchangeServices;
  private readonly context: ResponseContext;
  private readonly response: ServerResponse;
  private readonly fault: RequestFault;
  private readonly states: readonly ChoiceText[];
  private readonly whole: FinishedChoice[] = [];
  private readonly truth: TruthRecord;
  private stream: EventStream | undefined;
  private open: number;
  private begun = false;
  private stalled = false;
  private broken = false;

  /** @param received when the request came in, seconds of the process's life */
  constructor(
    services: ExchangeServices,
    context: ResponseContext,
    response: ServerResponse,
    fault: RequestFault,
    received: number,
  ) {
    const { request, tokenizer } = context;
    this.services = services;
    this.context = context;
    this.response = response;
    this.fault = fault;
    this.states = request.choices.map((choice) => new ChoiceText(choice, request, tokenizer));
    this.open = this.states.length;
    this.truth = { id: request.id, received, planned: [], written: [], tokens: [] };
  }

  /** Starts generating; the response follows as events fall due. */
  start(): void {
    this.response.on("close", () => this.closed());
    if (this.context.request.stream) this.stream = new EventStream(this.response);
    for (const state of this.states) this.begin(state);
  }

  private begin(state: ChoiceText): void {
    const { driver, metrics } = this.services;
    const parts: Delta[] = [];
    const startedAt = driver.start(state.choice.generation, (emission) => {
      const delta = state.take(emission);
      const cut = delta.finish !== emission.finish;
      metrics.event(cut ? { ...emission, ...delta } : emission, startedAt);
      if (state.done) this.open--;
      if (this.context.request.stream) this.write(state, delta, emission);
      else {
        parts.push(delta);
        if (state.done) this.collect(state, parts, emission);
      }
      if (cut) driver.abort(emission.id);
    });
  }

  private write(state: ChoiceText, delta: Delta, emission: Emission): void {
    if (this.stalled || this.stream === undefined) return;
    if (this.strikes(state.choice)) return;
    let events = "";
    if (!this.begun && this.context.request.chat) events = roleEvents(this.context);
    this.begun = true;
    const event = tokenEvent(this.context, state, delta, emission);
    events += this.breaks(state.choice) ? `${event.slice(0, event.length >> 1)}\n\n` : event;
    if (this.open === 0)
      events += (this.context.request.includeUsage ? usageEvent(this.context, this.states) : "") + DONE;
    this.note(emission.time, delta.tokens.length);
    if (this.open > 0) this.stream.send(events);
    else this.stream.end(events);
  }

  private collect(state: ChoiceText, parts: readonly Delta[], emission: Emission): void {
    const last = parts.at(-1)!;
    const tokens = parts.flatMap((part) => part.tokens);
    const delta: Delta = { ...last, tokens, text: parts.map((part) => part.text).join("") };
    this.whole.push({ state, delta, emission: { ...emission, tokens } });
    if (this.open > 0) return;
    this.whole.sort((a, b) => a.state.choice.index - b.state.choice.index);
    const body = wholeResponse(this.context, this.whole);
    const generated = this.states.reduce((sum, state) => sum + state.generated, 0);
    this.note(emission.time, generated);
    sendJson(this.response, body);
  }

  /** Notes an event that is about to be written: no client can have it before. */
  private note(planned: number, tokens: number): void {
    if (this.services.truth === undefined) return;
    this.truth.planned.push(planned);
    this.truth.written.push(lifetime());
    this.truth.tokens.push(tokens);
  }

  /** Plants a stall or a reset once the first choice is halfway. */
  private strikes(choice: Choice): boolean {
    if (this.fault !== "stall" && this.fault !== "reset") return false;
    if (this.states[0]!.generated * 2 <= choice.generation.maxTokens) return false;
    this.stalled = true;
    if (this.fault === "reset") this.stream?.reset();
    return true;
  }

  /** Whether this is the one event to break, the first from the middle on. */
  private breaks(choice: Choice): boolean {
    if (this.fault !== "malformed" || this.broken) return false;
    this.broken = this.states[0]!.generated >= Math.ceil(choice.generation.maxTokens / 2);
    return this.broken;
  }

  private closed(): void {
    const { driver, metrics, truth } = this.services;
    for (const state of this.states) {
      if (state.done) continue;
      const { id } = state.choice.generation;
      metrics.aborted(id, driver.abort(id));
    }
    truth?.finish(this.truth);
  }
}

/** Answers with JSON text. */
export function sendJson(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status, {
    "content-length": Buffer.byteLength(body),
    "content-type": "application/json",
  });
  response.end(body);
}
