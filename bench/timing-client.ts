/**
 * A light client of streams: it asks, reads and throws away, so that the server has most of the machine.
 *
 *     node bench/timing-client.ts PORT STREAMS TOKENS
 *
 * Ends when every stream has; exits with 1 when one breaks off.
 */
import { connect } from "node:net";

const [port, streams, tokens] = process.argv.slice(2).map(Number);
const body = JSON.stringify({
  prompt: [1, 2, 3],
  max_tokens: tokens,
  ignore_eos: true,
  temperature: 0,
  stream: true,
});
const head = `POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
const END = Buffer.from("0\r\n\r\n");

for (let i = 0; i < streams!; i++) {
  const socket = connect(port!, "127.0.0.1", () => socket.write(head + body));
  let ended = false;
  socket.on("data", (data) => {
    if (data.length < END.length || !data.subarray(-END.length).equals(END)) return;
    ended = true;
    socket.end();
  });
  socket.on("close", () => {
    if (!ended) process.exitCode = 1;
  });
  socket.on("error", () => {});
}
