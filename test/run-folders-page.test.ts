import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { compareRuns } from "../src/comparing.ts";
import { diffFingerprints } from "../src/domain/fingerprint.ts";
import { type RunRecord, runRecordSchema, type SessionRecord } from "../src/domain/run.ts";
import { type RequestTrace, requestTraceSchema } from "../src/domain/trace.ts";
import { writeHtmlReport } from "../src/html-report.ts";
import { CATALOGUE } from "../src/measure/catalogue.ts";
import { measureRun } from "../src/measure/measure.ts";
import { recordRuns } from "../src/recording.ts";
import { renderComment } from "../src/report/comment.ts";
import { formatValue } from "../src/report/numbers.ts";
import { commentInputOf, readReported } from "../src/reporting.ts";
import { fingerprint, timedTrace } from "./support/builders.ts";
import { tempDir } from "./support/temp-dir.ts";

const page = await readFile(new URL("../docs/run-folders.md", import.meta.url), "utf8");

/** The code block of a file. */
function block(name: string): string {
  const found = [...page.matchAll(/^```\w+ (.+)\n([\s\S]*?)^```$/gm)].find(([, title]) => title === name);
  if (found === undefined) throw new Error(`the page has no block of ${name}`);
  return found[2] as string;
}

/** The rows of the table with these columns. */
function rows(header: string): string[][] {
  const [, after] = page.split(`| ${header} |\n`);
  if (after === undefined) throw new Error(`the page has no table of ${header}`);
  const lines = after.slice(0, after.search(/\n(?!\|)/)).split("\n");
  return lines.slice(1).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const spans = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span as string);

async function write(folder: string, run: unknown, traces: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "run.json"), typeof run === "string" ? run : JSON.stringify(run));
  await writeFile(join(folder, "traces.jsonl"), traces);
  return folder;
}

/** The folders of the page. */
async function folders(): Promise<{ cwd: string; a: string; b: string }> {
  const cwd = await tempDir();
  const [a, b] = await Promise.all(
    ["A", "B"].map((name) => write(join(cwd, name), block("run.json"), block(`${name}/traces.jsonl`))),
  );
  return { cwd, a: a as string, b: b as string };
}

/** So many folders of one session each, or one folder of so many sessions. */
async function sessions(name: "A" | "B", count: number, together: boolean): Promise<string[]> {
  const cwd = await tempDir();
  const run = JSON.parse(block("run.json")) as RunRecord;
  const traces = block(`${name}/traces.jsonl`);
  const numbers = Array.from({ length: count }, (_, index) => index);
  if (!together) return Promise.all(numbers.map((index) => write(join(cwd, String(index)), run, traces)));
  const all = { ...run, sessions: numbers.map((index) => ({ variant: "head", index, outcome: "ok" })) };
  const lines = numbers.map((index) => traces.replaceAll('"session":0', `"session":${index}`));
  return [await write(join(cwd, "all"), all, lines.join(""))];
}

describe("the folders of docs/run-folders.md", () => {
  it("are compared, and come to what the page says", async () => {
    const { a, b } = await folders();
    const { comparison, verdict } = await compareRuns([a], [b], () => null);
    const gated = comparison.comparisons.filter(({ level }) => level === "gate");
    expect(rows("gated metric | A | B | verdict")).toEqual(
      gated.map((each) => [
        `\`${each.metric}\``,
        formatValue(each.base, each.unit),
        formatValue(each.head, each.unit),
        `\`${each.verdict}\``,
      ]),
    );
    expect(verdict.verdict).toBe("inconclusive");
    expect(comparison.taints).toEqual([]);
  });

  it.each([true, false])(
    "are regressed with as many sessions as the page says, in one folder: %s",
    async (one) => {
      expect(page).toMatch(
        /Five sessions of the\s+base and three of head, each as slow, are `regressed` \(exit 1\)/,
      );
      const { verdict } = await compareRuns(
        await sessions("A", 5, one),
        await sessions("B", 3, one),
        () => null,
      );
      expect(verdict).toMatchObject({ verdict: "regressed", exitCode: 1 });
    },
  );

  it("become a baseline, and are compared with it", async () => {
    const { cwd, a, b } = await folders();
    const { path, baseline } = await recordRuns([a], "baselines", { cwd });
    expect(Object.keys(baseline.metrics)).toContain("batching.c1.tpot_floor_ms");
    const { verdict } = await compareRuns([join(cwd, path)], [b], () => null);
    expect(verdict.verdict).toBe("inconclusive");
  });

  it("are reported with what `compare --json` prints", async () => {
    const { cwd, a, b } = await folders();
    await expect(readReported(b)).rejects.toThrow("verdict.json: no such file");
    const { comparison, verdict } = await compareRuns([a], [b], () => null);
    const printed = JSON.stringify({ ...comparison, ...verdict });
    for (const name of ["verdict.json", "comparison.json"]) await writeFile(join(b, name), printed);
    const input = commentInputOf(await readReported(b), cwd);
    expect(renderComment(input)).toContain("| `batching.c1.tpot_floor_ms` |");
    const warnings: string[] = [];
    await writeHtmlReport(b, input, { warn: (text) => warnings.push(text) });
    expect(warnings).toEqual([]);
    expect(await readFile(join(b, "report.html"), "utf8")).toContain("batching.c1");
  });

  it("lose a last line without its end, and lines of a session that is not listed", async () => {
    const { a, b } = await folders();
    const traces = block("B/traces.jsonl");
    const of = async () => {
      const { comparison } = await compareRuns([a], [b], () => null);
      return comparison.comparisons.find(({ metric }) => metric === "batching.c1.tpot_floor_ms");
    };
    await writeFile(join(b, "traces.jsonl"), traces.trimEnd());
    expect(await of()).toMatchObject({
      verdict: "invalid",
      reason: expect.stringContaining("needs 5 samples, got 4"),
    });
    await writeFile(join(b, "traces.jsonl"), traces + traces.replaceAll('"session":0', '"session":7'));
    expect((await of())?.headSessions).toHaveLength(1);
  });
});

