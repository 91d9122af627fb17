import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogFacts } from "../../src/domain/log-facts.ts";
import {
  createLogReader,
  expandLine,
  parseLog,
  redactSecrets,
  splitRecord,
} from "../../src/serve/log-facts.ts";

const NO_FACTS: LogFacts = {
  vllmVersion: null,
  weightsS: null,
  modelLoadS: null,
  modelMemoryGib: null,
  compileS: null,
  compileCached: null,
  profileS: null,
  graphsS: null,
  graphsGib: null,
  graphsEstimatedGib: null,
  kvAvailableGib: null,
  kvCapacityTokens: null,
  kvBlocks: null,
  maxConcurrency: null,
  maxConcurrencyTokens: null,
  engineInitS: null,
  attentionBackend: null,
  asyncScheduling: null,
  loggedArgs: null,
  listeningOn: null,
};

function fixture(path: string): string {
  return readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8");
}

function readerOf(lines: readonly string[]) {
  const reader = createLogReader();
  for (const line of lines) reader.push(line);
  return reader;
}

describe("logs of real servers", () => {
  const h200: LogFacts = {
    ...NO_FACTS,
    vllmVersion: "0.22.0",
    modelMemoryGib: 2.98,
    graphsS: 4,
    graphsGib: 0.42,
    graphsEstimatedGib: 0.39,
    kvAvailableGib: 122.85,
    kvCapacityTokens: 4_600_768,
    maxConcurrency: 1123.23,
    maxConcurrencyTokens: 4096,
    attentionBackend: "FLASH_ATTN",
    asyncScheduling: true,
    loggedArgs: "{'model': 'models/qwen2.5-1.5b-shape', 'max_model_len': 4096, 'load_format': 'dummy'}",
    listeningOn: "http://0.0.0.0:8000",
  };
  const neverServed = {
    graphsS: null,
    graphsGib: null,
    kvCapacityTokens: null,
    maxConcurrency: null,
    maxConcurrencyTokens: null,
    listeningOn: null,
  };
  const qwen = "{'model': 'models/qwen2.5-1.5b-shape'";

  const cases: readonly [file: string, expected: LogFacts][] = [
    [
      "vllm-0.22.0-h200/base.log",
      {
        ...h200,
        modelLoadS: 0.389684,
        compileS: 3.49,
        compileCached: true,
        profileS: 0.13,
        engineInitS: 18.12,
      },
    ],
    [
      "vllm-0.22.0-h200/base-warm-compile-cache.log",
      {
        ...h200,
        modelLoadS: 0.389934,
        compileS: 3.02,
        compileCached: true,
        profileS: 0.09,
        engineInitS: 9.29,
      },
    ],
    [
      "vllm-0.22.0-h200/noapc.log",
      {
        ...h200,
        modelLoadS: 0.390981,
        compileS: 3.17,
        compileCached: true,
        profileS: 0.08,
        engineInitS: 9.59,
        loggedArgs: `${qwen}, 'max_model_len': 4096, 'load_format': 'dummy', 'enable_prefix_caching': False}`,
      },
    ],
    [
      "vllm-0.22.0-h200/mbt512.log",
      {
        ...h200,
        modelLoadS: 0.389569,
        compileS: 16.13,
        compileCached: false,
        profileS: 0.15,
        kvAvailableGib: 123.89,
        kvCapacityTokens: 4_639_728,
        maxConcurrency: 1132.75,
        engineInitS: 30.14,
        loggedArgs: `${qwen}, 'max_model_len': 4096, 'load_format': 'dummy', 'max_num_batched_tokens': 512}`,
      },
    ],
    [
      "vllm-0.22.0-h200/fp8kv.log",
      {
        ...h200,
        modelLoadS: 0.505602,
        compileS: 17.06,
        compileCached: false,
        profileS: 0.17,
        kvCapacityTokens: 9_201_536,
        maxConcurrency: 2246.47,
        engineInitS: 31.52,
        loggedArgs: `${qwen}, 'max_model_len': 4096, 'load_format': 'dummy', 'kv_cache_dtype': 'fp8'}`,
      },
    ],
    [
      "vllm-0.22.0-h200/eager.log",
      {
        ...h200,
        modelLoadS: 0.223779,
        graphsS: null,
        graphsGib: null,
        graphsEstimatedGib: null,
        kvAvailableGib: 123.25,
        kvCapacityTokens: 4_615_536,
        maxConcurrency: 1126.84,
        engineInitS: 1.73,
        loggedArgs: `${qwen}, 'max_model_len': 4096, 'enforce_eager': True, 'load_format': 'dummy'}`,
      },
    ],
    [
      "vllm-0.22.0-h200/phi-3-mini.log",
      {
        ...h200,
        modelLoadS: 0.772613,
        modelMemoryGib: 7.12,
        compileS: 20.87,
        compileCached: false,
        profileS: 0.34,
        graphsS: 5,
        graphsGib: 0.56,
        graphsEstimatedGib: 0.44,
        kvAvailableGib: 120.22,
        kvCapacityTokens: 328_288,
        maxConcurrency: 80.15,
        engineInitS: 36.7,
        loggedArgs:
          "{'model_tag': 'models/phi-3-mini-shape', 'model': 'models/phi-3-mini-shape', " +
          "'max_model_len': 4096, 'load_format': 'dummy'}",
      },
    ],
    [
      "vllm-0.22.0-h200/fail-kvnone.log",
      {
        ...h200,
        ...neverServed,
        modelLoadS: 0.507126,
        compileS: 3.22,
        compileCached: true,
        profileS: 0.09,
        kvAvailableGib: -4.36,
        loggedArgs: `${qwen}, 'max_model_len': 4096, 'load_format': 'dummy', 'gpu_memory_utilization': 0.01}`,
      },
    ],
    [
      "vllm-0.22.0-h200/fail-kvsmall.log",
      {
        ...h200,
        ...neverServed,
        modelLoadS: 0.384142,
        compileS: 15.56,
        compileCached: false,
        profileS: 0.18,
        kvAvailableGib: -1.57,
        loggedArgs: `${qwen}, 'max_model_len': 32768, 'load_format': 'dummy', 'gpu_memory_utilization': 0.03}`,
      },
    ],
    [
      "vllm-0.22.0-h200/fail-ctx.log",
      {
        ...NO_FACTS,
        vllmVersion: "0.22.0",
        loggedArgs: `${qwen}, 'max_model_len': 100000, 'load_format': 'dummy'}`,
      },
    ],
    [
      "vllm-0.22.0-h200/fail-nomodel.log",
      { ...NO_FACTS, vllmVersion: "0.22.0", loggedArgs: "{'model': 'models/none', 'load_format': 'dummy'}" },
    ],
    ["vllm-0.22.0-h200/fail-badflag.log", NO_FACTS],
    ["vllm-0.22.0-h200/fail-badval.log", NO_FACTS],
    [
      "vllm-0.32.0-cpu/server.log",
      {
        ...NO_FACTS,
        vllmVersion: "0.32.0",
        compileCached: false,
        profileS: 0.09,
        kvCapacityTokens: 1_048_576,
        maxConcurrency: 256,
        maxConcurrencyTokens: 4096,
        engineInitS: 41.72,
        loggedArgs:
          "{'port': 8011, 'model': 'models/tiny-shape', 'max_model_len': 4096, 'load_format': 'dummy'}",
        listeningOn: "http://0.0.0.0:8011",
      },
    ],
  ];

  it.each(cases)("%s", (file, expected) => {
    expect(parseLog(fixture(file))).toEqual(expected);
  });
});

