import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { usageErrorOf } from "../support/errors.ts";

/** A file whose fourth line, within the scenario, is `line`. */
const inScenario = (line: string) => `scenarios:\n  chat:\n    model: org/model\n    ${line}\n`;
/** A file whose fourth line, at the top, is `line`. */
const atTop = (line: string) => `scenarios:\n  chat:\n    model: org/model\n${line}\n`;

const linesOf = (text: string) => usageErrorOf(() => parseConfig(text, "gate.yml")).split("\n");

const SCENARIO_KEYS =
  "model, command, args, env, readyTimeoutS, server, probes, tolerances, levels, slo, limits";
const NO_EFFECT = "has no effect on a server that is already running (`server.url`): remove one of the two";

describe("explainIssues: a wrong value", () => {
  it.each<[text: string, line: number, path: string, sentence: string]>([
    // At the top.
    [atTop("rounds: three"), 4, "rounds", 'got "three", expected a number'],
    [atTop("rounds: 1.5"), 4, "rounds", "got 1.5, expected a whole number"],
    [atTop("rounds: 0"), 4, "rounds", "got 0, expected at least 1"],
    [atTop("rounds: 51"), 4, "rounds", "got 51, expected at most 50"],
    [atTop("sessions:"), 4, "sessions", "got null, expected a number"],
    [atTop("budgetMinutes: 0"), 4, "budgetMinutes", "got 0, expected more than 0"],
    [atTop("budgetMinutes: .inf"), 4, "budgetMinutes", "got Infinity, expected a number"],
    [atTop("budgetMinutes: .nan"), 4, "budgetMinutes", "got NaN, expected a number"],
    [atTop("onInvalid: ignore"), 4, "onInvalid", 'got "ignore", expected `warn` or `fail`'],
    [atTop("reportOnly: yes"), 4, "reportOnly", 'got "yes", expected true or false'],
    [atTop("baselineDir: [a, b]"), 4, "baselineDir", 'got ["a","b"], expected a text'],
    [atTop('baselineDir: ""'), 4, "baselineDir", 'got "", expected a length of at least 1'],
    [atTop("policy: {allowFlags: --x}"), 4, "policy.allowFlags", 'got "--x", expected a list'],
    [atTop("policy: {allowFlags: [7]}"), 4, "policy.allowFlags.0", "got 7, expected a text"],
    [atTop("policy: {allowCommands: [7]}"), 4, "policy.allowCommands.0", "got 7, expected a text, or a list"],
    // In a scenario.
    ["scenarios:\n  chat: 5\n", 2, "scenarios.chat", "got 5, expected a mapping"],
    ["scenarios:\n  chat:\n", 2, "scenarios.chat", "got null, expected a mapping"],
    ["scenarios: [chat]\n", 1, "scenarios", 'got ["chat"], expected a mapping'],
    ["scenarios: {}\n", 1, "scenarios", "got {}, needs at least one scenario"],
    ["scenarios:\n  chat:\n    model: 7\n", 3, "scenarios.chat.model", "got 7, expected a text"],
    [inScenario("args: 5"), 4, "scenarios.chat.args", "got 5, expected a text, or a list"],
    [inScenario("args: {a: b}"), 4, "scenarios.chat.args", 'got {"a":"b"}, expected a text, or a list'],
    [
      inScenario("args:\n      - --a\n      - [x]"),
      6,
      "scenarios.chat.args.1",
      'got ["x"], expected a text, or a number, or true or false',
    ],
    [
      inScenario("command: []"),
      4,
      "scenarios.chat.command",
      "got [], expected a number of entries of at least 1",
    ],
    [inScenario("env: [A=1]"), 4, "scenarios.chat.env", 'got ["A=1"], expected a mapping'],
    [
      inScenario("env:\n      A: 1\n      B: null"),
      6,
      "scenarios.chat.env.B",
      "got null, expected a text, or a number, or true or false",
    ],
    [inScenario("readyTimeoutS: soon"), 4, "scenarios.chat.readyTimeoutS", 'got "soon", expected a number'],
    [
      inScenario("readyTimeoutS: 90000"),
      4,
      "scenarios.chat.readyTimeoutS",
      "got 90000, expected at most 86400",
    ],
    // Deeper, and behind the choice between `false` and a mapping.
    [
      inScenario("probes: {ttft: true}"),
      4,
      "scenarios.chat.probes.ttft",
      "got true, expected `false`, or a mapping",
    ],
    [
      inScenario("probes:\n      ttft:\n        warmRequests: 4"),
      6,
      "scenarios.chat.probes.ttft.warmRequests",
      "got 4, expected at least 5",
    ],
    [
      inScenario("probes:\n      batching:\n        concurrency:\n          - 1\n          - x"),
      8,
      "scenarios.chat.probes.batching.concurrency.1",
      'got "x", expected a number',
    ],
    [
      inScenario("probes: {batching: {concurrency: []}}"),
      4,
      "scenarios.chat.probes.batching.concurrency",
      "got [], expected a number of entries of at least 1",
    ],
    [
      inScenario("tolerances: {batching.c8.tpot_floor_ms: 0.1}"),
      4,
      "scenarios.chat.tolerances.batching.c8.tpot_floor_ms",
      "got 0.1, expected a mapping",
    ],
    [
      inScenario("tolerances:\n      batching.c8.tpot_floor_ms:\n        relative: 11"),
      6,
      "scenarios.chat.tolerances.batching.c8.tpot_floor_ms.relative",
      "got 11, expected at most 10",
    ],
    [
      inScenario("tolerances: {batching.c8.tpot_floor_ms: {}}"),
      4,
      "scenarios.chat.tolerances.batching.c8.tpot_floor_ms",
      "got {}, needs `relative` or `absolute`",
    ],
    [
      inScenario("levels: {batching.c8.tpot_floor_ms: block}"),
      4,
      "scenarios.chat.levels.batching.c8.tpot_floor_ms",
      'got "block", expected `gate` or `watch` or `off`',
    ],
    [
      inScenario("limits: {batching.c8.tpot_floor_ms: {}}"),
      4,
      "scenarios.chat.limits.batching.c8.tpot_floor_ms",
      "got {}, needs `min` or `max`",
    ],
    [
      inScenario("limits: {batching.c8.tpot_floor_ms: {max: fast}}"),
      4,
      "scenarios.chat.limits.batching.c8.tpot_floor_ms.max",
      'got "fast", expected a number',
    ],
    // A server that is already running.
    ...["ftp://host", "host:8000", "nope"].map((url): [string, number, string, string] => [
      `scenarios:\n  chat:\n    server: {url: "${url}"}\n`,
      3,
      "scenarios.chat.server.url",
      `got "${url}", expected a URL such as http://127.0.0.1:8000`,
    ]),
    ["scenarios:\n  chat:\n    server: {}\n", 3, "scenarios.chat.server.url", "got nothing, expected a text"],
    // The file as a whole.
    ["- a\n", 1, "(the file)", 'got ["a"], expected a mapping'],
    ["just words\n", 1, "(the file)", 'got "just words", expected a mapping'],
  ])("is told with its place, path, value and what was expected: %j", (text, line, path, sentence) => {
    expect(linesOf(text)).toEqual([`gate.yml:${line}: ${path}: ${sentence}`]);
  });

  it("is cut when it is long", () => {
    const [message] = linesOf(atTop(`rounds: "${"x".repeat(5000)}"`));
    expect(message).toMatch(/^gate\.yml:4: rounds: got "x{56}\.\.\., expected a number$/);
  });

  it("is found behind an alias, at the line where it stands", () => {
    const text = "scenarios:\n  a: &a\n    model: m\n    readyTimeoutS: soon\n  b: *a\n";
    expect(linesOf(text)).toEqual([
      'gate.yml:4: scenarios.a.readyTimeoutS: got "soon", expected a number',
      'gate.yml:4: scenarios.b.readyTimeoutS: got "soon", expected a number',
    ]);
  });

  it("is found under a scenario whose name is a number", () => {
    const text = "scenarios:\n  1:\n    model:\n      [5]\n";
    expect(linesOf(text)).toEqual(["gate.yml:3: scenarios.1.model: got [5], expected a text"]);
  });

  it("is told for each place, so that one run shows them all", () => {
    const text = `${inScenario("readyTimeoutS: soon")}rounds: three\nonInvalid: ignore\n`;
    expect(linesOf(text).map((line) => line.split(": ", 2).join(" "))).toEqual([
      "gate.yml:4 scenarios.chat.readyTimeoutS",
      "gate.yml:5 rounds",
      "gate.yml:6 onInvalid",
    ]);
  });
});

describe("explainIssues: a missing value", () => {
  it.each(["", "null\n", "# nothing yet\n", "rounds: 2\n"])("names scenarios for %j", (text) => {
    expect(linesOf(text)).toEqual([
      expect.stringMatching(/^gate\.yml(:\d+)?: scenarios: got nothing, expected a mapping$/),
    ]);
  });

  it("names the model at the line of its scenario", () => {
    expect(linesOf("scenarios:\n  other:\n    model: m\n  chat:\n    args: --a\n")).toEqual([
      "gate.yml:4: scenarios.chat.model: got nothing, needs a `model`, or `server.url` of a running server",
    ]);
  });
});

describe("explainIssues: a wrong key", () => {
  it.each<[text: string, line: number, path: string, key: string, nearest: string | null, known: string]>([
    [
      atTop("rouns: 3"),
      4,
      "rouns",
      "rouns",
      "rounds",
      "scenarios, sessions, maxSessions, compareTo, rounds, recordSessions, budgetMinutes, baselineDir, " +
        "baselineMaxAgeDays, onInconclusive, onInvalid, onDirty, reportOnly, policy",
    ],
    [inScenario("modle: x"), 4, "scenarios.chat.modle", "modle", "model", SCENARIO_KEYS],
    [inScenario("zzzzzz: x"), 4, "scenarios.chat.zzzzzz", "zzzzzz", null, SCENARIO_KEYS],
    [
      inScenario("probes:\n      ttft:\n        warmRequest: 9"),
      6,
      "scenarios.chat.probes.ttft.warmRequest",
      "warmRequest",
      "warmRequests",
      "cold, warmRequests, promptTokens, outputTokens",
    ],
    [
      inScenario("probes: {decode: {}}"),
      4,
      "scenarios.chat.probes.decode",
      "decode",
      null,
      "ttft, batching, prefix, kv, traffic",
    ],
    [
      inScenario("limits: {batching.c8.tpot_floor_ms: {max: 1, mim: 0}}"),
      4,
      "scenarios.chat.limits.batching.c8.tpot_floor_ms.mim",
      "mim",
      "min",
      "min, max",
    ],
    [
      "scenarios:\n  chat:\n    server:\n      url: http://host\n      apiKey: A\n",
      5,
      "scenarios.chat.server.apiKey",
      "apiKey",
      null,
      "url, apiKeyEnv",
    ],
    [
      atTop("policy:\n  allowFlag: [--x]"),
      5,
      "policy.allowFlag",
      "allowFlag",
      "allowFlags",
      "allowFlags, allowEnv, allowServers, allowCommands",
    ],
  ])(
    "is told with its place, the nearest key and those that exist: %j",
    (text, line, path, key, nearest, known) => {
      const guess = nearest === null ? "" : ` Did you mean \`${nearest}\`?`;
      expect(linesOf(text)).toEqual([
        `gate.yml:${line}: ${path}: unknown key \`${key}\`.${guess} Expected one of: ${known}.`,
      ]);
    },
  );

  it.each<[text: string, line: number, path: string, expected: string]>([
    [
      "scenarios:\n  a/b:\n    model: m\n",
      2,
      "scenarios.a/b",
      "expected letters, digits, '.', '_' and '-', at most 64",
    ],
    ["scenarios:\n  history:\n    model: m\n", 2, "scenarios.history", "`history` is a reserved name"],
    [
      inScenario("tolerances:\n      tpot: {relative: 0.1}"),
      5,
      "scenarios.chat.tolerances.tpot",
      "expected a metric id such as ttft.warm.floor_ms",
    ],
    [
      inScenario("levels: {Batching.c8: gate}"),
      4,
      "scenarios.chat.levels.Batching.c8",
      "expected a metric id such as ttft.warm.floor_ms",
    ],
  ])("that is a name of its own is told with what it may be: %j", (text, line, path, expected) => {
    expect(linesOf(text)).toEqual([`gate.yml:${line}: ${path}: ${expected}`]);
  });

  it.each(["command", "args", "env"])("is %s beside server.url", (key) => {
    const value = key === "env" ? "{}" : '""';
    const text = `scenarios:\n  chat:\n    server: {url: "http://host"}\n    ${key}: ${value}\n`;
    expect(linesOf(text)).toEqual([`gate.yml:4: scenarios.chat.${key}: got ${value}, ${NO_EFFECT}`]);
  });

  it("stays on one line of the message whatever it holds", () => {
    const lines = linesOf(inScenario('"a\\n::error::b\\e": 1'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("scenarios.chat.a\\u000a::error::b\\u001b: unknown key");
  });

  it("may be the name of an object's own parts", () => {
    for (const text of [atTop("__proto__: 3"), inScenario("__proto__: 3")]) {
      expect(linesOf(text)[0]).toMatch(/^gate\.yml:\d: `__proto__` cannot be a key: choose another name$/);
    }
    expect(linesOf(inScenario("constructor: 3"))[0]).toMatch(/^gate\.yml:4: .*unknown key `constructor`/);
  });
});

describe("parseConfig: text that is not YAML", () => {
  it.each<[what: string, text: string, line: number, says: RegExp]>([
    ["a tab as indentation", "scenarios:\n\tchat: 1\n", 2, /tab/i],
    ["a list that is not closed", "scenarios: [a\nrounds: 1\n", 2, /\]/],
    ["a quote that is not closed", "scenarios:\n  chat:\n    model: 'x\n", 4, /quote/],
    ["a mapping within a line", "rounds: a: b\n", 1, /mapping/i],
    ["two documents", "rounds: 1\n---\nrounds: 2\n", 2, /multiple documents/],
    [
      "a scenario twice",
      "scenarios:\n  chat:\n    model: a\n  chat:\n    model: b\n",
      4,
      /`chat` stands twice/,
    ],
    ["a key twice in a scenario", inScenario("model: b"), 4, /`model` stands twice/],
    ["a key twice in a flow", inScenario("server: {url: a, url: b}"), 4, /`url` stands twice/],
  ])("says what is wrong and where: %s", (_, text, line, says) => {
    const lines = linesOf(text);
    expect(lines[0]).toMatch(new RegExp(`^gate\\.yml:${line}: `));
    expect(lines[0]).toMatch(says);
  });

  it("refuses an alias of nothing", () => {
    expect(linesOf("scenarios: *x\n")[0]).toMatch(/^gate\.yml.*alias.*x/);
  });

  it("refuses aliases that grow without bound, and files that do", () => {
    const grow = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(", ")}]\n`;
    const bomb = grow("a", "x") + grow("b", "*a") + grow("c", "*b") + grow("d", "*c");
    expect(linesOf(bomb)[0]).toMatch(/^gate\.yml: .*alias/i);
    expect(linesOf(`# ${"x".repeat(1_000_001)}\n`)[0]).toMatch(/^gate\.yml: .*expected at most 1000000/);
  });
});
