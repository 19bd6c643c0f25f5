"""From a row of the table to a model on a device. The only file that builds one.

Published repositories carry sentence-transformers files and load with one class each. A row with
a recipe is assembled from the same parts. Whatever goes wrong leaves as one line with a next step.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omni_core.encoders.transformer import attention
from omni_core.encoders.transformer import hub as files
from omni_core.encoders.transformer.kernels import fuse
from omni_core.encoders.transformer.spec import ModelSpec, rows
from omni_core.errors import OmniError, UnavailableError
from omni_core.settings import Settings

log = logging.getLogger(__name__)


def build(spec: ModelSpec, settings: Settings) -> Any:
    """The model, in eval mode on its device: SentenceTransformer, MultiVectorEncoder or
    CrossEncoder by the row's kind.

    Raises UnavailableError: remote code not allowed, no such device, too little memory, missing
    wheels, gated, absent, wrong revision, broken files.
    """
    _allow(spec, settings)
    torch = _torch()
    device = pick_device(settings.device)
    _room(spec, device)
    folder = Path(spec.folder) if spec.folder else files.fetch(spec.id, spec.revision)
    if spec.warning:
        log.warning("%s: %s", spec.name, spec.warning)
    if settings.threads and device == "cpu":
        torch.set_num_threads(settings.threads)
    with _explained(spec), _quiet():
        model = _assemble(spec, folder, device, settings)
        model.eval()
        if spec.bidirectional:
            attend_both_ways(model)
        if spec.kind != "cross":
            strip_head(model)
        if device.startswith("cuda") and not spec.remote_code:
            attention.speed_up(model, spec, device, precision(spec, device))
            log.info("fused: %s", fuse(model))
    return model


def pick_device(wanted: str) -> str:
    """The device of `Settings.device`; raises UnavailableError when it does not exist."""
    torch = _torch()
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"this machine has no {wanted}: set device to auto or cpu, or install a torch wheel "
            "that knows the GPU"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UnavailableError("this machine has no mps device: set device to auto or cpu")
    if kind not in ("cpu", "cuda", "mps"):
        raise UnavailableError(
            f"no device is called {wanted!r}: use auto, cpu, cuda, cuda:1 or mps"
        )
    return wanted


def precision(spec: ModelSpec, device: str) -> Any:
    """bfloat16 on a GPU that has it; float16 only where the model stands it; else float32."""
    torch = _torch()
    if device == "cpu" or spec.dtype == "float32":
        return torch.float32
    if device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16 if spec.float16 else torch.float32


def strip_head(model: Any) -> bool:
    """Drop a language head that only wastes work; True when there was one.

    An any-to-any repository reads its embedding from the last hidden state, yet its class computes
    the vocabulary's logits for every token (600 KB each) and keeps every layer's states. The base
    model's last hidden state is the same tensor.
    """
    first = model[0]
    outputs = [p["method_output_name"] for p in getattr(first, "modality_config", {}).values()]
    if not outputs or any(o not in (["hidden_states", -1], ("hidden_states", -1)) for o in outputs):
        return False
    base = first.model.base_model
    if base is first.model or not hasattr(first.model, "lm_head"):
        return False
    for params in first.modality_config.values():
        params["method_output_name"] = "last_hidden_state"
    first.model = base
    declared = inspect.signature(base.forward).parameters
    first._declared_forward_params = set(declared)
    if first.model_forward_params is not None:
        first.model_forward_params = set(declared) | {"return_dict"}
    gc.collect()
    return True


def attend_both_ways(model: Any) -> int:
    """Make every decoder layer bidirectional; returns how many attention modules changed.

    transformers asks the decoder's configuration for the mask and each attention module for the
    kernel's causal flag: both are set.
    """
    changed = 0
    for module in model.modules():
        config = getattr(module, "config", None)
        if "Text" in type(module).__name__ and config is not None:
            config.is_causal = False
        if "Attention" in type(module).__name__ and getattr(module, "is_causal", None) is True:
            module.is_causal = False
            changed += 1
    return changed


def host_positions(first: Any) -> Callable[[Any], None] | None:
    """Adds a batch's rotary positions while it is prepared; None where the model has no such thing.

    Qwen's three-axis positions are found with loops over the tokens of each input: on the device
    that is a wait for every step, on the host it happens while another batch runs.
    """
    compute = getattr(getattr(first, "model", None), "compute_3d_position_ids", None)
    if compute is None:
        return None
    import torch

    names = inspect.signature(compute).parameters

    def add(features: Any) -> None:
        known = {name: features.get(name) for name in names}
        if "audio_feature_lengths" in names and "feature_attention_mask" in features:
            known["audio_feature_lengths"] = features["feature_attention_mask"].sum(1)
        with torch.no_grad():
            positions = compute(**known)
        if positions is not None:
            features["position_ids"] = positions

    return add


def clone_processor(first: Any) -> Any:
    """The input module with a processor of its own, sharing the weights.

    A fast tokenizer keeps its padding state inside: two threads on one raise "Already borrowed".
    """
    twin = copy.copy(first)
    twin.processor = copy.deepcopy(first.processor)
    twin.input_formatter = copy.copy(first.input_formatter)
    twin.input_formatter.processor = twin.processor
    twin._chat_template_suffix_cache = {}
    return twin


def _assemble(spec: ModelSpec, folder: Path, device: str, settings: Settings) -> Any:
    from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer

    on_gpu = device.startswith("cuda")
    chosen = attention.installed() if on_gpu and spec.architecture.startswith("qwen") else ""
    options: dict[str, Any] = {
        "device": device,
        "local_files_only": True,
        "trust_remote_code": _may_run_code(spec) and settings.trust_remote_code,
        "model_kwargs": {"dtype": precision(spec, device)}
        | ({"attn_implementation": chosen} if chosen else {}),
    }
    if not files.has_modules(folder):
        if spec.recipe is None:
            raise UnavailableError(
                f"{spec.name} at {spec.revision[:12]} has no sentence-transformers files: name a "
                f"newer revision with {spec.name}@REVISION"
            )
        return _from_recipe(spec, folder, device, options)
    if spec.kind == "multi":
        return MultiVectorEncoder(str(folder), **options)
    if spec.kind == "cross":
        return CrossEncoder(str(folder), **options)
    return SentenceTransformer(str(folder), **options)


def _from_recipe(spec: ModelSpec, folder: Path, device: str, options: dict[str, Any]) -> Any:
    """The modules that the repository leaves to its readers (VLM2Vec-V2: a LoRA, no turns)."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    recipe = spec.recipe
    assert recipe is not None  # noqa: S101 - the caller's branch
    entry: dict[str, Any] = {"method": "forward", "method_output_name": ["hidden_states", -1]}
    outputs: dict[str, Any] = {part: dict(entry) for part in spec.modalities}
    outputs["message"] = {**entry, "format": "structured"}
    processor = {"chat_template": recipe.chat_template} if recipe.chat_template else {}
    template: dict[str, Any] = {"add_generation_prompt": recipe.add_generation_prompt}
    first = Transformer(
        str(folder),
        transformer_task=recipe.task,
        modality_config=outputs,
        module_output_name="token_embeddings",
        model_kwargs=options["model_kwargs"],
        processor_kwargs=processor,
        processing_kwargs={"chat_template": template},
    )
    pooling = Pooling(first.get_embedding_dimension(), pooling_mode=spec.pooling)
    return SentenceTransformer(modules=[first, pooling, Normalize()], device=device)


