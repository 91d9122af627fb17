import { kvCapacity } from "../domain/kv-capacity.ts";
import type { KvFill } from "../domain/kv-fill.ts";
import type { SessionRecord } from "../domain/run.ts";
import type { SessionData } from "./case-data.ts";
import { readKvFill } from "./kv-fill.ts";
import { fact, type Metric, none, type Reading, relative, sessionMetric } from "./metric-family.ts";

const capacity = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.01),
  sensitivity: "none",
} as const;

const REPORTED = "kvCapacityTokens";

/** What moves with `--max-model-len` and from version to version is no capacity that two runs can be compared by. */
const NOT_UNIFORM =
  "its layers keep different amounts, so the tokens that vLLM reports hold for one --max-model-len only: " +
  "see kv.len<n>.capacity_tokens, and kv.available_gib for what is gated";

function capacityTokens(session: SessionRecord): Reading {
  const { tokens, uniform } = kvCapacity(session);
  if (uniform === false) return none(NOT_UNIFORM);
  return fact(() => tokens, REPORTED)(session);
}

function* capacityAtLength({ record }: SessionData): Generator<readonly [string, Reading]> {
  const { uniform, reportedTokens, maxModelLen } = kvCapacity(record);
  if (uniform !== false || maxModelLen === null) return;
  yield [`len${maxModelLen}`, fact(() => reportedTokens, REPORTED)(record)];
}

/** A reading of what filling the cache showed. */
const ofFill = (read: (fill: KvFill, session: SessionData) => Reading) => ({
  scope: "round" as const,
  read: (session: SessionData, round: number) => {
    const fill = readKvFill(session, round);
    if (fill === null) return null;
    return "absent" in fill ? none(fill.absent) : read(fill, session);
  },
});

function bytesPerToken({ bytesPerToken: value, bytesProblem, readings }: KvFill): Reading {
  return value === null ? none(bytesProblem ?? "unknown") : { value, n: readings };
}

function formulaRatio(fill: KvFill, { record }: SessionData): Reading {
  const { bytesPerToken: value, bytesProblem, readings } = fill;
  if (value === null) return none(bytesProblem ?? "the bytes per token are unknown");
  if (record.model === undefined) return none("the model's config.json is not on this machine");
  const { kvBytesPerToken, kvTerms } = record.model;
  return kvBytesPerToken === null ? none(kvTerms) : { value: value / kvBytesPerToken, n: readings };
}

export const KV: readonly Metric[] = [
  {
    ...capacity,
    id: "kv.capacity_tokens",
    unit: "tokens",
    description:
      "Tokens that the KV cache holds: blocks × block size, free of rounding to whole requests. Absent for models " +
      "whose layers keep different amounts.",
    scope: "session",
    read: capacityTokens,
  },
  {
    ...capacity,
    level: "watch",
    id: "kv.len<n>.capacity_tokens",
    unit: "tokens",
    description:
      "Tokens that vLLM reports for a model whose layers keep different amounts, at this --max-model-len: " +
      "comparable at the same length and version only.",
    scope: "cells",
    read: capacityAtLength,
  },
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.max_concurrency",
      unit: "x",
      description: "Requests of full context length that fit at once; moves with --max-model-len.",
    },
    "maxConcurrency",
    (session) => kvCapacity(session).maxConcurrency,
  ),
  sessionMetric(
    {
      ...capacity,
      id: "kv.available_gib",
      unit: "GiB",
      description: "Memory that the KV cache got: from the log, or as it was set.",
    },
    "kvAvailableGib",
    (session) => {
      const { memoryBytes } = kvCapacity(session);
      return memoryBytes === null ? null : memoryBytes / 2 ** 30;
    },
  ),
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.block_size",
      unit: "tokens",
      description: "Tokens of one KV block.",
    },
    "blockSize",
    (session) => session.kv?.blockSize,
  ),
  {
    // Watched: a token that takes more memory is fewer tokens in the cache, which is gated and needs no traffic.
    ...capacity,
    direction: "lower",
    level: "watch",
    id: "kv.bytes_per_token",
    unit: "B",
    description:
      "KV memory of one token on one GPU: from the cache's use while contexts grow, and the memory that it has.",
    ...ofFill(bytesPerToken),
  },
  {
    ...capacity,
    direction: "lower",
    level: "watch",
    rounds: "mean",
    id: "kv.fill.formula_ratio",
    unit: "x",
    description:
      "Measured bytes per token over those of the formula from the model's config.json; 1 where every layer keeps " +
      "every token.",
    ...ofFill(formulaRatio),
  },
  {
    ...capacity,
    level: "watch",
    id: "kv.fill.tokens_per_step",
    unit: "tokens",
    description: "Tokens that a context grows by until the KV cache takes one more block.",
    ...ofFill(({ stepTokens, readings }) =>
      stepTokens === null
        ? none("the cache's use does not grow in steps of one size")
        : { value: stepTokens, n: readings },
    ),
  },
];