describe("what docs/run-folders.md says of folders that are not fit", () => {
  const verdictOf = async (run: string, traces: string) => {
    const { a, b } = await folders();
    await write(b, run, traces);
    return (await compareRuns([a], [b], () => null)).verdict;
  };

  it.each(
    rows("field | needed | meaning")
      .filter(([field]) => field === "`sessions.*.outcome`")
      .flatMap(([, , meaning = ""]) => spans(meaning))
      .filter((word) => word !== "invalid" && word !== "ok"),
  )("a session that is %s besides", async (outcome) => {
    const run = block("run.json").replace(
      '"outcome": "ok" }',
      `"outcome": "ok" }, { "variant": "head", "index": 1, "outcome": "${outcome}" }`,
    );
    const { verdict } = await verdictOf(run, block("B/traces.jsonl"));
    expect(verdict).toBe(["cancelled", "running"].includes(outcome) ? "inconclusive" : "invalid");
  });

  it.each([
    ["arrivals that do not add up", ",2]]", ",1]]"],
    ["more cached tokens than prompt tokens", '"cachedTokens":null', '"cachedTokens":201'],
  ])("%s", async (_, from, to) => {
    const { verdict } = await verdictOf(block("run.json"), block("B/traces.jsonl").replace(from, to));
    expect(verdict).toBe("invalid");
  });

  it.each([
    [10, false],
    [11, true],
  ])("misses with %i of 200 tokens cached: invalid %s", async (cached, invalid) => {
    const misses = block("B/traces.jsonl")
      .replaceAll('"batching","case":"c1"', '"prefix","case":"miss.1024"')
      .replaceAll('"cachedTokens":null', `"cachedTokens":${cached}`);
    const { a, b } = await folders();
    await write(b, block("run.json"), misses);
    const { comparison } = await compareRuns([a], [b], () => null);
    expect(comparison.taints.length > 0).toBe(invalid);
    expect(comparison.comparisons.map(({ metric }) => metric)).toContain("prefix.miss.1024.c1.ttft_floor_ms");
  });
});

/** Whether a key must be there, and may be null, in the words of the tables. */
function needOf(schema: z.ZodType): string {
  if (schema.safeParse(undefined).success) return "no";
  return schema.safeParse(null).success ? "yes, or `null`" : "yes";
}

