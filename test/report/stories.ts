import { VERDICTS } from "../../src/domain/verdict.ts";
import type { CommentInput } from "../../src/report/comment.ts";
import { decide, decideFailure } from "../../src/verdict/decide.ts";
import { comparison, fingerprint, measuredRun, run, session } from "../support/builders.ts";
import { gate, POLICY } from "../support/gate.ts";
import { richStory } from "./run-folder.ts";

const base = measuredRun({ sessions: 5 });

const flags = (args: readonly string[]) => ({
  variants: { head: { args: [...args], model: "Qwen/Qwen2.5-1.5B-Instruct" } },
  id: "20261122T080000Z-77c1",
});

const LOG_TAIL = [
  "07:58:12.301 | INFO 11-22 07:58:12 [model.py:1510] Using max model len 999999",
  "07:58:12.302 | Traceback (most recent call last):",
  '07:58:12.302 |   File "/opt/vllm/lib/python3.11/site-packages/vllm/config/model.py", line 2051, in verify',
  "07:58:12.303 | ValueError: User-specified max_model_len (999999) is greater than the derived max_model_len",
];

const CAUSE =
  "The server ended after 9.4 s with exit code 1: User-specified max_model_len (999999) is greater than the " +
  "derived max_model_len (max_position_embeddings=32768 or model_max_length=None in model's config.json).";
const HINT = "Lower --max-model-len to what the model was made for.";

const hostile = {
  flag: "--served-model-name",
  name: "`evil`|<img src=x onerror=alert(1)> @torvalds #1 GH-2 [x](javascript:a)\n\n# owned\u001b[31m\u202e &commat;root",
};

