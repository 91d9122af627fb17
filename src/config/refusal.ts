/** One thing the gate will not start, for people. */
export interface Refusal {
  kind: "flag" | "env" | "command" | "model";
  /** The flag as typed (without its value), the variable, the command or the model. */
  name: string;
  /** One sentence: what it would do. It never holds the value of a variable or a key. */
  reason: string;
  /** One sentence: how the owner of the base branch allows it, or what to do instead. */
  howToAllow: string;
}

export const NO_POLICY_ALLOWS = "Remove it; no policy allows it.";

/** How the base branch allows a flag, a variable or a command. */
export function allowIn(key: "allowFlags" | "allowEnv" | "allowCommands", entry: string): string {
  return `Add \`policy.${key}: [${entry}]\` to vllm-gate.yml on the base branch.`;
}

/** Text from a pull request, short and without control characters. */
export function printable(text: string, length = 120): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return clean.length > length ? `${clean.slice(0, length)}…` : clean;
}

export function quote(text: string): string {
  return `"${printable(text)}"`;
}
