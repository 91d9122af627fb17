import { expect, it } from "vitest";
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
