import { describe, expect, it } from "vitest";
import { clientLoadSchema } from "../../src/domain/client-load.ts";
import type { Outcome } from "../../src/domain/trace.ts";
import { type BatchingOptions, batchingCase, coldCase, type TtftOptions } from "../../src/probe/cases.ts";
import { runPhase } from "../../src/probe/run-requests.ts";
import type {
  RequestResult,
  StampedResponse,
  StreamClient,
  StreamRequest,
} from "../../src/probe/stream-client.ts";
import { waitFor } from "../support/wait-for.ts";

const TARGET = { model: "org/model", seed: "seed" };
const TTFT: TtftOptions = { cold: true, warmRequests: 30, promptTokens: 256, outputTokens: 64 };
const BATCHING: BatchingOptions = { concurrency: [1, 8], waves: 3, promptTokens: 200, outputTokens: 128 };

/** A client whose requests end when the test says so. */
class Puppet implements StreamClient {
  readonly sent: StreamRequest[] = [];
  readonly #waiting: { request: StreamRequest; end: (outcome: Outcome) => void }[] = [];
  inFlight = 0;
  mostInFlight = 0;

  /** In the order in which they were read. */
  readonly read: number[] = [];
  readonly connected: number[] = [];
  clockS = 0;

  async connect(count: number): Promise<void> {
    this.connected.push(count);
  }

  nowS(): number {
    return this.clockS;
  }

  takeReadLag() {
    return { reads: 0, p50: 0, p99: 0, max: 0 };
  }

  send(request: StreamRequest): Promise<StampedResponse> {
    const index = this.sent.push(request) - 1;
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const startS = this.clockS;
    return new Promise((resolve) => {
      const end = (outcome: Outcome) => {
        this.inFlight -= 1;
        resolve({
          timedOut: outcome === "timeout",
          startS,
          endS: this.clockS,
          sizeBytes: 100,
          read: () => {
            this.read.push(index);
            return { ...RESULT, startS: index, outcome };
          },
          drop: () => {},
        });
      };
      this.#waiting.push({ request, end });
    });
  }

