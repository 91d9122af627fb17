import { createHash } from "node:crypto";
import { NotMeasuredError } from "../domain/errors.ts";
import type { CountedGroup } from "../domain/prefix-prompts.ts";
import type { CasePlan, PlannedRequest, PromptTarget } from "./case-plan.ts";
import type { Workload } from "./prompt-set.ts";
import { UNIQUE } from "./prompt-set-file.ts";
import { completionBody } from "./workload.ts";

/** Share of the tokens that a regime promises which prompts of the user's own must really share. */
const LEAST_OF_REGIME = 0.9;

export interface LoadOptions {
  readonly concurrency: number;
  readonly outputTokens: number;
  readonly round: number;
  /** The study's main workload: its hits take turns with misses of the same prompts. */
  readonly primary: boolean;
}

type Kind = "hit" | "miss";

/**
 * The cases of a cell: each prompt of the group is sent once, and again until there are two waves. Behind its prefix
 * each gets a mark that no other request of the study has, so that a server that has seen the prompt before still has
 * to read everything but the prefix; where nothing may be shared the mark comes first. The marks depend on nothing but
 * the cell, so that every server is sent the same bytes.
 *
 * The main workload's hits take turns with misses, the same prompts with the mark in front: what a prefix saves is then
 * seen within one server, and what two servers differ by beside caching is seen in the misses.
 */
export function loadCases(
  target: Pick<PromptTarget, "model">,
  group: CountedGroup,
  primed: Workload["primed"],
  options: LoadOptions,
): CasePlan[] {
  const { concurrency, outputTokens, round, primary } = options;
  const total = group.prompts.length;
  const paired = primary && primed !== "none";
  const own: Kind = primed === "none" ? "miss" : "hit";
  const request = (kind: Kind, index: number, pass: string): PlannedRequest => {
    const prompt = group.prompts[index % total] as CountedGroup["prompts"][number];
    const name =
      paired && kind === "miss" ? missCaseName(group, concurrency) : caseName(group, concurrency, primary);
    // The turns of a conversation keep its mark, or none would find the one before.
    const place = kind === "hit" && prompt.thread !== null ? prompt.thread : index % total;
    const mark = markOf(`${name}/${round}/${pass}/${place}`);
    // What other cells sent of a prefix that is edited must not be found here: each version is the cell's own.
    const version = primed === "first" ? `${markOf(`${name}/${round}/${prompt.prefixSha256}`)} ` : "";
    const text =
      kind === "miss"
        ? `${mark} ${prompt.prefix}${prompt.suffix}`
        : `${version}${prompt.prefix}\n${mark}${prompt.suffix}`;
    return {
      id: `prefix.${name}.${pass}.${index % total}`,
      promptTokens: (group.promptTokens[index % total] ?? 0) + 2 * MARK_TOKENS,
      expectedTokens: outputTokens,
      body: completionBody({ model: target.model, prompt: text, outputTokens }),
    };
  };
  const measured = (kind: Kind, index: number) => request(kind, index, String(Math.floor(index / total)));
  const warmup = (kind: Kind) => [
    ...(kind === "miss" ? [] : primersOf(group, primed).map((index) => request(kind, index, "prime"))),
    // The first requests of a wave may meet a prefix that is still being computed.
    ...range(concurrency === 1 ? 1 : 2 * concurrency).map((index) =>
      request(kind, firstOf(group, primed, index), `w${index}`),
    ),
  ];
  const part = (kind: Kind, name: string, first: boolean, measure: PlannedRequest[]): CasePlan => ({
    probe: "prefix",
    case: name,
    concurrency,
    mustMiss: kind === "miss",
    warmup: first ? warmup(kind) : [],
    measure,
  });
  const ownName = caseName(group, concurrency, primary);
  const count = total * Math.max(1, Math.ceil((2 * concurrency) / total));
  if (!paired)
    return [
      part(
        own,
        ownName,
        true,
        range(count).map((index) => measured(own, index)),
      ),
    ];
  const { turns, size } = turnsOf(Math.max(total, 2 * concurrency), concurrency);
  return range(turns).flatMap((turn) => {
    const kinds: readonly Kind[] = turn % 2 === 0 ? ["miss", "hit"] : ["hit", "miss"];
    return kinds.map((kind) =>
      part(
        kind,
        kind === "hit" ? ownName : missCaseName(group, concurrency),
        turn === 0,
        range(size).map((at) => measured(kind, turn * size + at)),
      ),
    );
  });
}

/** Sequential requests of one kind before the other kind has its turn, at most. */
const TURN = 5;

/** An even number of turns: of a wave each, or of a few requests one after another. */
function turnsOf(requests: number, concurrency: number): { turns: number; size: number } {
  const most = concurrency === 1 ? TURN : concurrency;
  const turns = 2 * Math.ceil(requests / most / 2);
  return { turns, size: concurrency === 1 ? Math.ceil(requests / turns) : concurrency };
}

/** Tokens that the mark may add to a prompt, at most: eight hexadecimal digits in brackets. */
const MARK_TOKENS = 12;

function markOf(place: string): string {
  return `[${createHash("sha256").update(place).digest("hex").slice(0, 8)}]`;
}

type GroupName = Pick<CountedGroup, "workload" | "regime">;

/** `hit.1024.c8` for the main workload, else with the workload's name. */
export function caseName({ workload, regime }: GroupName, concurrency: number, primary: boolean): string {
  return `${primary && workload !== UNIQUE ? "hit" : workload}.${regime}.c${concurrency}`;
}

/** The case of the misses that take turns with the main workload's hits. */
export function missCaseName({ regime }: Pick<GroupName, "regime">, concurrency: number): string {
  return `miss.${regime}.c${concurrency}`;
}

/** The first prompt of each prefix that is to be in the cache before the case. */
function primersOf({ prompts }: CountedGroup, primed: Workload["primed"]): number[] {
  if (primed === "none") return [];
  const seen = new Set<string>();
  const first: number[] = [];
  for (const [index, { prefixSha256 }] of prompts.entries()) {
    if (seen.has(prefixSha256)) continue;
    seen.add(prefixSha256);
    first.push(index);
    if (primed === "first") break;
  }
  return first;
}

/** What the warm-up wave sends: a prefix that is to be new when it is measured is not touched. */
function firstOf({ prompts }: CountedGroup, primed: Workload["primed"], index: number): number {
  return primed === "first" ? 0 : index % prompts.length;
}

/**
 * Prompts of the user's own must share what their regime says, in tokens too.
 *
 * @throws NotMeasuredError with what they share
 */
export function checkShared(group: CountedGroup, source: string): void {
  if (group.workload === UNIQUE || !/^\d+$/.test(group.regime)) return;
  const wanted = Number(group.regime);
  const shared = Math.min(...Object.values(group.prefixTokens).map((tokens) => tokens.shared));
  if (shared >= LEAST_OF_REGIME * wanted) return;
  throw new NotMeasuredError(
    `${source}: prompts of workload ${group.workload}, regime ${group.regime} share ${shared} tokens by the server's ` +
      `tokenizer, expected about ${wanted}: lengthen what they share, or name the regime after its length`,
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
