import { barX, line, type Markish, rectX, ruleY, text } from "@observablehq/plot";
import type { SessionRecord } from "../domain/run.ts";
import type { ColdStart } from "../domain/telemetry-start.ts";
import { figure, look, ofSeries, variantSeries } from "./chart.ts";
import { hoverDots } from "./chart-requests.ts";
import { html, type Markup, number, table } from "./html-markup.ts";
import { formatValue } from "./numbers.ts";
import type { CacheUse, GpuPoint, GpuTrack } from "./report-series.ts";

type Started = SessionRecord & { readonly coldStart: ColdStart };

/** From the spawn to the first token, part by part: the first session of each variant. */
export function coldStartCharts(sessions: readonly SessionRecord[]): Markup[] {
  const started = sessions.filter((each): each is Started => each.coldStart !== undefined);
  const first = started.filter((each) => started.find(({ variant }) => variant === each.variant) === each);
  return first.map((session) => {
    const { parts, paragraph, unexplainedS } = session.coldStart;
    const drawn = parts.map((part) => ({ ...part, label: formatValue(part.seconds, "s") }));
    return figure({
      id: `cold-start-${session.variant.replace(/\W/g, "-")}`,
      title: `Start of the server, ${session.variant}, session ${session.index}`,
      caption: paragraph,
      plot: {
        height: 60 + 26 * Math.max(1, drawn.length),
        marginLeft: 150,
        x: { label: "seconds since the spawn", zero: true, grid: true },
        y: { label: null, domain: drawn.map(({ name }) => name) },
        marks: [
          barX(drawn, {
            x1: "fromS",
            x2: "toS",
            y: "name",
            fill: (part: (typeof drawn)[number]) => `var(--term-${part.term})`,
            title: (part: (typeof drawn)[number]) => `${part.name}: ${part.label} (${part.source})`,
          }),
          text(drawn, {
            x: "toS",
            y: "name",
            text: "label",
            textAnchor: "start",
            dx: 4,
            fill: "currentColor",
          }),
        ],
        marginRight: 52,
      },
      values: table(
        ["part", "term", "from", "to", "took", "the server says", "known by"],
        [
          ...drawn.map((part) => [
            part.name,
            part.term,
            number(part.fromS, "s"),
            number(part.toS, "s"),
            number(part.seconds, "s"),
            number(part.reportedS, "s"),
            part.source,
          ]),
          ["not named", "", "", "", number(unexplainedS, "s"), "", ""],
        ],
        { caption: `Parts of the start of ${session.variant}`, numeric: [2, 3, 4, 5] },
      ),
    });
  });
}

/** The KV cache's use while cases ran. */
export function cacheCharts(uses: readonly CacheUse[]): Markup[] {
  return [...Map.groupBy(uses, (each) => each.case)].map(([name, group], index) => {
    const series = variantSeries(group.map(({ variant }) => variant));
    const marks = group.flatMap((each) => {
      const { key, label } = series.find(({ variant }) => variant === each.variant) ?? {
        key: "head",
        label: "",
      };
      const { stroke, ...dash } = look(key);
      const points = each.points.map(([x, share]) => ({ x, y: share * 100 }));
      return [
        line(points, { x: "x", y: "y", stroke, ...dash, strokeWidth: 1.5, ...ofSeries(key) }),
        hoverDots(
          points,
          ({ x, y }) =>
            `${label}, session ${each.session}, round ${each.round}: ${formatValue(y / 100, "share")} after ${formatValue(x, "s")}`,
          key,
        ),
      ];
    });
    return figure({
      id: `kv-${index}`,
      title: `KV cache in use: ${name}`,
      caption:
        "Share of the blocks in use while the case ran, one line for each round. From the gauges in run.json.",
      series,
      plot: {
        height: 220,
        x: { label: "seconds since the case began", zero: true },
        y: { label: "% of the blocks", grid: true, zero: true, nice: true },
        marks,
      },
    });
  });
}

