import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FailureKind, findFailureCause } from "../../src/serve/failure-cause.ts";

function fixture(name: string): string[] {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8").split("\n");
}

const NO_KV_MEMORY =
  "No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine " +
  "(this flag also controls CPU memory reservation on the CPU backend, despite its name). " +
  "See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.";

const CONTEXT_TOO_LONG =
  "User-specified max_model_len (100000) is greater than the derived max_model_len " +
  "(max_position_embeddings=32768.0 or model_max_length=None in model's config.json). To allow overriding this " +
  "maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. VLLM_ALLOW_LONG_MAX_MODEL_LEN must be used with extreme " +
  "caution. If the model uses relative position encoding (RoPE), positions exceeding derived_max_model_len lead to " +
  "nan. If the model uses absolute position encoding, positions exceeding derived_max_model_len will cause a CUDA " +
  "array out-of-bounds error.";

describe("logs of real servers that failed", () => {
  const cases: readonly [file: string, kind: FailureKind, line: number, cause: string][] = [
    ["fail-badflag.log", "unknown_flag", 249, "unrecognized arguments: --no-such-flag"],
    ["fail-badval.log", "bad_value", 249, "argument --gpu-memory-utilization: invalid float value: 'abc'"],
    ["fail-ctx.log", "context_too_long", 52, CONTEXT_TOO_LONG],
    ["fail-kvnone.log", "no_kv_memory", 56, NO_KV_MEMORY],
    // Its gpu_memory_utilization of 0.03 leaves less than nothing, so it is not "too small".
    ["fail-kvsmall.log", "no_kv_memory", 57, NO_KV_MEMORY],
    [
      "fail-nomodel.log",
      "model_not_found",
      52,
      "Repo id must be in the form 'repo_name' or 'namespace/repo_name': 'models/none'. Use `repo_type` argument if needed.",
    ],
  ];
  it.each(cases)("%s", (file, kind, line, cause) => {
    const found = findFailureCause(fixture(`vllm-0.22.0-h200/${file}`));
    expect(found).toMatchObject({ cause, kind, line });
    expect(found.hint).toMatch(/^[A-Z].{10,120}\.$/);
  });

  it.each(["vllm-0.22.0-h200/base.log", "vllm-0.32.0-cpu/server.log"])("finds no cause in %s", (file) => {
    expect(findFailureCause(fixture(file))).toMatchObject({ kind: "unknown", line: null });
  });
});

/** A traceback as vLLM's logger writes it, every line with the header of its record. */
function logged(header: string, exception: string, announcement: string | null = null): string[] {
  return [
    ...(announcement === null ? [] : [announcement]),
    "Traceback (most recent call last):",
    '  File "site-packages/vllm/v1/engine/core.py", line 1139, in run_engine_core',
    "    engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)",
    "                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    ...exception.split("\n"),
  ].map((line) => header + line);
}

const WORKER = "(Worker_TP1 pid=448) ERROR 08-14 14:03:44 [multiproc_executor.py:953] ";
const ENGINE = "(EngineCore_DP0 pid=469) ERROR 08-14 14:03:45 [core.py:1165] ";
const OLD = "ERROR 01-21 12:00:00 engine.py:366] ";
const API = "(APIServer pid=1) ";
const ENGINE_FAILED = "EngineCore failed to start.";
const API_FAILED = logged(
  API,
  "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
);
const CAUSED = ["", "The above exception was the direct cause of the following exception:", ""];
const MEANWHILE = ["", "During handling of the above exception, another exception occurred:", ""];

const KV_TOO_SMALL =
  "To serve at least one request with the model's max seq len (32768), (0.88 GiB KV cache is needed, which is larger " +
  "than the available KV cache memory (0.50 GiB). Based on the available memory, the estimated maximum model length is 18720.";

