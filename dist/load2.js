import { a as resolveConfig, i as policyOf, n as ownRulesOf, r as parseConfig, t as deepFreeze } from "./load.js";

export { parseConfig };