/** Runs as a reviewer meets them, by the name of their golden file. */
export const STORIES: Readonly<Record<string, () => CommentInput>> = {
  pass: () => gate(base, measuredRun({ tpotMs: [2.08, 2.315] }, flags(["--max-model-len", "4096"]))),

  improved: () =>
    gate(
      base,
      measuredRun(
        { tpotMs: [1.86, 2.02], warmMs: 11.8, sessions: 3 },
        flags(["--max-model-len", "4096", "-O3"]),
      ),
    ),

  regressed: () =>
    gate(
      base,
      measuredRun(
        { tpotMs: [2.75, 3.02], ttftMs: [18, 36], sessions: 3 },
        flags(["--max-model-len=8192", "--no-async-scheduling"]),
        {
          kv: {
            blocks: 280_000,
            blockSize: 16,
            capacityTokens: 4_480_000,
            maxConcurrency: 546.9,
            prefixCaching: true,
          },
          vllmVersion: "0.23.0",
        },
      ),
    ),

  "regressed-errors": () => {
    const { run: measured, traces } = measuredRun({}, flags(["--max-model-len", "4096"]));
    const failed = traces.map((each) =>
      each.round === 1 && (each.id === "batching.c8.3" || each.id === "batching.c8.4")
        ? { ...each, outcome: "http_error" as const, status: 500, error: "HTTP 500: engine dead" }
        : each,
    );
    return gate(base, { run: measured, traces: failed });
  },

  "limit-broken": () =>
    gate(base, measuredRun({}, flags(["--max-model-len", "4096"])), {
      limits: { "batching.c8.ttft_p95_ms": { max: 30 }, "prefix.1024.c1.hit_rate": { min: 0.9 } },
    }),

  inconclusive: () => {
    const scattered = measuredRun({ sessions: 5 });
    const slowRound = scattered.traces.map((each) =>
      each.session === 2 && each.round === 1 && each.probe === "ttft" && each.case === "warm"
        ? { ...each, firstTokenS: each.firstTokenS! + 0.008 }
        : each,
    );
    return gate(
      { ...scattered, traces: slowRound },
      measuredRun({ warmMs: 16.9 }, flags(["--max-model-len", "4096", "--max-num-seqs", "64"])),
    );
  },

  "inconclusive-other-host": () =>
    gate(
      base,
      measuredRun(
        { warmMs: 21 },
        {
          ...flags(["--max-model-len", "4096"]),
          fingerprint: fingerprint({ hostId: "b41c29aa7710", kernel: "6.11.0-9-generic" }),
        },
      ),
    ),

  "invalid-fingerprint": () =>
    gate(
      base,
      measuredRun(
        { tpotMs: [3.4, 3.9] },
        {
          ...flags(["--max-model-len", "4096"]),
          fingerprint: fingerprint({
            gpuModel: "NVIDIA H100 80GB HBM3",
            gpuMemoryMib: 81559,
            driver: "550.90.07",
          }),
        },
      ),
    ),

  "invalid-cache-hit": () => {
    const measured = measuredRun({}, flags(["--max-model-len", "4096"]));
    const sessions = measured.run.sessions.map((each) => ({
      ...each,
      cases: (each.cases ?? []).map((one) => (one.case === "c8" ? { ...one, counters: hits } : one)),
    }));
    return gate(base, { ...measured, run: { ...measured.run, sessions } });
  },

  "invalid-cold-hit": () => {
    const measured = measuredRun({}, flags(["--max-model-len", "4096"]));
    const sessions = measured.run.sessions.map((each) => ({
      ...each,
      cases: (each.cases ?? []).map((one) => (one.case === "cold" ? { ...one, counters: hits } : one)),
    }));
    return gate(base, { ...measured, run: { ...measured.run, sessions } });
  },

  "no-baseline": () => gate(null, measuredRun({}, flags(["--max-model-len", "4096"]))),

  "no-baseline-limit-broken": () =>
    gate(null, measuredRun({}, flags(["--max-model-len", "4096"])), {
      limits: { "ttft.warm.p50_ms": { max: 10 } },
    }),

  "failed-start": () => {
    const failed = session({
      outcome: "failed_start",
      argv: ["vllm", "serve", "Qwen/Qwen2.5-1.5B-Instruct", "--max-model-len", "999999"],
      cause: CAUSE,
      hint: HINT,
      logTail: LOG_TAIL,
      exit: { code: 1, signal: null },
    });
    const { readyS: _, servingS: __, ...neverReady } = failed;
    return {
      run: run({ ...flags(["--max-model-len", "999999"]), sessions: [neverReady], outcome: "failed" }),
      measurements: null,
      comparison: null,
      runPath: "runs/20261122T080000Z-77c1",
      acceptCommand: "vllm-gate record runs/20261122T080000Z-77c1",
      verdict: decideFailure(
        "chat",
        "failed_start",
        { headline: CAUSE, nextAction: HINT, reasons: [CAUSE] },
        { reportOnly: false },
      ),
    };
  },

  cancelled: () => {
    const cause = "cancelled by SIGTERM";
    return {
      run: run({
        ...flags(["--max-model-len", "4096"]),
        sessions: [session(), session({ index: 1, outcome: "cancelled", cause })],
        outcome: "cancelled",
      }),
      measurements: null,
      comparison: null,
      runPath: "runs/20261122T080000Z-77c1",
      acceptCommand: "vllm-gate record runs/20261122T080000Z-77c1",
      verdict: decideFailure(
        "chat",
        "cancelled",
        {
          headline: `The run was ${cause} after 1 of 3 sessions`,
          nextAction: "Run it again; nothing was decided.",
          reasons: [cause],
        },
        { reportOnly: false, exitCode: 143 },
      ),
    };
  },

  "report-only": () =>
    gate(
      base,
      measuredRun(
        { tpotMs: [2.75, 3.02], sessions: 3 },
        flags(["--max-model-len", "4096", "--enforce-eager"]),
      ),
      {
        policy: { reportOnly: true },
      },
    ),

  "one-metric": () => {
    const input = gate(
      base,
      measuredRun({ tpotMs: [2.75, 3.02], sessions: 3 }, flags(["--max-model-len", "4096"])),
    );
    const comparisons = input.comparison!.comparisons.filter(
      ({ metric }) => metric === "batching.c8.tpot_floor_ms",
    );
    const comparison = { ...input.comparison!, comparisons };
    return { ...input, comparison, verdict: decide(comparison, POLICY) };
  },

  "many-metrics": () => {
    const input = gate(base, measuredRun({ tpotMs: [2.08, 2.315] }, flags(["--max-model-len", "4096"])));
    const comparisons = Array.from({ length: 300 }, (_, index) =>
      comparison({
        metric: `batching.c${index + 1}.tpot_floor_ms`,
        level: index < 150 ? "gate" : "watch",
        verdict: VERDICTS[index % VERDICTS.length]!,
        base: 2 + index / 100,
        head: 2 + index / 90,
        effect: (2 + index / 90) / (2 + index / 100) - 1,
        interval: [-0.01 + index / 4000, 0.02 + index / 3000],
        reason: `reason ${index % 7}`,
      }),
    );
    const file = { ...input.comparison!, comparisons };
    return { ...input, comparison: file, verdict: decide(file, POLICY) };
  },

  "changed-before": () => {
    const input = gate(
      base,
      measuredRun({ tpotMs: [2.08, 2.6], sessions: 3 }, flags(["--max-model-len", "4096"])),
    );
    const metric = "batching.c8.tpot_floor_ms";
    const points = Array.from({ length: 30 }, (_, night) => ({
      at: new Date(Date.UTC(2026, 9, 20 + night, 2)).toISOString(),
      value: (night < 19 ? 2.33 : 2.59) + 0.008 * Math.sin(night * 2.4),
    }));
    const between = ["commit: 0a1b2c3d4e → f5e6d7c8b9", "vLLM: 0.22.0 → 0.23.0"];
    const changes = [{ at: points[19]!.at, before: 2.33, after: 2.59, between }];
    const anchor = input.comparison!.comparisons.find((each) => each.metric === metric)!.base;
    const folder = "baselines/history/chat/nvidia-h200-1x-140gib-qwen2.5-1.5b-instruct";
    const metrics = [{ metric, unit: "ms", anchor, points, changes }];
    return { ...input, history: { schemaVersion: 1, folder, metrics } };
  },

  rich: () => richStory().input,

  hostile: () => {
    const { run: measured, traces } = measuredRun(
      { tpotMs: [2.75, 3.02], sessions: 3 },
      {
        ...flags([hostile.flag, hostile.name, "--x|y=`a|b`"]),
        scenario: "chat --> <b>",
        fingerprint: fingerprint({ os: hostile.name }),
      },
      { argv: ["vllm", "serve", "it's", hostile.name], vllmVersion: hostile.name },
    );
    const input = gate(base, { run: measured, traces });
    const survivor = { tookS: 1, killed: true, survivors: [4711] };
    return {
      ...input,
      run: { ...input.run, sessions: input.run.sessions.map((each) => ({ ...each, disposal: survivor })) },
    };
  },
};

const hits = {
  promptTokens: 4800,
  generationTokens: null,
  prefixQueriedTokens: 4800,
  prefixHitTokens: 4656,
  preemptions: 0,
};
