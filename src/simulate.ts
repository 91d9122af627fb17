import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { simulatorPath } from "./demo.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs the simulator in the foreground: its output is this process's output, and signals reach it.
 *
 * @param flags - what would stand after `vllm serve`
 * @returns its exit code; 128 and the signal's number when a signal ended it
 */
export async function runSimulator(flags: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [simulatorPath(), "serve", ...flags], { stdio: "inherit" });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}
