import { t as EXIT } from "./verdict.js";

// src/domain/errors.ts
/** An error with a sentence for people and the exit code that a caller should end with. */
var GateError = class extends Error {
	exitCode;
	constructor(message, exitCode, options) {
		super(message, options);
		this.name = new.target.name;
		this.exitCode = exitCode;
	}
};
/** Bad input at the edge: a wrong option, a wrong key or value in a file, a refused flag. Exit code 2. */
var UsageError = class extends GateError {
	constructor(message, options) {
		super(message, EXIT.usage, options);
	}
};
/** Nothing could be measured: a server did not start or died, a tool failed. Exit code 4. */
var NotMeasuredError = class extends GateError {
	constructor(message, options) {
		super(message, EXIT.notMeasured, options);
	}
};
/** The sentence of anything that was thrown. */
function messageOf(error) {
	return error instanceof Error ? error.message : String(error);
}

export { messageOf as i, NotMeasuredError as n, UsageError as r, GateError as t };