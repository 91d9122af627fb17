/** Lines of a server's log that tell of its prefix cache. */
export interface PrefixLogLines {
  /** What it says at its start: the setting, the size of the cache. */
  readonly startup: readonly string[];
  /** What it says of memory that runs short: preemptions, swapping, failed allocations. */
  readonly pressure: readonly string[];
  /** The last line with a hit rate. */
  readonly hitRate: string | null;
}

const STARTUP =
  /enable_prefix_caching|prefix.?cach\w* (?:is )?(?:enabled|disabled|not supported)|GPU KV cache size|KV cache size:|Maximum concurrency for|# (?:GPU|CPU) blocks/i;
const PRESSURE =
  /preempt|out of memory|OutOfMemory|\bOOM\b|insufficient (?:memory|kv)|no (?:available|free) (?:memory|blocks)|not enough (?:memory|kv|space)|swap(?:ped|ping) (?:in|out)/i;
const HIT_RATE = /prefix cache hit rate/i;
/** The configuration, which is printed in one line, holds the setting somewhere in its middle. */
const RATE = /prefix cache hit rate:? *[\d.]+ ?%?/i;
const SETTING = /enable_prefix_caching['"]?\s*[:=]\s*\w+/i;

const MOST_LINES = 6;
const LONGEST = 220;

/** Finds them in a `server.log`; long lines are cut around what matters. */
export function prefixLogLines(log: string): PrefixLogLines {
  const startup: string[] = [];
  const pressure: string[] = [];
  let hitRate: string | null = null;
  for (const line of log.split("\n")) {
    if (HIT_RATE.test(line)) hitRate = shorten(line, RATE);
    else if (PRESSURE.test(line) && pressure.length < MOST_LINES) pressure.push(shorten(line));
    else if (STARTUP.test(line) && startup.length < MOST_LINES) startup.push(shorten(line));
  }
  return { startup, pressure, hitRate };
}

function shorten(line: string, matter = SETTING): string {
  const text = line.trim();
  if (text.length <= LONGEST) return text;
  const found = matter.exec(text);
  if (found === null) return `${text.slice(0, LONGEST)} …`;
  const head = text.slice(0, 90);
  return found.index + found[0].length <= 90 ? `${head} …` : `${head} … ${found[0]} …`;
}
