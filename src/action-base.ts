/** Whose configuration and baseline judge: the checkout's own, or another revision's. */
export type BasePlan =
  | { readonly kind: "checkout" }
  | { readonly kind: "base"; readonly branch: string; readonly sha: string | null }
  /** Nothing tells what can be trusted. */
  | { readonly kind: "unknown" };

/** What the runner says of the event that started the workflow. */
export interface TriggeringEvent {
  readonly name: string;
  /** The ref that the workflow runs on, `refs/heads/main`. */
  readonly ref: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Events that run on a branch which somebody with write access chose. */
export const BRANCH_EVENTS: ReadonlySet<string> = new Set(["push", "schedule", "workflow_dispatch"]);

const BRANCH = "refs/heads/";

/**
 * The base of an event. What is checked out may be a pull request's, so it judges itself only where the event says
 * that it is the default branch; a pull request and a merge group name their base; all else is judged by the default
 * branch.
 */
export function planBase(event: TriggeringEvent): BasePlan {
  const { name, ref, payload } = event;
  if (name === "pull_request" || name === "pull_request_target") {
    const base = field(field(payload, "pull_request"), "base");
    return baseAt(text(field(base, "ref")), text(field(base, "sha")));
  }
  if (name === "merge_group") {
    const group = field(payload, "merge_group");
    return baseAt(text(field(group, "base_ref")), text(field(group, "base_sha")));
  }
  const main = text(field(field(payload, "repository"), "default_branch"));
  // A schedule runs on the default branch only, and its payload may not name it.
  if (main === null) return name === "schedule" ? { kind: "checkout" } : { kind: "unknown" };
  if (BRANCH_EVENTS.has(name) && ref === `${BRANCH}${main}`) return { kind: "checkout" };
  return baseAt(main, null);
}

/** Whether a job runs on the default branch, by the word of the event; a schedule does, whose payload may not name it. */
export function isOnDefaultBranch(event: TriggeringEvent): boolean {
  return BRANCH_EVENTS.has(event.name) && planBase(event).kind === "checkout";
}

function baseAt(ref: string | null, sha: string | null): BasePlan {
  if (ref === null) return { kind: "unknown" };
  return { kind: "base", branch: ref.startsWith(BRANCH) ? ref.slice(BRANCH.length) : ref, sha };
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
