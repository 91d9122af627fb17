/**
 * The value of a flag among a server's arguments, as vLLM reads them: `--a=b` and `--a b` are the same, as are `_` and
 * `-` in a name, and the last one counts.
 *
 * @param names - the flag and its short forms, with dashes
 * @returns null when it is not given, or has no value
 */
export function flagValue(args: readonly string[], ...names: readonly string[]): string | null {
  let value: string | null = null;
  for (const [index, arg] of args.entries()) {
    const [, name = arg, attached] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
    if (!name.startsWith("-") || !names.includes(name.replaceAll("_", "-"))) continue;
    value = attached ?? args[index + 1] ?? null;
  }
  return value;
}

/** Arguments without a flag that takes one value, however often it is given. */
export function withoutFlag(args: readonly string[], name: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string;
    const [head = ""] = arg.split("=", 1);
    if (head.replaceAll("_", "-") !== name) kept.push(arg);
    else if (!arg.includes("=")) index += 1;
  }
  return kept;
}

const UNITS: Readonly<Record<string, number>> = { k: 1000, K: 1024, m: 1e6, M: 1024 ** 2 };

/** A count of tokens as vLLM takes it: `4096`, `4k` (4,000) or `4K` (4,096); null for anything else. */
export function tokenCount(text: string): number | null {
  const [, digits = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?)([kKmM]?)$/.exec(text) ?? [];
  if (digits === "") return null;
  const value = Number(digits) * (UNITS[unit] ?? 1);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
