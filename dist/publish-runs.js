import { r as publishVerdict } from "./action-publication.js";
import { f as begin, i as targetOf, n as keyOf, o as contentOf, u as mergedContent } from "./action-target.js";
import { r as UsageError } from "./errors.js";
import { t as EXIT } from "./verdict.js";
import { i as repositoryOf } from "./github-access.js";
import { c as runFolders, i as mergeRuns, n as cellsOf, o as readAll, s as readReported } from "./version.js";
import { randomUUID } from "node:crypto";

// src/publish-runs.ts
/** Posts runs from any runner: the comment and the check that the action posts. */
async function publishRuns(names, options, log) {
	const { commit, pullRequest, commentKey, acceptLabel, cells = [] } = options;
	if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) throw new UsageError(`--commit: got "${commit}", expected the whole hash of a commit`);
	const environment = {
		...process.env,
		GITHUB_REPOSITORY: options.repository ?? process.env["GITHUB_REPOSITORY"]
	};
	const subject = {
		...repositoryOf(environment, {}),
		headSha: commit,
		pullRequest: pullRequest === void 0 ? null : {
			number: pullRequest,
			isFork: false
		}
	};
	const key = keyOf({
		commentKey,
		overrides: {}
	});
	const token = process.env["GITHUB_TOKEN"];
	const target = targetOf(token || void 0, {
		subject,
		key,
		externalId: randomUUID()
	}, environment, log);
	if (target === null) throw new UsageError("GITHUB_TOKEN: not set, expected a token that may post");
	const cwd = process.cwd();
	const { runs, unread } = await readAll(await runFolders(names, cwd), readReported);
	let problems = 0;
	const onProblem = (problem) => {
		problems += 1;
		log.warn(problem);
	};
	const publishing = {
		target,
		begun: await begin(target, onProblem),
		acceptLabel: acceptLabel ?? null,
		log,
		onProblem
	};
	const [only] = runs;
	const code = runs.length === 1 && unread.length === 0 && cells.length === 0 && only !== void 0 ? await publishVerdict(publishing, only.verdict, cwd, (circumstances) => contentOf(only, circumstances)) : await publishMerged(publishing, mergeRuns(cellsOf(runs, unread, cells, cwd)), cwd);
	return problems > 0 && code === EXIT.pass ? EXIT.notMeasured : code;
}
function publishMerged(publishing, merged, cwd) {
	return publishVerdict(publishing, merged.overall, cwd, (circumstances) => mergedContent(merged, circumstances));
}

export { publishRuns };