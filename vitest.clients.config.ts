import { defineConfig } from "vitest/config";

/** External clients against the simulator: `npm run e2e:clients`. */
export default defineConfig({
  test: {
    include: ["test/e2e-clients/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
