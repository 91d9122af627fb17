import type { BaselineChange } from "./baseline/changes.ts";
import type { Recorded } from "./recording.ts";
import { code, details, plain, table } from "./report/markdown.ts";
import { formatChange, formatValue } from "./report/numbers.ts";
import { columns, printable } from "./report/terminal.ts";

const HEADER = ["metric", "old", "new", "change"];

function row({ metric, unit, ...change }: BaselineChange): string[] {
  return [
    metric,
    formatValue(change.old, unit),
    formatValue(change.new, unit),
    changeText({ unit, ...change }),
  ];
}

function changeText(change: Pick<BaselineChange, "unit" | "old" | "new" | "kept">): string {
  if (change.kept) return "kept";
  if (change.old === null) return "new";
  if (change.new === null) return "gone";
  return formatChange(change.old, change.new, change.unit);
}

const plural = (count: number) => (count === 1 ? "" : "s");

/** What was done, how many sessions stand behind it now, and why: each a sentence without Markdown. */
function sentences({ baseline, path, sessions, handEdited, isNew }: Recorded): string[] {
  const { kept, added, dropped } = sessions;
  const change = baseline.change;
  const kinds = { recorded: "Recorded", extended: "Extended", accepted: "Accepted into" };
  const scope = change?.metrics == null ? "" : ` for ${change.metrics.join(", ")} alone`;
  const parts = [
    `${added} new session${plural(added)}`,
    ...(isNew ? [] : [`${kept} kept`, `${dropped} dropped`]),
  ];
  const behind = baseline.sessions.length;
  return [
    `${kinds[change?.kind ?? "recorded"]} ${path}${scope}: ${parts.join(", ")}; ${behind} session${plural(behind)} behind it now.`,
    `Why: ${change?.reason ?? (isNew ? "there was no baseline of this scenario and machine" : "no reason was given; none is needed where nothing got worse")}.`,
    ...(handEdited
      ? [`The file that was there had been edited by hand: its content was not what was recorded.`]
      : []),
  ];
}

/** The change of a baseline for a terminal. */
export function recordedText(recorded: Recorded, next: string): string {
  const lines = [
    ...sentences(recorded),
    ...columns([HEADER, ...recorded.changes.filter(isShown).map(row)]),
    next,
  ];
  return printable(`${lines.join("\n")}\n`);
}

const isShown = (change: BaselineChange) => change.new !== null || change.old !== null;

/** More rows than this are folded. */
const OPEN_ROWS = 15;

/** The change of a baseline for a pull request. */
export function recordedParts(recorded: Recorded): { name: string; text: string }[] {
  const { baseline, changes } = recorded;
  const shown = changes.filter(isShown);
  const moved = shown.filter(({ kept }) => !kept);
  const kept = shown.filter((each) => each.kept);
  const server = [
    `vLLM ${plain(baseline.vllmVersion ?? "unknown")}, flags ${baseline.args.length === 0 ? "none" : code(baseline.args.join(" "))}`,
    `runs ${[...new Set(baseline.sessions.map((session) => session.run ?? "unknown"))].map(code).join(", ")}`,
  ];
  const folded = (title: string, rows: readonly BaselineChange[]) =>
    rows.length === 0 ? [] : [{ name: "measured", text: details(title, tableOf(rows)) }];
  return [
    { name: "what", text: sentences(recorded).map(plain).join("  \n") },
    { name: "server", text: `${server.join("; ")}.` },
    ...(moved.length === 0 ? [] : [{ name: "changed", text: tableOf(moved.slice(0, OPEN_ROWS)) }]),
    ...folded(`${moved.length - OPEN_ROWS} more metrics`, moved.slice(OPEN_ROWS)),
    ...folded(`${kept.length} metric${plural(kept.length)} kept as they were`, kept),
    {
      name: "howTo",
      text: "Old and new are the medians of all rounds. Once merged, pull requests are judged by this copy.",
    },
  ];
}

function tableOf(changes: readonly BaselineChange[]): string {
  const rows = changes.map((change) => {
    const [metric = "", ...rest] = row(change);
    return [code(metric), ...rest];
  });
  return table(HEADER, rows, ["l", "r", "r", "r"]);
}

/** The first line of its commit. */
export function recordedTitle({ baseline, isNew }: Recorded): string {
  const what = {
    recorded: isNew ? "Record" : "Record anew",
    extended: "Extend",
    accepted: "Accept a loss in",
  };
  const machine = String(
    baseline.fingerprint["gpuModel"] ?? baseline.fingerprint["cpuModel"] ?? "this machine",
  );
  return `${what[baseline.change?.kind ?? "recorded"]} the baseline of ${baseline.scenario} on ${machine.replace(/[^\p{L}\p{N} ().@+-]/gu, "")}`;
}
