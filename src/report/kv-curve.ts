import type { KvFill } from "../domain/kv-fill.ts";
import type { KvStudy } from "../domain/kv-study.ts";
import { plain } from "./markdown.ts";
import { formatNumber } from "./numbers.ts";

const percent = (share: number) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const bytes = (value: number) => `${formatNumber(Math.round(value))} B`;

/** Differences below this are rounding and the driver's own. */
const NO_CHANGE = 0.01;

/** Whether memory grows with the length, and with the context, and in which steps. */
export function shapeSection(study: KvStudy): string[] {
  return [plain(lengthSentence(study)), plain(contextSentence(study))];
}

/** What `--max-model-len` does to the memory in use: with a fixed share of the GPU, next to nothing. */
export function lengthSentence({
  rows,
  gpuSpread,
  gpuMibPerToken,
  availableSpread,
  tokensSpread,
  memorySet,
}: KvStudy): string {
  const measured = rows.filter((row) => row.measured);
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined || first === last) {
    return "One length alone shows no curve over --max-model-len.";
  }
  const range = `from ${first.maxModelLen} to ${last.maxModelLen}`;
  const cache =
    availableSpread === null
      ? tokensSpread === null
        ? "The server did not tell its KV memory."
        : `The cache's tokens differ by ${percent(tokensSpread)}.`
      : `The KV cache got ${first.availableGib?.toFixed(2)} GiB at the shortest and ${last.availableGib?.toFixed(2)} GiB at the longest (${percent(availableSpread)} apart).`;
  const why = memorySet
    ? "The KV memory was set, so it is the same for every --max-model-len, and the memory in use is no measure of what a token costs."
    : "vLLM fills what --gpu-memory-utilization allows with KV blocks, whatever --max-model-len is, so the memory in use is " +
      "no measure of what a token costs.";
  if (gpuSpread === null || gpuMibPerToken === null) {
    return `Whether memory in use grows with --max-model-len was not measured: no GPU memory was read. Over lengths ${range}: ${cache} ${why}`;
  }
  const used = `memory in use goes from ${formatNumber(first.gpuMemUsedMib ?? 0)} to ${formatNumber(last.gpuMemUsedMib ?? 0)} MiB`;
  if (gpuSpread <= NO_CHANGE) {
    return `Over --max-model-len neither linear nor in steps: ${range} ${used}, ${percent(gpuSpread)} apart, a slope of ${bytes(gpuMibPerToken * 2 ** 20)} per token of --max-model-len. ${cache} ${why}`;
  }
  return `Over --max-model-len ${used} ${range}, ${percent(gpuSpread)} apart, a slope of ${bytes(gpuMibPerToken * 2 ** 20)} per token of --max-model-len. ${cache} ${why} What moves it is the room for activations and graphs, or another process.`;
}

/** What a growing context does to the cache's use. */
export function contextSentence({ fills, uniform }: KvStudy): string {
  const fill = fills.at(-1);
  if (fill === undefined) return "How the cache's use grows with a context was not measured.";
  const over = `from ${formatNumber(fill.fromTokens)} to ${formatNumber(fill.toTokens)} tokens (${fill.readings} readings)`;
  if (fill.stepTokens !== null) {
    const exactly =
      fill.explained === 1 ? "every reading fits" : `${percent(fill.explained)} of the readings fit`;
    return `Over the context, on one running server, the cache's use is linear in steps: one block for every ${fill.stepTokens} tokens, ${over}; ${exactly} a whole number of such blocks${fixedText(fill)}.`;
  }
  if (fill.linear) {
    return `Over the context the cache's use is linear, within ${fill.deviationBlocks.toFixed(1)} blocks of one line, ${over}; no step of one size explains it.`;
  }
  const why = uniform ? "" : ", as expected where layers keep different amounts";
  return `Over the context the cache's use is not linear: readings are up to ${fill.deviationBlocks.toFixed(1)} blocks off one line, ${over}${why}.`;
}

function fixedText({ fixedBlocks }: KvFill): string {
  return fixedBlocks <= 0
    ? ""
    : `, beside ${fixedBlocks} that each request holds at any of these lengths (windows, recurrent state)`;
}

/** Bytes per token: measured, by the formula, and by what nvidia-smi shows. */
export function bytesSection(study: KvStudy): string[] {
  return bytesSentences(study)
    .map((each) => `- ${plain(each)}`)
    .join("\n")
    .split("\n\n");
}

/** The sentences of {@link bytesSection} as plain text. */
export function bytesSentences(study: KvStudy): string[] {
  const { rows, bytesPerToken, bytesSource, model, fills, fillProblems } = study;
  const measured = bytesSource === "measured" ? bytesPerToken : null;
  const [problem] = [...fills.flatMap((fill) => fill.bytesProblem ?? []), ...fillProblems];
  const estimates = rows.flatMap((row) => row.bytesPerTokenEst ?? []);
  const formula = model?.kvBytesPerToken ?? null;
  return [
    measured === null
      ? `Measured by filling the cache: none${problem === undefined ? "" : ` (${problem})`}.`
      : `Measured by filling the cache: ${bytes(measured)} for each token on each device; a request of 4,096 tokens takes ${formatNumber((measured * 4096) / 2 ** 20)} MiB.`,
    model === null
      ? "By the formula: none, the model's config.json is not on this machine."
      : formula === null
        ? `By the formula: none (${model.kvTerms}).`
        : `By the formula: ${model.kvTerms} = ${bytes(formula)}${measured === null ? "" : comparison(measured / formula, model.kvLayout)}.`,
    estimates.length === 0
      ? "By used memory over --max-model-len: none, GPU memory was not measured at two lengths."
      : `By used memory over --max-model-len (change of the one / change of the other): ${estimates.map(bytes).join(", ")}. This says how the memory beside the cache moved, not what a token takes.`,
  ];
}

function comparison(ratio: number, layout: string): string {
  const off = Math.abs(ratio - 1);
  if (off <= NO_CHANGE) return `; the measurement agrees within ${percent(Math.max(off, 0.0001))}`;
  const said = `; measured is ${percent(off)} ${ratio > 1 ? "more" : "less"}`;
  if (layout === "full" || layout === "mla") {
    return `${said}: padding, an unusual cache layout, or blocks that are not where the memory is`;
  }
  return `${said}, since the formula does not hold for this layout (${layout})`;
}
