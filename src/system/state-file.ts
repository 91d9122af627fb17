import { rm } from "node:fs/promises";
import { z } from "zod";
import { readJson, writeJson } from "./files.ts";

const identitySchema = z.object({ pid: z.number(), startTicks: z.number() });

/** Name under which the action hands the state file's path from its main step to its `post` step. */
export const STATE_NAME = "state-file";

/** A server that may be alive: written before it is spawned, removed after it was proved gone. */
const liveServerSchema = z.object({
  marker: z.string(),
  /** Leader of its process group and that process's start time; null until it was spawned. */
  leader: identitySchema.nullable(),
  /** What it had started when it was ready: some of them may have left its group and dropped its marker. */
  descendants: z.array(identitySchema).optional(),
});
export type LiveServer = z.infer<typeof liveServerSchema>;

export const stateSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  runDir: z.string(),
  /** What is going on, for the reader of a verdict that a killed process could not write. */
  doing: z.string(),
  servers: z.array(liveServerSchema),
});
export type State = z.infer<typeof stateSchema>;

/**
 * What a run has under way, on disk before each effect: a gate that is killed without a word leaves this file,
 * and the `post` step ends and reports what it names.
 */
export interface StateFile {
  readonly current: State;
  update(change: Partial<Pick<State, "doing" | "servers">>): Promise<void>;
  /** The run ended by itself. The file is removed, unless it names a server, which may be alive. */
  close(): Promise<void>;
}

export async function createStateFile(
  path: string,
  initial: Omit<State, "schemaVersion" | "servers">,
): Promise<StateFile> {
  let state: State = { schemaVersion: 1, ...initial, servers: [] };
  await writeJson(path, state);
  return {
    get current() {
      return state;
    },
    async update(change) {
      state = { ...state, ...change };
      await writeJson(path, state);
    },
    async close() {
      if (state.servers.length === 0) await rm(path, { force: true });
    },
  };
}

/** @throws UsageError when the file is missing or not a state file */
export function readStateFile(path: string): Promise<State> {
  return readJson(path, stateSchema);
}
