import { n as proposedText, t as proposeRecorded } from "./proposing.js";

export { proposeRecorded, proposedText };