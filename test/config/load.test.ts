import { describe, expect, it } from "vitest";
import { type GateConfig, parseConfig, policyOf, resolveConfig } from "../../src/config/load.ts";
import type { Overrides } from "../../src/config/overrides.ts";
import { usageErrorOf } from "../support/errors.ts";

const ONE = "scenarios:\n  chat:\n    model: org/model\n";

interface Given {
  /** Text of the file; null for none. */
  readonly file?: string | null;
  readonly overrides?: Overrides;
  /** Text of the file that holds the policy; the same file when absent. */
  readonly policyFile?: string;
  /** Text of the base branch's file. */
  readonly judgeFile?: string;
  readonly headAlone?: boolean;
}

function resolve({
  file = ONE,
  overrides = {},
  policyFile,
  judgeFile,
  headAlone = false,
}: Given = {}): GateConfig {
  const parsed = file === null ? null : parseConfig(file, "gate.yml");
  const policySource = policyFile === undefined ? parsed : parseConfig(policyFile, "base.yml");
  return resolveConfig({
    file: parsed,
    fileName: "gate.yml",
    overrides,
    nameOverride: (key) => `--${key}`,
    headAlone,
    policy:
      policySource === null
        ? { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [] }
        : policyOf(policySource, "base.yml"),
    ...(judgeFile === undefined ? {} : { judge: parseConfig(judgeFile, "base.yml") }),
  });
}

const refusalOf = (given: Given) => usageErrorOf(() => resolve(given));

describe("parseConfig", () => {
  it("fills in what the smallest file leaves out", () => {
    expect(parseConfig(ONE, "gate.yml")).toEqual({
      scenarios: {
        chat: {
          model: "org/model",
          readyTimeoutS: 900,
          probes: {
            ttft: { cold: true, warmRequests: 30, promptTokens: 256, outputTokens: 64 },
            batching: { concurrency: [1, 8], waves: 3, promptTokens: 200, outputTokens: 128 },
            prefix: { regimes: [1024], concurrency: [1], requests: 20, suffixTokens: 64, outputTokens: 8 },
            kv: { contextTokens: 4096, steps: 6, outputTokens: 64 },
            traffic: false,
          },
          tolerances: {},
          levels: {},
          limits: {},
        },
      },
      sessions: 1,
      maxSessions: 3,
      compareTo: "baseline",
      rounds: 2,
      recordSessions: 5,
      budgetMinutes: 30,
      baselineDir: "baselines",
      baselineMaxAgeDays: 90,
      onInconclusive: "warn",
      onInvalid: "fail",
      onDirty: "repeat",
      reportOnly: false,
      policy: { allowFlags: [], allowEnv: [], allowServers: [], allowCommands: [] },
    });
  });

  it("fills in the rest of a probe that is given in part, and leaves out one that is false", () => {
    const text = `${ONE}    probes: {ttft: {warmRequests: 7}, batching: false}\n`;
    expect(parseConfig(text, "gate.yml").scenarios["chat"]?.probes).toEqual({
      ttft: { cold: true, warmRequests: 7, promptTokens: 256, outputTokens: 64 },
      batching: false,
      prefix: { regimes: [1024], concurrency: [1], requests: 20, suffixTokens: 64, outputTokens: 8 },
      kv: { contextTokens: 4096, steps: 6, outputTokens: 64 },
      traffic: false,
    });
  });

  it("takes the key that editors read", () => {
    const text = `$schema: ./schema/vllm-gate.schema.json\n${ONE}`;
    expect(Object.keys(parseConfig(text, "gate.yml").scenarios)).toEqual(["chat"]);
  });

  it.each([
    ["rounds", 1],
    ["rounds", 50],
    ["sessions", 50],
    ["recordSessions", 1],
    ["budgetMinutes", 0.5],
    ["budgetMinutes", 1440],
  ] as const)("takes the bound itself: %s %d", (key, value) => {
    expect(parseConfig(`${ONE}${key}: ${value}\n`, "gate.yml")[key]).toBe(value);
  });
});

