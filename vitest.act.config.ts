import { defineConfig } from "vitest/config";

/** The committed action, run by act against a double of GitHub's API: `npm run e2e:act`. */
export default defineConfig({
  test: {
    include: ["test/e2e-act/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
