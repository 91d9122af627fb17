import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { GitData } from "./git-data.ts";
import { exampleOf, matchOperation, requestViolations, responseViolations } from "./openapi.ts";
import { HttpProblem, type Json } from "./problem.ts";

/** Who a token is and what it may do. */
export interface Actor {
  readonly login: string;
  readonly type: "Bot" | "User";
  readonly permissions: Readonly<Record<string, "read" | "write">>;
}

export const WRITE_ALL: Actor["permissions"] = {
  checks: "write",
  statuses: "write",
  pull_requests: "write",
  issues: "write",
  contents: "read",
};

export interface StoredComment {
  readonly id: number;
  readonly issue: number;
  readonly login: string;
  readonly type: "Bot" | "User";
  body: string;
  readonly createdAt: string;
  updatedAt: string;
}

export interface StoredCheck {
  readonly id: number;
  readonly name: string;
  readonly headSha: string;
  readonly externalId: string;
  status: string;
  conclusion: string | null;
  output: { title?: string; summary?: string };
  annotations: Json[];
}

export interface StoredPull {
  readonly number: number;
  head: { sha: string; ref: string; repoId: number; owner: string };
  files: { filename: string; patch?: string }[];
  state?: "open" | "closed";
  base?: string;
  title?: string;
  body?: string;
}

export interface StoredIssue {
  readonly number: number;
  readonly login: string;
  readonly type: "Bot" | "User";
  title: string;
  body: string;
  state: "open" | "closed";
  stateReason: string | null;
  closedAt: string | null;
}

/** A failure that answers in place of the API, so many times. */
export interface Fault {
  readonly method: string;
  readonly path: RegExp;
  times: number;
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Record<string, string>;
  /** The request is carried out, and its answer is lost. */
  readonly afterwards?: boolean;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly atMs: number;
}

/** Needed permissions, as GitHub's own header names them; one of the alternatives is enough. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  "issues/create-comment": ["issues=write", "pull_requests=write"],
  "issues/update-comment": ["issues=write", "pull_requests=write"],
  "issues/delete-comment": ["issues=write", "pull_requests=write"],
  "issues/list-comments": ["issues=read", "pull_requests=read"],
  "issues/list-events": ["issues=read", "pull_requests=read"],
  "pulls/get": ["pull_requests=read", "contents=read"],
  "pulls/list": ["pull_requests=read"],
  "pulls/list-files": ["pull_requests=read"],
  "checks/create": ["checks=write"],
  "checks/update": ["checks=write"],
  "checks/list-for-ref": ["checks=read"],
  "repos/create-commit-status": ["statuses=write"],
  "repos/compare-commits-with-basehead": ["contents=read"],
  "repos/get-collaborator-permission-level": ["metadata=read"],
  "repos/get": ["metadata=read"],
  "issues/list-for-repo": ["issues=read", "pull_requests=read"],
  "issues/create": ["issues=write"],
  "issues/update": ["issues=write"],
  "git/get-ref": ["contents=read"],
  "git/get-commit": ["contents=read"],
  "git/create-ref": ["contents=write"],
  "git/update-ref": ["contents=write"],
  "git/create-commit": ["contents=write"],
  "git/create-tree": ["contents=write"],
  "pulls/create": ["pull_requests=write"],
  "pulls/update": ["pull_requests=write"],
};

/** A GitHub that remembers: one repository, over HTTP on loopback, checked against GitHub's own description. */
export class GitHubDouble {
  readonly owner = "team";
  readonly repo = "serving";
  readonly repoId = 1000;
  readonly actors = new Map<string, Actor>();
  readonly collaborators = new Map<string, "admin" | "write" | "read">();
  readonly pulls = new Map<number, StoredPull>();
  readonly comments: StoredComment[] = [];
  readonly issues: StoredIssue[] = [];
  readonly git = new GitData();
  readonly checks: StoredCheck[] = [];
  readonly statuses: { sha: string; context: string; state: string; description: string }[] = [];
  readonly labelEvents: { issue: number; event: string; label: string; login: string; at: string }[] = [];
  /** Commits of a branch in order, to tell how far behind one is. */
  history: string[] = [];
  readonly faults: Fault[] = [];
  readonly calls: Call[] = [];
  /** What was asked or answered against the description. */
  readonly violations: string[] = [];
  /** A forge without checks, GraphQL: Gitea, Forgejo. */
  isPlainForge = false;
  /** Actions may open pull requests: a setting of the repository. */
  mayOpenPulls = true;
  /** Where the API begins: `/api/v3` on an Enterprise server. */
  prefix = "";
  /** With the prefix. */
  get url(): string {
    return `${this.#origin}${this.prefix}`;
  }
  #origin = "";
  #nextId = 100;
  #server = createServer((request, response) => void this.#serve(request, response));

