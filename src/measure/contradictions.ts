import { type CaseData, countedIn } from "./case-data.ts";

/** What the server may have generated beyond what this client was sent: counters are read a moment apart. */
const MORE_SHARE = 0.1;
const MORE_TOKENS = 64;

/**
 * Counts of a case that cannot all be true: then none of them may be relied on. More tokens than the client was sent
 * mean that somebody else used the server meanwhile. Fewer are no contradiction: `/metrics` may be that of one of
 * several servers behind an address.
 *
 * @returns a sentence for each; none where the server or the traces do not tell enough
 */
export function contradictionsOf(data: CaseData): string[] {
  const name = `${data.probe}.${data.case}`;
  const found: string[] = [];
  const queried = countedIn(data, "prefixQueriedTokens");
  const hit = countedIn(data, "prefixHitTokens");
  if (queried !== null && hit !== null && hit > queried) {
    found.push(
      `${name}: the server counted ${hit} prompt tokens found in its prefix cache of only ${queried} looked up: its counters contradict each other`,
    );
  }
  const cached = data.ok.find(
    ({ cachedTokens, promptTokens }) =>
      cachedTokens !== null && promptTokens !== null && cachedTokens > promptTokens,
  );
  if (cached !== undefined) {
    found.push(
      `${name}: the answer to ${cached.id} says ${cached.cachedTokens} cached of ${cached.promptTokens} prompt tokens: its counts contradict each other`,
    );
  }
  for (const { id, arrivals, outputTokens } of data.ok) {
    const carried = arrivals?.reduce((sum, [, tokens]) => sum + tokens, 0) ?? outputTokens;
    if (outputTokens === null || carried === outputTokens) continue;
    found.push(
      `${name}: the events of ${id} carried ${carried} tokens, its usage says ${outputTokens}: its counts contradict each other`,
    );
    break;
  }
  const foreign = foreignTokens(data);
  if (foreign !== null) found.push(`${name}: ${foreign}`);
  return found;
}

function foreignTokens(data: CaseData): string | null {
  const generated = countedIn(data, "generationTokens");
  // What a request that failed was sent is not known.
  if (generated === null || data.failed.length > 0) return null;
  let sent = 0;
  for (const { outputTokens } of data.ok) {
    if (outputTokens === null) return null;
    sent += outputTokens;
  }
  if (generated <= sent * (1 + MORE_SHARE) + MORE_TOKENS) return null;
  return `the server generated ${generated} tokens meanwhile, of which this client was sent ${sent}: another client used it`;
}
