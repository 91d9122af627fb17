import { i as messageOf, n as NotMeasuredError, r as UsageError } from "./errors.js";
import { createHash, randomUUID } from "node:crypto";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { mkdir, open, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";

// src/system/files.ts
/**
* Makes a folder and those above it. Level by level: where a file system answers ENOENT to every attempt, as
* `/proc` does, `mkdir` with `recursive` tries for ever.
*/
async function makeFolder(path) {
	const make = async () => {
		try {
			await mkdir(path);
		} catch (error) {
			if (!(error.code === "EEXIST") || !(await stat(path)).isDirectory()) throw error;
		}
	};
	try {
		await make();
	} catch (error) {
		if (error.code !== "ENOENT" || dirname(path) === path) throw error;
		await makeFolder(dirname(path));
		await make();
	}
}
/** What is wrong with a path that a file system refuses, and what to do. */
const PATH_PROBLEMS = {
	EISDIR: "is a folder, expected a file",
	ENOTDIR: "a part of this path is a file, expected a folder",
	EEXIST: "a part of this path is a file, expected a folder",
	EACCES: "may not be opened by this user: change its permissions, or name another path",
	EPERM: "may not be changed by this user: change its permissions, or name another path",
	EROFS: "lies on a read-only file system: name another path",
	ELOOP: "is a symbolic link to itself: name the file itself",
	ENAMETOOLONG: "is too long for a path: name another one",
	ERR_INVALID_ARG_VALUE: "is no path, because it holds a NUL"
};
/** An error of the file system as one sentence with the path; any other error as it is. */
function explainFileError(error, path) {
	const code = error?.code ?? "";
	if (code === "ENOSPC" || code === "EDQUOT") return new NotMeasuredError(`${path}: no space is left: free some and run again`, { cause: error });
	const problem = Object.hasOwn(PATH_PROBLEMS, code) ? PATH_PROBLEMS[code] : void 0;
	return problem === void 0 ? error : new UsageError(`${path}: ${problem} (${code})`, { cause: error });
}
/**
* Writes a whole file or nothing: to a temporary name beside it, synced, then renamed. A killed process
* leaves the old file or the new one, never half of either.
*/
async function writeFileAtomic(path, content) {
	const temporary = `${path}.${randomUUID()}.tmp`;
	try {
		await makeFolder(dirname(path));
		const file = await open(temporary, "wx");
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true }).catch(() => {});
		throw explainFileError(error, path);
	}
}
/** {@link writeFileAtomic} of a value as indented JSON with a final newline. */
async function writeJson(path, value) {
	await writeFileAtomic(path, `${JSON.stringify(value, null, 1)}\n`);
}
/** The text of a file, or null when there is none. */
async function readTextIfExists(path) {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (error.code === "ENOENT") return null;
		throw explainFileError(error, path);
	}
}
/**
* Refuses a path of a repository that symbolic links lead out of it, or into its `.git`: what is checked out must not
* choose which other files of the machine are read or written. A path that is outside as it stands was somebody's
* own choice.
*
* @param root - folder of the repository
* @throws UsageError with the path and nothing of what it holds
*/
async function refuseLinkOut(path, root) {
	const realRoot = await realpath(root);
	const inside = (from, to) => {
		const way = relative(from, to);
		return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
	};
	const full = resolve(path);
	if (!inside(resolve(root), full) && !inside(realRoot, full)) return;
	const real = await realpathOfExisting(full);
	if (inside(realRoot, real) && !relative(realRoot, real).split(sep).includes(".git")) return;
	throw new UsageError(`${path}: a symbolic link leads out of the repository, so it is not followed: put the file itself there`);
}
/** The real path of what exists of a path; a link to nothing is where it points. */
async function realpathOfExisting(path, links = 0) {
	try {
		return await realpath(path);
	} catch (error) {
		const { code } = error;
		if (code !== "ENOENT" && code !== "ENOTDIR" || dirname(path) === path) throw explainFileError(error, path);
		const target = await readlink(path).catch(() => null);
		if (target !== null && links < 40) return realpathOfExisting(resolve(dirname(path), target), links + 1);
		return join(await realpathOfExisting(dirname(path), links), basename(path));
	}
}
/** The text of a file that is checked out, or null when there is none; {@link refuseLinkOut} first. */
async function readCheckedOut(path, root) {
	await refuseLinkOut(path, root);
	return readTextIfExists(path);
}
/** The sentence of a parser's error, which quotes what it read, cut before it tells much of a file. */
function briefly(message, length = 110) {
	const cut = message.replace(/"((?:[^"\\]|\\.)*)"/g, (quoted) => quoted.length > 42 ? `${quoted.slice(0, 40)}…"` : quoted);
	return cut.length > length ? `${cut.slice(0, length)}…` : cut;
}
/**
* Parses text as JSON of a schema.
*
* @param source - what the text is called in an error, e.g. its path
* @throws UsageError naming the source, the key and what was expected
*/
function parseJson(text, schema, source) {
	let value;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw new UsageError(`${source}: not JSON (${briefly(messageOf(error))})`, { cause: error });
	}
	return checkJson(value, schema, source);
}
/**
* A value of JSON as one of a schema.
*
* @throws UsageError naming the source, the key and what was expected
*/
function checkJson(value, schema, source) {
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	const key = issue?.path.join(".") || "(the whole file)";
	throw new UsageError(`${source}: ${briefly(key, 60)}: ${briefly(issue?.message ?? "not what was expected")}`);
}
/**
* Reads a JSON file of a schema.
*
* @throws UsageError when it is missing, not JSON, or of another shape
*/
async function readJson(path, schema) {
	const text = await readTextIfExists(path);
	if (text === null) throw new UsageError(`${path}: no such file`);
	return parseJson(text, schema, path);
}
/** SHA-256 of a text, in hexadecimal. */
function sha256(text) {
	return createHash("sha256").update(text).digest("hex");
}

export { readCheckedOut as a, refuseLinkOut as c, writeJson as d, parseJson as i, sha256 as l, checkJson as n, readJson as o, makeFolder as r, readTextIfExists as s, briefly as t, writeFileAtomic as u };