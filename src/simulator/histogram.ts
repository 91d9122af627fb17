/** Prometheus values and text, as Python's client writes them. */

/** Labels of one sample, in the order they are written. */
export type Labels = Readonly<Record<string, string>>;

/** A cumulative histogram. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  /** @param bounds upper bounds, ascending, without +Inf */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  /** Counts one value. */
  observe(value: number): void {
    this.sum += value;
    this.count++;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at]!++;
  }
}

/** A number as Python's Prometheus client writes it: `3.0`, `0.25`, `1.79532209816e+09`. */
export function prometheusNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  let text = String(value);
  if (text.includes("e")) return text.replace(/e([+-])(\d)$/, "e$10$2");
  if (!text.includes(".")) text += ".0";
  const dot = text.indexOf(".");
  if (value <= 0 || dot <= 6) return text;
  const mantissa = `${text[0]}.${text.slice(1, dot)}${text.slice(dot + 1)}`.replace(/[0.]+$/, "");
  return `${mantissa}e+0${dot - 1}`;
}

/** One sample line. */
export function sample(name: string, labels: Labels, value: number): string {
  const inside = Object.entries(labels)
    .map(([key, text]) => `${key}="${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`)
    .join(",");
  return `${name}${inside === "" ? "" : `{${inside}}`} ${prometheusNumber(value)}\n`;
}

/** The two comment lines above a metric. */
export function heading(name: string, help: string, type: "counter" | "gauge" | "histogram"): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** A whole counter or gauge; a counter is followed by the time it was created. */
export function plain(
  name: string,
  help: string,
  type: "counter" | "gauge",
  samples: readonly (readonly [Labels, number])[],
  created: number,
): string {
  let text = heading(name, help, type);
  for (const [labels, value] of samples) text += sample(name, labels, value);
  if (type === "gauge") return text;
  const since = `${name.replace(/_total$/, "")}_created`;
  text += heading(since, help, "gauge");
  for (const [labels] of samples) text += sample(since, labels, created);
  return text;
}

/** A whole histogram; `le` comes after `engine`, as labels are sorted. */
export function histogramText(
  name: string,
  help: string,
  labels: Labels,
  data: Histogram,
  created: number,
): string {
  let text = heading(name, help, "histogram");
  let cumulated = 0;
  const { engine = "0", ...others } = labels;
  data.bounds.forEach((bound, i) => {
    cumulated += data.counts[i]!;
    text += sample(`${name}_bucket`, { engine, le: prometheusNumber(bound), ...others }, cumulated);
  });
  text += sample(`${name}_bucket`, { engine, le: "+Inf", ...others }, data.count);
  text += sample(`${name}_count`, labels, data.count) + sample(`${name}_sum`, labels, data.sum);
  return text + heading(`${name}_created`, help, "gauge") + sample(`${name}_created`, labels, created);
}
