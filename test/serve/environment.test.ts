import { describe, expect, it } from "vitest";
import { serverEnvironment } from "../../src/serve/environment.ts";

describe("serverEnvironment", () => {
  it("keeps what the machine needs", () => {
    const machine = {
      PATH: "/usr/bin",
      HOME: "/root",
      CUDA_VISIBLE_DEVICES: "0",
      LD_LIBRARY_PATH: "/usr/local/cuda/lib64",
      HF_HOME: "/models",
      TOKENIZERS_PARALLELISM: "false",
      VIRTUAL_ENV: "/venv",
    };
    expect(serverEnvironment(machine, {})).toEqual(machine);
  });

  it.each([
    "GITHUB_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_WORKSPACE",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_CACHE_URL",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "RUNNER_TEMP",
    "INPUT_GITHUB-TOKEN",
    "INPUT_ARGS",
    "STATE_path",
    "GITEA_TOKEN",
    "FORGEJO_TOKEN",
    "CI_JOB_TOKEN",
    "npm_config_registry",
  ])("leaves out the runner's %s", (name) => {
    expect(serverEnvironment({ [name]: "x", PATH: "/bin" }, {})).toEqual({ PATH: "/bin" });
  });

  it.each([
    "AWS_SECRET_ACCESS_KEY",
    "OPENAI_API_KEY",
    "DB_PASSWORD",
    "SLACK_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GH_PAT",
    "DEPLOY_KEY",
    "SLACK_WEBHOOK_URL",
    "MY_TOKENS",
    "DATABASE_URL",
    "SSH_KEY",
    "COOKIE",
    "SOMETHING_UNHEARD_OF",
    "NODE_OPTIONS",
    "VLLM_API_KEY",
    "VLLM_SOME_PAT",
    "RAY_AUTH_TOKEN",
    "SSH_AUTH_SOCK",
  ])("leaves out the machine's secret %s", (name) => {
    expect(serverEnvironment({ [name]: "x", PATH: "/bin" }, {})).toEqual({ PATH: "/bin" });
  });

  it.each(["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])("keeps %s, which gated models need", (name) => {
    expect(serverEnvironment({ [name]: "x" }, {})).toEqual({ [name]: "x" });
  });

  it.each([
    "LC_ALL",
    "XDG_CACHE_HOME",
    "CONDA_PREFIX",
    "SSL_CERT_FILE",
    "NCCL_DEBUG",
    "VLLM_CACHE_ROOT",
    "VLLM_MAX_TOKENS_PER_EXPERT_FP4_MOE",
    "HF_HUB_OFFLINE",
    "TORCHINDUCTOR_CACHE_DIR",
    "https_proxy",
    "NO_PROXY",
  ])("keeps %s", (name) => {
    expect(serverEnvironment({ [name]: "x" }, {})).toEqual({ [name]: "x" });
  });

  it("keeps no address with a password in it", () => {
    const machine = { HTTPS_PROXY: "http://u:p@proxy:1", HF_ENDPOINT: "https://u:p@hub" };
    expect(serverEnvironment(machine, {})).toEqual({});
  });

  it("leaves out what is not set", () => {
    expect(serverEnvironment({ PATH: undefined, HOME: "" }, {})).toEqual({ HOME: "" });
  });

  it("lets the scenario set and replace", () => {
    expect(serverEnvironment({ HF_HOME: "/models" }, { HF_HOME: "/mine", VLLM_USE_V1: "1" })).toEqual({
      HF_HOME: "/mine",
      VLLM_USE_V1: "1",
    });
  });
});
