/** What is true of a request: when it reached the server's port, and when the server wrote each event. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** What the server noted of one request; nanoseconds of CLOCK_MONOTONIC. */
export interface Noted {
  readonly id: string;
  /** When the server had read and parsed it, after others that came at the same time. */
  readonly receivedNs: number;
  readonly plannedNs: readonly number[];
  readonly writtenNs: readonly number[];
  /** Tokens in each event. */
  readonly tokens: readonly number[];
}

/** The same, with the kernel's stamp. */
export interface Truth extends Noted {
  /** When its last packet reached the server's port; the same as `receivedNs` where packets cannot be read. */
  readonly arrivedNs: number;
}

/** The packets to one port. */
export interface Wire {
  /** Leaves out what has arrived so far. */
  forget(): Promise<void>;
  /** @throws Error when a request has no packet, or its packet came after the server had it */
  join(noted: readonly Noted[]): Promise<Map<string, Truth>>;
  stop(): void;
}

interface Packet {
  readonly id: string | null;
  readonly arrivedNs: number;
}

const PROGRAM = fileURLToPath(new URL("client-wire.py", import.meta.url));
/** The clock that stamps packets is kept in step with the time of day: it may be off by some microseconds. */
const CLOCKS_APART_NS = 100_000;

/** Reads the packets to a port from now on; where that is not allowed, the server's receipt stands for them. */
export async function startWire(port: number, file: string): Promise<Wire> {
  await rm(file, { force: true });
  const reader = spawn("python3", ["-I", PROGRAM, `${port}`, file], { stdio: ["pipe", "pipe", "ignore"] });
  const allowed = await Promise.race([
    once(reader.stdout, "data").then(() => true),
    once(reader, "exit").then(() => false),
  ]);
  let offset = 0;
  /** Packets wait in the kernel while a client is measured: reading them would take its time. */
  const drain = async (): Promise<void> => {
    if (!allowed) return;
    const read = once(reader.stdout, "data");
    reader.stdin.write("\n");
    await read;
  };
  return {
    forget: async () => {
      await drain();
      offset = (await readFrom(file, 0)).length;
    },
    join: async (noted) => {
      if (!allowed) return byId(noted.map((truth) => ({ ...truth, arrivedNs: truth.receivedNs })));
      await drain();
      const lines = (await readFrom(file, offset)).toString("utf8").split("\n").slice(0, -1);
      return byId(
        joined(
          noted,
          lines.map((line) => JSON.parse(line) as Packet),
        ),
      );
    },
    stop: () => reader.kill(),
  };
}

const byId = (truths: readonly Truth[]): Map<string, Truth> =>
  new Map(truths.map((truth) => [truth.id, truth]));

/** Requests without a name of their own are told apart by their order, which the server keeps. */
function joined(noted: readonly Noted[], packets: readonly Packet[]): Truth[] {
  const named = new Map(packets.map(({ id, arrivedNs }) => [`cmpl-${id}`, arrivedNs]));
  const unnamed = packets.filter(({ id }) => id === null).map(({ arrivedNs }) => arrivedNs);
  unnamed.sort((a, b) => a - b);
  const inOrder = noted.toSorted((a, b) => a.receivedNs - b.receivedNs);
  return inOrder.map((truth, i) => {
    const arrivedNs = named.get(truth.id) ?? unnamed[i];
    if (arrivedNs === undefined || arrivedNs > truth.receivedNs + CLOCKS_APART_NS)
      throw new Error(`request '${truth.id}' was received without a packet before it`);
    return { ...truth, arrivedNs };
  });
}

/** The bytes of a file from `offset` on; none when there is no such file. */
export async function readFrom(path: string, offset: number): Promise<Buffer> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.max(0, size - offset));
    await file.read(buffer, 0, buffer.length, offset);
    return buffer;
  } finally {
    await file.close();
  }
}
