#!/usr/bin/env node
// src/cli.ts
const OLDEST_NODE = 24;
if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
	process.stderr.write(`vllm-gate needs Node.js ${OLDEST_NODE} or newer, this is ${process.versions.node}: install Node.js ${OLDEST_NODE} from https://nodejs.org\n`);
	process.exitCode = 2;
} else {
	const { main } = await import("./commands.js");
	process.exitCode = await main(process.argv.slice(2));
}

export {  };