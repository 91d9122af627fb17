import { describe, expect, it } from "vitest";
import { type DriftNews, explainIssue, issueMarker, syncDriftIssue } from "../../src/publish/drift-issue.ts";
import { WRITE_ALL } from "./double/github.ts";
import { BOT, client, startGitHub } from "./support.ts";

const KEY = "baselines/history/chat/nvidia-h200-1x-140gib-model";

const news = (overrides: Partial<DriftNews> = {}): DriftNews => ({
  key: KEY,
  drifting: true,
  title: "vllm-gate: chat drifts",
  parts: [{ name: "what", text: "a table" }],
  summary: "chat drifts.",
  runUrl: "https://github.com/team/serving/actions/runs/1",
  ...overrides,
});
const calm = () => news({ drifting: false, title: "chat is calm", summary: "Recovered." });

describe("the issue about a drift", () => {
  it("is opened once, updated each night, closed on recovery, and opened again by the next drift", async () => {
    const github = await startGitHub();
    const at = client(github);
    expect((await syncDriftIssue(at, calm())).change).toBe("none");
    expect(github.issues).toEqual([]);
    expect((await syncDriftIssue(at, news())).change).toBe("opened");
    const parts = [{ name: "what", text: "another table" }];
    expect((await syncDriftIssue(at, news({ parts }))).change).toBe("updated");
    expect(github.issues).toHaveLength(1);
    const [issue] = github.issues;
    expect(issue?.body).toMatch(/^<!-- vllm-gate-drift:baselines\/history\/chat\//);
    expect(issue?.body).toContain("another table");

    const closed = await syncDriftIssue(at, calm());
    expect(closed).toEqual({ change: "closed", url: "https://github.com/team/serving/issues/1000" });
    expect(issue).toMatchObject({ state: "closed", stateReason: "completed", title: "chat is calm" });
    expect(github.comments.map(({ body }) => body)).toEqual([
      "✅ Recovered. ([the run](https://github.com/team/serving/actions/runs/1))",
    ]);
    expect((await syncDriftIssue(at, calm())).change).toBe("none");
    expect((await syncDriftIssue(at, news())).change).toBe("reopened");
    expect(issue?.state).toBe("open");
    expect(github.issues).toHaveLength(1);
    expect(github.violations).toEqual([]);
  });

  it("is found by its marker and its author, on any page; others' are left alone", async () => {
    const github = await startGitHub();
    const at = client(github);
    const impostor = github.issue("stranger", "x", `${issueMarker(KEY)}\n\nmine`);
    const quoted = github.issue(BOT, "x", `> ${issueMarker(KEY)}`, "Bot");
    const other = github.issue(BOT, "x", `${issueMarker(`${KEY}-2`)}\n\nof another machine`, "Bot");
    for (let each = 0; each < 210; each += 1) github.issue("chatty", "x", "…");
    const ours = github.issue(BOT, "old title", `${issueMarker(KEY)}\n\nours`, "Bot");
    const count = github.issues.length;
    expect((await syncDriftIssue(at, news())).change).toBe("updated");
    expect(github.issues).toHaveLength(count);
    expect(ours.title).toBe("vllm-gate: chat drifts");
    expect([impostor, quoted, other].map(({ title }) => title)).toEqual(["x", "x", "x"]);
    expect(github.violations).toEqual([]);
  });

  it("is one: of two that jobs opened at once the younger is closed, and a lost answer opens no second", async () => {
    const github = await startGitHub();
    const at = client(github);
    for (const text of ["first", "second"]) github.issue(BOT, text, `${issueMarker(KEY)}\n\n${text}`, "Bot");
    await syncDriftIssue(at, news());
    expect(github.issues.map(({ state }) => state)).toEqual(["open", "closed"]);

    github.issues.length = 0;
    github.faults.push({ method: "POST", path: /\/issues$/, times: 1, status: 502, afterwards: true });
    expect((await syncDriftIssue(at, news())).change).toBe("opened");
    expect(github.issues).toHaveLength(1);
  });

  it("stays closed where people closed it as not planned, until the drift is over", async () => {
    const github = await startGitHub();
    const at = client(github);
    await syncDriftIssue(at, news());
    Object.assign(github.issues[0] ?? {}, {
      state: "closed",
      stateReason: "not_planned",
      closedAt: github.now(),
    });
    expect((await syncDriftIssue(at, news({ title: "worse still" }))).change).toBe("left");
    expect(github.issues).toMatchObject([{ state: "closed", title: "worse still" }]);
    expect(github.comments).toEqual([]);
    expect((await syncDriftIssue(at, calm())).change).toBe("closed");
    expect((await syncDriftIssue(at, news())).change).toBe("reopened");
    expect(github.issues).toMatchObject([{ state: "open" }]);
  });

  it("keeps within what GitHub takes, and no key can end its marker", async () => {
    const github = await startGitHub();
    const text = `| é |\n`.repeat(30_000);
    await syncDriftIssue(
      client(github),
      news({ key: "a--> <b", title: "t".repeat(400), parts: [{ name: "what", text }] }),
    );
    const [issue] = github.issues;
    expect(issue?.body.length).toBeLessThanOrEqual(65_536);
    expect(issue?.body).toMatch(/^<!-- vllm-gate-drift:a-_[\w-]* -->\n/);
    expect(issue?.title).toHaveLength(250);
    expect(github.violations).toEqual([]);
  });

  it("says which permission is missing", async () => {
    const github = await startGitHub({ ...WRITE_ALL, issues: "read" });
    const error = await syncDriftIssue(client(github), news()).catch((each: unknown) => each);
    expect(explainIssue(error)).toMatch(
      /could not write the issue \(HTTP 403.*lacks the permission `issues: write`/,
    );
  });
});
