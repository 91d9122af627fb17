/** vLLM's cache configuration, as a metric shows it. */
import type { Deployment } from "./deployment.ts";
import type { Labels } from "./histogram.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import { atLeast } from "./settings.ts";

/** The labels of `vllm:cache_config_info`, sorted as the client sorts them; from 0.24 on with the capacity. */
export function cacheConfig(deployment: Deployment, plan: MemoryPlan): Labels {
  const { flags, settings } = deployment;
  const bool = (value: boolean): string => (value ? "True" : "False");
  const capacity = atLeast(settings.version, 0, 24)
    ? {
        kv_cache_max_concurrency: String(plan.maxConcurrency),
        kv_cache_size_tokens: String(plan.kvTokens),
      }
    : { calculate_kv_scales: "False", user_specified_mamba_block_size: "False" };
  const labels: Record<string, string> = {
    _block_size_resolved: "True",
    block_size: String(deployment.blockSize),
    cache_dtype: flags.kvCacheDtype,
    enable_prefix_caching: bool(flags.enablePrefixCaching),
    engine: "0",
    gpu_memory_utilization: String(flags.gpuMemoryUtilization),
    hash_block_size: "None",
    is_attention_free: "False",
    kv_cache_dtype_skip_layers: "[]",
    kv_cache_memory_bytes: flags.kvCacheMemoryBytes === null ? "None" : String(flags.kvCacheMemoryBytes),
    kv_offloading_backend: "native",
    kv_offloading_size: "None",
    kv_sharing_fast_prefill: "False",
    mamba_block_size: "None",
    mamba_cache_dtype: "auto",
    mamba_cache_mode: "none",
    mamba_page_size_padded: "None",
    mamba_ssm_cache_dtype: "auto",
    num_cpu_blocks: "None",
    num_gpu_blocks: String(plan.blocks),
    num_gpu_blocks_override: "None",
    prefix_caching_hash_algo: "sha256",
    sliding_window: "None",
    user_specified_block_size: bool(flags.blockSize !== null),
    ...capacity,
  };
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
