/** The verdict on one metric, or on a run. See `docs/decision.md`. */
export const VERDICTS = ["pass", "improved", "inconclusive", "invalid", "regressed"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What the process reports to its caller; design §6. */
export const EXIT = {
  pass: 0,
  regressed: 1,
  usage: 2,
  noVerdict: 3,
  notMeasured: 4,
  sigint: 130,
  sigterm: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
