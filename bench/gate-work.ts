/** The work of `bench/gate.ts`, spread over the machine's cores. Draws depend on the task alone, not on who does it. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { type LaterResult, laterResults } from "./gate-later.ts";
import { NOISES } from "./gate-noise.ts";
import { type DetectedEffect, detectedEffects } from "./gate-power.ts";
import { type RowResult, rowsToRun, runRow } from "./gate-rows.ts";

/** A row, the effects that are found in a noise, or what becomes of sessions that were measured later. */
export type GateTask =
  | { readonly kind: "row"; readonly name: string; readonly runs: number }
  | { readonly kind: "later"; readonly runs: number }
  | { readonly kind: "effects"; readonly noise: keyof typeof NOISES; readonly runs: number };

type Answer = RowResult | DetectedEffect[] | LaterResult[];

function perform(task: GateTask): Answer {
  if (task.kind === "effects") return detectedEffects(NOISES[task.noise], task.runs);
  if (task.kind === "later") return laterResults(task.runs);
  const row = rowsToRun().find(({ name }) => name === task.name);
  if (row === undefined) throw new Error(`no row ${task.name}`);
  return runRow(row, task.runs);
}

if (!isMainThread) parentPort?.on("message", (task: GateTask) => parentPort?.postMessage(perform(task)));

/** Does all tasks; answers come in their order. */
export async function runTasks(
  tasks: readonly GateTask[],
  done: (task: GateTask, answer: Answer) => void,
): Promise<Answer[]> {
  const answers = new Array<Answer>(tasks.length);
  let next = 0;
  const workOff = async () => {
    const worker = new Worker(new URL(import.meta.url));
    for (let index = next++; index < tasks.length; index = next++) {
      const task = tasks[index] as GateTask;
      worker.postMessage(task);
      // An error of the worker is thrown here.
      const [answer] = (await once(worker, "message")) as [Answer];
      answers[index] = answer;
      done(task, answer);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Math.min(tasks.length, availableParallelism(), 4) }, workOff));
  return answers;
}
