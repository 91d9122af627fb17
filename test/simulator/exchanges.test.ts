import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "./start-simulator.ts";

// What real vLLM 0.32.0 (CPU) answered, recorded once, and the simulator's answers to the same requests.

interface Exchange {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  answer: { status: number; headers: IncomingHttpHeaders; body: string };
}

const FILE = new URL("../fixtures/vllm-0.32.0-cpu/exchanges.json", import.meta.url);
const exchanges = JSON.parse(readFileSync(FILE, "utf8")) as Exchange[];
/** What stops at a word depends on the words. */
const BY_WORDS = new Set(["completion-stop-string", "stream-stop-string", "stop-include"]);
/** Pydantic's complaints for each of OpenAI's kinds of message are one complaint here. */
const SIMPLER = new Set(["chat-error-role"]);
const CONFIG = {
  ...{ architectures: ["Qwen2ForCausalLM"], model_type: "qwen2", hidden_size: 256, intermediate_size: 768 },
  ...{ num_hidden_layers: 4, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 4096 },
  ...{ max_position_embeddings: 32768, tie_word_embeddings: true, torch_dtype: "bfloat16", eos_token_id: 0 },
};

/** Values that differ from run to run, from model to model or from tokenizer to tokenizer. */
const VARYING =
  /^(id|created|text|content|system_fingerprint|token|logprob|bytes|decoded_token|rank|root|stop_reason|prompt|tokens|token_strs)$/;
const LENGTH_ONLY = /^(tokens|token_logprobs|text_offset|token_ids)$/;

function shapeOf(value: unknown, key: string, byText: boolean): unknown {
  if (value === null) return null;
  if (byText && /^(prompt_tokens|total_tokens|count|cached_tokens)$/.test(key)) return 0;
  if (byText && key === "prompt_token_ids") return [];
  if (LENGTH_ONLY.test(key) && Array.isArray(value)) return byText && key === "tokens" ? 0 : value.length;
  if (VARYING.test(key) && !Array.isArray(value)) return typeof value;
  if (key === "bytes" || key === "token_strs") return [];
  if (key === "top_logprobs" && Array.isArray(value) && !("token" in (value[0] ?? {}))) return value.length;
  if (key === "prompt_logprobs") return byText ? [] : (value as unknown[]).length;
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, "", byText));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item, name, byText)]));
}

/** A body with what may vary taken out; the order of its keys stays. */
function comparable({ name, path, body }: Exchange, text: string, status: number): string[] {
  const byText =
    path.includes("chat") ||
    path.includes("tokenize") ||
    /"prompt":\s*\["?[A-Z"]|"prompt":"/.test(body ?? "");
  if (status !== 200) return [text];
  const one = (json: string): string => JSON.stringify(shapeOf(JSON.parse(json), "", byText));
  if (!text.startsWith("data: ")) return [text.startsWith("{") ? one(text) : text];
  const events = text.split("\n\n").map((event) => event.replace(/^data: /, ""));
  const shapes = events.map((event) => (event.startsWith("{") ? one(event) : event));
  return /n2|two/.test(name) ? shapes.sort() : shapes;
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, unknown> {
  const { date: _date, server: _server, "content-length": _length, location, ...rest } = headers;
  return { ...rest, ...(location && { location: new URL(location).pathname }) };
}

describe("requests that real vLLM 0.32.0 answered", () => {
  let simulator: Simulator;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tiny-shape-"));
    await writeFile(join(folder, "config.json"), JSON.stringify(CONFIG));
    simulator = await startSimulator(
      [
        "--max-model-len",
        "4096",
        "--enable-prompt-tokens-details",
        "--served-model-name",
        "models/tiny-shape",
      ],
      { VLLM_SIM_VERSION: "0.32.0", VLLM_SIM_GPU: "cpu" },
      folder,
    );
  });
  afterAll(async () => {
    await simulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  function ask({ method, path, headers, body }: Exchange): Promise<Exchange["answer"]> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const options = { port: simulator.port, method, path, headers: { ...headers, ...length } };
      const sent = request(options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const compared = exchanges.filter(({ name }) => !BY_WORDS.has(name) && !SIMPLER.has(name));
  it.each(compared.map((exchange) => [exchange.name, exchange] as const))("%s", async (_name, exchange) => {
    const { answer } = exchange;
    const own = await ask(exchange);
    expect(own.status, own.body).toBe(answer.status);
    if (exchange.path !== "/metrics")
      expect(comparable(exchange, own.body, own.status)).toEqual(
        comparable(exchange, answer.body, answer.status),
      );
    expect(plainHeaders(own.headers)).toEqual(plainHeaders(answer.headers));
  });
});
