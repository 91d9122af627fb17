import { describe, expect, it } from "vitest";
import type { CountedGroup } from "../../src/domain/prefix-prompts.ts";
import type { CasePlan } from "../../src/probe/case-plan.ts";
import { checkShared, loadCases } from "../../src/probe/prefix-load.ts";
import {
  countGroup,
  generateGroup,
  prefixesToOverflow,
  textSha256,
  WORKLOADS,
} from "../../src/probe/prompt-set.ts";
import { formatPromptFile, readPromptFile } from "../../src/probe/prompt-set-file.ts";
import { Tokenizer } from "../../src/simulator/tokenizer.ts";

const standIn = new Tokenizer("/no/such/folder", 4096, 2);
const tools = { tokenize: async (text: string) => standIn.encode(text) };
const SIZE = { regime: 512, variants: 20, maxConcurrency: 8, capacityTokens: 8192 };

async function group(name: string, size = SIZE): Promise<CountedGroup> {
  const workload = WORKLOADS[name]!;
  return countGroup(await generateGroup(name, workload, size, "seed", tools), tools);
}
const prefixCount = ({ prompts }: CountedGroup) => new Set(prompts.map((each) => each.prefixSha256)).size;

describe("generated prompts", () => {
  it.each([512, 1024, 2048])("share %d tokens exactly, by the server's tokenizer", async (regime) => {
    const made = await group("policy", { ...SIZE, regime });
    expect(made.prompts).toHaveLength(20);
    expect(prefixCount(made)).toBe(1);
    const [tokens] = Object.values(made.prefixTokens);
    expect(tokens?.own).toBe(regime);
    expect(regime - (tokens?.shared ?? 0)).toBeLessThanOrEqual(1);
    expect(new Set(made.prompts.map(({ suffix }) => suffix)).size).toBe(20);
    expect(Math.min(...made.promptTokens)).toBeGreaterThan(regime);
  });

  it.each([
    ["policy", 1],
    ["tenant", 4],
    ["session", 8],
    ["tools", 1],
    ["grader", 1],
    ["churn", 5],
    ["unique", 20],
    ["thrash", 24],
  ])("of %s have %d prefixes", async (name, prefixes) => {
    expect(prefixCount(await group(name))).toBe(prefixes);
  });

  it("give seven of ten requests to the hot tenant", async () => {
    const { prompts } = await group("tenant");
    const hot = prompts.filter((each) => each.prefixSha256 === prompts[0]?.prefixSha256);
    expect(hot).toHaveLength(14);
  });

  it("continue a conversation turn by turn", async () => {
    const { prompts } = await group("session");
    const turns = prompts.filter((each) => each.thread === "3").map(({ prefix, suffix }) => prefix + suffix);
    expect(turns).toHaveLength(3);
    expect(turns[1]?.startsWith(turns[0] ?? "")).toBe(true);
    expect(turns[2]?.startsWith(turns[1] ?? "")).toBe(true);
  });

  it("are as many as overflow the cache, or as many as can be sent", () => {
    expect(prefixesToOverflow(1024, 65_536)).toEqual({ needed: 96, sent: 96 });
    expect(prefixesToOverflow(1024, 4_593_872)).toEqual({ needed: 6730, sent: 256 });
    expect(prefixesToOverflow(1024, null)).toEqual({ needed: null, sent: 256 });
  });

  it("need the server's tokenizer", async () => {
    const without = { tokenize: async () => null };
    await expect(generateGroup("policy", WORKLOADS["policy"]!, SIZE, "seed", without)).rejects.toThrow(
      "/tokenize",
    );
  });
});

