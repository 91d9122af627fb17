import { describe, expect, it } from "vitest";
import { metricDefinitionSchema } from "../../src/domain/metric.ts";
import { CATALOGUE, definitionOf, definitionsOf, metricId } from "../../src/measure/catalogue.ts";

const ids = CATALOGUE.map(({ id }) => id);

describe("the catalogue", () => {
  it("names each metric once", () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has every metric of the probes that there are", () => {
    const expected = [
      ...["ready_s", "weights_s", "compile_s", "graphs_s", "engine_init_s"].map((name) => `startup.${name}`),
      ...["processes_s", "model_s", "warmup_s", "unexplained_s"].map((name) => `startup.${name}`),
      "startup.first_prefill_ms",
      ...["cold_ms", "cold_e2e_ms", "cold_warm_ratio"].map((name) => `ttft.${name}`),
      ...["floor_ms", "mean_ms", "p50_ms", "p95_ms", "e2e_floor_ms", "e2e_p50_ms", "trend"].map(
        (name) => `ttft.warm.${name}`,
      ),
      ...["capacity_tokens", "max_concurrency", "available_gib", "block_size", "bytes_per_token"].map(
        (name) => `kv.${name}`,
      ),
      ...["len<n>.capacity_tokens", "fill.formula_ratio", "fill.tokens_per_step"].map((name) => `kv.${name}`),
      ...["weights_gib", "graphs_gib"].map((name) => `memory.${name}`),
      ...[
        "tokens_per_s",
        "wave_tokens_per_s",
        "requests_per_s",
        "e2e_p50_ms",
        "e2e_p95_ms",
        "ttft_p50_ms",
        "ttft_p95_ms",
        "tpot_floor_ms",
        "tpot_p50_ms",
        "itl_p95_ms",
        "goodput_per_s",
      ].map((name) => `batching.c<n>.${name}`),
      ...["knee", "peak_tokens_per_s", "curve_tokens_per_s"].map((name) => `batching.${name}`),
      ...["ttft_p50_ms", "ttft_p95_ms", "itl_p95_ms", "e2e_p95_ms"].map((name) => `traffic.${name}`),
      ...["tokens_per_s", "requests_per_s", "goodput_per_s", "slo_attainment"].map(
        (name) => `traffic.${name}`,
      ),
      ...["miss", "hit"].flatMap((kind) =>
        ["ttft_floor_ms", "ttft_p50_ms", "ttft_p95_ms"].map((name) => `prefix.${kind}.<n>.c<k>.${name}`),
      ),
      ...["saving", "hit_rate"].map((name) => `prefix.<n>.c<k>.${name}`),
      ...["error_rate", "preemptions"].map((name) => `requests.${name}`),
    ];
    expect([...ids].sort()).toEqual(expected.sort());
  });

  it("gates what is steady from one identical run to the next, and nothing else", () => {
    expect(
      CATALOGUE.filter(({ level }) => level === "gate")
        .map(({ id }) => id)
        .sort(),
    ).toEqual([
      "batching.c<n>.tpot_floor_ms",
      "batching.c<n>.wave_tokens_per_s",
      "kv.available_gib",
      "kv.capacity_tokens",
      "memory.weights_gib",
      "prefix.<n>.c<k>.hit_rate",
      "prefix.<n>.c<k>.saving",
      "prefix.miss.<n>.c<k>.ttft_floor_ms",
      "requests.error_rate",
      "ttft.warm.floor_ms",
    ]);
  });

  it.each(CATALOGUE.map((metric) => [metric.id, metric] as const))("%s is well defined", (id, metric) => {
    const definition = metricDefinitionSchema.parse(definitionOf(metric, id));
    expect(definition.description).toMatch(/^[\w/].*\.$/s);
    expect(definition.unit).not.toBe("");
    // The id says the unit, so that nobody has to look it up.
    const said = /_(ms|s|gib|tokens|per_s)$/.exec(id)?.[1];
    const units: Record<string, RegExp> = {
      ms: /^ms$/,
      s: /^s$/,
      gib: /^GiB$/,
      tokens: /^tokens$/,
      per_s: /\/s$/,
    };
    if (said !== undefined) expect(definition.unit).toMatch(units[said] as RegExp);
    const higher = /per_s$|^kv\.(?!bytes_|fill\.formula)|\.saving$|\.hit_rate$|\.knee$|attainment$/.test(id);
    expect(definition.direction).toBe(higher ? "higher" : "lower");
    const { relative, absolute } = definition.tolerance;
    expect(relative).toBeLessThanOrEqual(0.5);
    // A metric without any tolerance is one in which nothing is noise: it counts what went wrong.
    if (relative === 0 && absolute === 0) expect(definition.rounds).toBe("worst");
    // A share of a share says little: shares are held to points.
    if (definition.unit === "share") expect(relative).toBe(0);
  });

  it("puts the number of a case into its metrics' ids", () => {
    const metric = CATALOGUE.find(({ id }) => id === "batching.c<n>.tokens_per_s")!;
    expect(metricId(metric, "c16")).toBe("batching.c16.tokens_per_s");
  });

  it("finds the definitions of ids that a baseline has", () => {
    expect(definitionsOf(["batching.c64.tpot_floor_ms", "no.such.metric", "kv.block_size"])).toMatchObject([
      { id: "batching.c64.tpot_floor_ms", level: "gate", direction: "lower" },
      { id: "kv.block_size", level: "watch" },
    ]);
  });
});
