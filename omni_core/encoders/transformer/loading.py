"""Builds a model on a device from its description. The only file that does.

Repositories with sentence-transformers files load with that library's class; a model with a recipe
is assembled from its modules. Every failure is an error of one line that says what to do. Models
and modules of the libraries are `Any`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omni_core.encoders.transformer import hub
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.description import require_supported
from omni_core.encoders.transformer.devices import (
    import_torch,
    pick_device,
    precision,
    require_memory,
)
from omni_core.encoders.transformer.patches.apply import apply
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.errors import OmniError, UnavailableError
from omni_core.settings import Settings

log = logging.getLogger(__name__)


def build(spec: ModelSpec, settings: Settings) -> Any:
    """The model, in eval mode on its device: SentenceTransformer, MultiVectorEncoder or
    CrossEncoder by its kind.

    Raises UnavailableError: remote code not allowed, no such device, too little memory, missing
    wheels, gated, absent, wrong revision, broken files.
    """
    require_supported(spec)
    _require_permission(spec, settings)
    torch = import_torch()
    device = pick_device(settings.device)
    require_memory(spec, device)
    folder = Path(spec.folder) if spec.folder else hub.download(spec.id, spec.revision)
    if spec.warning:
        log.warning("%s: %s", spec.name, spec.warning)
    if spec.note:
        log.info("%s: %s", spec.name, spec.note)
    if settings.threads and device == "cpu":
        torch.set_num_threads(settings.threads)
    with (
        _explained(spec, folder, settings),
        _quiet(),
        tempfile.TemporaryDirectory(prefix="omni-adapter-", ignore_cleanup_errors=True) as made,
    ):
        model = _assemble(spec, _over_pinned_base(spec, folder, Path(made)), device, settings)
        model.eval()
        if spec.restore_normalizer:
            restore_normalizer(model, folder)
        if spec.bidirectional:
            make_bidirectional(model)
        log.info("patched: %s", apply(model, spec, device, settings.model_patches))
    return model


def make_bidirectional(model: Any) -> int:
    """Make every decoder layer bidirectional; returns the number of attention modules changed.

    transformers reads the mask from the decoder's configuration and the kernel's causal flag from
    each attention module: both are set. The names are public, and the vectors depend on it, so it
    is no patch that `model_patches` turns off.
    """
    changed = 0
    for module in model.modules():
        name = type(module).__name__
        if "Text" in name and hasattr(module, "config") and module.config is not None:
            module.config.is_causal = False
        if "Attention" in name and hasattr(module, "is_causal") and module.is_causal is True:
            module.is_causal = False
            changed += 1
    return changed


def restore_normalizer(model: Any, folder: Path) -> None:
    """Give the tokenizer the normaliser of the repository's `tokenizer.json`."""
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(folder / "tokenizer.json")).normalizer
    model[0].tokenizer.backend_tokenizer.normalizer = own


def _over_pinned_base(spec: ModelSpec, folder: Path, made: Path) -> Path:
    """The model's folder; for an adapter from the hub, one over its base at the pinned commit."""
    if spec.folder or not spec.base:
        return folder
    base = hub.download(spec.base, spec.base_revision or "main")
    return hub.adapter_over(folder, base, made / "adapter")


def _assemble(spec: ModelSpec, folder: Path, device: str, settings: Settings) -> Any:
    from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer

    options: dict[str, Any] = {
        "device": device,
        "local_files_only": True,
        "trust_remote_code": _may_run_code(spec) and settings.trust_remote_code,
        "model_kwargs": {"dtype": precision(spec, device), **_attention(spec, device)},
    }
    if not hub.has_modules(folder):
        if spec.recipe is None:
            raise UnavailableError(
                f"{spec.name} at {spec.revision[:12]} has no sentence-transformers files: name a "
                f"newer revision with {spec.name}@REVISION"
            )
        return _from_recipe(spec, folder, device, options)
    if spec.input_form == "bare" and spec.video_pixels and hub.has_processor(folder):
        options["processor_kwargs"] = {"video_processor": _video_processor(spec, folder, options)}
    if spec.kind == "multi":
        return MultiVectorEncoder(str(folder), **options)
    if spec.kind == "cross":
        return CrossEncoder(str(folder), **options)
    return SentenceTransformer(str(folder), **options)


def _video_processor(spec: ModelSpec, folder: Path, options: dict[str, Any]) -> Any:
    """With the sizes of the description: code written for transformers 4 fails to set them."""
    from transformers import AutoVideoProcessor

    low, high = spec.video_pixels or (0, 0)
    return AutoVideoProcessor.from_pretrained(
        folder,
        trust_remote_code=options["trust_remote_code"],
        size={"shortest_edge": low, "longest_edge": high},
    )


def _attention(spec: ModelSpec, device: str) -> dict[str, str]:
    """flash_attention_2 where flash_attn is installed; else the library's own choice."""
    wanted = device.startswith("cuda") and spec.architecture.startswith("qwen")
    if wanted and importlib.util.find_spec("flash_attn") is not None:
        return {"attn_implementation": "flash_attention_2"}
    return {}


def _from_recipe(spec: ModelSpec, folder: Path, device: str, options: dict[str, Any]) -> Any:
    """Assemble a repository without sentence-transformers files (VLM2Vec-V2: a LoRA adapter)."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    recipe = spec.recipe
    assert recipe is not None  # noqa: S101 - the caller's branch
    output: dict[str, Any] = {"method": "forward", "method_output_name": ["hidden_states", -1]}
    outputs: dict[str, Any] = {kind: dict(output) for kind in spec.modalities}
    outputs["message"] = {**output, "format": "structured"}
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


def _require_permission(spec: ModelSpec, settings: Settings) -> None:
    if spec.remote_code and not settings.trust_remote_code:
        raise UnavailableError(
            f"{spec.name} runs Python code from its repository: read "
            f"https://huggingface.co/{spec.id}/tree/{spec.revision} and set trust_remote_code=true "
            "to allow it"
        )


def _may_run_code(spec: ModelSpec) -> bool:
    """Whether the model may need its own code: by models.toml; True for a model not in it."""
    return spec.remote_code or spec.name not in known_models()


@contextlib.contextmanager
def _explained(spec: ModelSpec, folder: Path, settings: Settings) -> Iterator[None]:
    """Turn any failure of a library into UnavailableError with one line that says what to do."""
    import torch

    try:
        yield
    except OmniError:
        raise
    except ImportError as e:
        raise hub.missing_extra(e.name or "a package") from e
    except (torch.OutOfMemoryError, MemoryError) as e:
        raise UnavailableError(
            f"{spec.name} does not fit into the device's memory: choose a smaller model "
            "(`omni-mcp models`) or device=cpu"
        ) from e
    except Exception as e:
        if not settings.trust_remote_code and hub.brings_code(folder):
            raise UnavailableError(
                f"{spec.name} did not load and brings Python code of its own: read it and set "
                "trust_remote_code=true to allow it"
            ) from e
        reason = (str(e).strip().splitlines() or ["no message"])[0][:160]
        raise UnavailableError(
            f"{spec.name} did not load, its files are broken or of another kind of model "
            f"({type(e).__name__}: {reason}); download it again, or check it with "
            f"`omni-mcp models check {spec.name}`"
        ) from e


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and warnings of the libraries, which an operator cannot act on."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
