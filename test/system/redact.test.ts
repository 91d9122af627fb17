import { describe, expect, it } from "vitest";
import { createRedactor, isSecretName, REDACTED, redactArgs, secretsOf } from "../../src/system/redact.ts";

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

describe("secretsOf", () => {
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