describe("causes that vLLM names", () => {
  const cases: readonly [name: string, lines: string[], kind: FailureKind, cause: string][] = [
    [
      "KV too small, V1",
      [...logged(ENGINE, `ValueError: ${KV_TOO_SMALL}`, ENGINE_FAILED), ...API_FAILED],
      "kv_too_small",
      KV_TOO_SMALL,
    ],
    [
      "KV too small, V0",
      logged(
        OLD,
        "ValueError: The model's max seq len (4096) is larger than the maximum number of tokens that can be stored in KV cache (2288). Try increasing",
      ),
      "kv_too_small",
      "The model's max seq len (4096) is larger than the maximum number of tokens that can be stored in KV cache (2288). Try increasing",
    ],
    [
      "no KV memory, only the message logged",
      [`${OLD}No available memory for the cache blocks. Try increasing`],
      "no_kv_memory",
      "No available memory for the cache blocks. Try increasing",
    ],
    [
      "memory not free",
      logged(
        ENGINE,
        "ValueError: Free memory on device cuda:0 (10.00/139.80 GiB) on startup is less than desired GPU memory utilization (0.92, 128.62 GiB).",
        ENGINE_FAILED,
      ),
      "memory_not_free",
      "Free memory on device cuda:0 (10.00/139.80 GiB) on startup is less than desired GPU memory utilization (0.92, 128.62 GiB).",
    ],
    [
      "memory not free, before 0.14",
      logged(
        ENGINE,
        "ValueError: Free memory on device (1.0/79.1 GiB) on startup is less than desired GPU memory",
      ),
      "memory_not_free",
      "Free memory on device (1.0/79.1 GiB) on startup is less than desired GPU memory",
    ],
    [
      "memory not free, CPU",
      logged(
        WORKER,
        "ValueError: Available memory on node 0 (2.0/9.71 GiB) on startup is less than desired CPU memory",
      ),
      "memory_not_free",
      "Available memory on node 0 (2.0/9.71 GiB) on startup is less than desired CPU memory",
    ],
    [
      "out of memory in one worker",
      [
        ...logged(
          WORKER,
          "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.88 GiB.",
          "WorkerProc failed to start.",
        ),
        ...logged(
          ENGINE,
          "RuntimeError: WorkerProc initialization failed due to an exception in a background process. See stack trace for root cause.",
          ENGINE_FAILED,
        ),
        ...API_FAILED,
      ],
      "out_of_memory",
      "CUDA out of memory. Tried to allocate 1.88 GiB.",
    ],
    [
      "out of memory, in vLLM's words rather than torch's",
      logged(
        ENGINE,
        [
          "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.88 GiB.",
          ...CAUSED,
          "Traceback (most recent call last):",
          '  File "x.py", line 1, in y',
          "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs`",
        ].join("\n"),
        ENGINE_FAILED,
      ),
      "out_of_memory",
      "CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs`",
    ],
    [
      "port in use",
      logged(API, "OSError: [Errno 98] Address already in use"),
      "port_in_use",
      "[Errno 98] Address already in use",
    ],
    [
      "port in use, uvicorn",
      [
        "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
      ],
      "port_in_use",
      "[Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
    ],
    [
      "model not found on the hub, the last of its chain",
      logged(
        API,
        [
          "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/a/b/resolve/main/config.json",
          ...CAUSED,
          "Traceback (most recent call last):",
          '  File "x.py", line 1, in y',
          "OSError: a/b is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
          "If this is a private repository, make sure to pass a token having permission to this repo",
        ].join("\n"),
      ),
      "model_not_found",
      "a/b is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models' " +
        "If this is a private repository, make sure to pass a token having permission to this repo",
    ],
    [
      "field refused by pydantic",
      logged(
        API,
        [
          "pydantic_core._pydantic_core.ValidationError: 1 validation error for CacheConfig",
          "gpu_memory_utilization",
          "  Input should be less than or equal to 1 [type=less_than_equal, input_value=1.5, input_type=float]",
          "    For further information visit https://errors.pydantic.dev/2.14/v/less_than_equal",
        ].join("\n"),
      ),
      "bad_value",
      "gpu_memory_utilization: Input should be less than or equal to 1",
    ],
    [
      "value refused by a validator, two errors, printed without a process",
      logged(
        "",
        [
          "pydantic_core._pydantic_core.ValidationError: 2 validation errors for ModelConfig",
          "  Value error, max_model_len must be a positive integer [type=value_error, input_value=ArgsKwargs(()), input_type=ArgsKwargs]",
          "    For further information visit https://errors.pydantic.dev/2.14/v/value_error",
          "  Value error, another [type=value_error]",
        ].join("\n"),
      ),
      "bad_value",
      "max_model_len must be a positive integer",
    ],
    [
      "unknown flag",
      ["usage: vllm serve [-h]", "vllm serve: error: unrecognized arguments: --task embed"],
      "unknown_flag",
      "unrecognized arguments: --task embed",
    ],
    [
      "ambiguous flag",
      ["vllm: error: ambiguous option: --max could match --max-a, --max-b"],
      "unknown_flag",
      "ambiguous option: --max could match --max-a, --max-b",
    ],
    [
      "bad choice",
      ["vllm serve: error: argument --dtype: invalid choice: 'x' (choose from auto, half)"],
      "bad_value",
      "argument --dtype: invalid choice: 'x' (choose from auto, half)",
    ],
  ];

  it.each(cases)("%s", (_name, lines, kind, cause) => {
    expect(findFailureCause(lines)).toMatchObject({ kind, cause });
  });

  it.each(cases)(
    "%s, in colours, with carriage returns and after other output",
    (_name, lines, kind, cause) => {
      const before = ["(APIServer pid=1) INFO 11-22 04:55:31 [utils.py:344] hello", "usage: none"];
      const decorated = lines.map((line) => `\u001b[1;36m${line.slice(0, 3)}\u001b[0;0m${line.slice(3)}\r`);
      expect(findFailureCause([...before, ...decorated])).toMatchObject({ kind, cause });
    },
  );

  const plain = cases.filter(([, lines]) => lines[0]?.includes(" ERROR ") === true);
  it.each(plain)("%s, by the JSON formatter", (_name, lines, kind, cause) => {
    const records = lines.map((line) => {
      const text = line.replace(/^.*?\[?\w+\.py:\d+\] /, "");
      return JSON.stringify({
        levelname: "ERROR",
        name: "vllm.x",
        processName: "EngineCore",
        process: 7,
        message: text,
      });
    });
    expect(findFailureCause(records)).toMatchObject({ kind, cause });
  });
});

