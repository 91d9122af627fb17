import { createServer } from "node:http";
import { execa } from "execa";
import { onTestFinished } from "vitest";

/** A git server over HTTP on loopback: git's own `http-backend` behind Node.js. */
export interface GitServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Statuses of what was asked, in order. */
  readonly statuses: number[];
}

/**
 * Serves the repositories in a folder until the running test ends.
 *
 * @param token - without it, as GitHub takes it (basic, of `x-access-token`), a request is answered with 401
 */
export async function serveGit(folder: string, token?: string): Promise<GitServer> {
  const statuses: number[] = [];
  const expected = `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  const server = createServer(async (request, response) => {
    const end = (status: number, headers: Record<string, string> = {}, body: Uint8Array = Buffer.of()) => {
      statuses.push(status);
      response.writeHead(status, headers).end(body);
    };
    const given = request.headers.authorization ?? "";
    // Two headers come joined by a comma; GitHub refuses them, too.
    if (given.includes(",")) return end(400);
    if (token !== undefined && given.toLowerCase() !== expected.toLowerCase()) {
      return end(401, { "www-authenticate": 'Basic realm="git"' });
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", "http://localhost");
    const { stdout } = await execa("git", ["http-backend"], {
      input: Buffer.concat(chunks),
      encoding: "buffer",
      stripFinalNewline: false,
      env: {
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? "GET",
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        // Whoever is known may push.
        REMOTE_USER: "tester",
      },
    });
    const answer = Buffer.from(stdout);
    const split = answer.indexOf("\r\n\r\n");
    const lines = answer.toString("latin1", 0, split).split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
    const { Status: status = "200", ...rest } = headers as Record<string, string>;
    return end(Number.parseInt(status, 10), rest, answer.subarray(split + 4));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return { url: `http://127.0.0.1:${address.port}`, statuses };
}