describe("parseConfig: what it tells of a file", () => {
  it.each([
    ["no YAML", `${"SECRET".repeat(40)}: [}\n`.repeat(300)],
    ["one long key", `${"SECRET".repeat(40)}: 1\n`],
    ["many keys", Array.from({ length: 500 }, (_, index) => `key${index}: 1`).join("\n")],
    ["a list of numbers", `rounds: "${"SECRET".repeat(40)}"\n`],
    ["an alias", `scenarios: *${"SECRET".repeat(40)}\n`],
  ])("is little: %s", (_, text) => {
    const message = usageErrorOf(() => parseConfig(text, "gate.yml"));
    expect(message.split("\n").length).toBeLessThanOrEqual(21);
    expect(Math.max(...[...message.matchAll(/(?:SECRET)+/g)].map(([run]) => run.length), 0)).toBeLessThan(80);
  });
});

describe("policyOf", () => {
  it("reads commands as a text or as a list", () => {
    const text = `${ONE}policy:\n  allowFlags: [--x]\n  allowEnv: [A]\n  allowCommands:\n    - python3 'my server.py'\n    - [node, my server.ts]\n`;
    expect(policyOf(parseConfig(text, "gate.yml"), "gate.yml")).toEqual({
      allowFlags: ["--x"],
      allowEnv: ["A"],
      allowServers: [],
      allowCommands: [
        ["python3", "my server.py"],
        ["node", "my server.ts"],
      ],
    });
  });

  it("names the file when a command needs a shell", () => {
    const file = parseConfig(`${ONE}policy: {allowCommands: ["a | b"]}\n`, "gate.yml");
    expect(usageErrorOf(() => policyOf(file, "gate.yml of main"))).toMatch(
      /^gate\.yml of main: policy\.allowCommands: "\|"/,
    );
  });
});

describe("resolveConfig: scenario", () => {
  const TWO = `${ONE}  batch:\n    model: org/other\n`;

  it("is the only one of the file", () => {
    expect(resolve().scenario).toBe("chat");
  });

  it("is the one that the override names", () => {
    const config = resolve({ file: TWO, overrides: { scenario: "batch" } });
    expect(config.scenario).toBe("batch");
    expect(config.server).toMatchObject({ model: "org/other" });
  });

  it("must be chosen among several, and the error lists them", () => {
    expect(refusalOf({ file: TWO })).toBe(
      "gate.yml has 2 scenarios: choose one with --scenario: chat, batch",
    );
  });

  it.each(["nope", "", "constructor", "toString"])("must exist: %j", (scenario) => {
    expect(refusalOf({ overrides: { scenario } })).toBe(
      `--scenario: gate.yml has no scenario "${scenario}". It has: chat`,
    );
  });
});

