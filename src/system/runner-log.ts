/**
 * Text as one line of a workflow's log that its runner cannot take for a command: a runner obeys `::command::` at the
 * start of a line and `##[command]` anywhere in one, whoever printed it.
 */
export function runnerLine(text: string): string {
  return runnerText(text.replace(/\r\n|[\n\r\u2028\u2029]/g, " ␤ "));
}

/** Text for `core.error` and its like, which escape line ends themselves. */
export function runnerText(text: string): string {
  return text
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .replace(/##\[/g, "## [")
    .replace(/^(\s*):(?=:)/gm, "$1: ");
}
