import type { KvScalingRow } from "../domain/kv-study.ts";
import { csv, rounded } from "./csv.ts";

/** The seed's columns in its order, then ours. */
const HEADER = [
  "max_model_len",
  "gpu_mem_used_mb",
  "delta_mb_from_prev",
  "bytes_per_token_est",
  "notes",
  "kv_tokens",
  "blocks",
  "block_size",
  "max_concurrency",
  "available_gib",
  "ready_s",
  "bytes_per_token_measured",
  "step_tokens",
];

/** `csv/kv_cache_scaling.csv`; memory is nvidia-smi's MiB, which the seed's names call mb. */
export function renderKvCsv(rows: readonly KvScalingRow[]): string {
  return csv(
    HEADER,
    rows.map((row) => [
      row.maxModelLen,
      row.gpuMemUsedMib,
      row.deltaMib,
      row.bytesPerTokenEst,
      row.notes.join("; "),
      row.kvTokens,
      row.blocks,
      row.blockSize,
      rounded(row.maxConcurrency, 3),
      rounded(row.availableGib, 4),
      rounded(row.readyS, 2),
      rounded(row.bytesPerToken, 1),
      row.stepTokens,
    ]),
  );
}