describe("resolveConfig: overrides", () => {
  const FULL = `scenarios:
  chat:
    model: org/model
    args: --max-num-seqs 8
    command: [python3, -m, vllm.entrypoints.openai.api_server]
    env: {VLLM_LOGGING_LEVEL: INFO}
sessions: 3
rounds: 4
recordSessions: 6
budgetMinutes: 12
baselineDir: kept
reportOnly: true
`;

  it("leave the file's values where they say nothing", () => {
    const config = resolve({ file: FULL });
    expect(config).toMatchObject({
      server: {
        kind: "launch",
        model: "org/model",
        args: ["--max-num-seqs", "8"],
        command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
        env: { VLLM_LOGGING_LEVEL: "INFO" },
      },
      sessions: 3,
      rounds: 4,
      recordSessions: 6,
      budgetMinutes: 12,
      baselineDir: "kept",
      reportOnly: true,
    });
    expect(config.sources).toEqual({});
  });

  it("win over the file, and are said to be where the value came from", () => {
    const config = resolve({
      file: FULL,
      overrides: {
        model: "org/new",
        args: "--max-num-seqs 16 --seed '1'",
        command: "vllm serve",
        sessions: 1,
        rounds: 2,
        budgetMinutes: 5,
        baselineDir: "elsewhere",
        reportOnly: false,
      },
    });
    expect(config).toMatchObject({
      server: {
        model: "org/new",
        args: ["--max-num-seqs", "16", "--seed", "1"],
        command: ["vllm", "serve"],
        env: { VLLM_LOGGING_LEVEL: "INFO" },
      },
      sessions: 1,
      rounds: 2,
      recordSessions: 1,
      budgetMinutes: 5,
      baselineDir: "elsewhere",
      reportOnly: false,
    });
    expect(config.sources).toEqual({
      model: "--model",
      args: "--args",
      command: "--command",
      sessions: "--sessions",
      rounds: "--rounds",
      budgetMinutes: "--budgetMinutes",
      baselineDir: "--baselineDir",
      reportOnly: "--reportOnly",
    });
  });

  it("may empty the flags and the command", () => {
    const config = resolve({ file: FULL, overrides: { args: "", command: "" } });
    expect(config.server).toMatchObject({ args: [], command: ["vllm", "serve"] });
  });

  it.each<[Overrides, string]>([
    [{ rounds: 0 }, "--rounds: got 0, expected at least 1"],
    [{ rounds: 51 }, "--rounds: got 51, expected at most 50"],
    [{ rounds: 1.5 }, "--rounds: got 1.5, expected a whole number"],
    [{ rounds: Number.NaN }, "--rounds: got NaN, expected a number"],
    [{ sessions: -1 }, "--sessions: got -1, expected at least 1"],
    [{ budgetMinutes: 0 }, "--budgetMinutes: got 0, expected more than 0"],
    [{ budgetMinutes: 1441 }, "--budgetMinutes: got 1441, expected at most 1440"],
    [{ baselineDir: "" }, '--baselineDir: got "", expected the path of a folder'],
    [
      { serverUrl: "host:8000" },
      '--serverUrl: got "host:8000", expected a URL such as http://127.0.0.1:8000',
    ],
  ])("out of range are named: %j", (overrides, message) => {
    expect(refusalOf({ overrides })).toBe(message);
  });

  it.each<[Overrides, RegExp]>([
    [{ args: "--a $HOME" }, /^--args: \$HOME/],
    [{ command: "vllm serve | tee" }, /^--command: "\|"/],
  ])("that need a shell are named: %j", (overrides, message) => {
    expect(refusalOf({ overrides })).toMatch(message);
  });

  it("do not hide where the file itself is wrong", () => {
    expect(refusalOf({ file: `${ONE}    args: --a $HOME\n` })).toMatch(
      /^gate\.yml: scenarios\.chat\.args: \$HOME/,
    );
  });
});

describe("resolveConfig: the base branch's file", () => {
  const effort = (count: number, folder: string) =>
    `sessions: ${count}\nrounds: ${count}\nrecordSessions: ${count}\nbudgetMinutes: ${count}\nbaselineDir: ${folder}\n`;
  const own = `${ONE}${effort(1, "own")}`;
  const base = `${ONE}${effort(4, "base")}`;

  it("says how much is measured and where baselines lie", () => {
    expect(resolve({ file: own, judgeFile: base })).toMatchObject({
      sessions: 4,
      rounds: 4,
      recordSessions: 4,
      budgetMinutes: 4,
      baselineDir: "base",
    });
  });

  it("gives way to overrides", () => {
    const overrides = { sessions: 2, rounds: 3, budgetMinutes: 5, baselineDir: "given" };
    expect(resolve({ file: own, judgeFile: base, overrides })).toMatchObject({
      ...overrides,
      recordSessions: 2,
    });
  });

  it.each(["constructor", "toString"])("has no scenario %s unless it is written there", (scenario) => {
    const file = `scenarios:\n  ${scenario}:\n    model: org/model\n    levels: {ttft.cold_ms: gate}\n`;
    expect(resolve({ file, judgeFile: ONE }).levels).toEqual({ "ttft.cold_ms": "gate" });
  });
});

describe("resolveConfig: control characters", () => {
  it.each<[string, string, string]>([
    ["model", '    model: "x\\n::error::y"\n', "model"],
    ["an argument", '    model: m\n    args: ["--seed", "1\\n::error::y"]\n', "args"],
    ["a command", '    model: m\n    command: ["vllm", "serve\\r"]\n', "command"],
    ["a variable", '    model: m\n    env: {VLLM_LOGGING_LEVEL: "A\\u001b[31m"}\n', "env"],
  ])("are refused in %s", (_, scenario, key) => {
    const message = refusalOf({ file: `scenarios:\n  chat:\n${scenario}` });
    expect(message).toMatch(
      new RegExp(`^gate\\.yml: scenarios\\.chat\\.${key}: ".*" holds a control character`),
    );
    expect(message).not.toMatch(/\p{Cc}/u);
  });
});

