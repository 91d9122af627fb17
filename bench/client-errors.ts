/** How far what a client reported is from what the server did, request by request. */
import type { Load } from "./client-cells.ts";
import type { Reported } from "./client-peers.ts";
import type { Truth } from "./client-truth.ts";

/** A distribution, milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** An error with its sign, and its size. */
export interface ErrorSpread {
  readonly signed: Spread;
  readonly absolute: Spread;
}

/** What came of one run of one client. */
export interface Errors {
  readonly requests: number;
  readonly events: number;
  /** The client's TTFT − (server's first write − the request's arrival at the server's port). */
  readonly ttft: ErrorSpread;
  /** The same from the server's receipt: with the time for which it was busy with what came before. */
  readonly ttftFromReceipt: ErrorSpread;
  /** The request's arrival at the port − when the client says it was sent: part of the error. */
  readonly send: ErrorSpread;
  /** The client's mean time between tokens − the server's. */
  readonly tpot: ErrorSpread;
  /** Each time between two events − the server's; null where the client keeps none. */
  readonly gap: ErrorSpread | null;
  /** The client's stamp of each event − the server's write of it; null where the client keeps none. */
  readonly arrival: ErrorSpread | null;
  /** The server's writes − its plan. */
  readonly lateness: Spread;
  /** Events per second, from the first receipt to the last write. */
  readonly rate: number;
  /** First receipt and last write, nanoseconds of CLOCK_MONOTONIC. */
  readonly fromNs: number;
  readonly toNs: number;
}

/** The value below which a share of the sorted values lies. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => round(quantile(sorted, share)));
  return { p50: p50!, p99: p99!, max: max! };
}

/** Tenths of a microsecond. */
const round = (ms: number): number => Math.round(ms * 1e4) / 1e4;

const errors = (values: readonly number[]): ErrorSpread => ({
  signed: spread(values),
  absolute: spread(values.map(Math.abs)),
});

/**
 * Compares a client's report with the truth.
 *
 * @throws Error when a request of the load is missing on either side, or did not get the load's number of events
 */
export function compare(load: Load, reported: readonly Reported[], truths: Map<string, Truth>): Errors {
  if (reported.length !== load.requests)
    throw new Error(`the client reported ${reported.length} requests, expected ${load.requests}`);
  if (new Set(reported.map(({ id }) => id)).size !== reported.length)
    throw new Error("the client reported a request twice");
  const ttft: number[] = [];
  const ttftFromReceipt: number[] = [];
  const send: number[] = [];
  const tpot: number[] = [];
  const gap: number[] = [];
  const arrival: number[] = [];
  const late: number[] = [];
  let [fromNs, toNs] = [Number.POSITIVE_INFINITY, 0];
  for (const request of reported) {
    const truth = truths.get(request.id);
    if (truth === undefined) throw new Error(`the server knows no request '${request.id}'`);
    const { writtenNs, receivedNs, arrivedNs, plannedNs } = truth;
    if (writtenNs.length !== load.tokens)
      throw new Error(`request '${request.id}' got ${writtenNs.length} events, expected ${load.tokens}`);
    // A client that leaves out events without text has no gap for each: which one is missing, it does not tell.
    const gapsMs = request.gapsMs?.length === writtenNs.length - 1 ? request.gapsMs : undefined;
    const [first, last] = [writtenNs[0]!, writtenNs.at(-1)!];
    ttft.push(request.ttftMs - (first - arrivedNs) / 1e6);
    ttftFromReceipt.push(request.ttftMs - (first - receivedNs) / 1e6);
    send.push((arrivedNs - request.sentNs) / 1e6);
    tpot.push(request.tpotMs - (last - first) / 1e6 / (writtenNs.length - 1));
    writtenNs.forEach((written, i) => {
      late.push((written - plannedNs[i]!) / 1e6);
      if (request.arrivedNs !== undefined) arrival.push((request.arrivedNs[i]! - written) / 1e6);
      if (gapsMs !== undefined && i > 0) gap.push(gapsMs[i - 1]! - (written - writtenNs[i - 1]!) / 1e6);
    });
    fromNs = Math.min(fromNs, receivedNs);
    toNs = Math.max(toNs, last);
  }
  const events = late.length;
  return {
    ...{ requests: reported.length, events, ttft: errors(ttft), send: errors(send), tpot: errors(tpot) },
    ttftFromReceipt: errors(ttftFromReceipt),
    gap: gap.length === 0 ? null : errors(gap),
    arrival: arrival.length === 0 ? null : errors(arrival),
    ...{ lateness: spread(late), rate: events / ((toNs - fromNs) / 1e9), fromNs, toNs },
  };
}
