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
  if (unit === "share") return `${formatNumber(Number((value * 100).toPrecision(3)))} %`;
  return unit === ""
    ? formatNumber(value)
    : unit === "x"
      ? `${formatNumber(value)}×`
      : `${formatNumber(value)} ${unit}`;
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