  /** Starts it on a free port. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("no address");
    this.#origin = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  now(): string {
    return new Date().toISOString().replace(/\.\d+Z$/, "Z");
  }

  /** Adds a comment as somebody. */
  comment(
    issue: number,
    login: string,
    body: string,
    options: { type?: "Bot" | "User"; at?: string; editedAt?: string } = {},
  ): StoredComment {
    const at = options.at ?? this.now();
    const { type = "User", editedAt = at } = options;
    const made = { id: this.#nextId++, issue, login, type, body, createdAt: at, updatedAt: editedAt };
    this.comments.push(made);
    return made;
  }

  /** Opens an issue as somebody. */
  issue(login: string, title: string, body: string, type: "Bot" | "User" = "User"): StoredIssue {
    const number = 1000 + this.issues.length;
    const made: StoredIssue = {
      number,
      login,
      type,
      title,
      body,
      state: "open",
      stateReason: null,
      closedAt: null,
    };
    this.issues.push(made);
    return made;
  }

  /** The last call of a kind that succeeded, for the order in which things were done. */
  calledAt(method: string, path: RegExp): number {
    const found = this.calls.findLast(
      (each) => each.method === method && path.test(each.path) && each.status < 300,
    );
    return found?.atMs ?? Number.NaN;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const method = request.method ?? "";
    const url = new URL(request.url ?? "/", this.#origin);
    const body = text === "" ? undefined : (JSON.parse(text) as Json);
    const fault = this.faults.find(
      (each) => each.times > 0 && each.method === method && each.path.test(url.pathname),
    );
    let status: number;
    let answer: unknown;
    const headers: Record<string, string> = { "x-ratelimit-remaining": "4999" };
    try {
      if (fault !== undefined) fault.times -= 1;
      if (fault !== undefined && fault.afterwards !== true) {
        throw new HttpProblem(fault.status, "", fault.headers);
      }
      const done = this.#answer(method, url, body, request.headers.authorization ?? "", headers);
      if (fault !== undefined) throw new HttpProblem(fault.status, "", fault.headers);
      ({ status, answer } = done);
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      status = error.status;
      answer = fault?.body ?? { message: error.message, documentation_url: "https://docs.github.com/rest" };
      Object.assign(headers, error.headers);
    }
    this.calls.push({ method, path: url.pathname, status, atMs: performance.now() });
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
    response.end(answer === undefined ? undefined : JSON.stringify(answer));
  }

  #answer(
    method: string,
    url: URL,
    body: Json | undefined,
    authorization: string,
    headers: Record<string, string>,
  ): { status: number; answer: unknown } {
    const actor = this.actors.get(authorization.replace(/^(token|bearer) /i, ""));
    if (actor === undefined) throw new HttpProblem(401, "Bad credentials");
    // An Enterprise server has it beside the prefix: /api/graphql.
    if (url.pathname === (this.prefix === "" ? "/graphql" : "/api/graphql")) {
      if (this.isPlainForge) throw new HttpProblem(404, "Not Found");
      return { status: 200, answer: { data: { viewer: { login: actor.login } } } };
    }
    const isOfApi = url.pathname.startsWith(`${this.prefix}/`);
    const matched = isOfApi ? matchOperation(method, url.pathname.slice(this.prefix.length)) : null;
    if (matched === null) {
      this.violations.push(`no such operation: ${method} ${url.pathname}`);
      throw new HttpProblem(404, "Not Found");
    }
    const query = Object.fromEntries(url.searchParams);
    const wrong = requestViolations(matched, query, body);
    if (wrong.length > 0) {
      this.violations.push(...wrong);
      throw new HttpProblem(422, wrong.join("; "));
    }
    const { id } = matched.operation;
    this.#authorize(id, actor);
    const done = this.#operate(id, matched.path, query, body ?? {}, actor);
    const paged = Array.isArray(done.answer) ? page(done.answer, url, headers) : done.answer;
    this.violations.push(...responseViolations(matched, done.status, paged));
    return { status: done.status, answer: paged };
  }

  #authorize(id: string, actor: Actor): void {
    if (this.isPlainForge && id.startsWith("checks/")) throw new HttpProblem(404, "Not Found");
    const needs = NEEDS[id];
    if (needs === undefined || needs.some((need) => allows(actor, need))) return;
    throw new HttpProblem(403, "Resource not accessible by integration", {
      "x-accepted-github-permissions": needs.join("; "),
    });
  }