describe("other exceptions", () => {
  const chain = (notice: string[], first: string, second: string): string =>
    [first, ...notice, "Traceback (most recent call last):", '  File "x.py", line 1, in y', second].join(
      "\n",
    );

  it("reports the engine's and not what followed from it", () => {
    const lines = [
      ...logged(ENGINE, "RuntimeError: CUDA error: an illegal memory access was encountered", ENGINE_FAILED),
      "(EngineCore_DP0 pid=469) Process EngineCore_DP0:",
      ...logged(
        "(EngineCore_DP0 pid=469) ",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
      ),
      ...API_FAILED,
    ];
    expect(findFailureCause(lines)).toEqual({
      cause: "RuntimeError: CUDA error: an illegal memory access was encountered",
      kind: "exception",
      line: 6,
    });
  });

  it("reports a worker's before the engine's", () => {
    const lines = [
      ...logged(ENGINE, "RuntimeError: worker 1 said no", ENGINE_FAILED),
      ...logged(
        WORKER,
        "ImportError: libcudart.so.13: cannot open shared object file",
        "WorkerProc failed to start.",
      ),
    ];
    // Both say that they failed to start: the first to say so did.
    expect(findFailureCause(lines).cause).toBe("RuntimeError: worker 1 said no");
    const unannounced = [
      ...logged(ENGINE, "RuntimeError: worker 1 said no"),
      ...logged(WORKER, "ImportError: libcudart.so.13: cannot open shared object file"),
    ];
    expect(findFailureCause(unannounced).cause).toBe(
      "ImportError: libcudart.so.13: cannot open shared object file",
    );
  });

  it("reads processes whose lines lie between each other", () => {
    const worker = logged(WORKER, "ValueError: the worker's own", "WorkerProc failed to start.");
    const other = logged("(Worker_TP0 pid=447) ", "RuntimeError: another rank's");
    const lines = worker.flatMap((line, index) => [
      line,
      other[index - 1] ?? "(Worker_TP0 pid=447) waiting",
      "(APIServer pid=1) INFO 11-22 04:55:31 [utils.py:344] waiting",
    ]);
    expect(findFailureCause(lines)).toMatchObject({
      cause: "ValueError: the worker's own",
      kind: "exception",
    });
  });

  it("passes over a secondary exception at the head of a chain", () => {
    const first =
      "RuntimeError: Worker failed with error 'x', please check the stack trace above for the root cause";
    const lines = logged(ENGINE, chain(MEANWHILE, first, "ValueError: real"), ENGINE_FAILED);
    expect(findFailureCause(lines).cause).toBe("ValueError: real");
  });

  it("does not join the next record to a message", () => {
    const next = "(EngineCore_DP0 pid=469) ERROR 08-14 14:03:46 [launcher.py:9] Shutting down";
    expect(findFailureCause([...logged(ENGINE, "ValueError: real"), next]).cause).toBe("ValueError: real");
  });

  it("does not take a compiler's error for a usage error", () => {
    const lines = ["cc1plus: error: unrecognized option", ...logged(API, "RuntimeError: compilation failed")];
    expect(findFailureCause(lines).cause).toBe("RuntimeError: compilation failed");
  });

  it.each([
    [
      "an exception raised from another",
      CAUSED,
      "TypeError: unsupported operand",
      "RuntimeError: could not build",
      "TypeError: unsupported operand",
    ],
    [
      "an exception while handling another",
      MEANWHILE,
      "TypeError: unsupported operand",
      "RuntimeError: could not build",
      "TypeError: unsupported operand",
    ],
    [
      "a failed lookup that was handled",
      MEANWHILE,
      "KeyError: 'qwen9'",
      "ValueError: model type `qwen9` is not recognized by Transformers",
      "ValueError: model type `qwen9` is not recognized by Transformers",
    ],
    [
      "a failed lookup that was the cause",
      CAUSED,
      "KeyError: 'qwen9'",
      "RuntimeError: could not build",
      "KeyError: 'qwen9'",
    ],
    [
      "a wrapper that refers to it",
      CAUSED,
      "AssertionError",
      "RuntimeError: Engine process failed to start. See stack trace for the root cause.",
      "AssertionError",
    ],
  ])("finds the root of %s", (_name, notice, first, second, cause) => {
    expect(findFailureCause(logged(ENGINE, chain(notice, first, second), ENGINE_FAILED)).cause).toBe(cause);
    expect(findFailureCause(logged("", chain(notice, first, second))).cause).toBe(cause);
  });

  it("prefers what ended the process to what it survived", () => {
    const survived = logged(
      "(APIServer pid=1) ERROR 11-22 04:55:31 [repo_utils.py:9] ",
      "RuntimeError: no chat template",
      "Error retrieving file list",
    );
    const lines = [...survived, ...logged(API, "RuntimeError: the real one")];
    expect(findFailureCause(lines).cause).toBe("RuntimeError: the real one");
  });

  it.each([
    ["warnings", "(EngineCore pid=1) WARNING 11-22 04:55:31 [a.py:1] "],
    ["information", "(EngineCore pid=1) INFO 11-22 04:55:31 [a.py:1] "],
  ])("does not take %s for causes", (_name, header) => {
    const quoted = [
      ...logged(header, "torch.OutOfMemoryError: CUDA out of memory."),
      `${header}Found ulimit of 20000 and failed with errors like \`OSError: [Errno 98] Address already in use\``,
    ];
    expect(findFailureCause(quoted)).toMatchObject({ kind: "unknown", line: null });
    expect(findFailureCause([...quoted, ...logged(API, "ValueError: real")]).cause).toBe("ValueError: real");
  });

  it("joins a message of several lines, but not other people's", () => {
    const lines = [
      ...logged(API, "ValueError: first line\nsecond line"),
      "[rank0]:[W1122 04:56:34] Warning: destroy_process_group() was not called",
    ];
    expect(findFailureCause(lines).cause).toBe("ValueError: first line second line");
    const bare = [...logged("", "ValueError: first line"), "nanobind: leaked 4 instances!"];
    expect(findFailureCause(bare).cause).toBe("ValueError: first line");
  });

  it("ignores what interpreters say at their end", () => {
    const lines = [
      ...logged(API, "ValueError: real"),
      `${API}Exception ignored in: <function Foo.__del__ at 0x7f>`,
      ...logged(API, "TypeError: 'NoneType' object is not callable"),
    ];
    expect(findFailureCause(lines).cause).toBe("ValueError: real");
  });

  it("reads an exception group", () => {
    const lines = [
      "  + Exception Group Traceback (most recent call last):",
      '  |   File "x.py", line 1, in y',
      "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
      "    | ValueError: inner",
    ];
    expect(findFailureCause(lines)).toMatchObject({ cause: "ValueError: inner", kind: "exception", line: 4 });
  });

  it("takes the last exception line of a log whose beginning is lost", () => {
    const lines = [
      '    raise ValueError("x")',
      "ValueError: one",
      "huggingface_hub.errors.GatedRepoError: access denied",
    ];
    expect(findFailureCause(lines)).toMatchObject({ kind: "model_not_found", line: 3 });
  });
});