def _allow(spec: ModelSpec, settings: Settings) -> None:
    if spec.remote_code and not settings.trust_remote_code:
        raise UnavailableError(
            f"{spec.name} runs Python code from its repository: read "
            f"https://huggingface.co/{spec.id}/tree/{spec.revision} and set trust_remote_code=true "
            "to allow it"
        )


def _may_run_code(spec: ModelSpec) -> bool:
    """Rows say whether they need it; of a model that no row knows, the setting alone decides."""
    return spec.remote_code or spec.name not in rows()


def _torch() -> Any:
    try:
        # torch first: transformers imported without it stays crippled for the whole process.
        import torch  # isort: skip
        import sentence_transformers  # noqa: F401
        import torchvision  # noqa: F401 - every video processor of transformers needs it
        import transformers  # noqa: F401
    except ImportError as e:
        raise files.missing_extra(e.name or "torch") from e
    return torch


def _room(spec: ModelSpec, device: str) -> None:
    torch = _torch()
    if not device.startswith("cuda") or not spec.memory_gb:
        return
    free, total = torch.cuda.mem_get_info(device)
    if free < spec.memory_gb * 1e9:
        raise UnavailableError(
            f"{spec.name} needs {spec.memory_gb:.0f} GB of GPU memory and {free / 1e9:.0f} of "
            f"{total / 1e9:.0f} are free: choose a smaller model (`omni-mcp models`), stop other "
            "programs, or set device=cpu"
        )


@contextlib.contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """Any failure of a library as one line that says what to do."""
    try:
        yield
    except OmniError:
        raise
    except ImportError as e:
        raise files.missing_extra(e.name or "a package") from e
    except Exception as e:
        text = (str(e).strip().splitlines() or ["no message"])[0][:160]
        if "out of memory" in str(e).lower():
            raise UnavailableError(
                f"{spec.name} does not fit into the device's memory: choose a smaller model "
                "(`omni-mcp models`) or device=cpu"
            ) from e
        if "trust_remote_code" in str(e):
            raise UnavailableError(
                f"{spec.name} runs Python code from its repository: read it and set "
                "trust_remote_code=true to allow it"
            ) from e
        raise UnavailableError(
            f"{spec.name} did not load, its files are broken or of another kind of model "
            f"({type(e).__name__}: {text}); download it again, or check it with "
            f"`omni-mcp models check {spec.name}`"
        ) from e


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' deprecations: nothing in them is for the person who runs a server."""
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