/** A line of vLLM as one of its releases would write it. */
const PREFIXES = {
  "0.6": "INFO 01-21 12:00:00 gpu_executor.py:76] ",
  "0.6 TP worker": "(VllmWorkerProcess pid=240) INFO 01-21 12:00:00 worker.py:266] ",
  "0.8": "INFO 03-05 09:10:11 [core.py:54] ",
  "0.8 rank": "(VllmWorker rank=1 pid=404) INFO 03-05 09:10:11 [gpu_worker.py:54] ",
  "0.10": "(EngineCore_DP0 pid=469) INFO 03-11 17:57:10 [gpu_worker.py:783] ",
  "0.14 TP": "(Worker_TP1 pid=448) INFO 08-14 14:03:44 [gpu_model_runner.py:5405] ",
  "0.22 API": "(APIServer pid=1899) INFO 11-22 04:55:31 [utils.py:344] ",
  "0.22 DEBUG": "(EngineCore pid=7) DEBUG 11-22 04:55:31 [v1/worker/gpu_worker.py:466] ",
  colours:
    "\u001b[1;36m(EngineCore_DP0 pid=9)\u001b[0;0m \u001b[32mINFO\u001b[0m 11-22 04:55:31 \u001b[90m[core.py:1]\u001b[0m ",
  collector: "2026-03-11T17:57:10.976518836Z (EngineCore pid=469) INFO 03-11 17:57:10 [core.py:1] ",
  "progress bar":
    "(Worker_TP0 pid=1) Loading shards:  50%|█  | 1/2\rLoading shards: 100%|██| 2/2\rINFO 11-22 04:55:31 [core.py:1] ",
  none: "",
} as const;

