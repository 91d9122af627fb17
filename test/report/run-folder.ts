import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "../../src/domain/run.ts";
import type { TelemetryLine } from "../../src/domain/telemetry.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import type { ReportInput } from "../../src/report/explain.ts";
import { gate } from "../support/gate.ts";
import { FAST, richRun, SLOW } from "./rich-run.ts";

/** Writes what a gate leaves before its reports. */
export async function writeRunFolder(
  folder: string,
  input: ReportInput,
  traces: readonly RequestTrace[],
  telemetry: readonly TelemetryLine[] = [],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines = (all: readonly unknown[]) => all.map((each) => `${JSON.stringify(each)}\n`).join("");
  const files: Record<string, unknown> = {
    [RUN_FILES.run]: input.run,
    [RUN_FILES.measurements]: input.measurements,
    [RUN_FILES.comparison]: input.comparison,
    [RUN_FILES.verdict]: input.verdict,
  };
  for (const [name, value] of Object.entries(files)) {
    if (value !== null) await writeFile(join(folder, name), `${JSON.stringify(value)}\n`);
  }
  await writeFile(join(folder, RUN_FILES.traces), lines(traces));
  await writeFile(join(folder, RUN_FILES.telemetry), lines(telemetry));
}

/** A regression with a curve, its base measured beside it once, and everything else that a report can show. */
export function richStory(): {
  readonly input: ReportInput;
  readonly traces: readonly RequestTrace[];
  readonly telemetry: readonly TelemetryLine[];
} {
  const order = ["head", "head", "head", "base"];
  const head = richRun(
    order.map((variant) => ({ variant, server: variant === "head" ? SLOW : FAST })),
    {
      id: "20261122T080000Z-77c1",
      looks: [
        {
          sessions: { head: 1, base: 0 },
          regressed: [],
          undecided: ["batching.c8.tpot_floor_ms"],
          next: ["head", "head"],
          why: "undecided: batching.c8.tpot_floor_ms and 9 more",
          remainingS: 1500,
        },
        {
          sessions: { head: 3, base: 0 },
          regressed: ["batching.c8.tpot_floor_ms"],
          undecided: [],
          next: ["base"],
          why: "batching.c8.tpot_floor_ms and 9 more regressed against a baseline of another day: is the base as slow now?",
          remainingS: 1180,
        },
        {
          sessions: { head: 3, base: 1 },
          regressed: ["batching.c8.tpot_floor_ms"],
          undecided: [],
          next: [],
          why: "batching.c8.tpot_floor_ms and 9 more regressed",
          remainingS: 1020,
        },
      ],
      endedAt: "2026-11-22T07:11:41.000Z",
    },
  );
  const baseline = richRun(Array.from({ length: 5 }, () => ({ variant: "head", server: FAST })));
  const plain = { ...baseline.run, variants: { head: { args: ["--max-model-len", "4096"] } } };
  const input = gate({ run: plain, traces: baseline.traces }, head);
  return { input, traces: head.traces, telemetry: head.telemetry };
}
