/** The loads that clients are compared under, each one number of streams at one rate of events. */

/** One load. */
export interface Cell {
  readonly streams: number;
  /** Events per second, of all streams together. */
  readonly rate: number;
}

/** What a client is asked to do in a cell, and what the server's plan is. */
export interface Load extends Cell {
  readonly name: string;
  readonly requests: number;
  /** Events, and so tokens, of each request. */
  readonly tokens: number;
  readonly ttftMs: number;
  readonly itlMs: number;
  /** First events are spread over this: a server that writes one stream after the other cannot write all at once. */
  readonly spreadMs: number;
}

const TTFT_MS = 20;
const STREAMS = [1, 8, 64, 256] as const;
const RATES = [1_000, 5_000, 10_000, 20_000] as const;
/** No model emits faster on one stream. */
const MIN_ITL_MS = 0.6;
/** A request should last about so long, within these numbers of tokens. */
const REQUEST_S = 0.8;
const TOKENS = { least: 8, most: 128 };
/** A run lasts at least so long, has at least so many events and so many waves. */
/** What a stream's turn takes the server, with room to spare. */
const TURN_MS = 0.1;
const RUN = { seconds: 3.3, events: 8_000, waves: 2 };

/**
 * The load of a cell: a request's time, first token and gaps together, is what `streams` requests at a time need
 * for the rate.
 */
export function loadOf({ streams, rate }: Cell): Load {
  const perStream = rate / streams;
  const tokens = Math.min(TOKENS.most, Math.max(TOKENS.least, Math.round(REQUEST_S * perStream)));
  const requestS = tokens / perStream;
  const itlMs = (requestS * 1000 - TTFT_MS) / (tokens - 1);
  const seconds = Math.max(RUN.seconds, RUN.events / rate);
  const requests = streams * Math.max(RUN.waves, Math.round(seconds / requestS));
  const spreadMs = Math.min(itlMs, streams * TURN_MS);
  return { streams, rate, name: `${streams}@${rate}`, requests, tokens, ttftMs: TTFT_MS, itlMs, spreadMs };
}

/** All cells whose streams could be a model's. */
export const CELLS: readonly Load[] = STREAMS.flatMap((streams) =>
  RATES.map((rate) => loadOf({ streams, rate })),
).filter((load) => load.itlMs >= MIN_ITL_MS);

/**
 * Reads a choice of cells, e.g. `64@10000,256@20000`.
 *
 * @throws Error that names what is not a cell
 */
export function parseCells(text: string): readonly Load[] {
  if (text === "all") return CELLS;
  return text.split(",").map((name) => {
    const load = CELLS.find((cell) => cell.name === name);
    if (load === undefined)
      throw new Error(`no cell '${name}': expected one of ${CELLS.map((cell) => cell.name).join(", ")}`);
    return load;
  });
}

/** A few events: what a cell's run costs more than this, it costs for the events that it has more. */
export const FEW: Load = {
  ...{ streams: 8, rate: 1_000, name: "few", requests: 32, tokens: 32 },
  ...{ ttftMs: TTFT_MS, itlMs: 7.6, spreadMs: 0.8 },
};