const TRACKS = [
  { key: "smClockMhz", name: "SM clock", unit: "MHz", worst: "lowest" },
  { key: "powerW", name: "Power", unit: "W", worst: "highest" },
  { key: "utilization", name: "Busy", unit: "share", worst: "mean" },
  { key: "temperatureC", name: "Temperature", unit: "°C", worst: "highest" },
] as const satisfies readonly { key: keyof GpuPoint; name: string; unit: string; worst: string }[];

/** Clocks, power, use and throttling of each GPU, with what was probed meanwhile underneath. */
export function gpuCharts(tracks: readonly GpuTrack[]): Markup[] {
  return tracks.map((track) => {
    const id = `gpu-${track.variant.replace(/\W/g, "-")}-${track.session}-${track.index}`;
    const throttled = track.points.filter(({ throttle }) => throttle.some((reason) => reason !== "idle"));
    const reasons = [...new Set(throttled.flatMap(({ throttle }) => throttle))].filter(
      (each) => each !== "idle",
    );
    const to = Math.max(...track.points.map(({ tS }) => tS), ...track.cases.map((each) => each.toS));
    const shown = TRACKS.filter(({ key }) => track.points.some((point) => point[key] !== null));
    const name = `GPU ${track.index}, ${track.variant}, session ${track.session}`;
    const [first, ...rest] = shown.map((each, at) => trackOptions(track, each, to, at === shown.length - 1));
    if (first === undefined) return html``;
    return html`${figure({
      id,
      title: name,
      caption: html`${track.readings} readings from telemetry.jsonl${track.readings > track.points.length ? `, the worst of neighbouring ones drawn` : ""}; the shaded stretches are the probes' cases. ${
        reasons.length === 0
          ? "No throttling was seen."
          : html`<strong>Throttled</strong> (red): ${reasons.join(", ")}.`
      }`,
      plot: first,
      more: rest,
    })}`;
  });
}

function trackOptions(
  track: GpuTrack,
  { key, name, unit }: (typeof TRACKS)[number],
  to: number,
  isLast: boolean,
) {
  const limit = key === "smClockMhz" ? track.maxSmClockMhz : key === "powerW" ? track.powerLimitW : null;
  const factor = unit === "share" ? 100 : 1;
  const points = track.points.flatMap((point) => {
    const value = point[key];
    return value === null
      ? []
      : [{ x: point.tS, y: value * factor, throttle: point.throttle.filter((each) => each !== "idle") }];
  });
  // A reading stands for the time to its neighbours.
  const halfS = Math.max(
    to / 400,
    ((points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0)) / Math.max(1, points.length - 1) / 2,
  );
  const marks: Markish[] = [
    rectX(track.cases, {
      x1: "fromS",
      x2: "toS",
      fill: "var(--shade)",
      // Neighbours differ, so that each is seen.
      fillOpacity: (_: unknown, index: number) => (index % 2 === 0 ? 1 : 0.45),
      title: (each: GpuTrack["cases"][number]) => each.name,
    }),
    ...(limit === null ? [] : [ruleY([limit], { stroke: "var(--muted)", strokeDasharray: "2 3" })]),
    line(points, { x: "x", y: "y", stroke: "var(--head)", strokeWidth: 1.5 }),
    rectX(
      points.filter(({ throttle }) => throttle.length > 0),
      {
        x1: (each: { x: number }) => each.x - halfS,
        x2: (each: { x: number }) => each.x + halfS,
        fill: "var(--bad)",
        fillOpacity: 0.35,
      },
    ),
    hoverDots(
      points,
      ({ x, y, throttle }) =>
        `${name} ${formatValue(y / factor, unit)} at ${formatValue(x, "s")}${throttle.length > 0 ? `, throttled: ${throttle.join(", ")}` : ""}`,
      "head",
    ),
  ];
  return {
    height: isLast ? 130 : 105,
    marginBottom: isLast ? 36 : 14,
    marginTop: 24,
    x: {
      label: isLast ? "seconds since the spawn" : null,
      domain: [0, to] as [number, number],
      ticks: isLast ? 8 : 0,
    },
    y: {
      label: `${name} (${unit === "share" ? "%" : unit})`,
      grid: true,
      zero: key !== "smClockMhz",
      nice: true,
      ticks: 3,
    },
    marks,
  };
}
