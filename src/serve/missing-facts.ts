import type { LogFacts } from "../domain/log-facts.ts";
import { COVERED_VERSIONS, type FactName, PATTERNS } from "./log-patterns.ts";

/** Circumstances in which facts are missing for a good reason, and how the log shows them. */
const CIRCUMSTANCES = {
  eager: /enforce_eager['"]?(?:=|: )True|Cudagraph is disabled under eager mode|Enforce eager set/,
  dummyWeights: /load_format['"]?(?:=|: )['"]?(?:LoadFormat\.DUMMY|dummy)/,
  cpu: /device_config=cpu\b|CPU KV cache size:|\bcpu_worker\.py:\d/,
} as const;
export type Circumstance = keyof typeof CIRCUMSTANCES;

interface ExpectedAbsence {
  readonly facts: readonly FactName[];
  readonly when: Circumstance;
  readonly because: string;
}

const EXPECTED_ABSENCES: readonly ExpectedAbsence[] = [
  { facts: ["weightsS"], when: "dummyWeights", because: "--load-format dummy reads no weights" },
  {
    facts: ["graphsS", "graphsGib", "graphsEstimatedGib"],
    when: "eager",
    because: "--enforce-eager captures no graphs",
  },
  {
    facts: ["compileS", "compileCached", "profileS"],
    when: "eager",
    because: "--enforce-eager compiles nothing",
  },
  { facts: ["kvAvailableGib"], when: "cpu", because: "the CPU backend prints no KV memory" },
  {
    // `Initializing model took` stands in its place, but leaves the weights out.
    facts: ["modelLoadS", "modelMemoryGib"],
    when: "cpu",
    because: "the CPU backend prints no model loading line",
  },
  {
    facts: ["graphsS", "graphsGib", "graphsEstimatedGib"],
    when: "cpu",
    because: "the CPU backend captures no graphs",
  },
  { facts: ["compileS"], when: "cpu", because: "the CPU backend prints no compilation total" },
  { facts: ["attentionBackend"], when: "cpu", because: "the CPU backend has one attention backend" },
];

/** A fact that the log did not give, and why as far as is known. */
export interface UnknownFact {
  fact: FactName;
  reason: string;
  /** True when this version, backend or these flags never print it. */
  readonly expected: boolean;
}

/** Adds the circumstances that a line shows to those found. */
export function noteCircumstances(segment: string, found: Set<Circumstance>): void {
  for (const [name, regex] of Object.entries(CIRCUMSTANCES)) {
    if (regex.test(segment)) found.add(name as Circumstance);
  }
}

/** Why a fact is missing from what is known. */
export function explainAbsence(
  fact: FactName,
  known: LogFacts,
  circumstances: ReadonlySet<Circumstance>,
): Omit<UnknownFact, "fact"> {
  const version = known.vllmVersion;
  const server = version === null ? "a vLLM of unknown version" : `vLLM ${version}`;
  const absent = `${server} printed no line for ${fact} known to vllm-gate (patterns cover ${COVERED_VERSIONS})`;
  const because = [
    ...EXPECTED_ABSENCES.filter(({ facts, when }) => facts.includes(fact) && circumstances.has(when)).map(
      (absence) => absence.because,
    ),
    ...explainByVersion(fact, version),
  ];
  if (because.length > 0) return { reason: `${absent}; expected: ${because.join(", ")}`, expected: true };
  const unfinished = known.engineInitS === null && known.listeningOn === null;
  const reason = unfinished ? `${absent}; the log ends before the engine was ready` : absent;
  return { reason, expected: false };
}

const FIRST_RELEASE = "0.6";

/** Says so when no pattern of the fact belongs to the version. */
function explainByVersion(fact: FactName, version: string | null): string[] {
  const release = releaseOf(version ?? "");
  const isRelease = release >= releaseOf(FIRST_RELEASE);
  const ranges = PATTERNS.filter(({ facts }) => facts.includes(fact)).map(
    ({ since = FIRST_RELEASE, until }) => ({ since, until }),
  );
  const isPrinted = ranges.some(
    ({ since, until }) => release >= releaseOf(since) && (until === undefined || release <= releaseOf(until)),
  );
  if (!isRelease || isPrinted) return [];
  const texts = ranges.map(({ since, until }) =>
    until === undefined ? `since ${since}` : `from ${since} to ${until}`,
  );
  return [`vLLM prints it ${[...new Set(texts)].join(" or ")} only`];
}

/** `0.22.1rc1` is 22; below 6 or not a number for what is no release of vLLM, such as `0.1.dev7+g1234`. */
function releaseOf(version: string): number {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,4})/.exec(version) ?? [];
  return Number(major) * 10_000 + Number(minor);
}