  #operate(
    id: string,
    path: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
    body: Json,
    actor: Actor,
  ): { status: number; answer: unknown } {
    const ok = (answer: unknown, status = 200) => ({ status, answer });
    if (path["owner"] !== undefined && `${path["owner"]}/${path["repo"]}` !== `${this.owner}/${this.repo}`) {
      throw new HttpProblem(404, "Not Found");
    }
    const issue = Number(path["issue_number"]);
    const ofGit = this.git.operate(id, path, body);
    if (ofGit !== null) return ofGit;
    switch (id) {
      case "repos/get": {
        // GitHub's own example of a fork lacks what its own schema asks of the source.
        const { source: _, parent: __, ...example } = exampleOf(id);
        return ok({ language: null, ...example, default_branch: "main" });
      }
      case "issues/list-for-repo": {
        const found = this.issues.filter(
          (each) =>
            (query["state"] === "all" || each.state === (query["state"] ?? "open")) &&
            each.login === (query["creator"] ?? each.login),
        );
        return ok(found.map((each) => this.#issue(each, id)));
      }
      case "issues/create": {
        const made = this.issue(actor.login, String(body["title"]), String(body["body"]), actor.type);
        return ok(this.#issue(made, id), 201);
      }
      case "issues/update": {
        const found = this.issues.find((each) => each.number === issue);
        if (found === undefined) throw new HttpProblem(404, "Not Found");
        this.#changeIssue(found, body);
        return ok(this.#issue(found, id));
      }
      case "pulls/create":
        return ok(this.#pull(this.#openPull(body), id), 201);
      case "pulls/update": {
        const found = this.#pullOf(Number(path["pull_number"]));
        found.title = String(body["title"] ?? found.title);
        found.body = String(body["body"] ?? found.body);
        return ok(this.#pull(found, id));
      }
      case "users/get-authenticated": {
        if (actor.type === "Bot" && !this.isPlainForge) {
          throw new HttpProblem(403, "Resource not accessible by integration");
        }
        return ok({ ...exampleOf(id), login: actor.login, type: actor.type });
      }
      case "pulls/list": {
        const [owner, ref] = (query["head"] ?? ":").split(":");
        const found = [...this.pulls.values()].filter(
          ({ head, state = "open", base = "main" }) =>
            head.owner === owner &&
            head.ref === ref &&
            base === (query["base"] ?? base) &&
            (query["state"] === "all" || state === (query["state"] ?? "open")),
        );
        return ok(found.map((pull) => this.#pull(pull, "pulls/list")));
      }
      case "pulls/get":
        return ok(this.#pull(this.#pullOf(Number(path["pull_number"])), id));
      case "pulls/list-files": {
        const { files } = this.#pullOf(Number(path["pull_number"]));
        return ok(files.map((file) => ({ ...exampleOf(id), ...file })));
      }
      case "issues/list-comments": {
        this.#conversation(issue);
        const since = query["since"];
        const found = this.comments.filter((each) => each.issue === issue);
        return ok(
          found
            .filter((each) => since === undefined || Date.parse(each.updatedAt) >= Date.parse(since))
            .map((each) => this.#comment(each)),
        );
      }
      case "issues/create-comment": {
        this.#conversation(issue);
        const text = String(body["body"]);
        if (text.length > 65_536)
          throw new HttpProblem(422, "Body is too long (maximum is 65536 characters)");
        const made = this.comment(issue, actor.login, text, { type: actor.type });
        return ok(this.#comment(made), 201);
      }
      case "issues/update-comment": {
        const found = this.#commentOf(Number(path["comment_id"]));
        const text = String(body["body"]);
        if (text.length > 65_536)
          throw new HttpProblem(422, "Body is too long (maximum is 65536 characters)");
        found.body = text;
        found.updatedAt = this.now();
        return ok(this.#comment(found));
      }
      case "issues/delete-comment":
        this.comments.splice(this.comments.indexOf(this.#commentOf(Number(path["comment_id"]))), 1);
        return ok(undefined, 204);
      case "issues/list-events": {
        const found = this.labelEvents.filter((each) => each.issue === issue);
        return ok(
          found.map(({ event, label, login, at }) => ({
            ...exampleOf(id),
            event,
            label: { name: label, color: "ededed" },
            actor: user(login, "User"),
            created_at: at,
            commit_id: null,
            commit_url: null,
          })),
        );
      }
      case "repos/get-collaborator-permission-level": {
        const username = path["username"] ?? "";
        const permission = this.collaborators.get(username) ?? "read";
        return ok({
          permission,
          role_name: permission,
          user: { ...user(username, "User"), role_name: permission },
        });
      }
      case "checks/create": {
        const made: StoredCheck = {
          id: this.#nextId++,
          name: String(body["name"]),
          headSha: String(body["head_sha"]),
          externalId: String(body["external_id"] ?? ""),
          status: "queued",
          conclusion: null,
          output: {},
          annotations: [],
        };
        this.checks.push(made);
        return ok(this.#change(made, body), 201);
      }
      case "checks/update": {
        const found = this.checks.find((each) => each.id === Number(path["check_run_id"]));
        if (found === undefined) throw new HttpProblem(404, "Not Found");
        return ok(this.#change(found, body));
      }
      case "checks/list-for-ref": {
        const found = this.checks.filter(
          (each) => each.headSha === path["ref"] && each.name === (query["check_name"] ?? each.name),
        );
        return ok({ total_count: found.length, check_runs: found.map((each) => this.#check(each)) });
      }
      case "repos/create-commit-status": {
        const { state, context, description } = body;
        this.statuses.push({
          sha: path["sha"] ?? "",
          context: String(context),
          state: String(state),
          description: String(description),
        });
        return ok({ ...exampleOf(id), state, context, description }, 201);
      }
      case "repos/compare-commits-with-basehead": {
        const [from = "", to = ""] = (path["basehead"] ?? "").split("...");
        const at = this.history.indexOf(from);
        const until = this.history.indexOf(to);
        if (at < 0 || until < 0) throw new HttpProblem(404, "Not Found");
        const ahead = Math.max(0, until - at);
        return ok({ ...exampleOf(id), status: ahead > 0 ? "ahead" : "identical", ahead_by: ahead });
      }
      default:
        throw new Error(`the double does not do ${id}`);
    }
  }

  #change(check: StoredCheck, body: Json): Json {
    const output = (body["output"] ?? {}) as Json;
    const { annotations = [], ...rest } = output;
    if ((annotations as Json[]).length > 50)
      throw new HttpProblem(422, "annotations exceeds a maximum of 50");
    for (const [key, limit] of [["summary", 65_535]] as const) {
      if (Buffer.byteLength(String(rest[key] ?? "")) > limit)
        throw new HttpProblem(422, `${key} is too long`);
    }
    // The description leaves this to GitHub's words: "Required if you provide a status of completed".
    if (body["status"] === "completed" && body["conclusion"] === undefined) {
      throw new HttpProblem(422, "conclusion is missing");
    }
    check.output = { ...check.output, ...rest };
    check.annotations.push(...(annotations as Json[]));
    check.status = String(body["status"] ?? check.status);
    check.conclusion = (body["conclusion"] as string | undefined) ?? check.conclusion;
    return this.#check(check);
  }

  #check({ id, name, headSha, externalId, status, conclusion, output, annotations }: StoredCheck): Json {
    const example = exampleOf("checks/create");
    return {
      ...example,
      id,
      name,
      head_sha: headSha,
      external_id: externalId,
      status,
      conclusion,
      completed_at: conclusion === null ? null : this.now(),
      output: {
        ...(example["output"] as Json),
        title: output.title ?? null,
        summary: output.summary ?? null,
        text: null,
        annotations_count: annotations.length,
        annotations_url: "https://api.github.com/x",
      },
    };
  }

  #conversation(number: number): void {
    if (!this.issues.some((each) => each.number === number)) this.#pullOf(number);
  }

  #changeIssue(found: StoredIssue, body: Json): void {
    found.title = String(body["title"] ?? found.title);
    found.body = String(body["body"] ?? found.body);
    if (found.body.length > 65_536) throw new HttpProblem(422, "Body is too long");
    const state = body["state"] as StoredIssue["state"] | undefined;
    if (state === undefined) return;
    found.state = state;
    found.closedAt = state === "closed" ? this.now() : null;
    found.stateReason = state === "open" ? "reopened" : String(body["state_reason"] ?? "completed");
  }

  #openPull(body: Json): StoredPull {
    if (!this.mayOpenPulls) {
      throw new HttpProblem(403, "GitHub Actions is not permitted to create or approve pull requests.");
    }
    const [ref, base] = [String(body["head"]), String(body["base"])];
    const sha = this.git.refs.get(ref);
    if (sha === undefined || !this.git.refs.has(base)) throw new HttpProblem(422, "Validation Failed");
    if ([...this.pulls.values()].some((pull) => pull.head.ref === ref && pull.state !== "closed")) {
      throw new HttpProblem(422, `A pull request already exists for ${this.owner}:${ref}.`);
    }
    const number = 500 + this.pulls.size;
    const head = { sha, ref, repoId: this.repoId, owner: this.owner };
    const [title, text] = [String(body["title"]), String(body["body"])];
    const made: StoredPull = { number, head, files: [], state: "open", base, title, body: text };
    this.pulls.set(number, made);
    return made;
  }

  #issue({ number, login, type, title, body, state, stateReason, closedAt }: StoredIssue, id: string): Json {
    const { pull_request: _, ...example } = exampleOf(id);
    return {
      ...example,
      number,
      title,
      body,
      state,
      state_reason: stateReason,
      closed_at: closedAt,
      user: user(login, type),
      html_url: `https://github.com/${this.owner}/${this.repo}/issues/${number}`,
    };
  }

  #pullOf(number: number): StoredPull {
    const found = this.pulls.get(number);
    if (found === undefined) throw new HttpProblem(404, "Not Found");
    return found;
  }

  #pull({ number, head, base = "main", title, body }: StoredPull, id: string): Json {
    const example = exampleOf(id);
    const was = example["head"] as Json;
    const repo = { ...(was["repo"] as Json), id: head.repoId };
    const target = example["base"] as Json;
    return {
      ...example,
      number,
      ...(title === undefined ? {} : { title }),
      ...(body === undefined ? {} : { body }),
      html_url: `https://github.com/${this.owner}/${this.repo}/pull/${number}`,
      base: { ...target, ref: base, repo: { ...(target["repo"] as Json), id: this.repoId } },
      requested_teams: [],
      head: { ...was, sha: head.sha, ref: head.ref, label: `${head.owner}:${head.ref}`, repo },
    };
  }

  #commentOf(id: number): StoredComment {
    const found = this.comments.find((each) => each.id === id);
    if (found === undefined) throw new HttpProblem(404, "Not Found");
    return found;
  }

  #comment({ id, issue, login, type, body, createdAt, updatedAt }: StoredComment): Json {
    return {
      ...exampleOf("issues/create-comment"),
      id,
      body,
      user: user(login, type),
      html_url: `https://github.com/${this.owner}/${this.repo}/pull/${issue}#issuecomment-${id}`,
      created_at: createdAt,
      updated_at: updatedAt,
    };
  }
}

function allows({ permissions }: Actor, need: string): boolean {
  const [name = "", level] = need.split("=");
  if (name === "metadata") return true;
  const has = permissions[name];
  return has === "write" || (has === "read" && level === "read");
}

function user(login: string, type: string): Json {
  return { ...(exampleOf("issues/create-comment")["user"] as Json), login, type };
}

/** One page of a list, with the links to its neighbours that paginating clients follow. */
function page(all: readonly unknown[], url: URL, headers: Record<string, string>): unknown[] {
  const size = Number(url.searchParams.get("per_page") ?? 30);
  const number = Number(url.searchParams.get("page") ?? 1);
  const last = Math.max(1, Math.ceil(all.length / size));
  if (number < last) {
    const to = (target: number, rel: string) => {
      const there = new URL(url);
      there.searchParams.set("page", String(target));
      return `<${there}>; rel="${rel}"`;
    };
    headers["link"] = [to(number + 1, "next"), to(last, "last")].join(", ");
  }
  return all.slice((number - 1) * size, number * size);
}
