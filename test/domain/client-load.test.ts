import { describe, expect, it } from "vitest";
import { type ClientLoad, clientLateness } from "../../src/domain/client-load.ts";

const QUIET: ClientLoad = {
  wallS: 10,
  cpuS: 0.5,
  reads: 10_000,
  readLagMs: { p50: 0, p99: 0.3, max: 40 },
  loopDelayMs: { p50: 0.1, p99: 1.2, max: 40 },
  gc: { count: 5, totalMs: 20, longestMs: 12 },
  sendLateMs: { p50: 0.1, p99: 0.4, max: 40 },
  senderIdleShare: 0.002,
  resent: 1,
};
const MEDIANS = { ttftMs: 40, itlMs: 5 };

describe("clientLateness", () => {
  it("finds nothing in a client that was in time but for single events", () => {
    expect(clientLateness(QUIET, MEDIANS)).toEqual([]);
    expect(clientLateness(QUIET, { ttftMs: null, itlMs: null })).toEqual([]);
  });

  it.each<[what: string, changed: Partial<ClientLoad>, says: RegExp]>([
    ["stamps", { readLagMs: { p50: 0, p99: 1.1, max: 2 } }, /stamped answers 1\.1 ms late .*1\.0 ms allowed/],
    [
      "the event loop",
      { loopDelayMs: { p50: 0, p99: 2.5, max: 3 } },
      /event loop: 2\.5 ms late .*2\.0 ms allowed/,
    ],
    ["sends", { sendLateMs: { p50: 0, p99: 4.1, max: 5 } }, /sent requests 4\.1 ms late .*4\.0 ms allowed/],
    [
      "collections",
      { gc: { count: 9, totalMs: 150, longestMs: 20 } },
      /garbage for 1\.5 % of the time, up to 20\.0 ms/,
    ],
  ])("tells of %s that were late", (_, changed, says) => {
    const reasons = clientLateness({ ...QUIET, ...changed }, MEDIANS);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(says);
  });

  it("allows more where what is measured takes longer", () => {
    const late = {
      ...QUIET,
      readLagMs: { p50: 1, p99: 4, max: 9 },
      sendLateMs: { p50: 1, p99: 30, max: 40 },
    };
    expect(clientLateness(late, MEDIANS)).toHaveLength(2);
    expect(clientLateness(late, { ttftMs: 400, itlMs: 50 })).toEqual([]);
  });
});
