import { describe, expect, it } from "vitest";
import type { ClientLoad } from "../../src/domain/client-load.ts";
import { clientFaults } from "../../src/telemetry/client-faults.ts";
import { trace } from "../support/builders.ts";

const QUIET = { p50: 0.01, p99: 0.2, max: 1 };
const LOAD: ClientLoad = {
  wallS: 2,
  cpuS: 0.2,
  reads: 1000,
  readLagMs: QUIET,
  loopDelayMs: QUIET,
  gc: { count: 2, totalMs: 4, longestMs: 3 },
  sendLateMs: QUIET,
  senderIdleShare: 0.001,
  resent: 0,
};
/** 40 ms to the first token, then 10 ms a token. */
const SLOW = [trace({ startS: 0, firstTokenS: 0.04, lastTokenS: 0.14, outputTokens: 11 })];
const late = (p50: number) => ({ p50, p99: p50 + 1, max: p50 + 2 });

describe("clientFaults", () => {
  it("finds nothing where the client kept up, tails or not", () => {
    expect(clientFaults("batching.c8", LOAD, SLOW)).toEqual([]);
    expect(clientFaults("batching.c8", { ...LOAD, readLagMs: { p50: 0, p99: 30, max: 50 } }, SLOW)).toEqual(
      [],
    );
  });

  it.each(["readLagMs", "sendLateMs"] as const)("names lateness of half of the time: %s", (of) => {
    expect(clientFaults("batching.c8", { ...LOAD, [of]: late(1.5) }, SLOW)).toEqual([
      "the client was 1.5 ms late or more half of the time in batching.c8, where 1.0 ms are allowed",
    ]);
  });

  it("allows a tenth of the shortest time", () => {
    const slower = [trace({ startS: 0, firstTokenS: 0.9, lastTokenS: 1.2, outputTokens: 11 })];
    expect(clientFaults("ttft.c1", { ...LOAD, readLagMs: late(2.9) }, slower)).toEqual([]);
    expect(clientFaults("ttft.c1", { ...LOAD, readLagMs: late(3.1) }, slower)).toHaveLength(1);
  });

  it("names idle senders", () => {
    expect(clientFaults("batching.c8", { ...LOAD, senderIdleShare: 0.12 }, SLOW)).toEqual([
      "the client's senders were between requests for 12.0 % of batching.c8",
    ]);
  });

  it("is of no use for requests that failed", () => {
    expect(clientFaults("batching.c8", LOAD, [])).toEqual([]);
  });
});
