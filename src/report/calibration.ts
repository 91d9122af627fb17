import type { MetricNoise, NoiseFile } from "../domain/noise.ts";
import { formatTolerance } from "./numbers.ts";
import { columns } from "./terminal.ts";

/** What a calibration found, for the terminal. */
export function renderCalibration(noise: NoiseFile, path: string): string {
  const entries = Object.entries(noise.metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = entries.map(([id, each]) => [
    id,
    spread(each.sessionSd, each),
    spread(each.detectable, each),
    each.proposed.level,
    formatTolerance(each.proposed.tolerance.relative, each.proposed.tolerance.absolute, each.unit),
    ...[0.05, 0.1].map((loss) => sessionsText(each, loss)),
    ...each.fixedRuleFires.map(({ share }) => `${Math.round(share * 100)} %`),
  ]);
  const rules = entries[0]?.[1].fixedRuleFires.map(({ rule }) => `${rule * 100} % rule`) ?? [];
  const header = [
    "metric",
    "sd",
    "detectable",
    "level",
    "tolerance",
    "sessions for 5 %",
    "for 10 %",
    ...rules,
  ];
  const sessions = entries[0]?.[1].sessions ?? 0;
  return [
    `${sessions} sessions of ${noise.scenario}: how far they spread on this machine, and what a gate can see here`,
    ...columns([header, ...rows]),
    "sd: of a session's best round. detectable: the loss that 5 baseline and 3 head sessions find 95 times in 100.",
    "N % rule: how often a fixed rule on one round of each would have failed two identical sessions.",
    ...slowSentence(noise),
    `Written to ${path}: commit it on the base branch; run judges by its copy there.`,
    "",
  ].join("\n");
}

function spread(value: number, { scale, unit }: MetricNoise): string {
  if (scale === "linear") return `${Number(value.toPrecision(2))}${unit === "" ? "" : ` ${unit}`}`;
  return `${Number(((Math.exp(value) - 1) * 100).toPrecision(2))} %`;
}

function sessionsText({ sessionsFor }: MetricNoise, loss: number): string {
  const found = sessionsFor.find((each) => each.loss === loss);
  return found === undefined ? "–" : found.sessions === null ? "> 20" : String(found.sessions);
}

/** A machine that makes slow sessions makes them in a gate as well. */
function slowSentence({ metrics }: NoiseFile): string[] {
  const slow = Object.entries(metrics)
    .filter(([, each]) => each.slowSessions !== undefined)
    .sort(([, a], [, b]) => (b.slowSessions ?? 0) - (a.slowSessions ?? 0));
  const [first] = slow;
  if (first === undefined) return [];
  const [id, { slowSessions, sessions }] = first;
  const others = slow.length === 1 ? "" : `, and some of ${slow.length - 1} other metrics`;
  return [
    `${slowSessions} of ${sessions} sessions were far slower than the others in ${id}${others}: sd leaves them out, the decision expects such ones.`,
  ];
}