describe("every known line, whatever stands before it", () => {
  const lines: readonly [message: string, expected: Partial<LogFacts>][] = [
    ["vLLM API server version 0.6.6.post1", { vllmVersion: "0.6.6.post1" }],
    [
      "vLLM API server version 0.9.2.dev140+g8b6e1d639.d20250618",
      { vllmVersion: "0.9.2.dev140+g8b6e1d639.d20250618" },
    ],
    ["vLLM server version 0.15.1, serving model org/name", { vllmVersion: "0.15.1" }],
    [" ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.32.0", { vllmVersion: "0.32.0" }],
    [" ▄▄ ▄█ █     █     █ ▀▄▀ █\u001b[0m  version \u001b[1m0.33.0\u001b[0m", { vllmVersion: "0.33.0" }],
    [
      "Initializing an LLM engine (v0.6.4.post2) with config: model='m', speculative_config=None",
      { vllmVersion: "0.6.4.post2" },
    ],
    ["Initializing a V0 LLM engine (v0.8.5) with config: model='m'", { vllmVersion: "0.8.5" }],
    ["Initializing a V1 LLM engine (v0.22.0) with config: model='m'", { vllmVersion: "0.22.0" }],
    ["non-default args: {'model': 'm', 'port': 8011}", { loggedArgs: "{'model': 'm', 'port': 8011}" }],
    [
      "args: Namespace(subparser='serve', model_tag='m', api_key=None)",
      { loggedArgs: "Namespace(subparser='serve', model_tag='m', api_key=None)" },
    ],
    ["Loading weights took 1.76 seconds", { weightsS: 1.76 }],
    ["Model loading took 14.9888 GB and 4.512345 seconds", { modelMemoryGib: 14.9888, modelLoadS: 4.512345 }],
    ["Model loading took 9.68 GiB and 29.696915 seconds", { modelMemoryGib: 9.68, modelLoadS: 29.696915 }],
    [
      "Model loading took 9.68 GiB memory and 29.696915 seconds",
      { modelMemoryGib: 9.68, modelLoadS: 29.696915 },
    ],
    ["Loading model weights took 14.9888 GB", { modelMemoryGib: 14.9888 }],
    ["Initializing model took 0.290650 seconds", {}],
    ["torch.compile takes 32.11 s in total", { compileS: 32.11, compileCached: false }],
    ["torch.compile took 15.56 s in total", { compileS: 15.56, compileCached: false }],
    ["[backbone] torch.compile took 15.56 s in total", { compileS: 15.56, compileCached: false }],
    [
      "[backbone] torch.compile and initial profiling/warmup run together took 9.50 s in total",
      { compileS: 9.5, compileCached: false },
    ],
    ["[backbone] Directly load AOT compilation from path /c/model", { compileCached: true }],
    [
      "Directly load the compiled graph(s) for dynamic shape from the cache, took 3.1 s",
      { compileCached: true },
    ],
    [
      "Directly load the compiled graph(s) for compile range (1, 8192) from the cache, took 0.9 s",
      { compileCached: true },
    ],
    ["Compiling a graph for general shape takes 12.3 s", { compileCached: false }],
    ["[backbone] Compiling a graph for compile range (1, 512) takes 6.98 s", { compileCached: false }],
    ["saved AOT compiled function to /c/model", { compileCached: false }],
    ["[eagle_head] Initial profiling/warmup run took 0.09 s", { profileS: 0.09 }],
    ["Graph capturing finished in 14 secs, took 0.22 GiB", { graphsS: 14, graphsGib: 0.22 }],
    ["Graph capturing finished in 14 secs, took -0.03 GiB", { graphsS: 14, graphsGib: -0.03 }],
    ["Graph capturing finished in 18 secs.", { graphsS: 18 }],
    ["Estimated CUDA graph memory: 0.39 GiB total", { graphsEstimatedGib: 0.39 }],
    ["Estimated FULL CUDA graph memory: 2.00 MiB first-capture + (51-1) × 1.00 MiB per-graph", {}],
    ["Available KV cache memory: -1.57 GiB", { kvAvailableGib: -1.57 }],
    [
      "Initial free memory 138.2 GiB, reserved 20.0 GiB memory for KV Cache as specified by kv_cache_memory_bytes config and skipped",
      { kvAvailableGib: 20 },
    ],
    [
      "model weights take 3.97GiB; PyTorch activation peak memory takes 0.36GiB; the rest of the memory reserved for KV Cache is 29.02GiB.",
      { kvAvailableGib: 29.02 },
    ],
    ["GPU KV cache size: 4,600,768 tokens", { kvCapacityTokens: 4_600_768 }],
    ["GPU KV cache size: 512 tokens", { kvCapacityTokens: 512 }],
    [
      "GPU + host KV cache size: 1,048,576 tokens, Maximum concurrency for 4,096 tokens per request: 256.00x",
      { kvCapacityTokens: 1_048_576, maxConcurrency: 256, maxConcurrencyTokens: 4096 },
    ],
    [
      "XPU KV cache size: 8,192 tokens, Maximum concurrency for 4,096 tokens per request: 2.00x",
      { kvCapacityTokens: 8192, maxConcurrency: 2, maxConcurrencyTokens: 4096 },
    ],
    [
      "Maximum concurrency for 131072 tokens per request: 0.91x",
      { maxConcurrency: 0.91, maxConcurrencyTokens: 131_072 },
    ],
    ["# GPU blocks: 27655, # CPU blocks: 2048", { kvBlocks: 27_655 }],
    ["# cuda blocks: 36184, # CPU blocks: 2340", { kvBlocks: 36_184 }],
    ["# CPU blocks: 2048", { kvBlocks: 2048 }],
    ["init engine (profile, create kv cache, warmup model) took 5.13 seconds", { engineInitS: 5.13 }],
    ["init engine (profile, create kv cache, warmup model) took 1.73 s", { engineInitS: 1.73 }],
    [
      "init engine (profile, create kv cache, warmup model) took 18.12 s (compilation: 3.49 s)",
      { engineInitS: 18.12, compileS: 3.49 },
    ],
    [
      "init engine (profile, create kv cache, warmup model) took 30.00 s (compilation: 8.00 s — language_model: 5.00 s, encoder: 3.00 s)",
      { engineInitS: 30, compileS: 8 },
    ],
    [
      "Using FLASH_ATTN attention backend out of potential backends: ['FLASH_ATTN', 'TRITON_ATTN'].",
      { attentionBackend: "FLASH_ATTN" },
    ],
    [
      "Using AttentionBackendEnum.FLASHINFER attention backend out of potential backends: ['FLASHINFER'].",
      { attentionBackend: "FLASHINFER" },
    ],
    ["Using 'MARLIN' NvFp4 MoE backend out of potential backends: ['MARLIN'].", {}],
    ["Using FLASHINFER_CUTLASS Fp8 MoE backend out of potential backends: ['TRITON'].", {}],
    ["Asynchronous scheduling is enabled.", { asyncScheduling: true }],
    ["Asynchronous scheduling is disabled.", { asyncScheduling: false }],
    ["Starting vLLM API server on http://0.0.0.0:8000", { listeningOn: "http://0.0.0.0:8000" }],
    ["Starting vLLM API server 0 on http://0.0.0.0:8000", { listeningOn: "http://0.0.0.0:8000" }],
    ["Starting vLLM server on http://[::1]:8011", { listeningOn: "http://[::1]:8011" }],
    ["Available KV cache memory: nan GiB", {}],
    ["Available KV cache memory: 1.2.3 GiB", {}],
    ["GPU KV cache size: ,,, tokens", {}],
    [`GPU KV cache size: ${"9".repeat(400)} tokens`, {}],
    ["Loading weights took inf seconds", {}],
    ["Route: /version, Methods: GET", {}],
  ];

  it.each(lines)("%s", (message, expected) => {
    for (const [name, prefix] of Object.entries(PREFIXES)) {
      expect(parseLog(`${prefix}${message}\r\n`), name).toEqual({ ...NO_FACTS, ...expected });
    }
  });
});

