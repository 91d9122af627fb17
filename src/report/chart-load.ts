import { dot, line, ruleX, ruleY, text } from "@observablehq/plot";
import type { Slo } from "../domain/operating.ts";
import { type ChartSeries, figure, look, ofSeries } from "./chart.ts";
import { type Markup, number, table } from "./html-markup.ts";
import { formatValue } from "./numbers.ts";
import { curveOf, SIDES, type Side, type SideValues, sidePoints } from "./side-values.ts";

export const SIDE_SERIES: readonly ChartSeries[] = [
  { key: "base", label: "baseline" },
  { key: "head", label: "this run" },
];

const QUANTITIES = [
  { quantity: "ttft", name: "Time to first token", slo: "ttftP95Ms" },
  { quantity: "itl", name: "Gap between tokens", slo: "itlP95Ms" },
  { quantity: "e2e", name: "End-to-end latency", slo: "e2eP95Ms" },
] as const satisfies readonly { quantity: string; name: string; slo: keyof Slo }[];

/** Throughput over concurrency with the knee, then each latency against throughput with what users are promised. */
export function loadCharts(values: ReadonlyMap<string, SideValues>, slo: Slo | null): Markup[] {
  const throughput = curveOf(values, "tokens_per_s");
  if (throughput.length < 2) return [];
  return [throughputChart(values), ...QUANTITIES.flatMap((each) => latencyChart(values, each, slo))];
}

const hasBase = (points: readonly SideValues[]) => points.some(({ base }) => base !== null);
const seriesOf = (points: readonly SideValues[]) => (hasBase(points) ? SIDE_SERIES : SIDE_SERIES.slice(1));
const sideName = (side: Side) => (side === "base" ? "baseline" : "this run");

function throughputChart(values: ReadonlyMap<string, SideValues>): Markup {
  const points = curveOf(values, "tokens_per_s");
  const knee = values.get("batching.knee");
  const middle = Math.sqrt((points[0]?.concurrency ?? 1) * (points.at(-1)?.concurrency ?? 1));
  const marks = SIDES.flatMap((side) => {
    const drawn = sidePoints(points, side);
    const { stroke, ...dash } = look(side);
    const at = knee?.[side] ?? null;
    return [
      ...(at === null
        ? []
        : [
            ruleX([at], { stroke, ...dash, strokeOpacity: 0.7, ...ofSeries(side) }),
            text([at], {
              x: (x: number) => x,
              frameAnchor: side === "base" ? "bottom" : "top",
              text: () => `knee, ${sideName(side)}: ${at}`,
              // Towards the middle, where there is room.
              textAnchor: at > middle ? "end" : "start",
              dx: at > middle ? -4 : 4,
              dy: side === "base" ? -4 : 4,
              fill: stroke,
              ...ofSeries(side),
            }),
          ]),
      line(drawn, { x: "concurrency", y: "value", stroke, ...dash, strokeWidth: 2, ...ofSeries(side) }),
      dot(drawn, {
        x: "concurrency",
        y: "value",
        fill: stroke,
        symbol: side === "base" ? "square" : "circle",
        r: 4,
        title: (each: (typeof drawn)[number]) =>
          `${sideName(side)}, ${each.concurrency} at once: ${formatValue(each.value, "tokens/s")}`,
        ...ofSeries(side),
      }),
    ];
  });
  return figure({
    id: "throughput",
    title: "Throughput over concurrency",
    caption:
      "Output tokens per second of the best rounds. The vertical lines are the knee: the least load within 10 % of the " +
      "highest throughput. From comparison.json.",
    series: seriesOf(points),
    plot: {
      x: {
        type: "log",
        base: 2,
        label: "requests at once",
        ticks: points.map(({ concurrency }) => concurrency),
        tickFormat: (each: number) => String(each),
      },
      y: { label: "output tokens/s", grid: true, zero: true, nice: true },
      marks,
    },
    values: curveTable(points, "Throughput by concurrency"),
  });
}

function latencyChart(
  values: ReadonlyMap<string, SideValues>,
  { quantity, name, slo: promise }: (typeof QUANTITIES)[number],
  slo: Slo | null,
): Markup[] {
  const rates = curveOf(values, "tokens_per_s");
  // A p95 needs twenty requests: the level that most points have is drawn.
  const [p95, p50] = [curveOf(values, `${quantity}_p95_ms`), curveOf(values, `${quantity}_p50_ms`)];
  const isP95 = p95.length >= p50.length || slo?.[promise] !== undefined;
  const points = isP95 ? p95 : p50;
  const bound = isP95 ? slo?.[promise] : undefined;
  if (points.length < 2) return [];
  const statistic = isP95 ? "95th percentile" : "median";
  const marks = SIDES.flatMap((side) => {
    const drawn = sidePoints(points, side).flatMap(({ concurrency, value }) => {
      const rate = rates.find((each) => each.concurrency === concurrency)?.[side] ?? null;
      return rate === null ? [] : [{ concurrency, value, rate }];
    });
    const { stroke, ...dash } = look(side);
    return [
      line(drawn, { x: "rate", y: "value", stroke, ...dash, strokeWidth: 2, ...ofSeries(side) }),
      dot(drawn, {
        x: "rate",
        y: "value",
        fill: stroke,
        symbol: side === "base" ? "square" : "circle",
        r: 4,
        title: (each: (typeof drawn)[number]) =>
          `${sideName(side)}, ${each.concurrency} at once: ${formatValue(each.value, "ms")} at ${formatValue(each.rate, "tokens/s")}`,
        ...ofSeries(side),
      }),
      ...(side === "head"
        ? [
            text(drawn, {
              x: "rate",
              y: "value",
              text: (each: (typeof drawn)[number]) => String(each.concurrency),
              dy: -12,
              fill: "var(--muted)",
              ...ofSeries(side),
            }),
          ]
        : []),
    ];
  });
  return [
    figure({
      id: `latency-${quantity}`,
      title: `${name} against throughput`,
      caption:
        `${name}, ${statistic}, at each load; the small numbers are requests at once. To the right and down is better.` +
        (bound === undefined ? "" : ` The red line is the promised ${formatValue(bound, "ms")}.`) +
        " From comparison.json.",
      series: seriesOf(points),
      plot: {
        x: { label: "output tokens/s", zero: true, nice: true },
        y: { label: `${name} (ms)`, grid: true, zero: true, nice: true },
        marks: [
          ...(bound === undefined
            ? []
            : [
                ruleY([bound], { stroke: "var(--bad)", strokeDasharray: "3 3" }),
                text([bound], {
                  y: (each: number) => each,
                  frameAnchor: "right",
                  text: () => `SLO ${formatValue(bound, "ms")}`,
                  dy: -8,
                  fill: "var(--bad)",
                }),
              ]),
          ...marks,
        ],
      },
      values: curveTable(points, `${name} by concurrency`),
    }),
  ];
}

function curveTable(points: readonly (SideValues & { concurrency: number })[], caption: string): Markup {
  const both = hasBase(points);
  return table(
    ["requests at once", ...(both ? ["baseline"] : []), "this run"],
    points.map((each) => [
      each.concurrency,
      ...(both ? [number(each.base, each.unit)] : []),
      number(each.head, each.unit),
    ]),
    { caption, numeric: [1, 2] },
  );
}