  /** Ends one of the requests in flight, the oldest unless said otherwise, and lets its sender go on. */
  async end(outcome: Outcome = "ok", which = 0): Promise<void> {
    const [ended] = this.#waiting.splice(which % this.#waiting.length, 1);
    ended?.end(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const RESULT: RequestResult = {
  promptTokens: 4,
  cachedTokens: null,
  outputTokens: 2,
  startS: 0,
  firstTokenS: null,
  lastTokenS: null,
  endS: 1,
  outcome: "ok",
  status: 200,
  error: null,
};

/** Lets what was started come to its first send. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const CONTEXT = { variant: "head", session: 2, round: 1 };
const planOf = (concurrency: number, waves = 3) =>
  batchingCase(TARGET, { ...BATCHING, waves, promptTokens: 4 }, concurrency, "0");

describe("runPhase, in a closed loop", () => {
  it.each([1, 2, 8])("keeps exactly %d in flight while there are requests left", async (concurrency) => {
    const client = new Puppet();
    const plan = planOf(concurrency);
    const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal);
    await turn();
    let ended = 0;
    while (ended < plan.measure.length) {
      expect(client.inFlight).toBe(Math.min(concurrency, plan.measure.length - ended));
      // Requests end in any order.
      await client.end("ok", ended * 7);
      ended += 1;
    }
    await running;
    expect(client.mostInFlight).toBe(concurrency);
    expect(client.sent).toHaveLength(plan.measure.length);
  });

  it("sends each request once, in the order of the plan, and the traces come in that order", async () => {
    const client = new Puppet();
    const plan = planOf(4);
    const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal);
    await turn();
    for (let n = 0; n < plan.measure.length; n += 1) await client.end("ok", n * 5 + 3);
    const { traces } = await running;
    expect(client.sent).toEqual(plan.measure);
    expect(traces.map(({ id }) => id)).toEqual(plan.measure.map(({ id }) => id));
    // The result is that of the request, not of the one that ended at that place.
    expect(traces.map(({ startS }) => startS)).toEqual(plan.measure.map((_, index) => index));
  });

  it("writes where each trace belongs", async () => {
    const client = new Puppet();
    const plan = planOf(2);
    const running = runPhase(client, plan, "warmup", CONTEXT, new AbortController().signal);
    await turn();
    await client.end();
    await client.end();
    expect((await running).traces).toEqual(
      [0, 1].map((index) => ({
        ...RESULT,
        startS: index,
        variant: "head",
        session: 2,
        round: 1,
        probe: "batching",
        case: "c2",
        phase: "warmup",
        id: `batching.c2.w${index}`,
      })),
    );
    expect(client.sent).toEqual(plan.warmup);
  });

  it("parses nothing while a request runs: it would hold up sends and stamps", async () => {
    const client = new Puppet();
    const plan = planOf(2);
    const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal);
    await turn();
    for (let n = 1; n < plan.measure.length; n += 1) {
      await client.end();
      expect(client.read).toEqual([]);
    }
    await client.end();
    await running;
    expect(client.read).toHaveLength(plan.measure.length);
  });

  it("parses in between only when what is kept would not fit in memory", async () => {
    const client = new Puppet();
    const plan = planOf(2);
    const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal, 250);
    await turn();
    await client.end();
    await client.end();
    expect(client.read).toEqual([]);
    for (let n = 2; n < plan.measure.length; n += 1) {
      await client.end();
      // Each parsed response gives way to others, so that a turn is all that it takes.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(client.sent.length - client.read.length - client.inFlight).toBeLessThanOrEqual(2);
    }
    const { traces } = await running;
    expect([...client.read].sort((a, b) => a - b)).toEqual(plan.measure.map((_, index) => index));
    expect(traces.map(({ startS }) => startS)).toEqual(plan.measure.map((_, index) => index));
  });

  it("sends nothing for a phase without requests", async () => {
    const client = new Puppet();
    expect(
      (await runPhase(client, coldCase(TARGET, TTFT), "warmup", CONTEXT, new AbortController().signal))
        .traces,
    ).toEqual([]);
    expect(client.sent).toEqual([]);
  });

  it.each<Outcome>(["http_error", "protocol_error"])(
    "goes on after a request that ended as %s",
    async (outcome) => {
      const client = new Puppet();
      const plan = planOf(2);
      const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal);
      await turn();
      await client.end(outcome);
      for (let n = 1; n < plan.measure.length; n += 1) await client.end();
      const { traces } = await running;
      expect(traces.map((trace) => trace.outcome)).toEqual([
        outcome,
        ...Array(plan.measure.length - 1).fill("ok"),
      ]);
    },
  );

  it("stops after a timeout: what is in flight ends, the rest is not sent", async () => {
    const client = new Puppet();
    const running = runPhase(client, planOf(3), "measure", CONTEXT, new AbortController().signal);
    await turn();
    await client.end();
    await client.end("timeout");
    expect(client.inFlight).toBe(2);
    await client.end();
    await client.end();
    const { traces } = await running;
    expect(traces.map(({ outcome }) => outcome)).toEqual(["ok", "timeout", "ok", "ok"]);
    expect(client.sent).toHaveLength(4);
  });

  it("stops when the run is cancelled, with the traces of what was sent", async () => {
    const client = new Puppet();
    const controller = new AbortController();
    const running = runPhase(client, planOf(3), "measure", CONTEXT, controller.signal);
    await turn();
    await client.end();
    controller.abort();
    await client.end("aborted");
    await client.end("aborted");
    await client.end("aborted");
    const { traces } = await running;
    expect(traces.map(({ outcome }) => outcome)).toEqual(["ok", "aborted", "aborted", "aborted"]);
    expect(client.sent).toHaveLength(4);
  });

  it("sends nothing for a run that was cancelled before", async () => {
    const client = new Puppet();
    const signal = AbortSignal.abort();
    expect((await runPhase(client, planOf(3), "measure", CONTEXT, signal)).traces).toEqual([]);
    expect(client.sent).toEqual([]);
  });
});

describe("runPhase", () => {
  const open = (plannedS: readonly number[], concurrency: number) => {
    const plan = planOf(concurrency);
    const measure = plan.measure.slice(0, plannedS.length);
    return {
      ...plan,
      measure: measure.map((request, index) => ({ ...request, plannedS: plannedS[index] ?? 0 })),
    };
  };

  it("opens as many connections as there are senders before the first request", async () => {
    const client = new Puppet();
    const running = runPhase(client, planOf(8), "warmup", CONTEXT, new AbortController().signal);
    expect(client.connected).toEqual([8]);
    expect(client.sent).toEqual([]);
    await turn();
    expect(client.sent).toHaveLength(8);
    for (let n = 0; n < 8; n += 1) await client.end();
    await running;
    expect(client.connected).toEqual([8]);
  });

  it("sends although no connection could be opened: the requests tell why", async () => {
    const client = new Puppet();
    client.connect = () => Promise.reject(new Error("refused"));
    const running = runPhase(client, planOf(1), "warmup", CONTEXT, new AbortController().signal);
    await turn();
    await client.end();
    expect((await running).traces).toHaveLength(1);
  });

  it("sends a request when it is planned, and not before", async () => {
    const client = new Puppet();
    client.clockS = 100;
    const running = runPhase(client, open([0, 0.5, 2], 8), "measure", CONTEXT, new AbortController().signal);
    await turn();
    expect(client.sent).toHaveLength(1);
    client.clockS = 100.499;
    for (let n = 0; n < 5; n += 1) await turn();
    expect(client.sent).toHaveLength(1);
    client.clockS = 100.5005;
    await waitFor("the second", () => client.sent.length === 2);
    client.clockS = 102;
    await waitFor("the third", () => client.sent.length === 3);
    for (let n = 0; n < 3; n += 1) await client.end();
    const { traces, clientLoad } = await running;
    expect(traces.map(({ plannedS }) => plannedS)).toEqual([100, 100.5, 102]);
    expect(clientLoad.sendLateMs).toEqual({ p50: 0, p99: 0.5, max: 0.5 });
  });

  it("counts from the plan what had to wait for a sender", async () => {
    const client = new Puppet();
    const running = runPhase(client, open([0, 0], 1), "measure", CONTEXT, new AbortController().signal);
    await turn();
    client.clockS = 3;
    await client.end();
    await client.end();
    const { traces, clientLoad } = await running;
    expect(traces.map(({ plannedS }) => plannedS)).toEqual([0, 0]);
    expect(clientLoad.sendLateMs.max).toBe(3000);
  });

  it("sends nothing more that is planned once the run is cancelled", async () => {
    const client = new Puppet();
    const controller = new AbortController();
    const running = runPhase(client, open([0, 60], 2), "measure", CONTEXT, controller.signal);
    await turn();
    controller.abort();
    await client.end("aborted");
    expect((await running).traces).toHaveLength(1);
  });

  it("tells of a closed loop how long its senders were idle", async () => {
    const client = new Puppet();
    const plan = planOf(1);
    const running = runPhase(client, plan, "measure", CONTEXT, new AbortController().signal);
    await turn();
    for (let n = 0; n < plan.measure.length; n += 1) await client.end();
    const { clientLoad } = await running;
    expect(clientLoad).toMatchObject({
      sendLateMs: { p50: 0, p99: 0, max: 0 },
      senderIdleShare: 0,
      resent: 0,
      reads: 0,
    });
    expect(clientLoad.wallS).toBeGreaterThanOrEqual(0);
    expect(clientLoadSchema.parse(clientLoad)).toEqual(clientLoad);
  });
});
