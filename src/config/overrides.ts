/** What a caller may say beside the file; an absent field leaves the file's value. */
export interface Overrides {
  readonly scenario?: string;
  readonly model?: string;
  readonly args?: string;
  readonly command?: string;
  readonly serverUrl?: string;
  readonly compareTo?: string;
  /** Flags of the other side of an A/B, in place of the base branch's. */
  readonly baseArgs?: string;
  /** What starts the other side of an A/B: another version's environment. */
  readonly baseCommand?: string;
  readonly sessions?: number;
  readonly maxSessions?: number;
  readonly rounds?: number;
  readonly budgetMinutes?: number;
  readonly baselineDir?: string;
  readonly reportOnly?: boolean;
}
