import { describe, expect, it } from "vitest";
import {
  createRedactor,
  isSecretName,
  REDACTED,
  redactArgs,
  redactDeep,
  redactEnv,
  secretsOf,
} from "../../src/system/redact.ts";

describe("isSecretName", () => {
  it.each([
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "GITHUB_TOKEN",
    "VLLM_API_KEY",
    "api-key",
    "apiKey",
    "apikey",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "DB_PASSWORD",
    "MYSQL_PASSWD",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "SSH_PRIVATE_KEY",
    "--hf-token",
    "CLIENT_SECRET",
    "GH_PAT",
    "PAT",
    "DEPLOY_KEY",
    "SSH_KEY_B64",
    "SLACK_WEBHOOK_URL",
    "MY_TOKENS",
    "COOKIE",
    "MYSQL_PWD",
    "DB_PASS",
  ])("is true for %s", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    "PATH",
    "HOME",
    "--max-num-batched-tokens",
    "max_num_batched_tokens",
    "TOKENIZERS_PARALLELISM",
    "--tokenizer",
    "--tokenizer-mode",
    "--skip-tokenizer-init",
    "VLLM_LOGGING_LEVEL",
    "KEYBOARD",
    "PWD",
    "OLDPWD",
    "PATTERN",
    "MAX_TOKENS",
    "VLLM_MAX_TOKENS_PER_EXPERT_FP4_MOE",
    "--ssl-keyfile",
    "--max-log-len",
    "--kv-cache-dtype",
  ])("is false for %s", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("sees a secret beside a harmless word of the same kind", () => {
    expect(isSecretName("TOKENIZER_API_KEY")).toBe(true);
    expect(isSecretName("TOKENIZER_HF_TOKEN")).toBe(true);
  });
});

describe("createRedactor", () => {
  it("replaces every place of every secret", () => {
    const redact = createRedactor(["alpha-secret", "beta-secret"]);
    expect(redact("alpha-secret, beta-secret and alpha-secret")).toBe(
      `${REDACTED}, ${REDACTED} and ${REDACTED}`,
    );
  });

  it("leaves nothing of a secret that begins with another one", () => {
    for (const order of [
      ["secret", "secret-and-more"],
      ["secret-and-more", "secret"],
    ]) {
      expect(createRedactor(order)("x secret-and-more y secret z")).toBe(`x ${REDACTED} y ${REDACTED} z`);
    }
  });

  it("takes a secret as text, not as a pattern", () => {
    const redact = createRedactor(["a.c+(d)$&"]);
    expect(redact("a.c+(d)$& abc+(d)$&")).toBe(`${REDACTED} abc+(d)$&`);
  });

  it("leaves values that are too short to be told from ordinary text", () => {
    expect(createRedactor(["", "1", "abcde"])("abcde 1")).toBe("abcde 1");
    expect(createRedactor(["abcdef"])("abcdef 1")).toBe(`${REDACTED} 1`);
  });
});

describe("createRedactor: forms of a secret", () => {
  it("covers a secret in JSON, in a URL, and line by line", () => {
    const secret = 'line one of a "key"\nline two of a key/';
    const redact = createRedactor([secret]);
    expect(redact(JSON.stringify({ a: secret }))).toBe(`{"a":"${REDACTED}"}`);
    expect(redact(`x?k=${encodeURIComponent(secret)}`)).toBe(`x?k=${REDACTED}`);
    expect(redact("saw line two of a key/")).toBe(`saw ${REDACTED}`);
  });
});

describe("redactDeep", () => {
  it("redacts every text of a value and leaves the rest", () => {
    const value = { a: ["x secret1", 1, null], b: { c: "secret1" }, d: true };
    expect(redactDeep(value, createRedactor(["secret1"]))).toEqual({
      a: [`x ${REDACTED}`, 1, null],
      b: { c: REDACTED },
      d: true,
    });
  });
});

describe("redactEnv", () => {
  it("covers secrets by name and credentials in URLs", () => {
    expect(redactEnv({ HF_TOKEN: "abc", A_URL: "https://u:p@host/x", B: "c" })).toEqual({
      HF_TOKEN: REDACTED,
      A_URL: `https://${REDACTED}@host/x`,
      B: "c",
    });
  });
});

describe("secretsOf", () => {
  it("takes the credentials in URLs of any name", () => {
    expect(secretsOf({ DATABASE_URL: "postgres://me:hunter22@db/x", HOST: "http://db" })).toEqual([
      "me:hunter22",
      "hunter22",
    ]);
  });

  it("takes the values of secret names that are set", () => {
    expect(secretsOf({ PATH: "/bin", HF_TOKEN: "one", API_KEY: "two", DB_PASSWORD: undefined })).toEqual([
      "one",
      "two",
    ]);
  });
});

describe("redactArgs", () => {
  it.each<[args: string[], expected: string[]]>([
    [
      ["--hf-token", "abc", "--seed", "1"],
      ["--hf-token", REDACTED, "--seed", "1"],
    ],
    [
      ["--hf_token=abc", "--seed=1"],
      [`--hf_token=${REDACTED}`, "--seed=1"],
    ],
    [["--api-key=a=b"], [`--api-key=${REDACTED}`]],
    [
      ["--api-key", "-abc"],
      ["--api-key", REDACTED],
    ],
    [
      ["--api-key", "--seed", "1"],
      ["--api-key", "--seed", "1"],
    ],
    [
      ["--api-key=abc", "plain"],
      [`--api-key=${REDACTED}`, "plain"],
    ],
    [
      ["--max-num-batched-tokens", "8192"],
      ["--max-num-batched-tokens", "8192"],
    ],
    [
      ["--tokenizer", "org/model"],
      ["--tokenizer", "org/model"],
    ],
    [
      ["token", "abc"],
      ["token", "abc"],
    ],
    [
      ["vllm", "serve", "org/token-model"],
      ["vllm", "serve", "org/token-model"],
    ],
    [
      ["--x", "https://u:p@host/a"],
      ["--x", `https://${REDACTED}@host/a`],
    ],
    [['--x={"api_key": "abc", "b": "c"}'], [`--x={"api_key": "${REDACTED}", "b": "c"}`]],
    [[], []],
  ])("of %j is %j", (args, expected) => {
    expect(redactArgs(args)).toEqual(expected);
  });

  it("covers every value of a flag that takes several", () => {
    expect(redactArgs(["--api-key", "first", "second", "--seed", "1"])).toEqual([
      "--api-key",
      REDACTED,
      REDACTED,
      "--seed",
      "1",
    ]);
  });
});
