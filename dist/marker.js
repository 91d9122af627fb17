import { C as tuple, D as _isoDateTime, S as string, a as ZodISODateTime, b as record, d as _enum, g as literal, m as boolean, n as VERDICTS, v as number, y as object } from "./verdict.js";

// node_modules/zod/v4/classic/iso.js
function datetime(params) {
	return _isoDateTime(ZodISODateTime, params);
}

// src/publish/marker.ts
const sha = string().regex(/^[0-9a-f]{7,64}$/);
/** A verdict as one comment tells it to the next. */
const lastSchema = object({
	commit: sha,
	verdict: _enum([...VERDICTS, "failed"]),
	/** True where the verdict blocks the merge. */
	blocks: boolean(),
	/** When a verdict of this commit was first posted, by GitHub's clock. */
	at: datetime(),
	headline: string().max(1e3),
	/** Value and verdict of the gated metrics. */
	metrics: record(string().max(200), tuple([number().nullable(), _enum(VERDICTS)]))
});
/** The machine-readable end of a comment: an HTML comment within the comment. */
const footerSchema = object({
	v: literal(1),
	/** The commit that is being measured; null when the verdict stands. */
	measuring: sha.nullable(),
	last: lastSchema.nullable()
});
/** A comment's key in the alphabet that can stand in its marker. */
function cleanKey(key) {
	return key.replace(/[^\w.-]/g, "_").replace(/-{2,}/g, "-").slice(0, 100) || "gate";
}
const MARKER = "<!-- vllm-gate:";
const DATA = "<!-- vllm-gate-data ";
/** The hidden first line that tells this comment from all others. */
function markerOf(key) {
	return `${MARKER}${cleanKey(key)} -->`;
}
/** Whether a comment starts with the marker: elsewhere in it, somebody quoted it. */
function hasMarker(body, key) {
	const [first = ""] = body.split(/\r?\n/, 1);
	return first === markerOf(key);
}
/** Whether a text holds anything that could be taken for a marker or a footer. */
function holdsMarker(text) {
	return /<!--\s*vllm-gate/i.test(text);
}
/** The machine-readable last line. Nothing within can end the HTML comment. */
function encodeFooter(footer) {
	const json = JSON.stringify(footer).replace(/[<>&-]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
	return `${DATA}${json.replace(/(?<=[[:,])\\u002d(?=\d)|(?<=\de)\\u002d(?=\d)/g, "-")} -->`;
}
/** The footer of a comment of ours; null where there is none that can be read. */
function decodeFooter(body) {
	const start = body.lastIndexOf(DATA);
	const end = body.indexOf(" -->", start);
	if (start < 0 || end < 0) return null;
	try {
		return footerSchema.parse(JSON.parse(body.slice(start + 20, end)));
	} catch {
		return null;
	}
}

export { holdsMarker as a, hasMarker as i, decodeFooter as n, markerOf as o, encodeFooter as r, cleanKey as t };