import type { GateConfig } from "./config/load.ts";
import type { ServerSpec } from "./config/server-spec.ts";
import type { Variant } from "./domain/run.ts";
import { type ProbeSuite, suiteOf } from "./probe/suite.ts";
import type { Surroundings } from "./surroundings.ts";
import {
  createRedactor,
  type Redact,
  redactArgs,
  redactDeep,
  redactEnv,
  secretsOf,
} from "./system/redact.ts";

/** What a run measures: variants × sessions × rounds × probes. The gate, an A/B, calibration and every study are such. */
export interface RunPlan {
  /** Servers by the name of their variant. */
  readonly variants: Readonly<Record<string, ServerSpec>>;
  /** The variant of each session, in the order in which they are measured. */
  readonly order: readonly string[];
  readonly rounds: number;
  readonly suite: ProbeSuite;
  /** Options of the probes, as they are written down. */
  readonly probes: unknown;
}

/** `head` alone, so many sessions of it. */
export function headPlan(config: GateConfig, sessions: number): RunPlan {
  return {
    variants: { head: config.server },
    order: Array.from({ length: sessions }, () => "head"),
    rounds: config.rounds,
    suite: suiteOf({ ...config.probes, traffic: config.traffic }),
    probes: probesRecord(config),
  };
}

/** The probes as they are written down: the user's own requests by the hash of their file. */
export function probesRecord({ probes, traffic }: Pick<GateConfig, "probes" | "traffic">): unknown {
  return traffic === null ? probes : { ...probes, traffic: { ...probes.traffic, sha256: traffic.sha256 } };
}

/** A variant as `run.json` shows it. */
export function variantOf(server: ServerSpec, redact: Redact): Variant {
  if (server.kind === "attach") {
    return { args: [], url: server.url, ...(server.model === null ? {} : { model: server.model }) };
  }
  return {
    args: redactDeep(redactArgs(server.args), redact),
    model: server.model,
    command: redactDeep(redactArgs(server.command), redact),
    env: redactDeep(redactEnv(server.env), redact),
  };
}

/** Redacts every secret of the machine and of the servers. */
export function redactorOf(world: Surroundings, { variants }: RunPlan): Redact {
  const ofServers = Object.values(variants).flatMap((server) =>
    server.kind === "launch" ? secretsOf(server.env) : [],
  );
  return createRedactor([...secretsOf(world.environment), ...ofServers]);
}
