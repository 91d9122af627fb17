import { promptLineSchema } from "../domain/prefix-prompts.ts";
import type { PromptFacts } from "../domain/prefix-study.ts";

/** What a study's own prompt file says of its groups, in their order. */
export function readPromptFacts(text: string): PromptFacts[] {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => promptLineSchema.parse(JSON.parse(line)));
  return [
    ...Map.groupBy(lines, (line) => JSON.stringify([line.workload ?? "", line.prefix_regime ?? ""])),
  ].map(([key, group]) => {
    const [workload, regime] = JSON.parse(key) as [string, string];
    const hashes = group.map((line) => line.prefix_sha256 ?? "");
    return {
      workload,
      regime,
      prompts: group.length,
      prefixes: new Set(hashes).size,
      hashes,
      sharedTokens: Math.min(...group.map((line) => line.shared_tokens ?? 0)),
      promptTokens: group.reduce((sum, line) => sum + (line.prompt_tokens ?? 0), 0) / group.length,
    };
  });
}
