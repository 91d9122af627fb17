import { S as string, d as _enum, v as number, x as strictObject, y as object } from "./verdict.js";

// src/domain/metric.ts
/** `gate` metrics move the verdict, `watch` metrics are shown, `off` metrics are not compared. */
const LEVELS = [
	"gate",
	"watch",
	"off"
];
const levelSchema = _enum(LEVELS);
/** How large a loss may be before it matters: both bounds must be exceeded. */
const toleranceSchema = strictObject({
	/** Relative loss, e.g. 0.05 for 5 %. For metrics that are shares or counts it is usually 0. */
	relative: number().min(0).max(10),
	/** Loss in the metric's own unit that is too small to matter whatever its share. */
	absolute: number().min(0)
});
const directionSchema = _enum(["lower", "higher"]);
/**
* Which of a session's rounds stands for it. `best`: interference only ever makes a time worse. `worst`: what
* failed in one round did fail, however good the others were. `mean`: a ratio of two measured values, which
* interference moves both ways.
*/
const roundsSchema = _enum([
	"best",
	"worst",
	"mean"
]);
/** What a metric is and how it is judged. The catalogue in `measure/` holds one for each metric. */
const metricDefinitionSchema = object({
	/** `<probe>.<case>.<quantity>` */
	id: string(),
	unit: string(),
	direction: directionSchema,
	level: levelSchema,
	tolerance: toleranceSchema,
	/** `host`: moves with the host's speed, so a stored baseline of another host cannot convict it. */
	sensitivity: _enum(["host", "none"]),
	rounds: roundsSchema.default("best"),
	description: string()
});
/** One number: metric × variant × session × round. */
const measurementSchema = object({
	metric: string(),
	variant: string(),
	session: number().int().nonnegative(),
	round: number().int().nonnegative(),
	value: number(),
	/** How many requests (or log lines, or samples) stand behind the value. */
	n: number().int().positive()
});

// src/domain/operating.ts
const bound = number().positive().max(36e5).optional();
/** What users are promised: of each quantity the 95th percentile, in milliseconds. */
const sloSchema = strictObject({
	ttftP95Ms: bound.describe("95th percentile of the time from the send to the first token."),
	itlP95Ms: bound.describe("95th percentile of the gaps between events that carry tokens."),
	e2eP95Ms: bound.describe("95th percentile of the time from the send to the last token.")
}).refine((slo) => Object.values(slo).some((each) => each !== void 0), { message: "needs `ttftP95Ms`, `itlP95Ms` or `e2eP95Ms`" });

export { toleranceSchema as a, metricDefinitionSchema as i, levelSchema as n, measurementSchema as r, sloSchema as t };