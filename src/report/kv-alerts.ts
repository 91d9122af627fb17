import type { KvStudy } from "../domain/kv-study.ts";
import { formatNumber } from "./numbers.ts";

const percent = (share: number) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const tokens = (count: number) => `${formatNumber(count)} tokens`;

/** A cache this full is at its end, however small a request is. */
const ALMOST_FULL = 0.95;

/**
 * Bounds of the cache's use: what the safe length plans for is no reason to act, and beyond it one more request must
 * still find room.
 */
function usageAlert({ rows, headroom }: KvStudy): { readonly warn: number; readonly text: string } {
  const longest = rows.filter((row) => row.measured && row.blocks !== null && row.blockSize !== null).at(-1);
  const share =
    longest?.blocks == null || longest.blockSize === null
      ? 0
      : Math.ceil(longest.maxModelLen / longest.blockSize) / (longest.blocks - 1);
  const warn = 1 - headroom;
  const act = Math.min(ALMOST_FULL, 1 - share);
  const planned = `what is called safe above fills up to ${percent(warn)}`;
  if (act <= warn) return { warn, text: `act at ${percent(warn)}: ${planned}` };
  const because =
    longest === undefined || act === ALMOST_FULL
      ? planned
      : `${planned}, and one more request of ${tokens(longest.maxModelLen)} takes ${percent(share)} of it`;
  return { warn, text: `warn at ${percent(warn)} for 5 minutes, act at ${percent(act)}: ${because}` };
}

/** What to alert on, as a list. */
export function alertSection(study: KvStudy): string[] {
  const { envelope, model } = study;
  const { warn, text } = usageAlert(study);
  return [
    [
      `- \`vllm:kv_cache_usage_perc\` (\`gpu_cache_usage_perc\` before vLLM 0.9): ${text}.`,
      "- `vllm:num_preemptions_total`: any steady increase means that requests lose their blocks and are computed again.",
      `- \`vllm:num_requests_waiting\` above 0 while the cache is fuller than ${percent(warn)}: requests wait for memory, not for compute.`,
      ...(envelope.length > 0 && model?.contextTokens != null
        ? [
            `- Prompts near ${tokens(model.contextTokens)}: the model takes no longer ones, whatever the cache holds.`,
          ]
        : []),
    ].join("\n"),
  ];
}
