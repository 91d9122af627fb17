import { expect, it } from "vitest";
import type { ColdStart } from "../../src/domain/telemetry-start.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { renderFirstTokenLatency } from "../../src/report/first-token-latency.ts";
import { measuredRun, measurements, run } from "../support/builders.ts";

it("is the log page of the cold and warm requests", async () => {
  const { run: measured, traces } = measuredRun({ sessions: 2, rounds: 1 });
  const spiked = traces.map((each) =>
    each.session === 1 && each.id === "ttft.warm.7"
      ? { ...each, firstTokenS: each.firstTokenS! + 0.03, lastTokenS: each.lastTokenS! + 0.03 }
      : each,
  );
  const page = renderFirstTokenLatency(measured, measureRun(measured, spiked));
  await expect(page).toMatchFileSnapshot("../golden/first-token-latency.md");
});

it("takes hostile flags and names as text", async () => {
  const name = "`m`|<img src=x> @all #1\n\n# owned";
  const { run: measured, traces } = measuredRun(
    { rounds: 1 },
    {
      scenario: name,
      variants: { head: { args: ["--served-model-name", name] } },
      fingerprint: { model: name, gpuModel: name, os: name, kernel: name },
    },
    { vllmVersion: name, argv: ["vllm", "serve", name] },
  );
  const page = renderFirstTokenLatency(measured, measureRun(measured, traces.slice(0, 7)));
  await expect(page).toMatchFileSnapshot("../golden/first-token-latency-hostile.md");
});

it("is absent where no ttft was measured", () => {
  expect(renderFirstTokenLatency(run(), measurements())).toBeNull();
});

it("takes the start apart and shows what the machine did, where it was watched", () => {
  const coldStart: ColdStart = {
    readyS: 40,
    parts: [
      {
        name: "reading the weights",
        term: "weights",
        fromS: 0,
        toS: 30,
        seconds: 30,
        reportedS: 29.5,
        source: "log: Loading weights took | 29.5 seconds",
      },
      {
        name: "first prefill",
        term: "request",
        fromS: 40,
        toS: 40.2,
        seconds: 0.2,
        reportedS: null,
        source: "count",
      },
    ],
    unexplainedS: 10,
    explainedShare: 0.75,
    terms: { processes: 0, weights: 30, warmup: 0, request: 0.2 },
    weights: null,
    machine: null,
    coldWarm: null,
    disturbed: ["other programs used 1.90 of 2 cores"],
    paragraph: "The server was ready 40.0 s after its spawn.",
  };
  const sanity = {
    gpuMemoryBeforeMib: 0,
    gpuMemoryAfterColdMib: 90_000,
    gpuBusyWarm: 0.2,
    gpuBusyLoad: 0.31,
    serverCoresCold: 1.5,
    serverCoresWarm: null,
  };
  const { run: measured, traces } = measuredRun({ rounds: 1 }, {}, { coldStart, sanity });
  const page = renderFirstTokenLatency(measured, measureRun(measured, traces)) ?? "";
  expect(page).toContain("- GPU memory after cold request: 90000 MiB");
  expect(page).toContain("- CPU of the server during cold vs warm: 1.50 cores vs not measured");
  expect(page).toMatch(
    /busy 31\.0 % at the highest concurrency; under load that is low .* points at the host/,
  );
  expect(page).toMatch(
    /\| reading the weights +\| load_weights +\| 30\.000 \| 75\.0 % +\| 29\.500 +\| `log: Loading weights took \\\| 29\.5 seconds` \|/,
  );
  expect(page).toMatch(/\| unexplained +\| +\| 10\.000 \| 25\.0 %/);
  expect(page).toMatch(/\| first prefill +\| first request \| 0\.200 +\| +\| +\| `count`/);
  expect(page).toContain("The machine was not quiet meanwhile: other programs used 1.90 of 2 cores.");
});
