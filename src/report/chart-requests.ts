import { dot, line, ruleX, text } from "@observablehq/plot";
import { figure, look, ofSeries, variantSeries } from "./chart.ts";
import { html, type Markup, number, table } from "./html-markup.ts";
import { formatNumber, formatValue } from "./numbers.ts";
import type { Distribution, TokenTimeline } from "./report-series.ts";
import type { SideValues } from "./side-values.ts";

/** How first-token latencies are spread: for each case the share of the requests that had theirs by then. */
export function distributionCharts(
  distributions: readonly Distribution[],
  values: ReadonlyMap<string, SideValues>,
): Markup[] {
  return [...Map.groupBy(distributions, (each) => each.case)].map(([name, group], index) => {
    const series = variantSeries(group.map(({ variant }) => variant));
    const stored = series.some(({ key }) => key === "base")
      ? null
      : (values.get(`${name}.p50_ms`) ?? values.get(`${name}.ttft_p50_ms`));
    const marks = group.flatMap((each) => {
      const { key, label } = series.find(({ variant }) => variant === each.variant) ?? {
        key: "head",
        label: "",
      };
      const { stroke, ...dash } = look(key);
      return [
        line(each.quantiles, {
          x: ([, ms]: readonly [number, number]) => ms,
          y: ([share]: readonly [number, number]) => share * 100,
          stroke,
          ...dash,
          strokeWidth: 2,
          curve: "step-after",
          ...ofSeries(key),
        }),
        hoverDots(
          each.quantiles.map(([share, ms]) => ({ x: ms, y: share * 100 })),
          ({ x, y }) => `${label}: ${formatNumber(Math.round(y))} % within ${formatValue(x, "ms")}`,
          key,
        ),
      ];
    });
    const base = stored?.base ?? null;
    return figure({
      id: `ttft-${index}`,
      title: `Time to first token: ${name}`,
      caption:
        base === null
          ? "From traces.jsonl."
          : `From traces.jsonl. The vertical line is the baseline's median, ${formatValue(base, "ms")}; its single requests are not kept.`,
      series,
      plot: {
        height: 240,
        x: { label: "ms to the first token", nice: true },
        y: { label: "% of the requests", domain: [0, 100], grid: true },
        marks: [
          ...(base === null
            ? []
            : [
                ruleX([base], { ...look("base") }),
                text([base], {
                  x: (x: number) => x,
                  frameAnchor: "bottom",
                  text: () => "baseline's median",
                  dy: -6,
                  dx: 4,
                  textAnchor: "start",
                  fill: "var(--base)",
                }),
              ]),
          ...marks,
        ],
      },
      values: table(
        ["series", "requests", "10 %", "50 %", "95 %"],
        group.map((each) => [
          series.find(({ variant }) => variant === each.variant)?.label ?? each.variant,
          fromTraces(each.requests, ""),
          ...[0.1, 0.5, 0.95].map((share) => fromTraces(atShare(each, share), "ms")),
        ]),
        { caption: `Time to first token of ${name}`, numeric: [1, 2, 3, 4] },
      ),
    });
  });
}

/** The latency that so many of the requests had at most. */
function atShare({ quantiles }: Distribution, share: number): number | null {
  return quantiles.find(([at]) => at >= share - 1e-9)?.[1] ?? null;
}

/** A number that no JSON file holds: it was computed from `traces.jsonl`. */
function fromTraces(value: number | null, unit: string): Markup {
  return value === null
    ? number(null, unit)
    : html`<data value="${value}" data-from="traces">${formatValue(value, unit)}</data>`;
}

/** Invisible marks that say a point's value when the pointer is near; of many points every so manieth has one. */
export function hoverDots<T extends { readonly x: number; readonly y: number }>(
  points: readonly T[],
  title: (point: T) => string,
  key: string,
) {
  const every = Math.ceil(points.length / MOST_HOVERS);
  const some = points.filter((_, index) => index % every === 0 || index === points.length - 1);
  return dot(some, { x: "x", y: "y", r: 1, fill: "transparent", title, ...ofSeries(key) });
}

const MOST_HOVERS = 50;

/** When the tokens of one request came, one request of each variant: steps are events, flat stretches are stalls. */
export function timelineCharts(timelines: readonly TokenTimeline[]): Markup[] {
  if (timelines.length === 0) return [];
  const series = variantSeries(timelines.map(({ variant }) => variant));
  const marks = timelines.flatMap((each) => {
    const { key, label } = series.find(({ variant }) => variant === each.variant) ?? {
      key: "head",
      label: "",
    };
    const { stroke, ...dash } = look(key);
    const points = each.tokens.map(([atMs, tokens], index) => ({
      x: atMs,
      y: tokens,
      gapMs: atMs - (each.tokens[index - 1]?.[0] ?? 0),
    }));
    return [
      line(points, {
        x: "x",
        y: "y",
        stroke,
        ...dash,
        strokeWidth: 2,
        curve: "step-after",
        ...ofSeries(key),
      }),
      hoverDots(
        points,
        ({ x, y, gapMs }) =>
          `${label}: token ${y} after ${formatValue(x, "ms")}, ${formatValue(gapMs, "ms")} after the one before`,
        key,
      ),
    ];
  });
  const named = timelines.map(
    (each) => `${each.id} (${each.variant}, session ${each.session}, round ${each.round})`,
  );
  return [
    figure({
      id: "timeline",
      title: "The tokens of one request",
      caption: `Tokens received since the send, of the request with the median end-to-end latency of its case: ${named.join("; ")}. A flat stretch is a stall. Drawn from traces.jsonl.`,
      series,
      plot: {
        height: 260,
        x: { label: "ms since the send", zero: true },
        y: { label: "tokens", grid: true, zero: true },
        marks,
      },
    }),
  ];
}
