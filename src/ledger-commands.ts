import type { Command } from "commander";
import { runAudit } from "./audit.ts";
import { FINDING_KINDS, type FindingKind } from "./domain/audit.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { wholeNumber } from "./serve-options.ts";

interface AuditOptions {
  config: string;
  baselineDir: string;
  since?: string;
  failOn?: string[];
  maxAgeDays: number;
  json?: boolean;
}

/** Kinds of findings that fail the audit, `any` for all. */
function failingKinds(given: readonly string[] | undefined): readonly FindingKind[] {
  if (given === undefined) return [];
  if (given.includes("any")) return FINDING_KINDS;
  return given.map((name) => {
    const kind = FINDING_KINDS.find((each) => each === name);
    if (kind === undefined) {
      throw new UsageError(`--fail-on: got ${name}, expected any or one of ${FINDING_KINDS.join(", ")}`);
    }
    return kind;
  });
}

/** Adds the commands about the ledger of baselines. */
export function addLedgerCommands(
  program: Command,
  { out, finish }: { out: (text: string) => void; finish: (code: number) => void },
): void {
  program
    .command("audit")
    .description("who moved which baseline and which bound, from git's history, and what is suspicious in it")
    .option("--config <file>", "configuration", CONFIG_FILE)
    .option("--baseline-dir <folder>", "where baselines lie", "baselines")
    .option("--since <date>", "only commits after it, as git takes it: 2026-01-31, '3 months ago'")
    .option("--max-age-days <n>", "a baseline whose latest session is older is stale", wholeNumber, 90)
    .option("--fail-on <kinds...>", `exit 1 on these findings: any, ${FINDING_KINDS.join(", ")}`)
    .option("--json", "print every move and finding")
    .action(async (options: AuditOptions) => {
      const kinds = failingKinds(options.failOn);
      const { audit, page } = await runAudit({
        cwd: process.cwd(),
        configPath: options.config,
        baselineDir: options.baselineDir,
        ...(options.since === undefined ? {} : { since: options.since }),
        maxAgeDays: options.maxAgeDays,
        now: new Date(),
      });
      out(options.json === true ? `${JSON.stringify(audit, null, 1)}\n` : page);
      finish(audit.findings.some(({ kind }) => kinds.includes(kind)) ? EXIT.regressed : EXIT.pass);
    });
}