describe("servers that never were", () => {
  it.each([
    "bash: line 1: vllm: command not found",
    "sh: 1: vllm: not found",
    "/usr/bin/env: 'vllm': No such file or directory",
    "/usr/bin/python3: No module named vllm",
    "/usr/bin/python3: Error while finding module specification for 'vllm.x' (ModuleNotFoundError: No module named 'vllm')",
    "spawn vllm ENOENT",
  ])("%s", (line) => {
    expect(findFailureCause(["", line])).toMatchObject({
      cause: line,
      kind: "exception",
      line: 2,
      hint: expect.stringContaining("not installed"),
    });
  });

  it("knows the traceback of a missing module too", () => {
    expect(findFailureCause(logged("", "ModuleNotFoundError: No module named 'vllm'"))).toMatchObject({
      cause: "ModuleNotFoundError: No module named 'vllm'",
      hint: expect.stringContaining("not installed"),
    });
  });

  it("does not blame a command that a running server misses", () => {
    const lines = ["sh: 1: ninja: not found", ...logged(ENGINE, "RuntimeError: real", ENGINE_FAILED)];
    expect(findFailureCause(lines).cause).toBe("RuntimeError: real");
  });
});

describe("when the cause itself was not logged", () => {
  it("reports that the engine was killed", () => {
    const line =
      "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': -9}";
    expect(findFailureCause(logged(API, line))).toMatchObject({
      cause: line,
      kind: "exception",
      hint: expect.stringContaining("out of memory"),
    });
    expect(findFailureCause(["INFO 11-22 04:55:31 [a.py:1] loading", "Killed"])).toMatchObject({
      cause: "Killed",
      line: 2,
    });
  });

  it("falls back to a secondary sentence", () => {
    expect(findFailureCause(API_FAILED)).toMatchObject({
      kind: "unknown",
      cause: expect.stringContaining("Engine core initialization failed"),
    });
  });

  it("falls back to the last error line", () => {
    const lines = ["ERROR 11-22 04:55:31 [a.py:1] something broke", "INFO 11-22 04:55:31 [a.py:1] bye"];
    expect(findFailureCause(lines)).toEqual({ cause: "something broke", kind: "unknown", line: 1 });
  });

  it.each([
    [[], "the server's log is empty"],
    [["", "\r\n"], "the server's log is empty"],
    [["INFO 11-22 04:55:31 [a.py:1] bye", ""], "the server's log names no cause; it ends: bye"],
  ])("%j", (lines, cause) => {
    expect(findFailureCause(lines)).toEqual({ cause, kind: "unknown", line: null });
  });
});

