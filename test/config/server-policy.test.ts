import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkServer, type Refusal, type ServerPolicy } from "../../src/config/server-policy.ts";
import { VLLM_FLAGS, VLLM_SHORT_FLAGS } from "../../src/config/vllm-flags.ts";

const nothing: ServerPolicy = { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [] };
const base = { command: ["vllm", "serve"], model: "org/model", args: [] as string[], env: {} };

function flags(args: readonly string[], policy: ServerPolicy = nothing, model = base.model): Refusal[] {
  return checkServer({ ...base, model, args }, policy);
}

function env(variables: Record<string, string>, policy: ServerPolicy = nothing): Refusal[] {
  return checkServer({ ...base, env: variables }, policy);
}

/** Flags that no value makes ordinary. */
const refused = [
  "--trust-remote-code",
  "--code-revision",
  "--middleware",
  "--tool-parser-plugin",
  "--reasoning-parser-plugin",
  "--io-processor-plugin",
  "--worker-cls",
  "--worker-extension-cls",
  "--scheduler-cls",
  "--logits-processors",
  "--model-class-overrides",
  "--kv-transfer-config",
  "--ec-transfer-config",
  "--ec-manager-config",
  "--ray-workers-use-nsight",
  "--config",
  "--chat-template",
  "--trust-request-chat-template",
  "--log-config-file",
  "--logging-config",
  "--download-dir",
  "--allowed-local-media-path",
  "--allowed-media-domains",
  "--profiler-config",
  "--mm-encoder-fp8-scale-path",
  "--mm-encoder-fp8-scale-save-path",
  "--ssl-keyfile",
  "--ssl-certfile",
  "--ssl-ca-certs",
  "--tool-server",
  "--otlp-traces-endpoint",
  "--kv-events-config",
  "--weight-transfer-config",
  "--hf-token",
  "--grpc-port",
  "--master-addr",
  "--nnodes",
  "--data-parallel-address",
  "--data-parallel-rpc-port",
  "--data-parallel-supervisor-port",
  "--data-parallel-multi-port-external-lb",
];

const owned = [
  "--host",
  "--port",
  "--uds",
  "--api-key",
  "--root-path",
  "--headless",
  "--grpc",
  "--model",
  "--omni",
];

