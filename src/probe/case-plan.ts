import type { StreamRequest } from "./stream-client.ts";

/** A request of a case, ready to be sent. */
export interface PlannedRequest extends StreamRequest {
  readonly id: string;
  /** Length of its prompt where the planner knows it, so that a server with too short a context is not asked. */
  readonly promptTokens?: number;
  /** Open loop: when it is to be sent, in seconds after the first of its phase. Absent: as soon as a sender is free. */
  readonly plannedS?: number;
}

/**
 * One case of a probe, or a part of one: what is sent before the measurement, and what is measured. Cases that are
 * compared with each other take turns: each comes in several parts, which belong together by probe, case and round.
 */
export interface CasePlan {
  readonly probe: string;
  readonly case: string;
  /** Most requests in flight. */
  readonly concurrency: number;
  /** Prompts must not be in the prefix cache; a case whose prompts are found there is not trusted. */
  readonly mustMiss: boolean;
  /** One wave of the case's own concurrency: kernels of that batch size are compiled and connections open. */
  readonly warmup: readonly PlannedRequest[];
  readonly measure: readonly PlannedRequest[];
  /** Read the server's gauges this often while the measured requests run; never when absent. */
  readonly gaugesEveryMs?: number;
}

/** What prompts are made for. */
export interface PromptTarget {
  readonly model: string;
  /** Names the prompts of this run; other seeds give other prompts. */
  readonly seed: string;
}
