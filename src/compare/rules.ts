/** The rule of an exact id, else of the pattern with the most literal parts. */
export function ruleFor<T>(rules: Readonly<Record<string, T>>, id: string): T | undefined {
  if (Object.hasOwn(rules, id)) return rules[id];
  const parts = id.split(".");
  const matching = Object.keys(rules)
    .filter((pattern) => {
      const wanted = pattern.split(".");
      return (
        wanted.length === parts.length && wanted.every((part, index) => part === "*" || part === parts[index])
      );
    })
    .sort((a, b) => stars(a) - stars(b) || a.localeCompare(b));
  return matching[0] === undefined ? undefined : rules[matching[0]];
}

function stars(pattern: string): number {
  return pattern.split(".").filter((part) => part === "*").length;
}
