import { type TelemetryLine, telemetryLineSchema } from "../domain/telemetry.ts";

/** The samples of a `telemetry.jsonl`; lines of another version, or cut off by a kill, are passed over. */
export function parseTelemetry(text: string): TelemetryLine[] {
  return text.split("\n").flatMap((line) => {
    if (line === "") return [];
    try {
      const parsed = telemetryLineSchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}
