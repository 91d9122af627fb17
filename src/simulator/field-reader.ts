/** Reads a body's fields as pydantic does in its lax mode, and collects its complaints. */
import { InvalidBody, type Problem } from "./errors.ts";

/** Limits of a number. */
export interface Bounds {
  least?: number;
  /** Whether null is refused. */
  required?: boolean;
}

/** Reads fields one by one, in the order in which the complaints shall come. */
export class FieldReader {
  private readonly body: Readonly<Record<string, unknown>>;
  private readonly problems: Problem[] = [];

  /** @throws InvalidBody for a body that is no object */
  constructor(body: unknown) {
    if (body === undefined)
      throw new InvalidBody([{ type: "missing", loc: ["body"], msg: "Field required", input: null }]);
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      const msg = "Input should be a valid dictionary or object to extract fields from";
      throw new InvalidBody([{ type: "model_attributes_type", loc: ["body"], msg, input: body }]);
    }
    this.body = body as Readonly<Record<string, unknown>>;
  }

  /** The value as it was given; undefined stands for null too. */
  raw(name: string): unknown {
    return this.body[name] ?? undefined;
  }

  /** Adds a complaint about a field, or about an item of it. */
  complain(
    type: string,
    loc: string | readonly (string | number)[],
    msg: string,
    input: unknown,
    ctx?: Problem["ctx"],
  ): void {
    const path = typeof loc === "string" ? [loc] : loc;
    this.problems.push({ type, loc: ["body", ...path], msg, input, ...(ctx && { ctx }) });
  }

  /** Adds that a field is missing. */
  missing(name: string): void {
    this.complain("missing", name, "Field required", this.body);
  }

  /** A whole number. */
  int(name: string, { least, required }: Bounds = {}): number | undefined {
    const value = this.present(name, required);
    if (value === undefined) return undefined;
    const read = this.readInt([name], value);
    if (read !== undefined && least !== undefined && read < least) {
      const msg = `Input should be greater than or equal to ${least}`;
      this.complain("greater_than_equal", name, msg, value, { ge: least });
    }
    return read;
  }

  /** A number. */
  float(name: string, required = false): number | undefined {
    const value = this.present(name, required);
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "boolean") return Number(value);
    if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)))
      return Number(value);
    if (typeof value === "string")
      this.complain(
        "float_parsing",
        name,
        "Input should be a valid number, unable to parse string as a number",
        value,
      );
    else this.complain("float_type", name, "Input should be a valid number", value);
    return undefined;
  }

  /** True or false, or one of the words for it. */
  bool(name: string, required = false): boolean {
    const value = this.present(name, required);
    if (value === undefined || typeof value === "boolean") return value ?? false;
    const word = String(value).toLowerCase();
    if (typeof value === "object") this.complain("bool_type", name, "Input should be a valid boolean", value);
    else if (["1", "true", "t", "yes", "y", "on"].includes(word)) return true;
    else if (!["0", "false", "f", "no", "n", "off"].includes(word))
      this.complain(
        "bool_parsing",
        name,
        "Input should be a valid boolean, unable to interpret input",
        value,
      );
    return false;
  }

  /** Text. */
  text(name: string, required = false): string | undefined {
    const value = this.present(name, required);
    if (value === undefined || typeof value === "string") return value;
    this.complain("string_type", name, "Input should be a valid string", value);
    return undefined;
  }

  /** A list of whole numbers. */
  ints(name: string, required = false): number[] | undefined {
    const value = this.present(name, required);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.complain("list_type", name, "Input should be a valid list", value);
      return undefined;
    }
    return value.map((item, i) => this.readInt([name, i], item) ?? 0);
  }

  /** Text or a list of texts. */
  texts(name: string): string[] {
    const value = this.present(name, false);
    if (value === undefined) return [];
    if (typeof value === "string") return [value];
    const items = Array.isArray(value) ? value : [];
    if (Array.isArray(value) && items.every((item) => typeof item === "string")) return items;
    this.complain("string_type", name, "Input should be a valid string", value);
    if (!Array.isArray(value)) this.complain("list_type", name, "Input should be a valid list", value);
    else {
      const bad = items.findIndex((item) => typeof item !== "string");
      this.complain("string_type", [name, bad], "Input should be a valid string", items[bad]);
    }
    return [];
  }

  /** An object. */
  object(name: string): Readonly<Record<string, unknown>> {
    const value = this.present(name, false);
    if (value === undefined) return {};
    if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
    const msg = "Input should be a valid dictionary or object to extract fields from";
    this.complain("model_attributes_type", name, msg, value);
    return {};
  }

  /** @throws InvalidBody when there were complaints */
  finish(): void {
    if (this.problems.length > 0) throw new InvalidBody(this.problems);
  }

  /** A value; null counts as absent, unless the field must not be null. */
  private present(name: string, required = false): unknown {
    const value = this.body[name];
    return value === null && !required ? undefined : value;
  }

  private readInt(loc: readonly (string | number)[], value: unknown): number | undefined {
    const start = "Input should be a valid integer";
    if (typeof value === "number") {
      if (Number.isInteger(value)) return value;
      this.complain("int_from_float", loc, `${start}, got a number with a fractional part`, value);
    } else if (typeof value === "boolean") return Number(value);
    else if (typeof value !== "string") this.complain("int_type", loc, start, value);
    else if (/^\s*[+-]?\d+(?:\.0+)?\s*$/.test(value)) return Number(value);
    else this.complain("int_parsing", loc, `${start}, unable to parse string as an integer`, value);
    return undefined;
  }
}
