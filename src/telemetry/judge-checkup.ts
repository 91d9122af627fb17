import { median, medianAbsoluteDeviation } from "simple-statistics";
import { type Checkup, QUICK_CHECK } from "../domain/doctor.ts";
import type { Finding } from "../domain/node.ts";

/** Earlier checks that are compared with: a node changes over the months. */
const WINDOW = 10;
/** Deviations by which a value may lie off what this node did before; they are scaled to a normal spread. */
const DEVIATIONS = 4;
const NORMAL = 1.4826;

/**
 * A quick check against those that this node passed before, under the same server, flags and limits: worse than their
 * median by more than the tolerance and by more than they spread themselves.
 *
 * @param before - earlier checks in their order, of any key
 */
export function judgeCheckup(now: Checkup, before: readonly Checkup[]): Finding[] {
  const like = before.filter(({ key, usual }) => key === now.key && usual).slice(-WINDOW);
  return QUICK_CHECK.map(({ metric, subject, unit, direction, tolerance }): Finding => {
    const value = now.values[metric];
    const id = `probe.${metric}`;
    if (value === undefined) {
      return finding(id, subject, "note", "not measured", "the server or the run gave no such number");
    }
    const shown = `${Number(value.toPrecision(4))} ${unit}`;
    const earlier = like.flatMap(({ values }) => values[metric] ?? []);
    if (earlier.length === 0) {
      return finding(
        id,
        subject,
        "note",
        shown,
        "no earlier check of this node, when it was quiet, to compare with",
      );
    }
    const usual = median(earlier);
    const spread = (DEVIATIONS * NORMAL * medianAbsoluteDeviation(earlier)) / usual;
    const limit = Math.max(tolerance, spread);
    const loss = direction === "lower" ? value / usual - 1 : 1 - value / usual;
    const against = `usually ${Number(usual.toPrecision(4))} ${unit} here (${earlier.length} ${earlier.length === 1 ? "check" : "checks"})`;
    return loss <= limit
      ? finding(id, subject, "ok", shown, against)
      : {
          ...finding(
            id,
            subject,
            "warn",
            shown,
            `${against}; ${percent(loss)} worse, limit ${percent(limit)}`,
          ),
          matters:
            "This node is slower than it was under the same server and flags: a baseline from before blames the flags for it.",
          fix: "vllm-gate doctor --strict   # then look at clocks, heat, other processes, and the newest driver or kernel",
        };
  });
}

function finding(
  id: string,
  subject: string,
  level: Finding["level"],
  value: string,
  reason: string,
): Finding {
  return { id, subject, level, value, reason, matters: "", fix: null };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