describe("the prompt file", () => {
  it("has a line for each prompt, with the proof of its prefix, and reads back as it was", async () => {
    const groups = [await group("policy"), await group("session")];
    const text = formatPromptFile(groups);
    const [first] = text
      .split("\n")
      .map((line) => (line === "" ? {} : JSON.parse(line)) as Record<string, unknown>);
    expect(first).toMatchObject({ workload: "policy", prefix_regime: "512", id: 0, prefix_tokens: 512 });
    const bytes = Buffer.from(String(first?.["prompt"])).subarray(0, Number(first?.["prefix_bytes"]));
    expect(textSha256(bytes.toString())).toBe(first?.["prefix_sha256"]);
    const read = readPromptFile(text, "f.jsonl");
    expect(read).toEqual(groups.map(({ workload, regime, prompts }) => ({ workload, regime, prompts })));
  });

  const file = (lines: readonly Record<string, unknown>[]) =>
    lines.map((line) => JSON.stringify(line)).join("\n");
  const shared = "You are the assistant of a shop. ".repeat(40);

  it("of the user's own: what all its prompts share is found", () => {
    const [found] = readPromptFile(
      file(
        ["a", "b", "ä", "ö"].map((end) => ({
          prompt: `${shared}${end}`,
          workload: "chat",
          prefix_regime: 256,
        })),
      ),
      "mine.jsonl",
    );
    expect(found).toMatchObject({ workload: "chat", regime: "256" });
    expect(new Set(found?.prompts.map(({ prefix }) => prefix))).toEqual(new Set([shared]));
    expect(found?.prompts.map(({ suffix }) => suffix)).toEqual(["a", "b", "ä", "ö"]);
    expect(found?.prompts[0]?.prefixSha256).toBe(textSha256(shared));
  });

  it.each<[what: string, lines: Record<string, unknown>[], message: string]>([
    [
      "prompts that differ too early for their regime",
      [0, 1, 2].map((id) => ({ prompt: `Case ${id}: ${shared}`, prefix_regime: "1024", id })),
      'mine.jsonl:2: prompts of workload user, regime 1024 share their first 5 bytes only, expected 1024 or more: here follows "1: You',
    ],
    [
      "a single prompt",
      [{ prompt: shared, prefix_regime: "512" }],
      "the only prompt of workload user, regime 512",
    ],
    [
      "unique prompts that share a prefix",
      [0, 1].map((id) => ({ prompt: `${shared}${id}`, workload: "unique" })),
      "a prompt of the workload unique shares its first 1320 bytes with mine.jsonl:1",
    ],
    [
      "a hash that is another's",
      [{ prompt: shared, prefix_bytes: 10, prefix_sha256: "0".repeat(64) }],
      "mine.jsonl:1: the first 10 bytes hash to",
    ],
    [
      "a beginning longer than the prompt",
      [{ prompt: "x", prefix_bytes: 10 }],
      "prefix_bytes is 10, the prompt has 1",
    ],
    [
      "a name that is a path",
      [{ prompt: "x", workload: "../etc" }],
      "mine.jsonl:1: workload: letters, digits",
    ],
    ["no prompt", [{ text: "x" }], "mine.jsonl:1: prompt:"],
    ["nothing", [], "mine.jsonl: no prompt in it"],
  ])("refuses %s", (_, lines, message) => {
    expect(() => readPromptFile(file(lines), "mine.jsonl")).toThrow(message);
  });

  it("refuses what is no JSON", () => {
    expect(() => readPromptFile("{", "mine.jsonl")).toThrow("mine.jsonl:1: no JSON");
  });

  it("takes unique prompts that begin each with something of its own", () => {
    const [found] = readPromptFile(
      file([0, 1].map((id) => ({ prompt: `${id} ${shared}`, workload: "unique" }))),
      "mine.jsonl",
    );
    expect(found?.workload).toBe("unique");
  });
});

