import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parseTraffic } from "../../src/config/traffic-file.ts";
import { readPromptFile } from "../../src/probe/prompt-set-file.ts";

it("the examples of users' files in the documentation are read", async () => {
  const page = await readFile(new URL("../../docs/studies.md", import.meta.url), "utf8");
  const [prompts, traffic] = [...page.matchAll(/```jsonl\n(.*?)```/gs)].map(([, text = ""]) => text);
  expect(readPromptFile(prompts ?? "", "prompts.jsonl")).toMatchObject([
    { workload: "chat", regime: "desk", prompts: [{}, {}] },
  ]);
  const requests = parseTraffic(traffic ?? "", "traffic.jsonl", { endpoint: "chat", mode: "open" });
  expect(requests.map(({ prompt, atS }) => [prompt.kind, atS])).toEqual([
    ["text", 0],
    ["messages", 0.4],
    ["length", 1.25],
  ]);
});
