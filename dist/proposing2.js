import { n as proposedText, r as repositoryPath, t as proposeRecorded } from "./proposing.js";

export { proposeRecorded, proposedText, repositoryPath };