describe("the case of a cell", () => {
  const target = { model: "org/model" };
  const options = { concurrency: 8, outputTokens: 8, round: 0, primary: false };
  const loadCase = (...given: Parameters<typeof loadCases>) => loadCases(...given)[0] as CasePlan;
  const textsOf = (requests: readonly { body: Buffer }[]) =>
    requests.map(({ body }) => (JSON.parse(body.toString("utf8")) as { prompt: string }).prompt);

  it("sends every prompt with its prefix as it is, and nothing twice", async () => {
    const policy = await group("policy");
    const plan = loadCase(target, policy, "all", options);
    expect(plan).toMatchObject({ probe: "prefix", case: "policy.512.c8", concurrency: 8, mustMiss: false });
    const texts = textsOf([...plan.warmup, ...plan.measure]);
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.every((text) => text.startsWith(policy.prompts[0]?.prefix ?? "-"))).toBe(true);
    expect(plan.measure).toHaveLength(20);
    expect(plan.warmup).toHaveLength(1 + 16);
  });

  it("sends two waves at least", async () => {
    const plan = loadCase(target, await group("policy"), "all", { ...options, concurrency: 32 });
    expect(plan.measure).toHaveLength(80);
  });

  it("sends the same bytes to every server, others in another round or cell", async () => {
    const policy = await group("policy");
    const texts = (given: typeof options) => textsOf(loadCase(target, policy, "all", given).measure);
    expect(texts(options)).toEqual(texts(options));
    for (const other of [
      { ...options, round: 1 },
      { ...options, concurrency: 16 },
    ]) {
      expect(texts(other).filter((text) => texts(options).includes(text))).toEqual([]);
    }
  });

  it("begins with a mark of its own where nothing may be shared", async () => {
    const plan = loadCase(target, await group("unique"), "none", options);
    expect(plan).toMatchObject({ case: "unique.512.c8", mustMiss: true });
    const texts = textsOf([...plan.warmup, ...plan.measure]);
    expect(new Set(texts.map((text) => text.slice(0, 10))).size).toBe(texts.length);
  });

  it("keeps a conversation's turns one text", async () => {
    const plan = loadCase(target, await group("session"), "all", options);
    const texts = textsOf(plan.measure);
    expect(texts[8]?.startsWith(texts[0] ?? "-")).toBe(true);
  });

  it("leaves versions of a prefix alone that are to be new when they are measured, in every cell", async () => {
    const churn = await group("churn");
    const [first] = churn.prompts;
    const plan = loadCase(target, churn, "first", options);
    expect(textsOf(plan.warmup).every((text) => text.includes(first?.prefix ?? "-"))).toBe(true);
    const beginnings = (concurrency: number) =>
      new Set(
        textsOf(loadCase(target, churn, "first", { ...options, concurrency }).measure).map((text) =>
          text.slice(0, 10),
        ),
      );
    expect(beginnings(8).size).toBe(5);
    expect([...beginnings(8)].filter((each) => beginnings(16).has(each))).toEqual([]);
    expect(beginnings(8)).toContain(textsOf(plan.warmup)[0]?.slice(0, 10));
  });

  it("lets hits of the main workload take turns with misses of the same prompts", async () => {
    const policy = await group("policy");
    const plans = loadCases(target, policy, "all", { ...options, concurrency: 1, primary: true });
    const [miss, hit] = ["miss.512.c1 5", "hit.512.c1 5"];
    expect(plans.map((plan) => `${plan.case} ${plan.measure.length}`)).toEqual([
      ...[miss, hit, hit, miss],
      ...[miss, hit, hit, miss],
    ]);
    expect(plans.map((plan) => plan.mustMiss)).toEqual(plans.map((plan) => plan.case.startsWith("miss")));
    expect(plans.map((plan) => plan.warmup.length)).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
    const begins = (kind: string) =>
      textsOf(
        plans
          .filter((plan) => plan.case.startsWith(kind))
          .flatMap((plan) => [...plan.warmup, ...plan.measure]),
      ).map((text) => text.slice(0, 20));
    expect(new Set(begins("hit")).size).toBe(1);
    expect(new Set(begins("miss")).size).toBe(21);
    const turns = loadCases(target, await group("session"), "all", { ...options, primary: true });
    const missed = textsOf(
      turns.filter((plan) => plan.mustMiss).flatMap((plan) => [...plan.warmup, ...plan.measure]),
    );
    expect(new Set(missed.map((text) => text.slice(0, 10))).size).toBe(missed.length);
    const wide = loadCases(target, policy, "all", { ...options, concurrency: 32, primary: true });
    expect(wide.map((plan) => plan.measure.length)).toEqual([32, 32, 32, 32]);
  });

  it("is refused when the user's prompts share less than their regime says", async () => {
    const made = await group("policy");
    expect(() => checkShared({ ...made, regime: "1024" }, "mine.jsonl")).toThrow(
      /mine.jsonl: .* share 51[12] tokens by the server's tokenizer, expected about 1024/,
    );
    expect(() => checkShared(made, "mine.jsonl")).not.toThrow();
  });
});
