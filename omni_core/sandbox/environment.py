"""The environment of child processes: a list of names that they may have, so that a secret never
gets there because nobody thought of its name.

Tokens, keys and passwords of the server (`OMNI_TOKEN`, `OMNI_QDRANT_API_KEY`, `OMNI_CATALOG`) and
of other programs (clouds, hubs, databases) stay behind. The setting `child_env` adds names, for a
plug-in that needs one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping

from omni_core.allocator import FEW_ARENAS

NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "TMP", "TEMP",
    "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
    "XDG_DATA_HOME", "NIX_LD", "NIX_LD_LIBRARY_PATH",
    # Windows
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA",
    "PROGRAMDATA", "PROGRAMFILES", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
    "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER",
    # ours that are no settings, and how children are measured in tests
    "OMNI_LOG", "OMNI_LOG_FORMAT", "OMNI_DEBUG", "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE", "COVERAGE_RCFILE",
})  # fmt: skip
BEGINNINGS = (
    "LC_", "PYTHON", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_",
    "MALLOC_", "GLIBC_", "MIMALLOC_", "ORT_", "CT2_", "FONTCONFIG_",
)  # fmt: skip
FOR_MODELS = (
    "CUDA", "NVIDIA_", "NCCL_", "CUBLAS", "CUDNN_", "TORCH", "PYTORCH_", "TRITON_", "TRANSFORMERS_",
    "SENTENCE_TRANSFORMERS_", "HF_", "HUGGINGFACE_", "TOKENIZERS_", "SAFETENSORS_", "ACCELERATE_",
    "ROCM_", "ROCR_", "HIP_", "HSA_", "GPU_", "AMD_", "ONEAPI_", "ONEDNN_", "DNNL_",
)  # fmt: skip
"""Beginnings of further names that a child which runs models may have."""
FOR_THE_NETWORK = frozenset({
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
})  # fmt: skip
"""Further names for a child that fetches models: the way out, and the hub's own token."""

SILENT = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
"""Set for every child: libraries report nothing about their use. ONNX Runtime 1.32 keeps a data
base of events in the user's cache and sends it, unless it is told not to."""

_SECRET = re.compile(r"TOKEN(?!IZ)|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|AUTH", re.IGNORECASE)


def allowed(
    environ: Mapping[str, str],
    *,
    models: bool = False,
    network: bool = False,
    more: Collection[str] = (),
) -> dict[str, str]:
    """The variables that a child gets; `more`: names that the operator adds."""
    beginnings = (*BEGINNINGS, *(FOR_MODELS if models else ()))
    named = NAMES | (FOR_THE_NETWORK if network else frozenset())

    def may(name: str) -> bool:
        upper = name.upper()
        if name in more or upper in named:
            return True
        return upper.startswith(beginnings) and not _SECRET.search(name)

    given = {name: value for name, value in environ.items() if may(name)}
    return FEW_ARENAS | given | SILENT


def import_path() -> list[str]:
    """Where this process finds modules, but for the folder that it was started in: `python -m` puts
    that first, be it a home, and a child may read what it may import from."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    try:
        started_in = os.getcwd()
    except OSError:  # it was removed
        started_in = ""
    return [p for p in sys.path if p and (p != started_in or p in given)]
