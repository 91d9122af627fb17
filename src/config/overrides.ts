/** What a caller may say beside the file; an absent field leaves the file's value. */
export interface Overrides {
  readonly scenario?: string;
  readonly model?: string;
  readonly args?: string;
  readonly command?: string;
  readonly serverUrl?: string;
  readonly sessions?: number;
  readonly rounds?: number;
  readonly budgetMinutes?: number;
  readonly baselineDir?: string;
  readonly reportOnly?: boolean;
}
