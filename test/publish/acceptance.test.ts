import { describe, expect, it } from "vitest";
import { findAcceptance, parseAcceptance } from "../../src/publish/acceptance.ts";
import { client, HEAD, startGitHub } from "./support.ts";

const BEFORE = "2026-11-22T10:00:00Z";
const JUDGED = "2026-11-22T11:00:00Z";
const AFTER = "2026-11-22T12:00:00Z";
const LATER = "2026-11-22T13:00:00Z";
const request = { pullNumber: 7, headSha: HEAD, judgedAt: JUDGED, label: "vllm-gate-accept" };

describe("parseAcceptance", () => {
  it.each([
    ["/vllm-gate accept we need the memory", { reason: "we need the memory", commit: null }],
    ["/vllm-gate accept aaaaaaa: fine", { reason: "fine", commit: "aaaaaaa" }],
    ["  /vllm-gate accept ok\r\n\r\nmore", { reason: "ok", commit: null }],
    ["/vllm-gate accept", { reason: "", commit: null }],
    ["please /vllm-gate accept this", null],
    ["> /vllm-gate accept this", null],
    ["/vllm-gate acceptable", null],
    ["", null],
  ])("of %j is %j", (body, expected) => {
    expect(parseAcceptance(body)).toEqual(expected);
  });
});

describe("findAcceptance", () => {
  it("takes the word of somebody who may write, given after the verdict", async () => {
    const github = await startGitHub();
    github.collaborators.set("maintainer", "write");
    github.comment(7, "maintainer", "/vllm-gate accept too early", { at: BEFORE });
    github.comment(7, "stranger", "/vllm-gate accept me", { at: AFTER });
    github.comment(7, "maintainer", "/vllm-gate accept it is worth it", { at: AFTER });
    const { acceptance } = await findAcceptance(client(github), request);
    expect(acceptance).toMatchObject({ by: "maintainer", reason: "it is worth it" });
    expect(github.violations).toEqual([]);
  });

  it.each([
    ["a stranger", "stranger", "/vllm-gate accept x", {}, "has no write permission here"],
    ["no reason", "maintainer", "/vllm-gate accept", {}, "gave no reason"],
    ["another commit", "maintainer", "/vllm-gate accept bbbbbbb x", {}, "named the commit bbbbbbb"],
    ["an edited comment", "maintainer", "/vllm-gate accept x", { editedAt: LATER }, "edited the comment"],
    ["a program", "maintainer", "/vllm-gate accept x", { type: "Bot" as const }, "is a program"],
  ])("refuses %s, and says why", async (_, login, body, options, why) => {
    const github = await startGitHub();
    github.collaborators.set("maintainer", "admin");
    github.comment(7, login, body, { at: AFTER, ...options });
    const { acceptance, refused } = await findAcceptance(client(github), request);
    expect(acceptance).toBeNull();
    expect(refused[0]?.why).toContain(why);
  });

  it("takes a label of somebody who may write, while it is there and was given after the verdict", async () => {
    const github = await startGitHub();
    github.collaborators.set("maintainer", "write");
    const event = { issue: 7, event: "labeled", label: "vllm-gate-accept", login: "maintainer", at: BEFORE };
    github.labelEvents.push(event);
    const find = async () => (await findAcceptance(client(github), request)).acceptance;
    expect(await find()).toBeNull();
    github.labelEvents.push({ ...event, at: AFTER });
    expect(await find()).toMatchObject({ by: "maintainer", reason: 'label "vllm-gate-accept"' });
    github.labelEvents.push({ ...event, event: "unlabeled", at: LATER });
    expect(await find()).toBeNull();
  });
});
