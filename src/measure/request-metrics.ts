import { countedIn } from "./case-data.ts";
import { type Metric, none } from "./metric-family.ts";

export const REQUESTS: readonly Metric[] = [
  {
    scope: "round",
    id: "requests.error_rate",
    unit: "share",
    direction: "lower",
    level: "gate",
    tolerance: { relative: 0, absolute: 0 },
    sensitivity: "none",
    rounds: "worst",
    description: "Share of the measured requests of a round that did not succeed.",
    read: (session, round) => {
      const cases = [...(session.rounds.get(round)?.values() ?? [])];
      const failed = cases.reduce((sum, data) => sum + data.failed.length, 0);
      const total = cases.reduce((sum, data) => sum + data.ok.length, failed);
      return total === 0 ? null : { value: failed / total, n: total };
    },
  },
  {
    scope: "round",
    id: "requests.preemptions",
    unit: "requests",
    direction: "lower",
    level: "watch",
    tolerance: { relative: 0, absolute: 0 },
    sensitivity: "none",
    rounds: "worst",
    description: "Requests that were put out of the batch because the KV cache was full, from /metrics.",
    read: (session, round) => {
      const counts = [...(session.rounds.get(round)?.values() ?? [])].map((data) =>
        countedIn(data, "preemptions"),
      );
      const known = counts.filter((count): count is number => typeof count === "number");
      if (known.length === 0)
        return counts.length === 0 ? null : none("the server's /metrics has no such counter");
      return { value: known.reduce((sum, count) => sum + count, 0), n: known.length };
    },
  },
];
