import { z } from "zod";

/** What an audit can find. See `docs/audit.md`. */
export const FINDING_KINDS = [
  "unexplained",
  "loosened_with_move",
  "loosening",
  "creep",
  "unbacked",
  "unreadable",
  "unused",
  "stale",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

const commitSchema = z.object({
  commit: z.string(),
  at: z.string(),
  author: z.string(),
  subject: z.string(),
});
export type AuditCommit = z.infer<typeof commitSchema>;

/** A metric of a baseline that another value took the place of. */
export const moveSchema = z.object({
  ...commitSchema.shape,
  baseline: z.string(),
  metric: z.string(),
  unit: z.string(),
  /** Medians of all rounds; null where the baseline had no such metric. */
  from: z.number().nullable(),
  to: z.number().nullable(),
  /** As a share of the old value, worse is positive; null where there is none. */
  loss: z.number().nullable(),
  /** How the baseline says that it came to be. */
  kind: z.string().nullable(),
  reason: z.string().nullable(),
});
export type Move = z.infer<typeof moveSchema>;

/** A tolerance, level or limit that a change of the configuration made wider or narrower. */
export const policyMoveSchema = z.object({
  ...commitSchema.shape,
  scenario: z.string(),
  /** `tolerances.batching.*.tokens_per_s.relative`, `levels.…`, `limits.….max` */
  key: z.string(),
  from: z.string(),
  to: z.string(),
  looser: z.boolean(),
});
export type PolicyMove = z.infer<typeof policyMoveSchema>;

export const findingSchema = z.object({
  kind: z.enum(FINDING_KINDS),
  /** Baseline file or scenario. */
  where: z.string(),
  metric: z.string().nullable(),
  commits: z.array(z.string()),
  /** What it is, with the values. */
  text: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

/** What `audit --json` prints. */
export const auditFileSchema = z.object({
  schemaVersion: z.literal(1),
  commits: z.number().int(),
  since: z.string().nullable(),
  /** True when the clone lacks part of the history. */
  shallow: z.boolean(),
  findings: z.array(findingSchema),
  moves: z.array(moveSchema),
  policyMoves: z.array(policyMoveSchema),
});
export type AuditFile = z.infer<typeof auditFileSchema>;
