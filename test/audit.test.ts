import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AuditRequest, runAudit } from "../src/audit.ts";
import { formatBaseline, sealed } from "../src/baseline/baseline-text.ts";
import type { Baseline } from "../src/domain/baseline.ts";
import { baseline } from "./support/builders.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const FILE = "baselines/chat/h200.json";

/** A git repository with a clock of its own. */
class Repository {
  readonly #folder: string;
  #day = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  async git(...args: string[]): Promise<string> {
    const date = new Date(Date.parse("2026-09-01T00:00:00Z") + this.#day * 86_400_000).toISOString();
    const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_CONFIG_GLOBAL: "/dev/null" };
    const name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    const { stdout } = await execa("git", [...name, ...args], { cwd: this.#folder, env });
    return stdout;
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.#folder, path)), { recursive: true });
    await writeFile(join(this.#folder, path), text);
  }

  async move(from: string, to: string): Promise<void> {
    await mkdir(dirname(join(this.#folder, to)), { recursive: true });
    await rename(join(this.#folder, from), join(this.#folder, to));
  }

  /** @returns the commit's id */
  async commit(subject: string): Promise<string> {
    this.#day += 1;
    await this.git("add", "-A");
    await this.git("commit", "-q", "--allow-empty", "-m", subject);
    return (await this.git("rev-parse", "HEAD")).trim();
  }
}

let runs = 0;

interface Values {
  readonly tpot?: number;
  readonly kv?: number;
  readonly reason?: string;
  readonly scenario?: string;
  readonly recordedAt?: string;
}

/** A baseline as `record` writes it, of another run each time. */
function recorded({
  tpot = 4,
  kv = 1_000_000,
  reason,
  scenario = "chat",
  recordedAt,
}: Values = {}): Baseline {
  runs += 1;
  const made = baseline();
  const session = {
    ...made.sessions[0]!,
    runSha256: String(runs),
    recordedAt: recordedAt ?? "2026-11-20T00:00:00Z",
  };
  return sealed({
    ...made,
    scenario,
    sessions: [session],
    change: { kind: "recorded", at: session.recordedAt, reason: reason ?? null, metrics: null },
    metrics: {
      "batching.c8.tpot_floor_ms": { unit: "ms", n: 2, spread: 0, sessions: [[tpot, tpot]] },
      "kv.capacity_tokens": { unit: "tokens", n: 1, spread: 0, sessions: [[kv]] },
    },
  });
}

const config = (rules = "") => `scenarios:\n  chat:\n    model: org/model\n${rules}`;

let repository: Repository;
beforeAll(async () => {
  repository = new Repository(await mkdtemp(join(tmpdir(), "vllm-gate-audit-")));
});
afterAll(() => rm(repository.folder, { recursive: true, force: true }));

/** Begins a history of its own in the same folder. */
async function begin(): Promise<Repository> {
  await rm(repository.folder, { recursive: true, force: true });
  await mkdir(repository.folder);
  await repository.git("init", "-q", "-b", "main");
  await repository.write("vllm-gate.yml", config());
  return repository;
}

const audit = (more: Partial<AuditRequest> = {}) =>
  runAudit({
    cwd: repository.folder,
    configPath: "vllm-gate.yml",
    now: NOW,
    ...more,
  });

describe("runAudit", () => {
  it("invents nothing in a clean history: first record, improvement, a loss with a reason, a rename, noise", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.write(FILE, formatBaseline(recorded({ tpot: 3.5 })));
    await repo.commit("faster");
    await repo.write(FILE, formatBaseline(recorded({ tpot: 3.9, reason: "fp8 was wrong" })));
    await repo.commit("slower, and why");
    await repo.move(FILE, "baselines/chat/h200-new-name.json");
    await repo.commit("rename");
    await repo.write("baselines/chat/h200-new-name.json", formatBaseline(recorded({ tpot: 3.91 })));
    await repo.commit("again");
    await repo.write(
      "vllm-gate.yml",
      config("    tolerances:\n      batching.*.tpot_floor_ms: { relative: 0.03 }\n"),
    );
    await repo.commit("a tolerance, once");
    const { audit: found, page } = await audit();
    expect(found.findings).toEqual([]);
    expect(page).toContain("# Nothing suspicious in the baselines' history");
    expect(found.moves.map(({ metric, from, to, reason }) => [metric, from, to, reason])).toEqual([
      ["batching.c8.tpot_floor_ms", 4, 3.5, null],
      ["batching.c8.tpot_floor_ms", 3.5, 3.9, "fp8 was wrong"],
      ["batching.c8.tpot_floor_ms", 3.9, 3.91, null],
    ]);
    expect(found.moves.at(-1)?.author).toBe("Ada");
  });

  it("finds a loss beyond the tolerance that nobody explained", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.write(FILE, formatBaseline(recorded({ tpot: 4.4, kv: 900_000 })));
    const commit = await repo.commit("slower");
    const { findings } = (await audit()).audit;
    expect(findings.map(({ kind, metric, commits }) => [kind, metric, commits])).toEqual([
      ["unexplained", "batching.c8.tpot_floor_ms", [commit]],
      ["unexplained", "kv.capacity_tokens", [commit]],
    ]);
    expect(findings[0]?.text).toContain("10.0 % worse");
  });

  it("finds a tolerance that was loosened in the same change, through a merge too", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.git("checkout", "-q", "-b", "pull-request");
    await repo.write(
      "vllm-gate.yml",
      config("    tolerances:\n      batching.*.tpot_floor_ms: { relative: 0.2 }\n"),
    );
    await repo.commit("loosen");
    await repo.write(FILE, formatBaseline(recorded({ tpot: 4.4, reason: "it is what it is" })));
    await repo.commit("and move");
    await repo.git("checkout", "-q", "main");
    await repo.commit("meanwhile");
    await repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request 7", "pull-request");
    const merge = (await repo.git("rev-parse", "HEAD")).trim();
    const { findings } = (await audit()).audit;
    expect(findings.map(({ kind, commits }) => [kind, commits])).toEqual([["loosened_with_move", [merge]]]);
    expect(findings[0]?.text).toContain("tolerances.batching.*.tpot_floor_ms.relative went from none to 0.2");
  });

  it("finds a metric that was taken out of the gate with its loss", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.write("vllm-gate.yml", config("    levels:\n      kv.capacity_tokens: watch\n"));
    await repo.write(FILE, formatBaseline(recorded({ kv: 800_000, reason: "more graphs" })));
    await repo.commit("level and loss");
    const { findings } = (await audit()).audit;
    expect(findings.map(({ kind, metric }) => [kind, metric])).toEqual([
      ["loosened_with_move", "kv.capacity_tokens"],
    ]);
  });

  it("finds bounds that only ever get looser, and not those that were tightened in between", async () => {
    const repo = await begin();
    for (const relative of [0.02, 0.05, 0.1]) {
      await repo.write(
        "vllm-gate.yml",
        config(`    tolerances:\n      kv.capacity_tokens: { relative: ${relative} }\n`),
      );
      await repo.commit(`to ${relative}`);
    }
    const { findings } = (await audit()).audit;
    expect(findings.map(({ kind, text }) => [kind, text])).toEqual([
      [
        "loosening",
        "tolerances.kv.capacity_tokens.relative was loosened 2 times and never tightened: 0.02 → 0.05 → 0.1",
      ],
    ]);
    await repo.write(
      "vllm-gate.yml",
      config("    tolerances:\n      kv.capacity_tokens: { relative: 0.01 }\n"),
    );
    await repo.commit("tighten");
    expect((await audit()).audit.findings).toEqual([]);
  });

  it("finds creep: losses that are each within the tolerance and add up", async () => {
    const repo = await begin();
    for (const tpot of [4, 4.06, 4.12, 4.18]) {
      await repo.write(FILE, formatBaseline(recorded({ tpot })));
      await repo.commit(`${tpot}`);
    }
    const { audit: found, page } = await audit();
    expect(found.findings.map(({ kind, metric }) => [kind, metric])).toEqual([
      ["creep", "batching.c8.tpot_floor_ms"],
    ]);
    expect(found.findings[0]?.text).toContain("4.5 % worse than where it began, in 3 changes");
    expect(page).toContain("```mermaid\nxychart-beta");
    expect(page).toContain("line [4, 4.06, 4.12, 4.18]");
  });

  it("finds values that no run stands behind: a hand edit, sealed or not, and what is no baseline", async () => {
    const repo = await begin();
    const first = recorded();
    await repo.write(FILE, formatBaseline(first));
    await repo.commit("first");
    await repo.write(FILE, formatBaseline(first).replace("[[4, 4]]", "[[4, 4.01]]"));
    const edited = await repo.commit("edit");
    const unsealed = { ...first, contentSha256: null };
    await repo.write(FILE, formatBaseline(unsealed));
    await repo.commit("without a hash");
    await repo.write(FILE, formatBaseline(unsealed).replace("[[1000000]]", "[[1000001]]"));
    const again = await repo.commit("edit again");
    await repo.write(FILE, "{}");
    const broken = await repo.commit("break");
    const { findings } = (await audit()).audit;
    const ofKind = (kind: string) =>
      findings.filter((each) => each.kind === kind).map(({ commits }) => commits[0]);
    expect(ofKind("unbacked")).toContain(edited);
    expect(ofKind("unbacked")).toContain(again);
    expect(ofKind("unreadable")).toEqual([broken]);
  });

  it("finds baselines that nobody runs, and those that are old", async () => {
    const repo = await begin();
    await repo.write("baselines/gone/h200.json", formatBaseline(recorded({ scenario: "gone" })));
    await repo.write(FILE, formatBaseline(recorded({ recordedAt: "2026-06-01T00:00:00Z" })));
    await repo.commit("first");
    const { findings } = (await audit()).audit;
    expect(findings.map(({ kind, where }) => [kind, where]).sort()).toEqual([
      ["stale", FILE],
      ["unused", "baselines/gone/h200.json"],
    ]);
  });

  it("looks where the configuration says, for what it says is old; what is asked for goes first", async () => {
    const repo = await begin();
    await repo.write("vllm-gate.yml", `${config()}baselineDir: perf\nbaselineMaxAgeDays: 1\n`);
    await repo.write("perf/chat/h200.json", formatBaseline(recorded()));
    await repo.write(FILE, formatBaseline(recorded({ recordedAt: "2026-11-22T00:00:00Z" })));
    await repo.commit("first");
    const found = async (more: Partial<AuditRequest> = {}) =>
      (await audit(more)).audit.findings.map(({ kind, where }) => [kind, where]);
    expect(await found()).toEqual([["stale", "perf/chat/h200.json"]]);
    expect(await found({ maxAgeDays: 90 })).toEqual([]);
    expect(await found({ baselineDir: "baselines" })).toEqual([]);
    await repo.write("vllm-gate.yml", "scenarios: 1\n");
    await expect(audit()).rejects.toThrow("vllm-gate.yml");
  });

  it("follows a rename, a revert and a squash", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.move(FILE, "baselines/chat/other.json");
    await repo.commit("rename");
    await repo.write("baselines/chat/other.json", formatBaseline(recorded({ tpot: 5 })));
    const worse = await repo.commit("worse");
    await repo.git("revert", "--no-edit", "HEAD");
    const { findings, moves } = (await audit()).audit;
    expect(findings.map(({ kind, commits }) => [kind, commits])).toEqual([["unexplained", [worse]]]);
    expect(moves.map(({ from, to }) => [from, to])).toEqual([
      [4, 5],
      [5, 4],
    ]);
  });

  it("looks only at commits since a date", async () => {
    const repo = await begin();
    await repo.write(FILE, formatBaseline(recorded()));
    await repo.commit("first");
    await repo.write(FILE, formatBaseline(recorded({ tpot: 5 })));
    await repo.commit("worse");
    expect((await audit({ since: "2027-01-01" })).audit).toMatchObject({ commits: 0, moves: [] });
  });

  it("refuses a folder without history", async () => {
    await rm(repository.folder, { recursive: true, force: true });
    await mkdir(repository.folder);
    await expect(audit()).rejects.toThrow("expected a git repository with commits");
  });
});
