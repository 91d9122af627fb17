import { type Markish, type PlotOptions, plot } from "@observablehq/plot";
import { DOMImplementation, type Element, XMLSerializer } from "@xmldom/xmldom";
import { type Content, fold, html, Markup } from "./html-markup.ts";

/** A line or a set of bars that can be hidden; base and head have the same look in every chart. */
export interface ChartSeries {
  /** Name of its colour and of its marks. */
  readonly key: string;
  readonly label: string;
}

export interface Chart {
  /** Unique in the page; of letters, digits and dashes. */
  readonly id: string;
  readonly title: string;
  /** One or two sentences: what is drawn, from where, and what to look for. */
  readonly caption: Content;
  readonly plot: PlotOptions;
  /** Drawings below it that share its title. */
  readonly more?: readonly PlotOptions[];
  readonly series?: readonly ChartSeries[];
  /** The values that are drawn, as a table. */
  readonly values?: Markup;
}

/** Drawn for a phone's width, so that its letters are not too small there. */
const WIDTH = 420;
const HEIGHT = 260;

/** Marks of a series: drawn in its colour, hidden by its button. */
export function ofSeries(key: string): { readonly ariaDescription: string } {
  return { ariaDescription: `${SERIES}${key}` };
}
const SERIES = "series ";

/** How a series looks: a colour that differs in lightness too, and a dash, so that it reads without colour. */
export function look(key: string): { readonly stroke: string; readonly strokeDasharray?: string } {
  const dashes: Readonly<Record<string, string>> = {
    base: "6 3",
    other0: "2 3",
    other1: "8 2 2 2",
    other2: "4 4",
  };
  const strokeDasharray = dashes[key];
  return { stroke: `var(--${key})`, ...(strokeDasharray === undefined ? {} : { strokeDasharray }) };
}

const OTHER_LOOKS = 4;

/** The series of variants: base and head look the same in every chart, others take turns. */
export function variantSeries(variants: readonly string[]): (ChartSeries & { readonly variant: string })[] {
  const others = [...new Set(variants)].filter((each) => each !== "base" && each !== "head");
  return [...new Set(variants)].sort().map((variant) => {
    const other = others.indexOf(variant);
    return {
      variant,
      key: other < 0 ? variant : `other${other % OTHER_LOOKS}`,
      label: variant === "head" ? "this run" : variant === "base" ? "base, measured beside it" : variant,
    };
  });
}

/** A chart as a figure: its title, a button for each series, the drawing, what it shows, and its values. */
export function figure({ id, title, caption, plot: options, more = [], series = [], values }: Chart): Markup {
  const buttons = series.map(
    ({ key, label }) =>
      html`<button type="button" aria-pressed="true" data-toggle="${key}"><i class="key ${key}"></i>${label}</button>`,
  );
  return html`<figure id="${id}">
<h3 id="${id}-title">${title}</h3>
${series.length > 1 ? html`<div class="legend" role="group" aria-label="Series of: ${title}">${buttons}</div>` : ""}
${[options, ...more].map((each) => drawing(each, id))}
<figcaption>${caption}</figcaption>
${values === undefined ? "" : fold("Values as a table", values)}
</figure>`;
}

/** The SVG of a plot, drawn without a browser. */
export function drawing(options: PlotOptions, id: string): Markup {
  const document = new DOMImplementation().createDocument("http://www.w3.org/1999/xhtml", "html");
  const drawn = plot({
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 48,
    marginBottom: 40,
    marginTop: 28,
    // The library asks for a browser's document; this one is all that it uses of it.
    document: document as unknown as NonNullable<PlotOptions["document"]>,
    ...options,
    marks: options.marks as Markish[],
  }) as unknown as Element;
  for (const style of [...drawn.getElementsByTagName("style")]) style.parentNode?.removeChild(style);
  for (const name of ["class", "style", "width", "height"]) drawn.removeAttribute(name);
  drawn.setAttribute("font-size", "12");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-labelledby", `${id}-title`);
  tidy(drawn);
  return new Markup(new XMLSerializer().serializeToString(drawn));
}

/** Coordinates as the library leaves them have fifteen digits; a tenth of a pixel is enough. */
const COORDINATES = /^(d|transform|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)$/;

function tidy(element: Element): void {
  for (const attribute of [...element.attributes]) {
    if (COORDINATES.test(attribute.name)) {
      attribute.value = attribute.value.replace(/-?\d+\.\d{2,}/g, (text) =>
        String(Number(Number(text).toFixed(1))),
      );
    }
  }
  const description = element.getAttribute("aria-description");
  if (description?.startsWith(SERIES)) {
    element.setAttribute("data-series", description.slice(SERIES.length));
    element.removeAttribute("aria-description");
  }
  // Within an image nothing is announced: what remains only makes the file larger.
  if (element.getAttribute("role") !== "img") element.removeAttribute("aria-label");
  element.removeAttribute("aria-hidden");
  for (const child of [...element.childNodes]) if (child.nodeType === 1) tidy(child as Element);
}
