import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findModelFacts, findModelShape } from "../../src/serve/model-config.ts";
import { tempDir } from "../support/temp-dir.ts";

const CONFIG = {
  model_type: "llama",
  hidden_size: 512,
  num_hidden_layers: 8,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  max_position_embeddings: 2048,
};
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

async function put(folder: string, config: unknown = CONFIG): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
}

describe("findModelFacts", () => {
  it("of a folder, relative to the repository, under the server's flags", async () => {
    const cwd = await tempDir();
    await put(join(cwd, "models/small"));
    const spec = { cwd, model: "models/small", args: ["--kv-cache-dtype", "fp8"], env: {} };
    expect(await findModelFacts(spec)).toEqual({
      contextTokens: 2048,
      contextKey: "max_position_embeddings",
      kvLayout: "full",
      kvBytesPerToken: 2 * 8 * 2 * 64,
      kvTerms: "2 × 8 layers × 2 KV heads × 64 × 1 B",
    });
  });

  it.each([
    ["HF_HUB_CACHE", (hub: string) => ({ env: { HF_HUB_CACHE: hub }, args: [] })],
    ["HF_HOME", (hub: string) => ({ env: { HF_HOME: join(hub, "..") }, args: [] })],
    ["the home folder", (hub: string) => ({ env: { XDG_CACHE_HOME: join(hub, "../..") }, args: [] })],
    ["--download-dir", (hub: string) => ({ env: {}, args: ["--download-dir", hub] })],
  ])("of a model of the Hub that was downloaded: %s", async (_, where) => {
    const cwd = await tempDir();
    const hub = join(cwd, "cache/huggingface/hub");
    const repository = join(hub, "models--org--small-1.5B");
    await put(join(repository, "snapshots", COMMIT));
    await mkdir(join(repository, "refs"));
    await writeFile(join(repository, "refs/main"), COMMIT);
    const spec = { cwd, model: "org/small-1.5B", ...where(hub) };
    expect((await findModelShape(spec))?.layers).toBe(8);
    expect(await findModelShape({ ...spec, args: [...spec.args, "--revision", "v2"] })).toBeNull();
    expect((await findModelShape({ ...spec, args: [...spec.args, "--revision", COMMIT] }))?.layers).toBe(8);
  });

  it.each(["org/none", "../org", "org/..", "/no/such/folder", "-x", "", "org/a/b", "s3://bucket/model"])(
    "knows nothing of %j",
    async (model) => {
      const cwd = await tempDir();
      await put(join(cwd, "small"));
      expect(
        await findModelShape({ cwd, model, args: [], env: { HF_HUB_CACHE: join(cwd, "hub") } }),
      ).toBeNull();
    },
  );

  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["too large", `"${"x".repeat(4_000_001)}"`],
  ])("a config.json that is %s is left to the server", async (_, text) => {
    const cwd = await tempDir();
    await put(join(cwd, "small"), text);
    expect(await findModelShape({ cwd, model: "small", args: [], env: {} })).toBeNull();
  });

  it("does not wait for ever on a config.json that is no file", async () => {
    const cwd = await tempDir();
    await mkdir(join(cwd, "small"));
    await symlink("/dev/zero", join(cwd, "small/config.json"));
    expect(await findModelShape({ cwd, model: "small", args: [], env: {} })).toBeNull();
  });
});
