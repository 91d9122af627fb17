import { createHash } from "node:crypto";
import { exampleOf } from "./openapi.ts";
import { HttpProblem, type Json } from "./problem.ts";

interface StoredCommit {
  readonly sha: string;
  readonly message: string;
  readonly tree: string;
  readonly parents: readonly string[];
}

const hashOf = (value: unknown) => createHash("sha1").update(JSON.stringify(value)).digest("hex");

/** The branches, commits and files of the double's repository, as far as its API shows them. */
export class GitData {
  /** By branch. */
  readonly refs = new Map<string, string>();
  readonly commits = new Map<string, StoredCommit>();
  /** Files by path. */
  readonly trees = new Map<string, Readonly<Record<string, string>>>();

  constructor() {
    this.push("main", { "README.md": "x\n" }, "Begin");
  }

  /** Commits files on top of a branch, as somebody's push does. */
  push(branch: string, files: Readonly<Record<string, string>>, message: string): string {
    const parent = this.refs.get(branch);
    const before = parent === undefined ? {} : this.filesOf(parent);
    const commit = this.#commit(
      message,
      this.#tree({ ...before, ...files }),
      parent === undefined ? [] : [parent],
    );
    this.refs.set(branch, commit.sha);
    return commit.sha;
  }

  /** The files of a branch or commit. */
  filesOf(name: string): Readonly<Record<string, string>> {
    const commit = this.commits.get(this.refs.get(name) ?? name);
    return this.trees.get(commit?.tree ?? "") ?? {};
  }

  /** The commits of a branch, the newest first. */
  log(branch: string): StoredCommit[] {
    const found: StoredCommit[] = [];
    for (let sha = this.refs.get(branch); sha !== undefined; sha = found.at(-1)?.parents[0]) {
      const commit = this.commits.get(sha);
      if (commit === undefined) break;
      found.push(commit);
    }
    return found;
  }

  /** Answers an operation of git data; null where it is none. */
  operate(
    id: string,
    path: Readonly<Record<string, string>>,
    body: Json,
  ): { status: number; answer: unknown } | null {
    switch (id) {
      case "git/get-ref": {
        const branch = (path["ref"] ?? "").replace(/^heads\//, "");
        return { status: 200, answer: this.#ref(branch, this.#shaOf(branch)) };
      }
      case "git/create-ref": {
        const branch = String(body["ref"]).replace(/^refs\/heads\//, "");
        if (this.refs.has(branch)) throw new HttpProblem(422, "Reference already exists");
        return { status: 201, answer: this.#move(branch, String(body["sha"])) };
      }
      case "git/update-ref": {
        const branch = (path["ref"] ?? "").replace(/^heads\//, "");
        if (!this.refs.has(branch)) throw new HttpProblem(422, "Reference does not exist");
        const forward = this.commits.get(String(body["sha"]))?.parents.includes(this.refs.get(branch) ?? "");
        if (forward !== true && body["force"] !== true)
          throw new HttpProblem(422, "Update is not a fast forward");
        return { status: 200, answer: this.#move(branch, String(body["sha"])) };
      }
      case "git/get-commit": {
        const found = this.commits.get(path["commit_sha"] ?? "");
        if (found === undefined) throw new HttpProblem(404, "Not Found");
        return { status: 200, answer: this.#shown(found) };
      }
      case "git/create-commit": {
        const tree = String(body["tree"]);
        if (!this.trees.has(tree)) throw new HttpProblem(422, "Tree SHA does not exist");
        return {
          status: 201,
          answer: this.#shown(this.#commit(String(body["message"]), tree, body["parents"] as string[])),
        };
      }
      case "git/create-tree": {
        const base = body["base_tree"] === undefined ? {} : this.trees.get(String(body["base_tree"]));
        if (base === undefined) throw new HttpProblem(422, "base_tree does not exist");
        const added = (body["tree"] as Json[]).map((each) => [String(each["path"]), String(each["content"])]);
        const sha = this.#tree({ ...base, ...Object.fromEntries(added) });
        return { status: 201, answer: { ...exampleOf(id), sha } };
      }
      default:
        return null;
    }
  }

  #shaOf(branch: string): string {
    const sha = this.refs.get(branch);
    if (sha === undefined) throw new HttpProblem(404, "Not Found");
    return sha;
  }

  #move(branch: string, sha: string): Json {
    if (!this.commits.has(sha)) throw new HttpProblem(422, "Object does not exist");
    this.refs.set(branch, sha);
    return this.#ref(branch, sha);
  }

  #ref(branch: string, sha: string): Json {
    const example = exampleOf("git/get-ref");
    return { ...example, ref: `refs/heads/${branch}`, object: { ...(example["object"] as Json), sha } };
  }

  #tree(files: Readonly<Record<string, string>>): string {
    const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
    const sha = hashOf(sorted);
    this.trees.set(sha, sorted);
    return sha;
  }

  #commit(message: string, tree: string, parents: readonly string[]): StoredCommit {
    const commit = { message, tree, parents, sha: hashOf([message, tree, parents, this.commits.size]) };
    this.commits.set(commit.sha, commit);
    return commit;
  }

  #shown({ sha, message, tree, parents }: StoredCommit): Json {
    const example = exampleOf("git/create-commit");
    const [parent] = example["parents"] as Json[];
    return {
      ...example,
      sha,
      message,
      tree: { ...(example["tree"] as Json), sha: tree },
      parents: parents.map((each) => ({ ...parent, sha: each })),
    };
  }
}
