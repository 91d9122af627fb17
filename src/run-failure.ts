import type { GateConfig } from "./config/load.ts";
import { countMeasured, type RunRecord } from "./domain/run.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import { Interruption } from "./interruption.ts";
import { decideFailure } from "./verdict/decide.ts";

/** Why a run has nothing to compare, or null. One session that failed is enough: half a run proves nothing. */
export function failureOf(
  run: RunRecord,
  config: Pick<GateConfig, "scenario" | "reportOnly" | "base">,
  signal: AbortSignal,
  done: number,
): VerdictFile | null {
  const { scenario, reportOnly } = config;
  const beside = config.base !== null;
  // A base that was to confirm a regression and could not: what was measured before it stands.
  const last = run.sessions.findLast(({ variant }) => beside || variant !== "base") ?? run.sessions.at(-1);
  const survivors = run.sessions.flatMap((session) => session.disposal?.survivors ?? []);
  const left =
    survivors.length === 0 ? [] : [`Processes ${survivors.join(", ")} of the server could not be ended`];
  if (signal.aborted) {
    const interruption = signal.reason instanceof Interruption ? signal.reason : new Interruption("SIGTERM");
    return decideFailure(
      scenario,
      "cancelled",
      {
        headline: `The run was ${interruption.message} after ${done} of ${run.plan?.sessions ?? 1} sessions`,
        nextAction: "Run it again; nothing was decided.",
        reasons: [...(last?.cause === undefined ? [] : [last.cause]), ...left],
      },
      { reportOnly, exitCode: interruption.exitCode },
    );
  }
  const measured = last === undefined || last.outcome === "ok" || (last.outcome === "cancelled" && done > 0);
  if (measured && left[0] !== undefined) {
    // What they hold, a GPU's memory for one, the next server lacks.
    return decideFailure(
      scenario,
      "tool_failed",
      { headline: left[0], nextAction: "End them by hand and run again.", reasons: left },
      { reportOnly },
    );
  }
  const missing = beside ? ["base", "head"].filter((side) => countMeasured(run, side) === 0) : [];
  if (measured && missing[0] !== undefined && done > 0) {
    return decideFailure(
      scenario,
      "tool_failed",
      {
        headline: `No session of ${missing[0]} was measured, so there is nothing to compare${last?.cause === undefined ? "" : `: ${last.cause}`}`,
        nextAction: "Raise budgetMinutes, or measure less in a session; nothing was decided.",
        reasons: [...(last?.cause === undefined ? [] : [last.cause])],
      },
      { reportOnly, exitCode: EXIT.noVerdict },
    );
  }
  if (measured) return null;
  const died = last.outcome === "died";
  const started = last.outcome === "failed_start";
  const cause = died ? "server_died" : started ? "failed_start" : "tool_failed";
  // Head is not to blame for a base that does not run.
  const isBase = beside && last.variant === "base";
  const headline = last.cause ?? "Nothing was measured";
  return decideFailure(
    scenario,
    cause,
    {
      headline: isBase ? `The base does not run, so there is nothing to compare with: ${headline}` : headline,
      nextAction: last.hint ?? "Mend the cause and run again; the server's log is in the run folder.",
      reasons: [last.cause ?? "unknown cause", ...left],
    },
    { reportOnly, ...(isBase ? { exitCode: EXIT.noVerdict } : {}) },
  );
}
