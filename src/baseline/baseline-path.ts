import { UsageError } from "../domain/errors.ts";
import { type Fingerprint, fingerprintSlug } from "../domain/fingerprint.ts";

/**
 * Where a baseline lies under the baseline folder.
 *
 * @throws UsageError for a scenario that is no name of a folder: a run folder may come from anywhere
 */
export function baselinePath(scenario: string, fingerprint: Fingerprint): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(scenario) || scenario === RESERVED_NAME) {
    throw new UsageError(
      `scenario ${JSON.stringify(scenario)}: expected a name of letters, digits, '.', '_' and '-', not ${RESERVED_NAME}`,
    );
  }
  return `${scenario}/${fingerprintSlug(fingerprint)}.json`;
}

/** The folder beside the scenarios' that holds what baselines were. */
const RESERVED_NAME = "history";
