/** What browsers ask before and beside a request, as Starlette answers it. */
import type { IncomingMessage, ServerResponse } from "node:http";

const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/** Cross-origin rules of one server. */
export class Cors {
  private readonly origins: readonly string[];
  private readonly recent: boolean;

  /**
   * @param flag value of `--allowed-origins`, JSON; by default 0.22 allows all and 0.32 none
   * @param recent whether the server is of the later kind
   */
  constructor(flag: unknown, recent: boolean) {
    const given = typeof flag === "string" ? (JSON.parse(flag) as unknown) : undefined;
    this.origins = Array.isArray(given) ? given.map(String) : recent ? [] : ["*"];
    this.recent = recent;
  }

  /** Adds the headers of an ordinary response; answers a preflight request whole and returns true then. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    const all = this.origins.includes("*");
    const allowed = origin !== undefined && (all || this.origins.includes(origin));
    const asked = request.headers["access-control-request-method"];
    if (request.method === "OPTIONS" && origin !== undefined && asked !== undefined) {
      this.preflight(request, response, allowed ? (all ? "*" : origin) : undefined);
      return true;
    }
    if (!all) response.setHeader("vary", "Origin");
    if (allowed) response.setHeader("access-control-allow-origin", all ? "*" : origin);
    return false;
  }

  private preflight(request: IncomingMessage, response: ServerResponse, origin: string | undefined): void {
    const asked = request.headers["access-control-request-headers"];
    const own = ["Access-Control-Request-Method", "Access-Control-Request-Headers"];
    if (this.recent) own.push("Access-Control-Request-Private-Network");
    if (origin !== "*") own.unshift("Origin");
    response.setHeader("vary", own.join(", "));
    response.setHeader("access-control-allow-methods", this.recent ? `${METHODS}, QUERY` : METHODS);
    response.setHeader("access-control-max-age", "600");
    if (asked !== undefined) response.setHeader("access-control-allow-headers", asked);
    if (origin !== undefined) response.setHeader("access-control-allow-origin", origin);
    const text = origin === undefined ? "Disallowed CORS origin" : "OK";
    response.writeHead(origin === undefined ? 400 : 200, {
      "content-length": text.length,
      "content-type": "text/plain; charset=utf-8",
    });
    response.end(text);
  }
}