describe("resolveConfig: without a file", () => {
  it("takes a model for a scenario named default", () => {
    const config = resolve({ file: null, overrides: { model: "org/model", args: "--seed 1" } });
    expect(config).toMatchObject({
      scenario: "default",
      server: { kind: "launch", model: "org/model", args: ["--seed", "1"], command: ["vllm", "serve"] },
      rounds: 2,
    });
  });

  it("takes the address of a running server, and the name of its model", () => {
    const overrides = { serverUrl: "http://host:8000", model: "org/model", scenario: "chat" };
    expect(resolve({ file: null, overrides })).toMatchObject({
      scenario: "chat",
      server: { kind: "attach", url: "http://host:8000", model: "org/model", apiKeyEnv: null },
    });
  });

  it.each<[Overrides, RegExp]>([
    [{}, /^gate\.yml: no such file\. .*--model or --serverUrl$/],
    [{ model: "" }, /^--model: got "", expected a length of at least 1$/],
    [{ model: "m", scenario: "a/b" }, /^--scenario: got "a\/b", expected letters/],
    [{ model: "m", scenario: "history" }, /^--scenario: got "history", `history` is a reserved name$/],
    [{ serverUrl: "nope" }, /^--serverUrl: got "nope", expected a URL/],
    [{ model: "m", rounds: 99 }, /^--rounds: got 99/],
  ])("says what is missing or wrong: %j", (overrides, message) => {
    expect(refusalOf({ file: null, overrides })).toMatch(message);
  });
});

