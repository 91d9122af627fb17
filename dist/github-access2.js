import { n as accessWith, r as serverUrlOf, t as accessFromEnvironment } from "./github-access.js";

export { accessFromEnvironment, accessWith, serverUrlOf };