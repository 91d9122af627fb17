import { defineConfig } from "vitest/config";

/** Tests against real vLLM on CPU: `npm run e2e:vllm`. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    bail: 1,
    reporters: ["verbose"],
  },
});
