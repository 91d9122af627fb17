import type { Diagnosis, NodeVerdict } from "../domain/doctor.ts";
import { type Finding, LEVELS, type Level, type NodeFacts, type NodeReport } from "../domain/node.ts";
import { judgeGpus } from "./judge-gpu.ts";
import { judgeHost } from "./judge-host.ts";
import { type NodeProbeOptions, readNodeFacts } from "./node-facts.ts";

/** What was read, with a judgement of each thing. */
export function judgeNode(facts: NodeFacts): NodeReport {
  return { facts, findings: [...judgeGpus(facts), ...judgeHost(facts)] };
}

/** Reads and judges this node; without a server, in half a second or what nvidia-smi takes. */
export async function probeNode(options: NodeProbeOptions = {}): Promise<NodeReport> {
  return judgeNode(await readNodeFacts(options));
}

/**
 * The verdict on a machine: `unfit` with anything `bad`, `degraded` with anything that numbers suffer from.
 *
 * @param preflight - findings on what a run needs; see preflight.ts
 */
export function diagnose(node: NodeReport, preflight: readonly Finding[] = []): Diagnosis {
  const findings = [...preflight, ...node.findings].sort((a, b) => rank(b.level) - rank(a.level));
  const worst = findings[0]?.level ?? "ok";
  const verdict: NodeVerdict = worst === "bad" ? "unfit" : worst === "warn" ? "degraded" : "healthy";
  return { verdict, findings };
}

function rank(level: Level): number {
  return LEVELS.indexOf(level);
}

const HEADLINES: Readonly<Record<NodeVerdict, string>> = {
  healthy: "healthy: a verdict from this machine can be trusted",
  degraded: "degraded: a verdict can be had, with more noise or lower numbers than this machine could give",
  unfit: "unfit: no verdict from this machine would mean anything",
};

/**
 * A diagnosis as lines of text: the verdict, then what is wrong with what it does and the command against it, then
 * what is worth knowing, then what is well on one line each.
 */
export function renderDiagnosis({ verdict, findings }: Diagnosis): string[] {
  const width = Math.max(0, ...findings.map(({ subject }) => subject.length));
  return [
    HEADLINES[verdict],
    "",
    ...findings.flatMap(({ level, subject, value, reason, matters, fix }) => {
      const head = `${level.padEnd(4)}  ${subject.padEnd(width)}  ${value}`;
      if (level === "ok") return [`${head} (${reason})`];
      const indent = " ".repeat(6);
      return [
        head,
        `${indent}why:  ${reason}`,
        ...(matters === "" ? [] : [`${indent}does: ${matters}`]),
        ...(fix === null ? [] : [`${indent}fix:  ${fix}`]),
      ];
    }),
  ];
}