describe("the attention backend before 0.12 and where the user chose it", () => {
  const cases: readonly [line: string, expected: string | null][] = [
    ["INFO 01-07 14:56:15 selector.py:144] Using XFormers backend.", "XFormers"],
    ["INFO 03-05 09:10:11 [cuda.py:291] Using Flash Attention backend on V1 engine.", "Flash Attention"],
    ["INFO 03-05 09:10:11 [cuda.py:291] Using Flash Attention backend.", "Flash Attention"],
    [
      "(Worker_TP0 pid=1) INFO 11-22 04:55:31 [cuda.py:446] Using AttentionBackendEnum.FLASHINFER backend.",
      "FLASHINFER",
    ],
    [
      "(EngineCore pid=1) DEBUG 11-22 04:55:31 [platforms/cuda.py:446] Using FLASHINFER backend.",
      "FLASHINFER",
    ],
    [
      "INFO 11-22 04:55:31 [rocm.py:750] Using ROCM_ATTN backend (selected via --attention-backend).",
      "ROCM_ATTN",
    ],
    [
      "INFO 11-22 04:55:31 [rocm.py:850] Using TRITON_ATTN backend out of potential backends: ['TRITON_ATTN'].",
      "TRITON_ATTN",
    ],
    ["INFO 11-22 04:55:31 [xpu.py:153] Using TurboQuant attention backend.", "TurboQuant"],
    ["INFO 11-22 04:55:31 [cpu.py:163] Using AMX_MLA backend.", "AMX_MLA"],
    ["INFO 11-22 04:55:31 [cuda.py:547] Using backend FLASH_ATTN for vit attention", null],
    ["INFO 11-22 04:55:31 [rocm.py:908] Using Torch SDPA backend for ViT model.", null],
    ["INFO 11-22 04:55:31 [ssu_dispatch.py:635] Using triton Mamba SSU backend.", null],
    ["INFO 11-22 04:55:31 [base.py:123] Using Transformers modeling backend.", null],
    ["INFO 11-22 04:55:31 [parallel_state.py:9] Using nccl backend.", null],
  ];
  it.each(cases)("%s", (line, expected) => {
    expect(parseLog(line).attentionBackend).toBe(expected);
  });
});

