/** The line about throughput that a busy server logs every ten seconds. */
import type { Deployment } from "./deployment.ts";
import type { VllmLog } from "./log.ts";
import type { ApiServer } from "./server.ts";
import { atLeast } from "./settings.ts";

/** Seconds between two lines (vLLM's `VLLM_LOG_STATS_INTERVAL`). */
const INTERVAL = 10;

/** Logs throughput while there is any; the line after the last work still appears, as with vLLM. */
export function reportThroughput(deployment: Deployment, log: VllmLog, server: ApiServer): void {
  if (deployment.flags.disableLogStats) return;
  const source = atLeast(deployment.settings.version, 0, 31) ? "loggers.py:335" : "loggers.py:271";
  const device = deployment.gpu.device === "cpu" ? "CPU" : "GPU";
  let before = { prompt: 0, generated: 0 };
  let wasBusy = false;
  const report = (): void => {
    const { metrics, simulation } = server;
    const prompt = (metrics.promptTokens - before.prompt) / INTERVAL;
    const generated = (metrics.generationTokens - before.generated) / INTERVAL;
    before = { prompt: metrics.promptTokens, generated: metrics.generationTokens };
    const busy = prompt > 0 || generated > 0 || simulation.active > 0;
    if (!busy && !wasBusy) return;
    wasBusy = busy;
    const { scheduler, pool } = simulation.engine;
    const { prefixHits, prefixQueries } = scheduler.counters;
    const hitRate = prefixQueries === 0 ? 0 : (prefixHits / prefixQueries) * 100;
    const message =
      `Engine 000: Avg prompt throughput: ${prompt.toFixed(1)} tokens/s, ` +
      `Avg generation throughput: ${generated.toFixed(1)} tokens/s, Running: ${scheduler.running.length} reqs, ` +
      `Waiting: ${scheduler.waiting.length} reqs, ${device} KV cache usage: ${(pool.usage * 100).toFixed(1)}%, ` +
      `Prefix cache hit rate: ${hitRate.toFixed(1)}%`;
    log.line("APIServer", "INFO", source, message);
  };
  setInterval(report, INTERVAL * 1000).unref();
}
