import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { deepFreeze, type GateConfig } from "./config/load.ts";
import { parseTraffic } from "./config/traffic-file.ts";
import { UsageError } from "./domain/errors.ts";
import { MAX_TRAFFIC_BYTES, type Traffic } from "./domain/traffic.ts";
import { readCheckedOut, refuseLinkOut, sha256 } from "./system/files.ts";
import { gitRoot, gitShow } from "./system/git.ts";

/** Requests in flight where the file does not say. */
const CLOSED_CONCURRENCY = 8;
const OPEN_CONCURRENCY = 256;

/**
 * A configuration with the requests that its `probes.traffic` names. Of a pull request they are its own, since what
 * it changes may need other requests; that they differ from the base branch's is noted.
 *
 * @throws UsageError when the file lies outside of the repository, is missing or too large, or has a wrong line
 */
export async function withTraffic(
  config: GateConfig,
  cwd: string,
  baseRevision: string | undefined,
): Promise<GateConfig> {
  const { traffic: options } = config.probes;
  if (options === false) return config;
  const { file, endpoint, mode, rateScale } = options;
  const path = resolve(cwd, file);
  const root = await gitRoot(cwd);
  const way = relative(root, path);
  if (isAbsolute(file) || way === ".." || way.startsWith(`..${sep}`)) {
    throw new UsageError(`probes.traffic.file: got ${file}, expected a file inside the repository`);
  }
  await refuseLinkOut(path, root);
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > MAX_TRAFFIC_BYTES) {
    throw new UsageError(
      `${file}: ${size} bytes, expected at most ${MAX_TRAFFIC_BYTES}: take a sample of the requests`,
    );
  }
  const text = await readCheckedOut(path, root);
  if (text === null) throw new UsageError(`${file}: no such file, named by probes.traffic.file`);
  const requests = parseTraffic(text, file, { endpoint, mode });
  const concurrency = options.concurrency ?? (mode === "open" ? OPEN_CONCURRENCY : CLOSED_CONCURRENCY);
  const traffic: Traffic = { file, sha256: sha256(text), endpoint, mode, concurrency, rateScale, requests };
  const notes = baseRevision === undefined ? [] : await changeOf(cwd, baseRevision, file, text);
  return deepFreeze({ ...config, traffic, notes: [...config.notes, ...notes] });
}

/** That the requests are not those of the base branch, if so. */
async function changeOf(cwd: string, baseRevision: string, file: string, text: string): Promise<string[]> {
  const base = await gitShow(cwd, baseRevision, `./${join(file)}`);
  if (base === text) return [];
  return [
    base === null
      ? `${file} (probes.traffic) is not on the base branch: its requests are this change's own`
      : `${file} (probes.traffic) is not the base branch's: the requests of both sides differ`,
  ];
}