describe("lines that are repeated", () => {
  const rank = (index: number, text: string): string =>
    `(Worker_TP${index} pid=${440 + index}) INFO 08-14 14:03:44 [gpu_worker.py:5] ${text}`;

  it("takes the slowest rank's times and the smallest rank's KV memory", () => {
    const facts = parseLog(
      [
        rank(0, "Loading weights took 3.00 seconds"),
        rank(1, "Loading weights took 5.00 seconds"),
        rank(2, "Loading weights took 4.00 seconds"),
        rank(0, "Model loading took 9.68 GiB memory and 30.5 seconds"),
        rank(1, "Model loading took 9.70 GiB memory and 29.5 seconds"),
        rank(0, "Graph capturing finished in 14 secs, took 0.22 GiB"),
        rank(1, "Graph capturing finished in 12 secs, took 0.25 GiB"),
        rank(0, "Available KV cache memory: 20.5 GiB"),
        rank(1, "Available KV cache memory: 19.5 GiB"),
        rank(2, "Available KV cache memory: 21.5 GiB"),
        "(EngineCore pid=1) INFO 08-14 14:03:44 [kv_cache_utils.py:1] GPU KV cache size: 2,000 tokens",
        "(EngineCore pid=1) INFO 08-14 14:03:44 [kv_cache_utils.py:1] GPU KV cache size: 1,900 tokens",
        "(EngineCore pid=1) INFO 08-14 14:03:44 [kv_cache_utils.py:1] GPU KV cache size: 2,100 tokens",
      ].join("\n"),
    );
    expect(facts).toMatchObject({
      weightsS: 5,
      modelMemoryGib: 9.7,
      modelLoadS: 30.5,
      graphsS: 14,
      graphsGib: 0.25,
      kvAvailableGib: 19.5,
      kvCapacityTokens: 1900,
    });
  });

  it("adds the models that one rank compiles, and takes the slowest rank", () => {
    const facts = parseLog(
      [
        rank(0, "[backbone] torch.compile took 10.10 s in total"),
        rank(1, "[backbone] torch.compile took 12.20 s in total"),
        rank(0, "[eagle_head] torch.compile took 3.30 s in total"),
        rank(1, "[eagle_head] torch.compile took 0.40 s in total"),
        rank(0, "[backbone] Initial profiling/warmup run took 0.10 s"),
        rank(0, "[eagle_head] Initial profiling/warmup run took 0.20 s"),
        // What the engine adds up itself is for logs without the lines above.
        "(EngineCore pid=1) INFO [core.py:1] init engine (profile, create kv cache, warmup model) took 40.00 s (compilation: 11.00 s)",
      ].join("\n"),
    );
    expect(facts).toMatchObject({ compileS: 13.4, profileS: 0.3, engineInitS: 40 });
  });

  it("knows the rank of a line that follows a progress bar", () => {
    const lines = [10, 12].map(
      (seconds, index) =>
        `(Worker_TP${index} pid=${index}) Loading: 100%|██|\rtorch.compile took ${seconds}.00 s in total`,
    );
    expect(parseLog(lines.join("\n")).compileS).toBe(12);
  });

  it("takes the last total where the number grows as models are compiled (to 0.16)", () => {
    const lines = ["10.00", "13.00"].map((total) => rank(0, `torch.compile takes ${total} s in total`));
    expect(parseLog(lines.join("\n")).compileS).toBe(13);
  });

  it("calls a start cold when one graph was compiled beside those that were loaded", () => {
    const loaded = rank(0, "[backbone] Directly load AOT compilation from path /c/model");
    const compiled = rank(0, "[eagle_head] Compiling a graph for compile range (1, 512) takes 6.98 s");
    expect(parseLog([loaded, compiled].join("\n")).compileCached).toBe(false);
    expect(parseLog([compiled, loaded].join("\n")).compileCached).toBe(false);
  });

  it("calls a start warm when its graphs were loaded and only the wrapper saved anew", () => {
    const lines = [
      rank(0, "Directly load the compiled graph(s) for compile range (1, 512) from the cache, took 0.9 s"),
      rank(0, "saved AOT compiled function to /c/model"),
      rank(0, "torch.compile took 3.02 s in total"),
    ];
    expect(parseLog(lines.join("\n")).compileCached).toBe(true);
  });

  it("believes the engine, which speaks last, on asynchronous scheduling", () => {
    const lines = [
      "(APIServer pid=1) INFO [vllm.py:977] Asynchronous scheduling is enabled.",
      "(EngineCore pid=2) INFO [vllm.py:977] Asynchronous scheduling is disabled.",
    ];
    expect(parseLog(lines.join("\n")).asyncScheduling).toBe(false);
  });

  it("prefers what vLLM says it listens on to what uvicorn says", () => {
    const uvicorn = "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)";
    const own = "INFO 11-22 04:55:31 [api_server.py:1] Starting vLLM API server on http://127.0.0.1:8000";
    expect(parseLog(uvicorn).listeningOn).toBe("http://0.0.0.0:8000");
    expect(parseLog(`${uvicorn}\n${own}`).listeningOn).toBe("http://127.0.0.1:8000");
  });
});

