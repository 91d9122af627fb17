import { flagValue } from "../domain/flag-value.ts";
import type { KvStudy } from "../domain/kv-study.ts";
import type { RunRecord } from "../domain/run.ts";
import { alertSection } from "./kv-alerts.ts";
import { bytesSection, shapeSection } from "./kv-curve.ts";
import { kvTable } from "./kv-table.ts";
import { environmentLines } from "./log-page.ts";
import { plain, table } from "./markdown.ts";
import { formatNumber } from "./numbers.ts";

const percent = (share: number) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const tokens = (count: number) => `${formatNumber(count)} tokens`;
const gib = (value: number | null) =>
  value === null ? "–" : value < 0.01 ? value.toFixed(4) : value.toFixed(2);

/** Types of the cache that a smaller one would halve. */
const SIXTEEN_BIT: ReadonlySet<string> = new Set(["auto", "bfloat16", "float16", "half"]);

/** `logs/kv_cache_scaling_notes.md`: the questions of the seed, answered from the numbers. */
export function renderKvNotes(run: RunRecord, study: KvStudy): string {
  const sections: readonly (readonly [title: string, body: readonly string[]])[] = [
    ["Configuration", [environmentLines(run).join("\n")]],
    ["Measurements", [kvTable(study), ...study.fillProblems.map((each) => `- ${plain(each)}`)]],
    ["Is it roughly linear? Are there step changes?", shapeSection(study)],
    ["Bytes per KV token", bytesSection(study)],
    ["Which max-model-len is safe?", safeSection(study)],
    ["Headroom envelope", envelopeSection(study)],
    ["What if the context is doubled?", doublingSection(run, study)],
    ["For latency, and for throughput", servingSection(study)],
    ["What to alert on", alertSection(study)],
    ["Traps", trapSection(study)],
  ];
  const text = sections.map(([title, body]) => `## ${title}\n\n${body.join("\n\n")}`);
  return `# KV cache scaling: ${plain(run.scenario)}\n\n${text.join("\n\n")}\n`;
}

/** The sentence for a terminal and a log page: which length is safe. */
export function safeSentence({
  safeLength,
  cacheSafeLength,
  cacheLength,
  safeMeasured,
  wantConcurrency,
  headroom,
  model,
  uniform,
}: KvStudy): string {
  if (!uniform) {
    return "This model's layers keep different amounts, so a length that was not measured cannot be computed: take the longest measured one whose maximum concurrency is enough.";
  }
  if (cacheSafeLength === null || cacheLength === null) {
    return "The server told neither blocks nor block size, so no length can be called safe.";
  }
  if (cacheSafeLength <= 0)
    return `${wantConcurrency} requests at once do not fit with any length: the cache has too few blocks.`;
  const load = `For ${wantConcurrency} requests of full length at once, with ${percent(headroom)} of the cache left free,`;
  const context = model?.contextTokens ?? null;
  if (safeLength === null || context === null) {
    const measured =
      safeMeasured === null
        ? "None of the measured lengths fits."
        : `Of the measured lengths, which the server took, ${safeMeasured} is the largest that fits.`;
    return (
      `${load} the largest safe --max-model-len is unknown: the model's own context is not known here (its config.json was ` +
      `not found, or does not say). The cache alone would hold ${cacheSafeLength} tokens each, ${cacheLength} with nothing ` +
      `left. ${measured}`
    );
  }
  const bound =
    context === safeLength
      ? ", which is the model's own context: the cache is not what limits it"
      : `; up to ${Math.min(cacheLength, context)} they fit with nothing left`;
  return `${load} the largest safe --max-model-len is ${safeLength}${bound}.`;
}

function safeSection(study: KvStudy): string[] {
  const failed = study.rows
    .filter((row) => !row.measured)
    .map((row) => `${row.maxModelLen} (${row.notes.join("; ")})`);
  return [
    plain(safeSentence(study)),
    "vLLM takes blocks as a request grows and none for its limit: `--max-model-len` decides how long a request may become, " +
      "and so how many are sure to fit, not how much memory is set aside for each.",
    ...(failed.length === 0 ? [] : [`Not measured: ${plain(failed.join(", "))}.`]),
  ];
}

function envelopeSection({ envelope, headroom, uniform, wantConcurrency }: KvStudy): string[] {
  if (envelope.length === 0) return ["The server told neither its blocks nor its maximum concurrency."];
  const rows = envelope.map((row) => [
    formatNumber(row.contextTokens),
    formatNumber(row.fitting),
    formatNumber(row.safe),
    gib(row.gib),
    fitText(wantConcurrency, row.fitting, row.safe),
  ]);
  const usual = envelope.find((row) => row.contextTokens === 4096);
  return [
    ...(usual === undefined
      ? []
      : [
          `For about ${wantConcurrency} requests of 4K at once: \`--max-model-len 4096\` holds ${formatNumber(usual.fitting)} of them, ` +
            `${formatNumber(usual.safe)} with headroom. A larger limit takes no memory from them until a request uses it.`,
        ]),
    `How many requests fit at once by the length that they reach, prompt and answer together${uniform ? "" : " (the server's own numbers)"}:`,
    table(
      [
        "context (tokens)",
        "fit at once",
        `with ${percent(headroom)} free`,
        "GiB each",
        `${wantConcurrency} at once`,
      ],
      rows,
      ["r", "r", "r", "r", "l"],
    ),
  ];
}

