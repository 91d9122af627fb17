import { mean, median } from "simple-statistics";
import type { MetricDefinition } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import { standardDeviationOf, standardErrorOf } from "../stats/moderated.ts";
import { studentCritical } from "../stats/student.ts";
import { AS_BAD, alphaFor, FULL, POWER } from "./conviction.ts";
import { scaleFor, sessionPlace, toScale, unitOf } from "./estimate.ts";
import { shippedSpread } from "./prior.ts";

/** Losses for which the number of sessions is said. */
const LOSSES = [0.03, 0.05, 0.1, 0.25] as const;
const MOST_SESSIONS = 20;
/** A metric of which only larger losses are found is shown and gates nothing. */
const WORTH_GATING = 0.5;
/** Fixed rules that are held against the machine's noise. */
const FIXED_RULES = [0.05, 0.1, 0.2] as const;

/** One metric of a calibration: values by session, in them by round. */
export interface CalibratedMetric {
  readonly definition: MetricDefinition;
  readonly sessions: readonly (readonly number[])[];
}

/**
 * The noise of a machine, from sessions of one variant: how far the sessions of each metric spread, and what that
 * means for gating it. Metrics of one session tell nothing and are left out.
 *
 * @param gated - number of metrics that are gated together
 */
export function calibrate(metrics: readonly CalibratedMetric[], gated: number): Record<string, MetricNoise> {
  return Object.fromEntries(
    metrics
      .filter(({ definition, sessions }) => sessions.length >= 2 && definition.rounds !== "worst")
      .map(({ definition, sessions }) => [definition.id, noiseOf(definition, sessions, Math.max(1, gated))]),
  );
}

function noiseOf(
  definition: MetricDefinition,
  sessions: CalibratedMetric["sessions"],
  gated: number,
): MetricNoise {
  const { direction, tolerance, rounds: by } = definition;
  const scale = scaleFor(direction, tolerance, sessions, definition.id);
  const rounds = Math.min(...sessions.map((session) => session.length));
  const places = sessions.map((session) => sessionPlace(session, scale, by, rounds));
  // A session that is slow by itself must not make the gate blind to every loss below its own.
  const alike = withoutSlow(places, shippedSpread(definition.id, scale.kind).sd * unitOf(scale, places));
  const sessionSd = standardDeviationOf([...alike]);
  const sessionRange = Math.max(...alike) - Math.min(...alike);
  const slow = places.filter((place, index) => place > (alike[index] as number)).length;
  const within = sessions.filter((session) => session.length >= 2);
  const known = { sd: sessionSd, degreesOfFreedom: sessions.length - 1, range: sessionRange };
  const given = scale.kind === "log" ? tolerance.relative : tolerance.absolute;
  const detectable = detectableWith(known, FULL.head, given, gated);
  const proposed = proposal(detectable, given);
  return {
    unit: definition.unit,
    scale: scale.kind,
    sessions: sessions.length,
    sessionSd: rounded(sessionSd),
    degreesOfFreedom: sessions.length - 1,
    sessionRange: rounded(sessionRange),
    ...(slow === 0 ? {} : { slowSessions: slow }),
    roundSd:
      within.length === 0
        ? null
        : rounded(roundSdOf(within.map((session) => session.map((value) => toScale(value, scale))))),
    detectable: rounded(detectable),
    proposed: {
      level: detectable > WORTH_GATING && definition.level === "gate" ? "watch" : definition.level,
      tolerance:
        scale.kind === "log"
          ? { relative: proposed, absolute: tolerance.absolute }
          : { relative: tolerance.relative, absolute: proposed },
    },
    sessionsFor: LOSSES.map((loss) => ({ loss, sessions: sessionsFor(known, loss, given, gated) })),
    fixedRuleFires: FIXED_RULES.map((rule) => ({
      rule,
      share: rounded(shareFired(sessions, direction, rule)),
    })),
  };
}

/** Of two sessions none is known to be the slow one. */
const LEAST_TO_TELL = 3;
/** Sessions that far behind, in standard deviations of the better half, count as if they were so far. */
const SLOW = { from: 5, as: 2.5 } as const;

/**
 * Sessions without the few that are slow by themselves. The better half tells how far like sessions spread, where it
 * says more than what is shipped: one that is ordinary on a noisy machine is not slow.
 */
function withoutSlow(places: readonly number[], shipped: number): readonly number[] {
  if (places.length < LEAST_TO_TELL) return places;
  const middle = median([...places]);
  const better = [...places].sort((a, b) => a - b).slice(0, places.length >> 1);
  const sd = Math.max(shipped, Math.sqrt(mean(better.map((place) => (middle - place) ** 2))));
  return places.map((place) => (place > middle + SLOW.from * sd ? middle + SLOW.as * sd : place));
}

interface Known {
  readonly sd: number;
  readonly degreesOfFreedom: number;
  readonly range: number;
}

/**
 * Smallest loss on the metric's scale that is found {@link POWER} of the time by so many head sessions against a full
 * baseline: it must pass the test of half the tolerance, lie beyond the baseline's worst session, and beyond how far
 * like sessions differ.
 */
function detectableWith(
  { sd, degreesOfFreedom, range }: Known,
  head: number,
  tolerance: number,
  gated: number,
): number {
  const freedom = degreesOfFreedom + FULL.base - 1 + head - 1;
  const critical = (level: number) => studentCritical(level, freedom);
  const tested =
    tolerance / 2 +
    (critical(alphaFor({ base: FULL.base, head }) / gated) + critical(1 - POWER)) *
      standardErrorOf(sd, FULL.base, head);
  const separated = (range / 2 + critical(1 - POWER) * sd) / (1 - AS_BAD.ofLoss);
  const distinct = range + critical(1 - POWER) * sd;
  return Math.max(tolerance, tested, separated, distinct);
}

function sessionsFor(known: Known, loss: number, tolerance: number, gated: number): number | null {
  for (let head = FULL.head; head <= MOST_SESSIONS; head += 1) {
    if (detectableWith(known, head, Math.min(tolerance, loss), gated) <= loss) return head;
  }
  return null;
}

/** The tolerance as it is where the machine shows it, else what it shows, in steps that people would write. */
function proposal(detectable: number, given: number): number {
  if (detectable <= given || given === 0) return given;
  const step = detectable < 0.1 ? 0.01 : 0.05;
  return Number((Math.ceil(detectable / step - 1e-9) * step).toFixed(2));
}

function roundSdOf(sessions: readonly (readonly number[])[]): number {
  const squares = sessions.map((session) => standardDeviationOf(session) ** 2 * (session.length - 1));
  const freedom = sessions.reduce((sum, session) => sum + session.length - 1, 0);
  return Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / freedom);
}

/** Share of the ordered pairs of like sessions of which a fixed rule on the first round would have failed one. */
function shareFired(
  sessions: CalibratedMetric["sessions"],
  direction: MetricDefinition["direction"],
  rule: number,
): number {
  const first = sessions.map((session) => session[0] as number);
  let fired = 0;
  first.forEach((base, i) => {
    first.forEach((head, j) => {
      if (i === j || base === 0) return;
      const loss = direction === "lower" ? head / base - 1 : 1 - head / base;
      if (loss > rule) fired += 1;
    });
  });
  return fired / (first.length * (first.length - 1));
}

const rounded = (value: number) => Number(value.toPrecision(4));
