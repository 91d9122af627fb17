import { indicatedKind, SECONDARY } from "./failure-patterns.ts";
import { isError } from "./log-lines.ts";
import { type Raised, sentenceOf } from "./tracebacks.ts";

/** Whether an exception only says that another process failed. */
export function isSecondary(one: Raised): boolean {
  return SECONDARY.test(sentenceOf(one));
}

/** The exception that the others follow from. */
export function findRootException(raised: readonly Raised[]): Raised | undefined {
  const errors = raised.filter(({ record }) => isError(record));
  const chains = chainsOf(errors).filter((chain) => !chain.every(isSecondary));
  const senior = Math.min(...chains.map(seniorityOfChain));
  const candidates = chains.filter((chain) => seniorityOfChain(chain) === senior);
  // Of what was announced as fatal the first; else the last, since a process goes on after what it survives.
  const chain = senior === 0 ? candidates[0] : candidates.at(-1);
  const root = chain === undefined ? undefined : rootOf(chain);
  return root === undefined ? undefined : firstLikeIt(root, raised);
}

function seniorityOfChain(chain: readonly Raised[]): number {
  return Math.min(...chain.map(seniority));
}

/** Workers fail before the engine that waits for them, and the engine before the API server. */
function seniority({ record, fatal }: Raised): number {
  if (fatal) return 0;
  if (/worker|ray/i.test(record.process)) return 1;
  return record.process.startsWith("EngineCore") ? 2 : 3;
}

/** Groups exceptions into chains, each in one process. */
function chainsOf(raised: readonly Raised[]): Raised[][] {
  const chains: Raised[][] = [];
  const openByProcess = new Map<string, Raised[]>();
  for (const one of raised) {
    const open = openByProcess.get(one.record.process);
    if (one.chained !== null && open !== undefined) {
      open.push(one);
      continue;
    }
    const chain = [one];
    chains.push(chain);
    openByProcess.set(one.record.process, chain);
  }
  return chains;
}

const BARE_LOOKUP = /^(?:KeyError|IndexError|StopIteration|StopAsyncIteration|AttributeError)$/;

/**
 * The exception of a chain that a person wants to read: the last of a known kind (an HTTP status becomes a sentence
 * on its way up), else the first, unless it is a failed lookup that the code handled by raising something better.
 */
function rootOf(chain: readonly Raised[]): Raised | undefined {
  const own = chain.filter((one) => !isSecondary(one));
  const known = own.findLast((one) => indicatedKind(sentenceOf(one)) !== undefined);
  const telling = own.find(
    (one, index) => !(BARE_LOOKUP.test(one.type) && own[index + 1]?.chained === "context"),
  );
  return known ?? telling ?? own[0];
}

/** An exception is logged, then printed again when it ends the process. */
function firstLikeIt(root: Raised, raised: readonly Raised[]): Raised {
  return (
    raised.find(
      (one) =>
        one.record.process === root.record.process && one.type === root.type && one.message === root.message,
    ) ?? root
  );
}
