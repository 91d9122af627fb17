import { i as resolveConfig, n as parseConfig, r as policyOf, t as deepFreeze } from "./load.js";

export { parseConfig };