describe("resolveConfig: a server that is already running", () => {
  const SERVER = "scenarios:\n  chat:\n    server: {url: 'http://host:8000/', apiKeyEnv: KEY}\n";
  const ATTACH = `${SERVER}policy: {allowServers: ['http://host:8000'], allowEnv: [KEY]}\n`;

  it("is refused when it is not this machine and the policy does not name it", () => {
    expect(refusalOf({ file: SERVER })).toMatch(
      /^refused: gate\.yml: scenarios\.chat\.server\.url: http:\/\/host:8000 is not this machine\..*`policy\.allowServers/,
    );
    for (const url of ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"]) {
      expect(resolve({ file: `scenarios:\n  chat:\n    server: {url: '${url}'}\n` }).server).toMatchObject({
        url,
      });
    }
    for (const url of [
      "http://127.0.0.1.evil.example",
      "http://localhost.evil.example",
      "http://127.0.0.1@evil.example",
    ]) {
      expect(refusalOf({ file: `scenarios:\n  chat:\n    server: {url: '${url}'}\n` })).toMatch(/^refused: /);
    }
  });

  it.each([
    "http://127.0.0.1:1?x=1",
    "http://127.0.0.1:1/#x",
    "http://127.0.0.1:1/?",
    "http://user:hunter22@127.0.0.1:1",
    "http://hunter22@127.0.0.1:1/v1",
  ])("is an address and nothing else: %s", (url) => {
    const ofFile = refusalOf({ file: `scenarios:\n  chat:\n    server: {url: '${url}'}\n` });
    const ofInput = refusalOf({ overrides: { serverUrl: url } });
    expect(ofFile).toMatch(/^refused: gate\.yml: scenarios\.chat\.server\.url: holds a .*expected "http:/);
    expect(ofInput).toMatch(/^refused: --serverUrl: holds a /);
    expect(`${ofFile}${ofInput}`).not.toContain("hunter22");
  });

  it("gets the value of no variable that the policy does not name: it may be a secret of the job", () => {
    const local = (name: string) =>
      `scenarios:\n  chat:\n    server: {url: 'http://127.0.0.1:1', apiKeyEnv: ${name}}\n`;
    expect(refusalOf({ file: local("GITHUB_TOKEN") })).toMatch(
      /^refused: .*apiKeyEnv: GITHUB_TOKEN may hold a secret/,
    );
    expect(resolve({ file: local("VLLM_API_KEY") }).server).toMatchObject({ apiKeyEnv: "VLLM_API_KEY" });
  });

  it("is attached to, with the variable that holds its key", () => {
    expect(resolve({ file: ATTACH }).server).toEqual({
      kind: "attach",
      url: "http://host:8000",
      apiKeyEnv: "KEY",
      model: null,
    });
  });

  it.each(["http://host/v1", "http://host/v1/", "http://host//", "http://host"])(
    "is known by its root: %s",
    (url) => {
      expect(resolve({ overrides: { serverUrl: url } }).server).toMatchObject({ url: "http://host" });
    },
  );

  it("replaces the one that the file would start", () => {
    const config = resolve({ file: `${ONE}    args: --seed 1\n`, overrides: { serverUrl: "http://host" } });
    expect(config.server).toEqual({
      kind: "attach",
      url: "http://host",
      apiKeyEnv: null,
      model: "org/model",
    });
    expect(config.sources).toEqual({ serverUrl: "--serverUrl" });
  });

  it.each<[Given]>([
    [{ file: ATTACH, overrides: { args: "--seed 1" } }],
    [{ file: ATTACH, overrides: { args: "" } }],
    [{ file: ATTACH, overrides: { command: "vllm serve" } }],
    [{ overrides: { serverUrl: "http://host", args: "--seed 1" } }],
  ])("takes no flags and no command: %j", (given) => {
    const key = given.overrides?.args === undefined ? "command" : "args";
    expect(refusalOf(given)).toMatch(
      new RegExp(`^--${key} has no effect on a server that is already running \\(http://host`),
    );
  });
});

describe("resolveConfig: refusals", () => {
  it.each<[string, Given, string]>([
    ["a flag", { overrides: { args: "--trust-remote-code" } }, "--trust-remote-code"],
    ["a flag of the file", { file: `${ONE}    args: [--middleware, x.Y]\n` }, "--middleware"],
    ["a variable", { file: `${ONE}    env: {LD_PRELOAD: x.so}\n` }, "LD_PRELOAD"],
    ["a command", { overrides: { command: "python3 evil.py" } }, "python3 evil.py"],
    ["a model", { overrides: { model: "--trust-remote-code" } }, "--trust-remote-code"],
  ])("name %s", (_, given, name) => {
    expect(refusalOf(given)).toMatch(new RegExp(`^refused: ${name.replaceAll(".", "\\.")}: `));
  });

  it("are told all at once, a line each", () => {
    const lines = refusalOf({ overrides: { args: "--trust-remote-code --middleware x" } }).split("\n");
    expect(lines.map((line) => line.split(": ", 2)[1])).toEqual(["--trust-remote-code", "--middleware"]);
  });

  it("follow the policy that is handed in, not the file's own", () => {
    const allowing = `${ONE}    args: --trust-remote-code\npolicy: {allowFlags: [--trust-remote-code]}\n`;
    expect(resolve({ file: allowing }).server).toMatchObject({ args: ["--trust-remote-code"] });
    expect(refusalOf({ file: allowing, policyFile: ONE })).toMatch(/^refused: --trust-remote-code: /);
  });
});

describe("resolveConfig: the value", () => {
  it("is frozen to its last part", () => {
    const text = `${ONE}    args: [--seed, 1]\n    env: {VLLM_LOGGING_LEVEL: INFO}\n    limits: {ttft.cold_ms: {max: 5}}\n`;
    const config = resolve({ file: text, overrides: { rounds: 3 } });
    const thawed: string[] = [];
    const visit = (value: unknown, path: string) => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    };
    visit(config, "config");
    expect(thawed).toEqual([]);
    expect(() => {
      (config.limits["ttft.cold_ms"] as { max: number }).max = 9;
    }).toThrow(TypeError);
  });
});

describe("what measures head alone", () => {
  const ab = `${ONE}compareTo: base\n`;

  it("does not ask for the other side of an A/B", () => {
    expect(refusalOf({ file: ab })).toMatch(/no base revision is known here.*--base-ref names one/s);
    const elsewhere = ab.replace("chat", "other");
    expect(refusalOf({ file: ab, judgeFile: elsewhere })).toMatch(/file \(it has no scenario "chat"\)/);
    expect(resolve({ file: ab, headAlone: true }).base).toBeNull();
  });

  it("refuses an option that would have no effect", () => {
    expect(refusalOf({ headAlone: true, overrides: { compareTo: "base" } })).toMatch(
      /^--compareTo: has an effect on a gate's run alone/,
    );
  });
});

describe("the other side of an A/B", () => {
  it("comes with the probes of its own file", () => {
    const base = `${ONE}    probes:\n      kv: false\ncompareTo: base\n`;
    const config = resolve({ file: `${ONE}compareTo: base\n`, judgeFile: base });
    expect(config.probes.kv).not.toBe(false);
    expect(config.baseProbes?.kv).toBe(false);
    expect(resolve({ file: ONE }).baseProbes).toBeNull();
  });
});
