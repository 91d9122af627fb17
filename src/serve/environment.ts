import { isSecretName } from "../system/redact.ts";

/** What a continuous-integration runner gives its jobs: credentials and settings that no server needs. */
const RUNNER_ONLY = /^(GITHUB_|ACTIONS_|RUNNER_|INPUT_|STATE_|CI_|GITEA_|FORGEJO_|npm_)/;

/** Secrets that vLLM itself needs: the token for gated models. They are redacted wherever they are printed. */
const SERVER_SECRETS = new Set(["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]);

/**
 * The environment of a server: the machine's own without the runner's variables and secrets, then the
 * scenario's. A model or plugin that misbehaves finds no token of the repository.
 */
export function serverEnvironment(
  machine: Readonly<Record<string, string | undefined>>,
  scenario: Readonly<Record<string, string>>,
): Record<string, string> {
  const inherited = Object.entries(machine).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !RUNNER_ONLY.test(entry[0]) &&
      (SERVER_SECRETS.has(entry[0]) || !isSecretName(entry[0])),
  );
  return { ...Object.fromEntries(inherited), ...scenario };
}

/** Variables that change how a server runs: recorded with their values. Of the others only the scenario's are. */
const RECORDED =
  /^(VLLM_|CUDA_|NVIDIA_|NCCL_|HF_|TRANSFORMERS_|TORCH|PYTORCH_|TRITON_|OMP_|MKL_|KMP_|GOMP_|TOKENIZERS_|MALLOC_|LD_|PYTHON|VIRTUAL_ENV$|PATH$)/;

/** Names of a server's variables that are recorded in `run.json`. */
export function recordedNames(
  environment: Readonly<Record<string, string>>,
  scenario: Readonly<Record<string, string>>,
): string[] {
  return Object.keys(environment).filter((name) => RECORDED.test(name) || name in scenario);
}
