import { secretsOf } from "../system/redact.ts";

/** What a server may inherit: where programs, libraries and caches lie, the language, the way to the network. */
const INHERITED = new Set(
  `PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR TEMP TMP SHELL TERM NO_COLOR
   LD_LIBRARY_PATH LIBRARY_PATH CPATH CC CXX
   PYTHONPATH PYTHONHOME PYTHONUNBUFFERED PYTHONHASHSEED PYTHONNOUSERSITE PYTHONDONTWRITEBYTECODE VIRTUAL_ENV
   SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
   NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS NUMBA_CACHE_DIR NUMBA_NUM_THREADS DO_NOT_TRACK`
    .trim()
    .split(/\s+/),
);

/** Families of settings of vLLM and of what it stands on. */
const INHERITED_FAMILIES =
  /^(?:LC_|CONDA_|XDG_[A-Z]+_HOME$|VLLM_|CUDA_|NVIDIA_|NCCL_|NVTE_|CUDNN_|CUBLAS_|HF_|HUGGINGFACE_|HUGGING_FACE_|TRANSFORMERS_|TORCH|PYTORCH_|TRITON_|OMP_|MKL_|KMP_|GOMP_|OPENBLAS_|TOKENIZERS_|MALLOC_|SAFETENSORS_|RAY_|FLASHINFER_|FLASH_ATTN|ROCR_|ROCM_|HIP_|HSA_|XLA_|NUMA_|GLOO_|UCX_)/;

/** The way out through a proxy; not when its address holds a password. */
const PROXY = /^(?:https?|all|no)_proxy$/i;

/** Secrets that vLLM itself needs: the token for gated models. They are redacted wherever they are printed. */
const SERVER_SECRETS = new Set(["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]);

function isInherited(name: string, value: string): boolean {
  if (SERVER_SECRETS.has(name)) return true;
  if (PROXY.test(name)) return !value.includes("@");
  return (INHERITED.has(name) || INHERITED_FAMILIES.test(name)) && secretsOf({ [name]: value }).length === 0;
}

/**
 * The environment of a server: of the machine's own only what a server is known to need, then the scenario's. A
 * model or plugin that misbehaves finds no token of the repository, whatever its name.
 */
export function serverEnvironment(
  machine: Readonly<Record<string, string | undefined>>,
  scenario: Readonly<Record<string, string>>,
): Record<string, string> {
  const inherited = Object.entries(machine).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isInherited(entry[0], entry[1]),
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
  return Object.keys(environment).filter((name) => RECORDED.test(name) || Object.hasOwn(scenario, name));
}
