/** A parsed JSON object of somebody else's. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object, or null. */
export function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** The first of some fields that holds a whole number above 0. */
export function numberIn(fields: Fields, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  }
  return null;
}

/** Where models of several modalities keep what is the language model's. */
const TEXT_CONFIGS = ["text_config", "language_config", "llm_config", "thinker_config"];

/** The language model's own fields, over those of the whole. */
export function textModelOf(whole: Fields): Fields {
  for (const name of TEXT_CONFIGS) {
    const inner = fieldsOf(whole[name]);
    if (inner !== null) return { ...whole, ...textModelOf(inner) };
  }
  return whole;
}
