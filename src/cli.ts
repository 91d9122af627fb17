#!/usr/bin/env node
// The version is checked before anything else is loaded: the rest uses what older versions do not have.
const OLDEST_NODE = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < OLDEST_NODE) {
  process.stderr.write(
    `vllm-gate needs Node.js ${OLDEST_NODE} or newer, this is ${process.versions.node}: install Node.js ${OLDEST_NODE} from https://nodejs.org\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import("./commands.ts");
  process.exitCode = await main(process.argv.slice(2));
}
