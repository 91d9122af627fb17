import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/e2e-clients/**", "test/e2e-act/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Tests start real processes and measure them: side by side they would disturb each other on two cores.
    fileParallelism: false,
  },
});