/** Whether a wanted number fits, of those that do, and of those that leave the headroom. */
function fitText(wanted: number, fitting: number, safe: number): string {
  if (fitting < wanted) return "does not fit";
  return safe < wanted ? "fits, no headroom" : "fits";
}

function doublingSection(
  { variants }: RunRecord,
  { doubling, wantConcurrency, uniform, model }: KvStudy,
): string[] {
  if (doubling.length === 0) {
    return [
      uniform
        ? "The server told neither blocks nor block size."
        : "Not computed: this model's layers keep different amounts.",
    ];
  }
  const rows = doubling.map((row) => {
    const lost = row.fittingNow - row.fittingThen;
    return [
      `${formatNumber(row.contextTokens)} → ${formatNumber(row.contextTokens * 2)}`,
      gib(row.moreGib),
      formatNumber(row.fittingNow),
      formatNumber(row.fittingThen),
      row.fittingNow === 0 ? "–" : `${formatNumber(lost)} (${percent(lost / row.fittingNow)})`,
      fitText(wantConcurrency, row.fittingThen, row.safeThen),
    ];
  });
  const cacheTypes = Object.values(variants).map(({ args }) => flagValue(args, "--kv-cache-dtype"));
  const smallerType = cacheTypes.every((type) => type === null || SIXTEEN_BIT.has(type))
    ? "`--kv-cache-dtype fp8` halves the bytes per token of a 16-bit cache, a"
    : "The cache has a smaller type already; a";
  const context = model?.contextTokens ?? null;
  const beyond = doubling.filter((row) => context !== null && row.contextTokens * 2 > context);
  return [
    `With ${wantConcurrency} requests at once that use the whole length:`,
    table(
      [
        "context (tokens)",
        "more KV memory (GiB)",
        "fit now",
        "fit then",
        "concurrency lost",
        `${wantConcurrency} at once then`,
      ],
      rows,
      ["l", "r", "r", "r", "r", "l"],
    ),
    ...(context === null || beyond.length === 0
      ? []
      : [
          `The model's own context is ${tokens(context)}: doubling ${beyond.map((row) => formatNumber(row.contextTokens)).join(", ")} needs another model or rope scaling.`,
        ]),
    "The memory is there only if the cache has it free; where it has not, the concurrency is what is lost. " +
      `${smallerType} second GPU with tensor parallelism about doubles the cache.`,
  ];
}

function servingSection({ envelope, uniform, safeLength, safeMeasured }: KvStudy): string[] {
  const shortest = envelope[0];
  const longest = envelope.filter((row) => row.contextTokens <= (safeLength ?? safeMeasured ?? 0)).at(-1);
  if (shortest === undefined || longest === undefined || !uniform) {
    return ["Measure the lengths that you would serve: for this model none follows from another."];
  }
  return [
    `- Latency first: the shortest length that covers your prompts and answers, and a \`--max-num-seqs\` well below what fits ` +
      `(at ${tokens(shortest.contextTokens)} that is ${formatNumber(shortest.safe)} with headroom). The cache then never ` +
      "preempts, and what bounds the concurrency is the p95 that `vllm-gate study batching` shows.\n" +
      `- Throughput first: as many requests as fit (${formatNumber(shortest.fitting)} of ${tokens(shortest.contextTokens)}, ` +
      `${formatNumber(longest.fitting)} of ${tokens(longest.contextTokens)}), \`--max-num-seqs\` no lower than the knee of the ` +
      "batching curve; some preemption at the peak costs less than idle compute.",
  ];
}

function trapSection({ rows, uniform, model }: KvStudy): string[] {
  const sizes = [...new Set(rows.flatMap((row) => row.blockSize ?? []))];
  return [
    [
      "- Up to vLLM 0.20 the logged KV tokens are blocks × block size, from 0.22 on requests of full length that fit × their " +
        "length, rounded to whole blocks of a request. `kv_tokens` here is blocks × block size wherever all layers keep " +
        "the same, so it compares across versions and lengths.",
      uniform
        ? "- All layers of this model take the same blocks, by the server's own numbers."
        : "- This model's layers keep different amounts: its `kv_tokens` move with `--max-model-len` and with the version while " +
          "the memory stays. Compare them at equal lengths and versions only; otherwise compare `available_gib`.",
      ...(sizes.length > 1 ? [`- The block size changed within the sweep (${sizes.join(", ")}).`] : []),
      ...(model !== null && model.kvLayout !== "full"
        ? [`- KV layout: ${plain(model.kvLayout)}. ${plain(model.kvTerms)}.`]
        : []),
      "- `--gpu-memory-utilization` is 0.9 by default up to vLLM 0.19 and 0.92 later, when CUDA graphs came to be counted: an " +
        "upgrade alone changes the cache.",
    ].join("\n"),
  ];
}
