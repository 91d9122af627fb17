import { describe, expect, it } from "vitest";
import type { CasePlan } from "../src/probe/case-plan.ts";
import type { StampedResponse, StreamClient, StreamRequest } from "../src/probe/stream-client.ts";
import { leftText, RunProgress } from "../src/progress.ts";

/** A clock that stands still until it is told. */
function clock() {
  let s = 1000;
  const pass = (seconds: number) => {
    s += seconds;
  };
  return { now: () => s, pass };
}

function casePlan(name: string, requests: number, concurrency: number, expectedTokens = 64): CasePlan {
  const request = (id: string) => ({ id, body: Buffer.alloc(0), expectedTokens });
  return {
    probe: "batching",
    case: name,
    concurrency,
    mustMiss: true,
    warmup: [],
    measure: Array.from({ length: requests }, (_, index) => request(`${name}.${index}`)),
  };
}

const client: StreamClient = {
  connect: async () => undefined,
  send: async () => ({ timedOut: false }) as StampedResponse,
  nowS: () => 0,
  takeReadLag: () => ({}) as ReturnType<StreamClient["takeReadLag"]>,
  [Symbol.asyncDispose]: async () => undefined,
};

const ROUND = [casePlan("c1", 8, 1), casePlan("c8", 64, 8)];

/** A session whose start takes 20 s and each of whose rounds 30 s. */
function session(progress: RunProgress, time: ReturnType<typeof clock>, rounds = 2) {
  progress.sessionBegan("head");
  time.pass(20);
  progress.sessionServes();
  for (let round = 0; round < rounds; round += 1) {
    progress.roundBegan(round, ROUND);
    time.pass(30);
    progress.roundEnded();
  }
  time.pass(4);
  progress.sessionEnded();
}

describe("the time left", () => {
  it("is unknown before anything was measured", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head", "head"], rounds: 2 }, time.now);
    expect(progress.leftS()).toBeNull();
    progress.sessionBegan("head");
    time.pass(12);
    expect(progress.leftS()).toBeNull();
    expect(progress.leftWords()).toBe("");
    expect(progress.line(80)).toBe("server 1/2 head · starting 12 s · time left: ?");
  });

  it("is that of the sessions that were measured, and gets less", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head", "head", "head"], rounds: 2 }, time.now);
    session(progress, time);
    expect(progress.leftS()).toBe(2 * 84);
    progress.sessionBegan("head");
    time.pass(5);
    expect(progress.leftS()).toBe(79 + 84);
    time.pass(15);
    progress.sessionServes();
    progress.roundBegan(0, ROUND);
    time.pass(10);
    expect(progress.leftS()).toBe(54 + 84);
    expect(progress.leftWords()).toBe(", about 2 min left");
  });

  it("of the first round is by its pace: the cases behind it, of those planned", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 1 }, time.now);
    progress.sessionBegan("head");
    time.pass(20);
    progress.sessionServes();
    progress.roundBegan(0, [casePlan("c1", 8, 1), casePlan("c1", 8, 1)]);
    expect(progress.leftS()).toBeNull();
    time.pass(15);
    progress.caseEnded();
    expect(progress.leftS()).toBeCloseTo(15, 6);
  });

  it("of a first start is the baseline's, the rest stays unknown", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 1 }, time.now);
    progress.expectStart(45);
    progress.sessionBegan("head");
    time.pass(12);
    expect(progress.line(80)).toBe("server 1/1 head · starting 12 s of about 45 s · time left: ?");
  });

  it("follows the plan: sessions that are measured as well, cases repeated, nothing left", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 2 }, time.now);
    session(progress, time);
    expect(progress.leftS()).toBe(0);
    progress.expect(["base", "head"]);
    expect(progress.leftS()).toBe(2 * 84);
    progress.sessionBegan("base");
    expect(progress.line(80)).toBe("server 2/3 base · starting 0 s of about 20 s · about 3 min left");
    progress.sessionServes();
    expect(progress.line(80)).toBe("server 2/3 base · first requests · about 3 min left");
    progress.roundBegan(2, ROUND);
    time.pass(29);
    expect(progress.leftS()).toBe(1 + 4 + 84);
    // Later than planned is not less than nothing.
    time.pass(100);
    expect(progress.leftS()).toBe(4 + 84);
  });
});

describe("the line", () => {
  it("says what is sent now and how fast, of the requests that ended", async () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 2 }, time.now);
    session(progress, time, 1);
    progress.expect(["head"]);
    progress.sessionBegan("head");
    progress.roundBegan(0, ROUND);
    const plan = ROUND[1]!;
    const counting = progress.phaseBegan(plan, "measure", client);
    expect(progress.line(100)).toBe("server 2/2 head · round 1/2 · batching.c8 0/64 · about 65 s left");
    time.pass(4);
    for (const request of plan.measure.slice(0, 16)) await counting.send(request);
    expect(progress.line(100)).toBe(
      "server 2/2 head · round 1/2 · batching.c8 16/64 · 4 req/s · 256 tok/s · about 60 s left",
    );
    progress.caseEnded();
    expect(progress.line(100)).toBe("server 2/2 head · round 1/2 · about 60 s left");
  });

  it("leaves the least important out where the terminal is narrow", async () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 1 }, time.now);
    progress.sessionBegan("head");
    progress.roundBegan(0, ROUND);
    const counting = progress.phaseBegan(ROUND[1]!, "measure", client);
    time.pass(8);
    for (const request of ROUND[1]!.measure) await counting.send(request);
    for (const columns of [100, 80, 60, 40, 20, 5]) {
      expect(progress.line(columns)!.length).toBeLessThanOrEqual(columns);
    }
    expect(progress.line(80)).toMatch(
      /^server 1\/1 head · batching.c8 64\/64 · 8 req\/s · 512 tok\/s · about/,
    );
    expect(progress.line(20)).toBe("batching.c8 64/64");
  });

  it("counts no tokens that it does not know", async () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 1 }, time.now);
    progress.sessionBegan("head");
    progress.roundBegan(0, ROUND);
    const counting = progress.phaseBegan(ROUND[1]!, "measure", client);
    time.pass(1);
    await counting.send({ expectedTokens: 64, mayEndEarly: true } as StreamRequest);
    expect(progress.line(200)).toContain("1 req/s · ");
    expect(progress.line(200)).not.toContain("tok/s");
  });

  it("says nothing between sessions", () => {
    const time = clock();
    const progress = new RunProgress({ order: ["head"], rounds: 1 }, time.now);
    expect(progress.line(80)).toBeNull();
    session(progress, time, 1);
    expect(progress.line(80)).toBeNull();
  });
});

it("times are no more exact than they can be known", () => {
  expect([0, 42, 89, 90, 200, 7100, 8000].map(leftText)).toEqual([
    "5 s",
    "45 s",
    "90 s",
    "2 min",
    "3 min",
    "118 min",
    "2.2 h",
  ]);
});
