import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { loadConfig } from "../src/inputs.ts";
import { identify } from "../src/measuring.ts";
import { headPlan } from "../src/run-plan.ts";
import { createRepository, git } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

const LINE = JSON.stringify({ prompt: "What is a GPU?", output_tokens: 8 });

function configText(traffic: unknown): string {
  const probes = { ttft: false, batching: false, prefix: false, kv: false, traffic };
  return stringify({ scenarios: { chat: { model: "m", slo: { ttftP95Ms: 200 }, probes } } });
}

const load = (cwd: string, base?: string) =>
  loadConfig({
    cwd,
    overrides: {},
    nameOverride: (key) => key,
    ...(base === undefined ? {} : { baseRevision: base }),
  });

async function folder(traffic: unknown, text = `${LINE}\n`): Promise<string> {
  const cwd = await tempDir();
  await writeFile(join(cwd, "vllm-gate.yml"), configText(traffic));
  await writeFile(join(cwd, "r.jsonl"), text);
  return cwd;
}

describe("probes.traffic", () => {
  it("is read with the configuration, and part of what runs must have in common", async () => {
    const config = await load(await folder({ file: "r.jsonl" }));
    expect(config.traffic).toMatchObject({ mode: "closed", concurrency: 8, rateScale: 1 });
    expect(config.traffic?.requests).toHaveLength(1);
    expect(config.slo).toEqual({ ttftP95Ms: 200 });
    expect(Object.isFrozen(config.traffic?.requests[0])).toBe(true);
    const plans = await headPlan(config, 1).suite.round({ model: "m", seed: "s" }, 0, {
      ...{ tokenize: async () => null, maxModelLen: null, kv: null },
    });
    expect(plans.map((plan) => `${plan.probe}.${plan.case}`)).toEqual(["traffic.closed"]);
    const other = await load(await folder({ file: "r.jsonl" }, `${LINE}\n${LINE}\n`));
    expect((await identify(other, { cwd: process.cwd(), environment: {} }))["probeSuite"]).not.toBe(
      (await identify(config, { cwd: process.cwd(), environment: {} }))["probeSuite"],
    );
  });

  it("wrong lines are a usage error with their place", async () => {
    await expect(load(await folder({ file: "r.jsonl" }, `${LINE}\n{"prompt":"x"}`))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^r\.jsonl:2: output_tokens/),
    });
  });

  it.each([
    ["missing.jsonl", "missing.jsonl: no such file"],
    ["../r.jsonl", "expected a file inside the repository"],
    ["/etc/passwd", "expected a file inside the repository"],
    ["link.jsonl", "a symbolic link leads out of the repository"],
  ])("%s is refused", async (file, message) => {
    const cwd = await folder({ file });
    await symlink("/etc/passwd", join(cwd, "link.jsonl"));
    await expect(load(cwd)).rejects.toThrow(message);
  });

  it("of a pull request they are its own, and that they changed is noted", async () => {
    const cwd = await tempDir();
    const files = { "vllm-gate.yml": configText({ file: "r.jsonl" }), "r.jsonl": `${LINE}\n` };
    await createRepository(cwd, files);
    const base = await git(cwd, "rev-parse", "HEAD");
    expect((await load(cwd, base)).notes).toEqual([]);
    await writeFile(join(cwd, "r.jsonl"), `${LINE}\n${LINE}\n`);
    const changed = await load(cwd, base);
    expect(changed.traffic?.requests).toHaveLength(2);
    expect(changed.notes).toEqual([
      "r.jsonl (probes.traffic) is not the base branch's: the requests of both sides differ",
    ]);
  });
});
