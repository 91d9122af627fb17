import { n as policyOf, r as resolveConfig, t as parseConfig } from "./load.js";

export { parseConfig };