describe("the sentence itself", () => {
  it("is one line of bounded length", () => {
    const { cause } = findFailureCause(logged(API, `ValueError: ${"word\t ".repeat(2000)}`));
    expect(cause).toHaveLength(600);
    expect(cause).toMatch(/^ValueError: (?:word )+.*…$/);
  });

  it("holds no secrets", () => {
    expect(findFailureCause(["vllm serve: error: unrecognized arguments: --x-api-key hunter2"]).cause).toBe(
      "unrecognized arguments: --x-api-key ***",
    );
    expect(findFailureCause(logged(API, "ValueError: bad {'hf_token': 'hunter2'}")).cause).not.toContain(
      "hunter2",
    );
  });

  const fragment = fc.constantFrom(
    "Traceback (most recent call last):",
    '  File "x", line 1',
    "ValueError: x",
    "(EngineCore pid=1) ",
    "ERROR 11-22 04:55:31 [a.py:1] ",
    "The above exception was the direct cause of the following exception:",
    "pydantic.ValidationError: 1 validation error for X",
    "  Value error, y [type=z]",
    "x: error: ",
    "\r",
  );
  const line = fc
    .array(fc.oneof(fragment, fc.string({ unit: "binary", maxLength: 12 })), { maxLength: 4 })
    .map((parts) => parts.join(""));

  it("exists for any log, and points into it", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 15 }), (lines) => {
        const found = findFailureCause(lines);
        expect(found.cause.length).toBeGreaterThan(0);
        expect(found.cause.length).toBeLessThanOrEqual(600);
        expect(found.cause).not.toMatch(/[\r\n]/);
        if (found.line !== null) {
          expect(found.line).toBeGreaterThanOrEqual(1);
          expect(found.line).toBeLessThanOrEqual(lines.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is found in time in a hostile log", () => {
    const hostile = ["A", " ", "x: ", "(pid=1", "ValueError: ", "[type=", "| "].map((text) =>
      text.repeat(16_000 / text.length),
    );
    const lines = Array.from({ length: 60 }, () => ["Traceback (most recent call last):", ...hostile]).flat();
    const start = performance.now();
    findFailureCause(lines);
    expect(performance.now() - start).toBeLessThan(4000);
  });
});
