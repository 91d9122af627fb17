import { defineConfig } from "rolldown";

/** Everything the action and the command need, in files that Node 24 runs without an installation. */
export default defineConfig({
  input: {
    action: "src/action.ts",
    post: "src/post.ts",
    cli: "src/cli.ts",
    simulator: "src/simulator/main.ts",
  },
  platform: "node",
  output: {
    dir: "dist",
    format: "esm",
    cleanDir: true,
    entryFileNames: "[name].js",
    // Names without hashes: a change of one line changes one file.
    chunkFileNames: "[name].js",
    minify: false,
  },
});
