/** How the process ends: asked to, or by a planted fault. */
import { type ChildProcess, spawn } from "node:child_process";
import type { VllmLog } from "./log.ts";
import { atLeast } from "./settings.ts";

/** Prints what vLLM prints when it is asked to end, up to closing the HTTP server. */
export function printShutdown(log: VllmLog, version: string): void {
  if (atLeast(version, 0, 31)) {
    log.line("EngineCore", "INFO", "core.py:1454", "[shutdown] EngineCore: trigger received signal=SIGTERM");
    log.line("EngineCore", "INFO", "core.py:1635", "[shutdown] EngineCore: start mode=abort timeout=0s");
    log.line("APIServer", "INFO", "launcher.py:254", "[shutdown] API server: shutdown triggered");
    log.line(
      "APIServer",
      "INFO",
      "launcher.py:304",
      "[shutdown] API server: shutting down FastAPI HTTP server",
    );
  } else {
    log.line("EngineCore", "INFO", "core.py:1266", "Shutdown initiated (timeout=0)");
    log.line("EngineCore", "INFO", "core.py:1289", "Shutdown complete");
    log.line("APIServer", "INFO", "launcher.py:137", "Shutting down FastAPI HTTP server.");
  }
  log.raw("APIServer", "INFO:     Shutting down\nINFO:     Waiting for application shutdown.");
  log.raw("APIServer", "INFO:     Application shutdown complete.");
}

/** Prints what a dying engine leaves behind. */
export function printCrash(log: VllmLog): void {
  log.line(
    "EngineCore",
    "ERROR",
    "core.py:1174",
    "EngineCore encountered a fatal error.\nTraceback (most recent call last):\n" +
      '  File "site-packages/vllm/v1/engine/core.py", line 1163, in run_engine_core\n' +
      "    engine_core.run_busy_loop()\n" +
      "torch.AcceleratorError: CUDA error: an illegal memory access was encountered",
  );
  log.line(
    "APIServer",
    "ERROR",
    "async_llm.py:707",
    "AsyncLLM output_handler failed.\n" +
      "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.",
  );
}

/** Starts a child of the same process group that SIGTERM does not end, as an engine left behind does. */
export function spawnOrphan(): ChildProcess {
  const code = "process.on('SIGTERM',()=>{});process.on('SIGINT',()=>{});setInterval(()=>{},1000)";
  const child = spawn(process.execPath, ["-e", code], { stdio: "ignore" });
  child.unref();
  return child;
}
