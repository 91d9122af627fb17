import type { Comparison } from "../domain/comparison.ts";

/** A number with four digits that matter; whole numbers with separators, since they count things. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) >= 1000) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size < 0.0001) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** A value with its unit; shares as percent. */
export function formatValue(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (unit === "share") return withUnit(formatNumber(Number((value * 100).toPrecision(3))), unit);
  return withUnit(formatNumber(value), unit);
}

function withUnit(number: string, unit: string): string {
  if (unit === "share") return `${number} %`;
  return unit === "" ? number : unit === "x" ? `${number}×` : `${number} ${unit}`;
}

/** The change from base to head with its sign, as people say it: `+16 %`, `−4.1 %`; of shares in points. */
export function formatChange(base: number | null, head: number | null, unit: string): string {
  if (base === null || head === null) return "–";
  if (base === head) return unit === "share" ? "0 points" : "0 %";
  if (unit === "share") return signed((head - base) * 100, 1).replace("%", "points");
  if (base === 0) return "from 0";
  const points = ((head - base) / Math.abs(base)) * 100;
  return signed(points, Math.abs(points) >= 10 ? 0 : 1);
}

function signed(points: number, digits: number): string {
  const text = Math.abs(points).toFixed(digits);
  return Number(text) === 0 ? "≈ 0 %" : `${points > 0 ? "+" : "−"}${text} %`;
}

/** A tolerance as its two bounds. */
export function formatTolerance(relative: number, absolute: number, unit: string): string {
  const parts = [
    ...(relative > 0 ? [`${Number((relative * 100).toPrecision(3))} %`] : []),
    ...(absolute > 0 ? [formatValue(absolute, unit).replace("%", "points")] : []),
  ];
  return parts.length === 0 ? "none" : parts.join(" and ");
}

/** The part of a comparison that its numbers are written from. */
export type ComparedNumbers = Pick<Comparison, "base" | "head" | "unit" | "direction" | "interval">;

/**
 * Both sides of a comparison, rounded where the uncertainty of their ratio begins: `10.4 → 12.1 ms`. Three digits are
 * always shown, more than four never; without an interval there are four. Equal sides are shown once.
 */
export function formatPair({ base, head, unit, interval }: ComparedNumbers): string {
  if (base === null || head === null) return `${formatValue(base, unit)} → ${formatValue(head, unit)}`;
  if (base === head) return formatValue(base, unit);
  const factor = unit === "share" ? 100 : 1;
  const uncertain = interval === null ? 0 : (Math.abs(interval[1] - interval[0]) / 2) * Math.abs(base);
  const [smaller, larger] = [Math.abs(base) * factor, Math.abs(head) * factor].sort((a, b) => a - b) as [
    number,
    number,
  ];
  const decimals = larger > smaller * 10 ? null : decimalsOf(smaller, uncertain * factor);
  if (decimals === null) {
    const [from, to] = [base, head].map((each) => formatNumber(Number((each * factor).toPrecision(4))));
    return `${from} → ${withUnit(to ?? "", unit)}`;
  }
  return `${fixed(base * factor, decimals)} → ${withUnit(fixed(head * factor, decimals), unit)}`;
}

/** Decimals that a number of this size deserves; negative to the left of the point, null where nothing is known. */
function decimalsOf(size: number, uncertainty: number): number | null {
  if (!(uncertainty > 0) || !(size > 0)) return null;
  const magnitude = Math.floor(Math.log10(size));
  const digits = Math.min(4, Math.max(3, magnitude - Math.floor(Math.log10(uncertainty)) + 1));
  return digits - 1 - magnitude;
}

function fixed(value: number, decimals: number): string {
  const step = 10 ** -decimals;
  const rounded = decimals < 0 ? Math.round(value / step) * step : value;
  const places = Math.min(8, Math.max(0, decimals));
  return rounded.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}

/**
 * The change with its 95 % interval, rounded where that begins: `+16 % [+12, +21]`. `≈` in front says that the interval
 * holds zero: noise alone may have made it. Shares change in points.
 */
export function formatEffect(compared: ComparedNumbers): string {
  const { base, head, unit, direction, interval } = compared;
  if (base === null || head === null || interval === null || base === 0)
    return formatChange(base, head, unit);
  const [low, high] = interval;
  if (base === head && low === high) return formatChange(base, head, unit);
  const isShare = unit === "share";
  const factor = isShare ? Math.abs(base) * 100 : 100;
  const change = isShare ? (head - base) * 100 : ((head - base) / Math.abs(base)) * 100;
  const [from, to] = (direction === "lower" ? [low, high] : [-high, -low]).map((each) => each * factor) as [
    number,
    number,
  ];
  const half = (to - from) / 2;
  const decimals = Math.min(2, Math.max(0, half > 0 ? -Math.floor(Math.log10(half)) : 1));
  const text = (value: number) => {
    const digits = Math.abs(value).toFixed(decimals);
    return Number(digits) === 0 ? "0" : `${value > 0 ? "+" : "−"}${digits}`;
  };
  const noise = from <= 0 && to >= 0 ? "≈ " : "";
  return `${noise}${text(change)} ${isShare ? "points" : "%"} [${text(from)}, ${text(to)}]`;
}

/** Beyond ten times as bad the number says nothing but that nobody can see it. */
const MOST_PERCENT = 1000;

/** The smallest loss that a comparison would have found: `≥ 2.1 %`, of shares in points. */
export function formatDetectable({
  base,
  unit,
  detectable,
}: Pick<Comparison, "base" | "unit" | "detectable">): string {
  if (detectable === null) return "–";
  const isShare = unit === "share";
  const size = detectable * (isShare ? Math.abs(base ?? 0) : 1) * 100;
  if (!isShare && size > MOST_PERCENT) return `> ${formatNumber(MOST_PERCENT)} %`;
  // An upper bound rounds up: a smaller one would promise too much.
  const step = 10 ** (Math.floor(Math.log10(Math.max(size, 1e-9))) - 1);
  const text = size === 0 ? "0" : String(Number((Math.ceil(size / step - 1e-9) * step).toPrecision(2)));
  return `≥ ${text} ${isShare ? "points" : "%"}`;
}