describe("the fields of docs/run-folders.md", () => {
  const { variants, sessions: list, ...shape } = runRecordSchema.shape;
  const inner: Readonly<Record<string, z.ZodType>> = {
    ...shape,
    variants,
    sessions: list,
    ...within("variants", variants.valueType.shape),
    ...within("sessions", list.element.shape),
  };

  function within(name: string, fields: Readonly<Record<string, z.ZodType>>) {
    return Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${name}.*.${key}`, value]));
  }

  it("of run.json are those of its schema, and all that are needed", () => {
    const said = Object.fromEntries(
      rows("field | needed | meaning").map(([field = "", needed]) => [spans(field)[0] as string, needed]),
    );
    for (const [field, needed] of Object.entries(said)) {
      expect(inner[field], field).toBeDefined();
      expect(needed, field).toBe(needOf(inner[field] as z.ZodType));
    }
    const needed = Object.entries(inner).flatMap(([field, schema]) =>
      needOf(schema) === "no" ? [] : [field],
    );
    expect(Object.keys(said)).toEqual(expect.arrayContaining(needed));
  });

  it("of traces.jsonl are those of its schema", () => {
    const said = rows("field | needed | unit | meaning").map(([field = "", needed]) => [
      spans(field)[0],
      needed,
    ]);
    expect(said).toEqual(
      Object.entries(requestTraceSchema.shape).map(([field, schema]) => [field, needOf(schema)]),
    );
  });

  it("of the fingerprint are compared as the page says", () => {
    const said = rows("field | unit | where it differs").map(([field = "", , rule = ""]) => {
      const name = spans(field)[0] as string;
      const ruleOf = (gpuModel: string | null) =>
        diffFingerprints({ gpuModel, [name]: "a" }, { gpuModel, [name]: "b" })[0]?.rule;
      const words = { must: "`invalid`", note: "shown" };
      expect(rule.startsWith(words[ruleOf("H200") ?? "note"]), name).toBe(true);
      const withoutGpu = name === "gpuModel" || ruleOf(null) === ruleOf("H200");
      expect(rule.includes("where neither side has a `gpuModel`"), name).toBe(!withoutGpu);
      return name;
    });
    expect(said).toEqual(expect.arrayContaining(Object.keys(fingerprint())));
  });
});

const METRICS = "probe | case | requests | also needs | metrics";
const OF_SESSIONS = "field | unit | metrics";

/** The name of a case or metric with numbers for `<n>` and `<k>`. */
const filled = (text: string) => text.replaceAll(/<[nk]>/g, "8");

describe("the metrics of docs/run-folders.md", () => {
  const measured = (traces: readonly RequestTrace[], session: Partial<SessionRecord>, slo: boolean) => {
    const run = runRecordSchema.parse(JSON.parse(block("run.json")));
    const [first] = run.sessions;
    const record = { ...run, sessions: [{ ...(first as SessionRecord), ...session }] };
    const promised = slo ? { slo: { ttftP95Ms: 100 } } : {};
    const { measurements } = measureRun({ ...record, ...promised }, traces);
    return new Set(measurements.map(({ metric }) => metric));
  };

  it.each(rows(METRICS).map((cells) => [cells.slice(0, 4).join(" "), cells] as const))("%s", (_, cells) => {
    const [probeCell = "", caseCell = "", requests = "", also = "", metrics = ""] = cells;
    const probe = spans(probeCell)[0] ?? "batching";
    const least = Number.parseInt(requests, 10);
    const ids = spans(metrics).map(filled);
    const names = /^(two|three) /.test(caseCell)
      ? ["c1", "c8", "c4"].slice(0, caseCell.startsWith("two") ? 2 : 3)
      : caseCell === "any"
        ? [probe === "traffic" ? "closed" : "c8"]
        : spans(caseCell).map(filled);
    const send = (count: number, without: readonly string[] = [], cases: readonly string[] = names) => {
      const gaps = requests.endsWith("gaps");
      return cases.flatMap((name) =>
        Array.from({ length: gaps ? 1 : count }, (_, index) => {
          const times = { startS: 10 + index, ttftMs: 20, tpotMs: 4, tokens: gaps ? count + 1 : 5 };
          const own = {
            probe,
            case: name,
            id: `${probe}.${name}.${index}`,
            cachedTokens: name.startsWith("hit") ? 150 : 0,
          };
          const trace: RequestTrace = timedTrace(times, own);
          if (without.includes("arrivals")) delete trace.arrivals;
          for (const field of ["outputTokens", "promptTokens", "cachedTokens"] as const)
            if (without.includes(field)) trace[field] = null;
          return trace;
        }),
      );
    };
    const needs = spans(also);
    const slo = needs.includes("slo");
    const all = measured(send(least), {}, slo);
    expect([...all]).toEqual(expect.arrayContaining(ids));
    // With what the row does not name left out as well.
    const bare = ["arrivals", "outputTokens", "promptTokens", "cachedTokens"].filter(
      (field) => !needs.includes(field),
    );
    expect([...measured(send(least, bare), {}, slo)]).toEqual(expect.arrayContaining(ids));
    const lacking = [
      measured(send(least - 1), {}, slo),
      ...(names.length > 1 ? [measured(send(least, [], names.slice(1)), {}, slo)] : []),
      ...needs.map((field) => measured(send(least, [field]), {}, slo && field !== "slo")),
    ];
    for (const some of lacking) for (const id of ids) expect(some.has(id), id).toBe(false);
  });

  it.each(
    rows(OF_SESSIONS).map(([field = "", , metrics = ""]) => [spans(field)[0] ?? "", spans(metrics)] as const),
  )("come from the session's %s", (field, ids) => {
    const [outer = "", key] = field.split(".");
    const session = { [outer]: key === undefined ? 2 : { [key]: 2 } };
    const found = measured([], session, false);
    expect([...found]).toEqual(ids);
  });

  it("are all that there are, and gated where they are bold", () => {
    const [, rest = ""] = page.split("And these need what the gate itself reads");
    const others = spans(rest.slice(0, rest.indexOf("\n## "))).filter((span) =>
      /^[a-z]+\.[a-z<>_.]+$/.test(span),
    );
    const cells = [...rows(METRICS), ...rows(OF_SESSIONS)].map((row) => row.at(-1) ?? "");
    const ids = [...cells.flatMap(spans), ...others];
    expect(ids.sort()).toEqual(CATALOGUE.map(({ id }) => id).sort());
    const bold = cells.flatMap((cell) => [...cell.matchAll(/\*\*`([^`]+)`\*\*/g)].map(([, id]) => id));
    expect(bold.sort()).toEqual(
      CATALOGUE.filter(({ level }) => level === "gate")
        .map(({ id }) => id)
        .sort(),
    );
  });
});
