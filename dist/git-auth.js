// src/system/git-auth.ts
/** Options of git: a hook in a checkout that outlives jobs would get what git is started with. */
const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"];
/** A token as the header has it: who reads it reads the token, so it is as secret. */
function basicCredential(token) {
	return Buffer.from(`x-access-token:${token}`).toString("base64");
}
/**
* Lets git speak to one server with a token, for one command: by variables, so that the token is in no file and no
* argument. A header that a checkout left in its configuration is replaced; servers refuse two.
*
* @param serverUrl - `https://github.com`, or that of an Enterprise server
* @param environment - of this process: what it tells git already is kept
*/
function gitAuth(serverUrl, token, environment = {}) {
	const first = Number(environment["GIT_CONFIG_COUNT"] ?? 0) || 0;
	const key = `http.${serverUrl.replace(/\/+$/, "")}/.extraheader`;
	return {
		GIT_CONFIG_COUNT: String(first + 2),
		[`GIT_CONFIG_KEY_${first}`]: key,
		[`GIT_CONFIG_VALUE_${first}`]: "",
		[`GIT_CONFIG_KEY_${first + 1}`]: key,
		[`GIT_CONFIG_VALUE_${first + 1}`]: `AUTHORIZATION: basic ${basicCredential(token)}`
	};
}

export { basicCredential as n, gitAuth as r, NO_HOOKS as t };