const ordinary: readonly (readonly string[])[] = [
  ["--max-num-seqs", "256"],
  ["--max_num_seqs=256"],
  ["--max-num-batched-tokens", "8192"],
  ["--max-num-batched-tokens", "8k"],
  ["--max-model-len", "-1"],
  ["--max-model-len", "auto"],
  ["--gpu-memory-utilization", "0.92"],
  ["--gpu-memory-utilization", ".9"],
  ["--kv-cache-memory-bytes", "2G"],
  ["--kv-cache-dtype", "fp8"],
  ["--kv-cache-dtype-skip-layers", "0", "1", "sliding_window"],
  ["--block-size", "16"],
  ["--num-gpu-blocks-override", "1000"],
  ["--cpu-offload-gb", "4"],
  ["--kv-offloading-size", "8", "--kv-offloading-backend", "native"],
  ["--swap-space", "4"],
  ["--enforce-eager"],
  ["--no-enforce-eager"],
  ["--enable-prefix-caching"],
  ["--no-enable-prefix-caching"],
  ["--disable-prefix-caching"],
  ["--prefix-caching-hash-algo", "xxhash"],
  ["--enable-chunked-prefill"],
  ["--no-enable-chunked-prefill"],
  ["--long-prefill-token-threshold", "2048"],
  ["--async-scheduling"],
  ["--no-async-scheduling"],
  ["--scheduling-policy", "priority"],
  ["--stream-interval", "8"],
  ["--num-scheduler-steps", "8"],
  ["--max-seq-len-to-capture", "8192"],
  ["--cuda-graph-sizes", "1", "2", "4"],
  ["--cudagraph-capture-sizes", "1", "2", "4", "8"],
  ["--max-cudagraph-capture-size", "512"],
  ["-O3"],
  ["-O", "2"],
  ["-O.level=3"],
  ['-O{"level": 3}'],
  ["--optimization-level", "1"],
  ["--performance-mode", "throughput"],
  ["-cc", '{"mode": 3, "cudagraph_mode": "FULL_AND_PIECEWISE"}'],
  ["-cc.mode=3"],
  ["-cc.pass_config.fuse_allreduce_rms", "true"],
  ["--compilation-config", '{"level": 3, "backend": "inductor", "compile_ranges_endpoints": [8, 64]}'],
  ["--compilation-config.cudagraph_capture_sizes+", "1,2,4"],
  ["--compilation-config", '{"inductor_compile_config": {"combo_kernels": true, "max_autotune": true}}'],
  ["--compilation-config", "3"],
  ["--tensor-parallel-size", "2"],
  ["-tp", "2"],
  ["-tp=2"],
  ["-pp", "2"],
  ["-dp", "2"],
  ["-dp=2"],
  ["--data-parallel-backend", "mp"],
  ["--distributed-executor-backend", "mp"],
  ["--enable-expert-parallel"],
  ["-ep"],
  ["--all2all-backend", "deepep_low_latency"],
  ["--enable-eplb", "--eplb-config", '{"window_size": 1000}'],
  ["--disable-custom-all-reduce"],
  ["--quantization", "fp8"],
  ["-q", "awq"],
  ["-qawq"],
  ["--dtype", "bfloat16"],
  ["--load-format", "dummy"],
  ["--load-format=safetensors"],
  ["--model-loader-extra-config", '{"enable_multithread_load": true, "num_threads": 8}'],
  ["--safetensors-load-strategy", "prefetch"],
  ["--attention-backend", "FLASHINFER"],
  ["--attention-config", '{"use_trtllm_attention": true}'],
  ["--attention-config.flash_attn_version=3"],
  ["--moe-backend", "triton"],
  ["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}'],
  ["-sc", '{"model": "org/eagle3-3.1", "num_speculative_tokens": 3}'],
  ["--speculative-config", '{"model": "/models/draft", "method": "eagle3"}'],
  ["--spec-method", "mtp", "--spec-tokens", "1"],
  ["--hf-overrides", '{"num_hidden_layers": 2, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}'],
  ["--hf_overrides.max_position_embeddings", "32k"],
  ["--override-generation-config", '{"temperature": 0.5}'],
  ["--generation-config", "vllm"],
  ["--default-chat-template-kwargs", '{"enable_thinking": false}'],
  ["--reasoning-parser", "qwen3"],
  ["--reasoning-config", '{"reasoning_start_str": "<think>", "reasoning_end_str": "</think>"}'],
  ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"],
  ["--structured-outputs-config", '{"backend": "xgrammar"}'],
  ["--limit-mm-per-prompt", '{"image": 2}'],
  ["--mm-processor-kwargs", '{"max_pixels": 1003520}'],
  ["--enable-lora", "--max-loras", "4", "--lora-modules", "a=org/adapter", "b=/models/adapter"],
  ["--lora-modules", '{"name": "a", "path": "org/adapter", "base_model_name": "org/model"}'],
  ["--served-model-name", "a", "b", "/models/name"],
  ["--tokenizer", "org/tokenizer"],
  ["--revision", "main"],
  ["--numa-bind", "--numa-bind-cpus", "0-3", "4-7"],
  ["--api-server-count", "2"],
  ["--disable-log-stats"],
  ["--disable-log-requests"],
  ["--no-trust-remote-code"],
  ["--enable-log-requests"],
  ["--seed", "0"],
  ["--additional-config", '{"gdn_prefill_backend": "triton"}'],
  ["--max-num-se", "8"],
  ["--some-flag-of-tomorrow", "1"],
  ["--no-such-flag"],
];

describe("flags", () => {
  it("knows at least sixty ordinary cases", () => {
    expect(ordinary.length).toBeGreaterThan(60);
  });

  it.each(ordinary.map((args) => [args.join(" "), args] as const))("starts with %s", (_name, args) => {
    expect(flags(args)).toEqual([]);
  });

  it("starts with all of them at once, before and after one another", () => {
    expect(flags(ordinary.flat())).toEqual([]);
    expect(flags(ordinary.toReversed().flat())).toEqual([]);
  });

  it.each([...refused, ...owned])("refuses %s", (flag) => {
    for (const args of [
      [flag],
      [flag, "x"],
      [`${flag}=x`],
      [`${flag}.key`, "x"],
      [`${flag}.key=x`],
      ["--seed", flag],
    ]) {
      const [first] = flags(args);
      expect(first, args.join(" ")).toMatchObject({ kind: "flag" });
      expect(first!.name.startsWith(flag)).toBe(true);
      expect(first!.reason).toMatch(/ would .*\.$/);
    }
  });

  it.each<readonly [readonly string[], string]>([
    // Code through a value.
    [["--load-format", "pt"], "--load-format"],
    [["--load_format=npcache"], "--load_format"],
    [["--load-format", "tensorizer"], "--load-format"],
    [["--load-format.x", "auto"], "--load-format"],
    [["--distributed-executor-backend", "package.Executor"], "--distributed-executor-backend"],
    [["--distributed-executor-backend", "ray"], "--distributed-executor-backend"],
    [["--data-parallel-backend", "ray"], "--data-parallel-backend"],
    [["-dpb", "ray"], "-dpb"],
    [["--spec-method", "custom_class"], "--spec-method"],
    [["--spec-model", "package.Class"], "--spec-model"],
    [["--speculative-config", '{"model": "package.Class"}'], "--speculative-config.model"],
    [["--speculative-config", '{"method": "custom_class"}'], "--speculative-config.method"],
    [["-sc.model=package.Class"], "-sc.model"],
    [["-s.model=package.Class"], "-s.model"],
    [
      ["--speculative-config", '{"draft_load_config": {"load_format": "pt"}}'],
      "--speculative-config.draft_load_config",
    ],
    [["--speculative-config.draft_load_config.download_dir=/x"], "--speculative-config.draft_load_config"],
    // Code through JSON.
    [["--compilation-config", '{"backend": "package.compile"}'], "--compilation-config.backend"],
    [["--compilation-config", '{"\\u0062ackend": "package.compile"}'], "--compilation-config.backend"],
    [["--compilation-config", '{"backend": "package.compile", "x": 80g}'], "--compilation-config.backend"],
    [
      ["--compilation-config", '{"backend": "package.compile", "backend": "inductor"}'],
      "--compilation-config",
    ],
    [["--compilation-config", '{"backend": package}'], "--compilation-config"],
    [["-cc.backend=package.compile"], "-cc.backend"],
    [["-cc.backend", "package.compile"], "-cc.backend"],
    [["-cc.backend", "--fingerprint-value=package.compile"], "-cc.backend"],
    [['-cc={"backend": "package.compile"}'], "-cc.backend"],
    [["-c", '{"backend": "package.compile"}'], "-c.backend"],
    [['-O{"backend": "package.compile"}'], "-O.backend"],
    [["-O", '{"backend": "package.compile"}'], "-O.backend"],
    [["-O.backend=package.compile"], "-O.backend"],
    [["-O.backend", "package.compile"], "-O.backend"],
    [['-O={"backend": "package.compile"}'], "-O.backend"],
    [["-cc", '{"inductor_passes": {"a": "os.system"}}'], "-cc.inductor_passes"],
    [["-cc.inductor_passes.a=os.system"], "-cc.inductor_passes"],
    [["-cc", '{"inductor_compile_config": {"cpp.cxx": "/tmp/cc"}}'], "-cc.inductor_compile_config"],
    [["-cc.inductor_compile_config.cpp.cxx=x"], "-cc.inductor_compile_config"],
    [["-cc.cache_dir", "x"], "-cc.cache_dir"],
    [["-cc.debug_dump_path=x"], "-cc.debug_dump_path"],
    [["--structured-outputs-config.reasoning_parser_plugin=x.py"], "--structured-outputs-config"],
    [["--structured-outputs-config", '{"reasoning_parser_plugin": "x.py"}'], "--structured-outputs-config"],
    [["--hf-overrides", '{"auto_map": {"AutoConfig": "x.Y"}}'], "--hf-overrides.auto_map"],
    [["--hf-overrides", '{"text_config": {"trust_remote_code": true}}'], "--hf-overrides.text_config"],
    [["--hf-overrides", '{"_attn_implementation": "org/kernel"}'], "--hf-overrides._attn"],
    [["--mm-processor-kwargs.trust_remote_code=true"], "--mm-processor-kwargs"],
    [["--default-chat-template-kwargs", '{"chat_template": "{{ x }}"}'], "--default-chat-template-kwargs"],
    [["--model-loader-extra-config", '{"tensorizer_uri": "s3://x"}'], "--model-loader-extra-config"],
    [["--model-loader-extra-config", "x"], "--model-loader-extra-config"],
    [["--additional-config", '{"anything": 1}'], "--additional-config"],
    // Files and addresses.
    [["--tokenizer", "/etc"], "--tokenizer"],
    [["--tokenizer", "../x"], "--tokenizer"],
    [["--tokenizer", "org/../../x"], "--tokenizer"],
    [["--hf-config-path", "/etc"], "--hf-config-path"],
    [["--generation-config", "~/x"], "--generation-config"],
    [["--hf-overrides", '{"x": "/etc/passwd"}'], "--hf-overrides.x"],
    [["--quantization-config", "/etc/passwd"], "--quantization-config"],
    [["--lora-modules", "a=s3://bucket/adapter"], "--lora-modules"],
    [["--lora-modules.name=a", "--lora-modules.path=s3://bucket/adapter"], "--lora-modules.path"],
    [["--numa-bind-cpus", "0 --membind 1"], "--numa-bind-cpus"],
    [["--api-server-count", "0"], "--api-server-count"],
    // Names that nobody knows, but that smell.
    [["--new-plugin", "x"], "--new-plugin"],
    [["--new-plug", "x"], "--new-plug"],
    [["--some-cls=x"], "--some-cls"],
    [["--extra_module", "x"], "--extra_module"],
    [["--thing-path", "x"], "--thing-path"],
    [["--metrics-endpoint", "x"], "--metrics-endpoint"],
    [["--bind-address", "x"], "--bind-address"],
    [["--trust-anything"], "--trust-anything"],
    [["--run-script", "x"], "--run-script"],
    [["--tomorrow", "/etc/passwd"], "--tomorrow"],
    [["--tomorrow=https://x"], "--tomorrow"],
    [["--tomorrow", '{"module_path": "x"}'], "--tomorrow.module_path"],
    // Argparse's ways round.
    [["--trust-remote"], "--trust-remote"],
    [["--trust_remote_c"], "--trust_remote_c"],
    [["--middl=x"], "--middl"],
    [["--kv-tr.kv_connector_module_path", "x"], "--kv-tr"],
    [["--h", "x"], "--h"],
    [["-n4"], "-n"],
    [["-n", "4"], "-n"],
    [["-dpa=10.0.0.1"], "-dpa"],
    [["-dph"], "-dph"],
    [["-dp.x=1", "-dpe"], "-dpe"],
    [["-ep=n4"], "-ep"],
    [["-ep=qawq"], "-ep"],
    [["-xyz"], "-xyz"],
    [
      ["--distributed-executor-backend", "--hf-overrides.x", "--seed", "package.Executor"],
      "--hf-overrides.x",
    ],
    [["--spec-model", "--hf-overrides.x=1", "package.Class"], "package.Class"],
    [["--spec-model", "--tomorrow.x=1", "package.Class"], "package.Class"],
    [["-cc.mode"], "-cc.mode"],
    [["--"], "--"],
    [["--", "org/other"], "--"],
    // A second model.
    [["org/other"], "org/other"],
    [["--enforce-eager", "org/other"], "org/other"],
    [["--seed", "1", "org/other"], "org/other"],
    [["--seed=1", "org/other"], "org/other"],
    [["--served-model-name=a", "org/other"], "org/other"],
    [["--compilation-config.mode", "3", "org/other"], "org/other"],
  ])("refuses %j", (args, name) => {
    const [first] = flags(args);
    expect(first).toMatchObject({ kind: "flag" });
    expect(first!.name.startsWith(name), first!.name).toBe(true);
    expect(first!.reason.endsWith(".")).toBe(true);
  });

  it("lets the tokenizer lie in the scenario's own model", () => {
    expect(flags(["--tokenizer", "/models/a"], nothing, "/models/a")).toEqual([]);
    expect(flags(["--tokenizer", "/models/a/tokenizer"], nothing, "/models/a/")).toEqual([]);
    expect(flags(["--tokenizer", "/models/ab"], nothing, "/models/a")).toHaveLength(1);
    expect(flags(["--tokenizer", "/models/a/../b"], nothing, "/models/a")).toHaveLength(1);
  });

  it("says what an abbreviation stands for, and how the base branch allows it", () => {
    expect(flags(["--trust_remote"])).toEqual([
      {
        kind: "flag",
        name: "--trust_remote",
        reason:
          "--trust_remote can stand for --trust-remote-code, which would run Python code that comes with the model.",
        howToAllow: "Add `policy.allowFlags: [--trust-remote-code]` to vllm-gate.yml on the base branch.",
      },
    ]);
  });

  it("never repeats a value of a flag that may be a secret", () => {
    expect(JSON.stringify(flags(["--api-key", "sesame", "--hf-token=sesame"]))).not.toContain("sesame");
  });

  it("keeps control characters out of what it says", () => {
    expect(JSON.stringify(flags(["--new-plugin\u001b[31m\u202e"]))).not.toMatch(/u001b|\u202e/);
  });
});

describe("policy", () => {
  const allow = (...allowFlags: string[]): ServerPolicy => ({ ...nothing, allowFlags });

  it.each([
    ["--trust-remote-code", ["--trust-remote-code"]],
    ["trust_remote_code", ["--trust-remote"]],
    ["--Chat_Template", ["--chat-template", "x.jinja"]],
    ["-cc", ["--compilation-config", '{"backend": "a.b"}']],
    ["--compilation-config.backend", ["-cc.backend=a.b"]],
    ["--compilation_config.backend", ["--compilation-config", '{"backend": "a.b"}']],
    ["--compilation-config", ['-O{"backend": "a.b"}']],
    ["--load-format", ["--load-format", "pt"]],
    ["--new-plugin", ["--new_plugin", "x"]],
    ["--tomorrow", ["--tomorrow", "/x"]],
  ] as const)("%s allows %j", (entry, args) => {
    expect(flags(args)).not.toEqual([]);
    expect(flags(args, allow(entry))).toEqual([]);
  });

  it("allows nothing more than it names", () => {
    expect(flags(["-cc", '{"backend": "a.b", "cache_dir": "x"}'], allow("-cc.backend"))).toHaveLength(1);
    expect(
      flags(["--worker-cls", "x"], allow("--worker-extension-cls", "--worker", "--worker-cls=x")),
    ).toHaveLength(1);
  });

  it.each(owned)("never allows %s", (flag) => {
    expect(flags([flag, "x"], allow(flag))[0]).toMatchObject({
      howToAllow: expect.stringContaining("no policy"),
    });
  });
});

describe("any spelling", () => {
  const separators = fc.infiniteStream(fc.boolean());
  const spelled = (name: string): fc.Arbitrary<string> =>
    separators.map(
      (stream) => `--${name.slice(2).replaceAll("-", () => (stream.next().value === true ? "_" : "-"))}`,
    );
  const tails = fc.constantFrom<readonly [string, ...string[]]>(
    [""],
    ["", "value"],
    ["=value"],
    ["="],
    ['={"a": 1}'],
    [".key", "value"],
    [".key=value"],
    [".key.other+", "a,b"],
    [".key+=a,b"],
  );
  const around = fc.subarray(ordinary.slice(), { maxLength: 3 }).map((list) => list.flat());

  it("of a refused flag is refused, wherever it stands", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...refused, ...owned).chain(spelled),
        tails,
        around,
        around,
        (flag, [tail, ...rest], before, after) => {
          expect(flags([...before, flag + tail, ...rest, ...after])).not.toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("cut short is refused, unless it is a flag itself", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...refused, ...owned).chain((flag) => fc.tuple(spelled(flag), fc.nat(flag.length))),
        tails,
        ([flag, cut], [tail, ...rest]) => {
          const short = flag.slice(0, Math.max(3, cut));
          fc.pre(!VLLM_FLAGS.has(short.replaceAll("_", "-")));
          expect(flags([short + tail, ...rest])).not.toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("of a refused JSON key is refused", () => {
    const heads = fc.constantFrom(
      "--compilation-config",
      "--compilation_config",
      "--compilation-c",
      "-cc",
      "-c",
      "-O",
    );
    const keys = fc.constantFrom(
      "backend",
      "inductor_passes",
      "cache_dir",
      "debug_dump_path",
      "x_module_path",
    );
    const escaped = (key: string): fc.Arbitrary<string> =>
      fc
        .nat(key.length - 1)
        .map(
          (at) =>
            `${key.slice(0, at)}\\u${key.charCodeAt(at).toString(16).padStart(4, "0")}${key.slice(at + 1)}`,
        );
    const written = keys.chain((key) => fc.tuple(fc.constant(key), fc.oneof(fc.constant(key), escaped(key))));
    fc.assert(
      fc.property(heads, written, fc.nat(3), fc.json(), (head, [key, text], form, other) => {
        const json = `{"mode": ${other}, "${text}": "package.Name"}`;
        const args = [
          [head, json],
          [`${head}=${json}`],
          [`${head}.${key}`, "package.Name"],
          [`${head}.${key}=package.Name`],
        ][form]!;
        expect(flags(args)).not.toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("of whatever words ends in an answer", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(...VLLM_FLAGS.keys(), ...VLLM_SHORT_FLAGS.keys(), "--", "-", "-O", "{", "[1", '"'),
      fc.json(),
    );
    fc.assert(
      fc.property(fc.array(word), (args) => {
        for (const refusal of flags(args)) expect(refusal.reason).not.toBe("");
      }),
    );
  });
});

describe("the list of flags", () => {
  it("holds no ordinary flag that a version without it would take for a refused one", () => {
    // Both are in every version that has the longer one.
    const fine = ["--data-parallel-size", "--reasoning-parser"];
    const value = (flag: string): string[] => (VLLM_FLAGS.get(flag) === "none" ? [] : ["1"]);
    const isRefused = (flag: string): boolean => flags([flag, ...value(flag)]).length > 0;
    const bad = [...VLLM_FLAGS.keys()].filter(isRefused);
    const good = [...VLLM_FLAGS.keys()].filter((flag) => !isRefused(flag));
    expect(good.filter((flag) => bad.some((longer) => longer.startsWith(flag)))).toEqual(fine);
  });

  it("knows what every short flag stands for", () => {
    for (const long of VLLM_SHORT_FLAGS.values()) expect(VLLM_FLAGS.has(long), long).toBe(true);
  });
});

describe("command", () => {
  const command = (words: readonly string[], policy: ServerPolicy = nothing): Refusal[] =>
    checkServer({ ...base, command: words }, policy);

  it.each([
    [["vllm", "serve"]],
    [["python3", "-m", "vllm.entrypoints.openai.api_server"]],
    [["python", "-m", "vllm.entrypoints.openai.api_server"]],
    [["python3", "-m", "vllm.entrypoints.cli.main", "serve"]],
    [["python", "-m", "vllm.entrypoints.cli.main", "serve"]],
  ])("starts %j", (words) => {
    expect(command(words)).toEqual([]);
  });

  it.each([
    [[]],
    [["vllm"]],
    [["vllm", "bench"]],
    [["vllm", "serve", "--trust-remote-code"]],
    [["/tmp/vllm", "serve"]],
    [["python3", "server.py"]],
    [["python3", "-c", "print()"]],
    [["bash", "-c", "vllm serve"]],
  ])("refuses %j", (words) => {
    expect(command(words)).toMatchObject([{ kind: "command" }]);
    expect(command(words, { ...nothing, allowCommands: [words, []] })).toHaveLength(
      words.length === 0 ? 1 : 0,
    );
  });

  it.each([[["./vllm", "serve"]], [[".venv/bin/vllm", "serve"]], [["bin/vllm"]], [["../vllm", "serve"]]])(
    "refuses the checkout's own program %j, also when it is allowed",
    (words) => {
      const [refusal, ...others] = command(words, { ...nothing, allowCommands: [words] });
      expect(others).toEqual([]);
      expect(refusal?.reason).toMatch(/is a file of the checkout, which a pull request can replace/);
      expect(refusal?.howToAllow).toMatch(/absolute path/);
    },
  );

  it("compares an allowed command word by word", () => {
    const policy = { ...nothing, allowCommands: [["docker", "run", "vllm"]] };
    expect(command(["docker", "run", "vllm"], policy)).toEqual([]);
    expect(command(["docker", "run", "vllm", "-v"], policy)).toHaveLength(1);
    expect(command(["docker", "run vllm"], policy)).toHaveLength(1);
  });
});

describe("model", () => {
  const model = (name: string): Refusal[] => checkServer({ ...base, model: name }, nothing);

  it.each(["org/model", "Qwen/Qwen3-0.6B", "/models/llama", "./model", "org/repo:Q4_K_M"])(
    "starts %s",
    (name) => {
      expect(model(name)).toEqual([]);
    },
  );

  it.each([
    "",
    " ",
    "-x",
    "--trust-remote-code",
    "a\0b",
    "a\nb",
    "s3://b/m",
    "gs://b/m",
    "http://h/m",
    "HTTPS://h/m",
  ])("refuses %j", (name) => {
    expect(model(name)).toMatchObject([{ kind: "model", howToAllow: expect.stringContaining("no policy") }]);
  });
});

describe("environment", () => {
  it.each([
    ["VLLM_CPU_KVCACHE_SPACE", "2"],
    ["VLLM_CPU_OMP_THREADS_BIND", "0-31|32-63"],
    ["CUDA_VISIBLE_DEVICES", "0,1"],
    ["OMP_NUM_THREADS", "8"],
    ["HF_HUB_OFFLINE", "1"],
    ["TRANSFORMERS_OFFLINE", "1"],
    ["TOKENIZERS_PARALLELISM", "false"],
    ["PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True"],
    ["NCCL_P2P_DISABLE", "1"],
    ["NCCL_DEBUG", "WARN"],
    ["VLLM_USE_V1", "1"],
    ["VLLM_ATTENTION_BACKEND", "FLASH_ATTN"],
    ["VLLM_LOGGING_LEVEL", "DEBUG"],
    ["VLLM_USE_FLASHINFER_SAMPLER", "1"],
    ["VLLM_USE_DEEP_GEMM", "0"],
    ["VLLM_ROCM_USE_AITER", "1"],
    ["VLLM_SIM_TTFT_MS", "20"],
  ])("passes %s", (name, value) => {
    expect(env({ [name]: value })).toEqual([]);
  });

  it.each([
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PATH",
    "HOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "BASH_ENV",
    "VLLM_PLUGINS",
    "VLLM_LOGGING_CONFIG_PATH",
    "VLLM_LOGGING_STREAM",
    "VLLM_ALLOW_INSECURE_SERIALIZATION",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
    "VLLM_SERVER_DEV_MODE",
    "VLLM_API_KEY",
    "VLLM_PORT",
    "VLLM_HOST_IP",
    "VLLM_NCCL_SO_PATH",
    "VLLM_CUDART_SO_PATH",
    "VLLM_CACHE_ROOT",
    "VLLM_CONFIG_ROOT",
    "VLLM_RUST_FRONTEND_PATH",
    "VLLM_USE_RUST_FRONTEND",
    "VLLM_USE_MODELSCOPE",
    "VLLM_TUNED_CONFIG_FOLDER",
    "VLLM_DEBUG_DUMP_PATH",
    "VLLM_TRACE_FUNCTION",
    "VLLM_FLASHINFER_AUTOTUNE_CACHE_DIR",
    "VLLM_HUMMING_ONLINE_QUANT_CONFIG",
    "VLLM_USAGE_STATS_SERVER",
    "VLLM_RPC_BASE_PATH",
    "VLLM_NO_SUCH_THING",
    "NCCL_NET_PLUGIN",
    "NCCL_TUNER_PLUGIN",
    "NCCL_DEBUG_FILE",
    "NCCL_SOCKET_IFNAME",
    "HF_TOKEN",
    "HF_HOME",
    "HF_ENDPOINT",
    "HTTPS_PROXY",
    "https_proxy",
    "TORCHINDUCTOR_CACHE_DIR",
    "TRITON_CACHE_DIR",
    "OMP_TOOL_LIBRARIES",
    "CXX",
    "RANDOM_NAME",
  ])("refuses %s without repeating its value", (name) => {
    const [refusal, ...more] = env({ [name]: "sesame" });
    expect(more).toEqual([]);
    expect(refusal).toMatchObject({ kind: "env", name });
    expect(JSON.stringify(refusal)).not.toContain("sesame");
    expect(refusal!.howToAllow).toContain(`policy.allowEnv: [${name}]`);
    expect(env({ [name]: "sesame" }, { ...nothing, allowEnv: [name] })).toEqual([]);
  });

  it("refuses a path as the value of a switch", () => {
    expect(env({ VLLM_CPU_KVCACHE_SPACE: "/etc/passwd" })).toHaveLength(1);
    expect(env({ NCCL_ALGO: "/etc/passwd" })).toHaveLength(1);
  });

  it.each(["", "A=B", "A\0B"])("refuses the name %j whatever the policy says", (name) => {
    expect(env({ [name]: "1" }, { ...nothing, allowEnv: [name] })).toHaveLength(1);
  });
});