describe("what is no start-up line", () => {
  const size = "(EngineCore pid=1) INFO 11-22 04:55:31 [kv_cache_utils.py:1] GPU KV cache size: 2,000 tokens";
  const forged = "GPU KV cache size: 1 tokens";

  it("ignores a prompt that quotes a log", () => {
    const request = `(APIServer pid=1) INFO 11-22 04:55:31 [logger.py:39] Received request cmpl-1: prompt: '${forged}'`;
    expect(parseLog(`${request}\n${size}`).kvCapacityTokens).toBe(2000);
  });

  it("ignores what follows the start", () => {
    const started = "INFO:     Application startup complete.";
    expect(
      parseLog([size, started, forged, "Compiling a graph for general shape takes 1 s"].join("\n")),
    ).toEqual({
      ...NO_FACTS,
      kvCapacityTokens: 2000,
    });
  });

  it("but takes the address, which stdout may deliver after stderr's word of the start", () => {
    const lines = ["INFO:     Application startup complete.", "Starting vLLM server on http://0.0.0.0:8000"];
    expect(parseLog(lines.join("\n")).listeningOn).toBe("http://0.0.0.0:8000");
  });

  it("looks at a bounded part of a line only", () => {
    const long = `${"x".repeat(20_000)} ${forged}`;
    expect(parseLog(long)).toEqual(NO_FACTS);
    expect(parseLog(`${"x".repeat(20_000)}\r${forged}`).kvCapacityTokens).toBe(1);
  });

  it.each([
    "A".repeat(16_000),
    "# ".repeat(8000),
    "args: Namespace(".repeat(1000),
    "'api_key': '".repeat(1300),
    "\\".repeat(16_000),
    `'api_key': ${"(".repeat(15_000)}`,
    `cuda.py:1] Using ${"a ".repeat(8000)}`,
    "(pid=1".repeat(2600),
    "\u001b[".repeat(8000),
    `${"-".repeat(16_000)}`,
    `{"message": ${"[".repeat(16_000)}}`,
  ])("reads a hostile line in time: %#", (line) => {
    const start = performance.now();
    for (let times = 0; times < 5; times += 1) parseLog(`non-default args: {${line}`);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("unknownFacts", () => {
  function reasons(lines: readonly string[]): Record<string, string> {
    return Object.fromEntries(
      readerOf(lines)
        .unknownFacts()
        .map(({ fact, reason }) => [fact, reason]),
    );
  }

  it("names every fact that is null, and no other", () => {
    const reader = readerOf(fixture("vllm-0.22.0-h200/base.log").split("\n"));
    expect(reader.unknownFacts().map(({ fact }) => fact)).toEqual(["weightsS", "kvBlocks"]);
    expect(readerOf([]).unknownFacts()).toHaveLength(Object.keys(NO_FACTS).length);
  });

  const server = (version: string, config: string): string =>
    `(EngineCore pid=1) INFO 11-22 04:55:31 [core.py:1] Initializing a V1 LLM engine (v${version}) with config: ${config}`;
  const ready = "INFO 11-22 04:55:31 [api_server.py:1] Starting vLLM server on http://0.0.0.0:8000";

  it("says which versions it knows when it has no better reason", () => {
    expect(
      reasons([server("0.32.0", "device_config=cuda, enforce_eager=False"), ready])["kvAvailableGib"],
    ).toBe("vLLM 0.32.0 printed no line for kvAvailableGib known to vllm-gate (patterns cover 0.6 to 0.33)");
  });

  const expected: readonly [name: string, lines: string[], fact: string, because: RegExp | null][] = [
    [
      "eager",
      [server("0.22.0", "enforce_eager=True")],
      "graphsS",
      /expected: --enforce-eager captures no graphs$/,
    ],
    ["eager, args", ["non-default args: {'enforce_eager': True}"], "compileS", /expected: --enforce-eager/],
    ["eager, kv", [server("0.22.0", "enforce_eager=True"), ready], "kvAvailableGib", null],
    ["not eager", [server("0.22.0", "enforce_eager=False"), ready], "graphsS", null],
    ["dummy", [server("0.22.0", "load_format=dummy")], "weightsS", /expected: --load-format dummy/],
    [
      "dummy of 0.9",
      [server("0.9.2", "load_format=LoadFormat.DUMMY")],
      "weightsS",
      /expected: --load-format dummy/,
    ],
    ["auto", [server("0.22.0", "load_format=auto"), ready], "weightsS", null],
    [
      "cpu",
      [server("0.32.0", "device_config=cpu")],
      "kvAvailableGib",
      /expected: the CPU backend prints no KV memory/,
    ],
    [
      "async",
      [server("0.32.0", "")],
      "asyncScheduling",
      /expected: vLLM prints it from 0\.14 to 0\.24 only$/,
    ],
    ["async, version inside", [server("0.20.0", ""), ready], "asyncScheduling", null],
    ["profile, old", [server("0.9.2", "")], "profileS", /expected: vLLM prints it since 0\.18 only$/],
    ["development build", [server("0.1.dev7+g12", ""), ready], "profileS", null],
    ["blocks", [server("0.22.0", "")], "kvBlocks", /expected: vLLM prints it from 0\.6 to 0\.10 only$/],
  ];
  it.each(expected)("%s", (_name, lines, fact, because) => {
    const reason = reasons(lines)[fact];
    if (because === null) expect(reason).not.toContain("expected");
    else expect(reason).toMatch(because);
    expect(reason).not.toContain("log ends before");
  });

  it("says when the log ends too early", () => {
    expect(reasons([server("0.22.0", "")])["graphsS"]).toMatch(/the log ends before the engine was ready$/);
  });
});

describe("the JSON formatter of 0.32", () => {
  const record = (message: string, name = "vllm.v1.engine.core"): string =>
    JSON.stringify({
      asctime: "2026-11-22 04:55:31,123",
      levelname: "INFO",
      name,
      processName: "EngineCore",
      process: 77,
      message,
    });

  it("is read like the plain one", () => {
    const lines = [
      record(
        "\n       █     █     █▄   ▄█\n ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.33.0\n  █▄█▀ █     █  model   m\n",
      ),
      record(`non-default args: {'model': 'm "x"', 'api_key': ['sk-1']}`),
      record("Using FLASHINFER backend.", "vllm.platforms.cuda"),
    ];
    expect(parseLog(lines.join("\n"))).toEqual({
      ...NO_FACTS,
      vllmVersion: "0.33.0",
      loggedArgs: `{'model': 'm "x"', 'api_key': '***'}`,
      attentionBackend: "FLASHINFER",
    });
  });

  it.each(['{"message": 3}', '{"a": }', '{"message": "GPU KV cache size: 8 tokens"', "{}", "{"])(
    "survives %s",
    (line) => {
      expect(() => parseLog(line)).not.toThrow();
    },
  );
});

describe("splitRecord", () => {
  it.each([
    [
      "(EngineCore_DP0 pid=4) ERROR 11-22 04:57:18 [core.py:1165]   File",
      "EngineCore_DP0 pid=4",
      "ERROR",
      "core.py:1165",
      "  File",
    ],
    [
      "INFO 01-21 12:00:00 gpu_executor.py:76] # GPU blocks",
      "",
      "INFO",
      "gpu_executor.py:76",
      "# GPU blocks",
    ],
    [
      "(APIServer pid=1) INFO:     Application startup complete.",
      "APIServer pid=1",
      "INFO",
      null,
      "Application startup complete.",
    ],
    ["(APIServer pid=1)   Value error, x", "APIServer pid=1", null, null, "  Value error, x"],
    [
      "(RayWorkerWrapper pid=12, ip=192.0.2.7) WARNING 11-22 04:57:18 [a.py:1] b",
      "RayWorkerWrapper pid=12, ip=192.0.2.7",
      "WARNING",
      "a.py:1",
      "b",
    ],
    ["Process (x pid=1) died", "", null, null, "Process (x pid=1) died"],
  ])("%s", (line, process, level, source, message) => {
    expect(splitRecord(line)).toEqual({ process, level, source, message });
  });
});

describe("expandLine", () => {
  it("parts what was drawn over, without colours", () => {
    expect(expandLine("a\rb\u001b[1;32mc\u001b[0m\r\n")).toEqual(["a", "bc"]);
  });
});

describe("redactSecrets", () => {
  const cases: readonly [text: string, expected: string][] = [
    ["{'api_key': 'hunter2', 'port': 1}", "{'api_key': '***', 'port': 1}"],
    ["{'api_key': ['one', 'two'], 'port': 1}", "{'api_key': '***', 'port': 1}"],
    [`{'hf_token': "it's", 'port': 1}`, `{'hf_token': "***", 'port': 1}`],
    ["{'hf_token': 'a\\'b', 'port': 1}", "{'hf_token': '***', 'port': 1}"],
    ["{'hf_token': True, 'api_key': None}", "{'hf_token': True, 'api_key': None}"],
    [
      "Namespace(api_key='hunter2', hf_token=hunter2, port=1)",
      "Namespace(api_key='***', hf_token=***, port=1)",
    ],
    ["{'api_key': SecretStr('hunter2'), 'port': 1}", "{'api_key': ***, 'port': 1}"],
    ["{'api_key': b'hunter2', 'port': 1}", "{'api_key': ***, 'port': 1}"],
    [
      "{'a': {'client_secret': 'hunter2'}, 'db_password': 'hunter2'}",
      "{'a': {'client_secret': '***'}, 'db_password': '***'}",
    ],
    [
      `{'c': '{"aws_secret_access_key": "hunter2", "x": 1}'}`,
      `{'c': '{"aws_secret_access_key": "***", "x": 1}'}`,
    ],
    [
      `{'c': "{\\"auth_token\\": \\"hunter2\\", \\"x\\": 1}"}`,
      `{'c': "{\\"auth_token\\": \\"***\\", \\"x\\": 1}"}`,
    ],
    ["{'token': 'hunter2'}", "{'token': '***'}"],
    ["{'api_key': 'hunter2", "{'api_key': '***'"],
    ["--api-key hunter2 --port 1", "--api-key *** --port 1"],
    ["--api-key=hunter2 --port 1", "--api-key=*** --port 1"],
    ["['--api-key', 'hunter2', '--port']", "['--api-key', '***', '--port']"],
    ["'env': 'api_key=hunter2', 'model': 'm'", "'env': 'api_key=***', 'model': 'm'"],
    ["{'model': 'https://me:hunter2@host/x'}", "{'model': 'https://***@host/x'}"],
    ["Authorization: Bearer hunter2hunter2", "Authorization: *** ***"],
    ["unknown user hf_abcdefghijklmnopqrst", "unknown user ***"],
    ["{'watermark_config': {'seed': 'hunter2'}}", "{'watermark_config': '***'}"],
    [
      "{'max_num_batched_tokens': 512, 'long_prefill_token_threshold': 4, 'tokenizer': 'm', 'ssl_keyfile': '/k'}",
      "{'max_num_batched_tokens': 512, 'long_prefill_token_threshold': 4, 'tokenizer': 'm', 'ssl_keyfile': '/k'}",
    ],
    ["KeyError: 'layers.0'", "KeyError: 'layers.0'"],
    ["", ""],
  ];
  it.each(cases)("%s", (text, expected) => {
    expect(redactSecrets(text)).toBe(expected);
    expect(redactSecrets(redactSecrets(text)), "again").toBe(expected);
  });

  it("keeps keys out of the logged arguments", () => {
    const facts = parseLog(
      "INFO 1-1 [x.py:1] non-default args: {'model': 'm', 'api_key': ['hunter2', 'hunter3']}",
    );
    expect(facts.loggedArgs).toBe("{'model': 'm', 'api_key': '***'}");
  });

  it("never lets a value of a secret name through", () => {
    const name = fc.constantFrom("api_key", "hf_token", "client_secret", "password", "AWS_SECRET_ACCESS_KEY");
    const value = fc.stringMatching(/^[a-zA-Z0-9+/=_.-]{6,24}$/).map((text) => `Zq9${text}`);
    const form = fc.constantFrom(
      (key: string, secret: string) => `{'a': 1, '${key}': '${secret}', 'b': 2}`,
      (key: string, secret: string) => `{'a': 1, '${key}': ['${secret}', "${secret}"], 'b': 2}`,
      (key: string, secret: string) => `Namespace(a=1, ${key}='${secret}', b=2)`,
      (key: string, secret: string) => `{'x': '{"${key}": "${secret}"}'}`,
      (key: string, secret: string) => `--a 1 --${key}=${secret} --b 2`,
    );
    fc.assert(
      fc.property(name, value, form, (key, secret, write) => {
        expect(redactSecrets(write(key, secret))).not.toContain(secret);
      }),
    );
  });
});

describe("any input", () => {
  const fragment = fc.constantFrom(
    "Available KV cache memory: ",
    "GPU KV cache size: ",
    " tokens",
    " GiB",
    "non-default args: {",
    "'api_key': ",
    "torch.compile took ",
    " s in total",
    "(EngineCore pid=1) ",
    "\r",
    "\n",
    "\u001b[",
    "version ",
    "█  ",
    '{"message": "',
  );
  const garbage = fc
    .array(fc.oneof(fragment, fc.string({ unit: "binary", maxLength: 20 }), fc.double().map(String)), {
      maxLength: 30,
    })
    .map((parts) => parts.join(""));

  it("never throws, and gives finite numbers", () => {
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 5 }), (lines) => {
        const reader = readerOf(lines);
        const facts = reader.facts();
        for (const value of Object.values(facts)) {
          if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
        }
        const missing = Object.values(facts).filter((value) => value === null);
        expect(reader.unknownFacts()).toHaveLength(missing.length);
      }),
      { numRuns: 300 },
    );
  });

  // Messages of one server, without their prefixes.
  const messages = fixture("vllm-0.22.0-h200/phi-3-mini.log")
    .split("\n")
    .flatMap(expandLine)
    .map((segment) => splitRecord(segment))
    .filter(({ source }) => source !== null);

  it("gives the same facts whatever prefixes and colours decorate a log", () => {
    const undecorated = parseLog(
      messages.map(({ source, message }) => `INFO [${source}] ${message}`).join("\n"),
    );
    expect(undecorated).toEqual(parseLog(fixture("vllm-0.22.0-h200/phi-3-mini.log")));

    const process = fc.constantFrom(
      "",
      "(EngineCore_DP0 pid=12) ",
      "(Worker_TP0 pid=9) ",
      "(EngineCore pid=3) ",
    );
    const header = fc.constantFrom(
      (source: string) => `INFO 01-21 12:00:00 ${source}] `,
      (source: string) => `INFO 01-21 12:00:00 [${source}] `,
      (source: string) => `DEBUG 01-21 12:00:00 [v1/.../worker/${source}] `,
    );
    const colour = fc.constantFrom("", "\u001b[0m", "\u001b[1;36m", "\u001b[38;5;208m");
    const bar = fc.constantFrom("", "Loading:  50%|█   | 1/2 [00:00<00:01]\r", "\r");
    const ending = fc.constantFrom("", "\r", "\u001b[0m\r", " ");
    fc.assert(
      fc.property(
        process,
        header,
        colour,
        bar,
        ending,
        fc.nat(200),
        (before, write, shade, progress, end, at) => {
          const lines = messages.map(({ source, message }) => {
            const text = write(source ?? "") + message;
            const cut = Math.min(at, text.length);
            return `${before}${progress}${shade}${text.slice(0, cut)}${shade}${text.slice(cut)}${end}`;
          });
          expect(parseLog(lines.join("\n"))).toEqual(undecorated);
        },
      ),
    );
  });
});
