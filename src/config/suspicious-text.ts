/** Words that, in the name of a flag or a JSON key nobody knows, point at code, files or the network. */
const SMELLS: ReadonlySet<string> = new Set(
  `addr address addrs callable class classes cls cmd code command connector dir directory dirs endpoint endpoints exec
   executable file filename files folder hook hooks host hostname hosts import ip listen middleware
   module modules path paths pickle plugin plugins port ports proxy python qualname ray remote script scripts socket
   tensorizer trust uds unsafe uri url urls webhook`
    .trim()
    .split(/\s+/),
);

/** Words in the list above that count wherever they stand in a name. */
const SMELLS_ANYWHERE = /plugin|middleware|qualname|callable|pickle/;

/** The word in a name that points at code, files or the network. */
export function smell(name: string): string | undefined {
  const lower = name.toLowerCase();
  const words = lower.split(/[^a-z0-9]+/);
  return words.find((word) => SMELLS.has(word)) ?? SMELLS_ANYWHERE.exec(lower)?.[0];
}

/** Words that count even when they are cut short. */
const SMELLS_CUT =
  "address callable connector directory endpoint executable hostname middleware module plugin script".split(
    " ",
  );

/** As {@link smell}, for a name that may be cut short: `--new-plug` may stand for `--new-plugin`. */
export function smellOfFlag(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("-") + 1);
  return smell(name) ?? (last.length < 4 ? undefined : SMELLS_CUT.find((word) => word.startsWith(last)));
}

/** Whether a value is a path or an address. */
export function looksLikePlace(value: string): boolean {
  return /^\s*(?:[/~\\]|\.\.?(?:[/\\]|$))/.test(value) || /:\/\//.test(value);
}

export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
