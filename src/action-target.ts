import { z } from "zod";
import type { ActionInputs } from "./action-inputs.ts";
import { accessWith } from "./github-access.ts";
import { cleanKey } from "./publish/marker.ts";
import type { Target } from "./publish/publication.ts";
import type { Subject } from "./publish/subject.ts";
import { checkJson } from "./system/files.ts";
import type { Log } from "./system/log.ts";
import { TOOL_VERSION } from "./version.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Name under which the action hands what it publishes to its `post` step. */
export const PUBLICATION_STATE = "publication";

/** The key of a job whose inputs name none. */
const DEFAULT_KEY = "gate";

/** What the `post` step must know to end what the main step began. */
const publicationStateSchema = z.object({
  subject: z.object({
    owner: z.string(),
    repo: z.string(),
    headSha: z.string(),
    pullRequest: z.object({ number: z.number(), isFork: z.boolean() }).nullable(),
  }),
  key: z.string(),
  externalId: z.string(),
});
export type PublicationState = z.infer<typeof publicationStateSchema>;

/** @throws UsageError when it is not what the main step wrote */
export function parsePublicationState(text: string): PublicationState {
  return checkJson(JSON.parse(text), publicationStateSchema, "the main step's state");
}

/** Which of a pull request's comments and checks a job's are. */
export function keyOf({ commentKey, overrides }: Pick<ActionInputs, "commentKey" | "overrides">): string {
  return cleanKey(commentKey ?? overrides.scenario ?? DEFAULT_KEY);
}

/** The name of a check, under which a branch protection rule requires it. */
export function checkNameOf(key: string): string {
  return key === DEFAULT_KEY ? "vllm-gate" : `vllm-gate / ${key}`;
}

/** Where this job publishes; null without a token. */
export function targetOf(
  token: string | undefined,
  { subject, key, externalId }: { subject: Subject; key: string; externalId: string },
  environment: Environment,
  log: Log,
): Target | null {
  if (token === undefined) return null;
  const { github, runUrl } = accessWith(token, subject, environment, log);
  return {
    github,
    subject,
    key,
    checkName: checkNameOf(key),
    externalId,
    runUrl,
    toolVersion: TOOL_VERSION,
  };
}
