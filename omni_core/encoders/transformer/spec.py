"""What is known of each model, as typed data: `models.toml`, a folder's `omni.toml`, or its files.

`spec(name)` answers for a name of the table, a hub id, a folder, or any of these with `@revision`.
Nothing here imports torch: listing models must work on a machine that has none.
"""

from __future__ import annotations

import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from omni_core.encoders.transformer import hub as files
from omni_core.errors import UnavailableError

Kind = Literal["dense", "multi", "cross"]
Part = Literal["text", "image", "audio", "video"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Scores printed on a model's card: one question against files of its repository."""

    query: str
    kind: Part
    assets: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to assemble a repository that ships no sentence-transformers files."""

    task: str = "any-to-any"
    chat_template: str = ""
    add_generation_prompt: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model. Zero or empty means "as the repository says"."""

    name: str
    id: str
    revision: str = "main"
    """A commit of 40 hex digits where one is known; `main` follows the repository."""
    licence: str = "unknown"
    warning: str = ""
    """Non-commercial and research terms, in one plain line; printed before every download."""
    kind: Kind = "dense"
    modalities: tuple[Part, ...] = ("text",)
    dim: int = 0
    matryoshka: tuple[int, ...] = ()
    """Sizes the vector may be cut to (`Settings.encoder_dim`); it is renormalised after."""
    pooling: str = ""
    query_prompt: str = ""
    """Used where the repository's own prompts say nothing; so are the next three."""
    document_prompt: str = ""
    prompt_place: Literal["system", "prefix"] = "system"
    """Where a server without sentence-transformers must put the prompt: a system turn, or before
    the user's words."""
    image_prompt: str = ""
    video_prompt: str = ""
    task: str = ""
    """Passed to models that choose an adapter by task."""
    fps: float = 1.0
    """Frames a second; the time positions of Qwen models are computed from it."""
    max_frames: int = 64
    video_pixels: tuple[int, int] | None = None
    """Least and most pixels of a frame (or of a film, see below) after the processor's resize."""
    video_pixels_of: Literal["frame", "film"] = "frame"
    video_edge: int = 0
    """Long edge of frames; derived from `video_pixels` when 0."""
    image_pixels: tuple[int, int] | None = None
    pixels_per_token: int = 0
    """Qwen merges 2x2 patches of 14 (784 pixels) or 16 (1024) into one token."""
    frames_per_token: int = 1
    image_tokens: int = 0
    """Fixed cost of a picture, for models that resize to a token count; likewise a frame."""
    frame_tokens: int = 0
    audio_tokens_per_s: float = 0.0
    audio_max_s: float = 0.0
    """Longer sound is cut into windows whose vectors are averaged; never truncated."""
    text_max_tokens: int = 0
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """On a GPU; a CPU computes in float32."""
    float16: bool = True
    """False where float16 overflows."""
    params_b: float = 0.0
    memory_gb: float = 0.0
    """Weights in bfloat16 and a batch's activations, on the device."""
    remote_code: bool = False
    bidirectional: bool = False
    """Set is_causal to false on every decoder layer after loading."""
    video_with_sound: bool = False
    """The model takes a film's frames and its sound as two inputs of one item."""
    max_batch: int = 0
    architecture: str = ""
    pitfalls: tuple[str, ...] = ()
    verified: str = ""
    recipe: Recipe | None = None
    reference: tuple[Reference, ...] = ()
    folder: str = ""
    """Where the files lie, when `spec` was asked for a folder."""

    def takes(self, part: Part) -> bool:
        """Whether the model embeds this modality."""
        return part in self.modalities

    @property
    def pinned(self) -> bool:
        """Whether the revision names one commit for good."""
        return files.is_commit(self.revision) or bool(self.folder)


def spec(name: str, *, weights_dir: str = "") -> ModelSpec:
    """The model that `name` means: a row of the table, a folder, or a hub id.

    `weights_dir` is searched for a folder of that name first. Raises UnavailableError, in one
    line with the next step, when nothing of that name can exist.
    """
    wanted, _, revision = name.partition("@")
    row = _row(wanted)
    folder = files.find_folder(wanted, row.id if row else "", weights_dir)
    if folder is not None:
        found = _of_folder(folder, row)
    elif row is not None:
        found = row
    elif files.is_hub_id(wanted):
        found = _of_files(ModelSpec(wanted, wanted, revision or "main"), None)
    else:
        raise UnavailableError(
            f"no model is called {wanted!r}: give a name of `omni-mcp models`, a folder that holds "
            "a sentence-transformers model, or a hub id like owner/model"
        )
    return replace(found, revision=revision) if revision and not found.folder else found


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model can run here, and what to do if it cannot."""

    spec: ModelSpec
    runs: bool
    on: str
    """cuda (80 GB), mps, cpu, or nowhere."""
    why: str = ""


def table() -> list[Fit]:
    """Every model of the table with whether it fits this machine's largest device."""
    device, gb = device_memory()
    cpu_gb = _ram_gb()
    return [_fit(row, device, gb, cpu_gb) for row in rows().values()]


def device_memory() -> tuple[str, float]:
    """The best device of this machine and its memory in GB; ("", 0) without torch."""
    if importlib.util.find_spec("torch") is None:
        return "", 0.0
    import torch

    if torch.cuda.is_available():
        sizes = [
            torch.cuda.get_device_properties(i).total_memory
            for i in range(torch.cuda.device_count())
        ]
        return "cuda", max(sizes) / 1e9
    if torch.backends.mps.is_available():
        return "mps", _ram_gb()
    return "cpu", _ram_gb()


@cache
def rows() -> dict[str, ModelSpec]:
    """The table as shipped, in its order."""
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    raw: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {name: _parse(name, _inherit(name, raw)) for name in raw}


def _row(name: str) -> ModelSpec | None:
    wanted = name.lower()
    for row in rows().values():
        if wanted in (row.name, row.id.lower()):
            return row
    return None


def _inherit(name: str, raw: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    own = dict(raw[name])
    like = own.pop("like", "")
    return {**_inherit(like, raw), **own} if like else own


def _parse(name: str, data: Mapping[str, Any]) -> ModelSpec:
    known = {f.name for f in fields(ModelSpec)}
    if unknown := sorted(set(data) - known):
        raise UnavailableError(
            f"the model {name!r} is described by an unknown field {unknown[0]!r}"
        )
    values: dict[str, Any] = {"id": name, **data, "name": name}
    for key in ("modalities", "matryoshka", "video_pixels", "image_pixels", "pitfalls"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    if isinstance(values.get("recipe"), Mapping):
        values["recipe"] = Recipe(**values["recipe"])
    values["reference"] = tuple(
        Reference(r["query"], r["kind"], tuple(r["assets"]), tuple(r["scores"]))
        for r in values.get("reference", ())
    )
    return ModelSpec(**values)


def _of_folder(folder: Path, row: ModelSpec | None) -> ModelSpec:
    """A folder is described by its `omni.toml`, else by the row of its name, else by its files."""
    revision = files.fingerprint(folder)
    own = folder / "omni.toml"
    if own.is_file():
        data = tomllib.loads(own.read_text(encoding="utf-8"))
        base = _row(data.pop("like", "")) if "like" in data else None
        start = _as_dict(base) if base else {}
        made = _parse(folder.name, {**start, "id": folder.name, **data})
        return replace(made, folder=str(folder), revision=revision)
    if row is not None:
        return replace(row, folder=str(folder), revision=revision)
    blank = ModelSpec(folder.name, folder.name, revision, folder=str(folder))
    return _of_files(blank, folder)


def _of_files(blank: ModelSpec, folder: Path | None) -> ModelSpec:
    read = files.read_facts(folder, blank.id, blank.revision)
    return replace(
        blank,
        kind=read.kind,
        modalities=read.modalities,
        dim=read.dim,
        pooling=read.pooling,
        pixels_per_token=784,
        frames_per_token=2,
        audio_tokens_per_s=25.0,
        audio_max_s=30.0,
        image_pixels=read.image_pixels,
        video_pixels=read.video_pixels,
        video_with_sound={"audio", "video"} <= set(read.modalities),
        verified="not in the table: the start-up probe decides",
    )


def _as_dict(row: ModelSpec) -> dict[str, Any]:
    return {f.name: getattr(row, f.name) for f in fields(row) if f.name not in _NOT_INHERITED}


_NOT_INHERITED = {"name", "id", "revision", "folder", "reference", "verified"}


def _fit(row: ModelSpec, device: str, gb: float, cpu_gb: float) -> Fit:
    if not device:
        return Fit(row, False, "nowhere", 'torch is missing: pip install "omni-mcp[omni]"')
    if device != "cpu" and row.memory_gb <= gb:
        return Fit(row, True, f"{device} ({gb:.0f} GB)")
    if row.params_b * 4 + 2 <= cpu_gb:
        small = f"; its {device} has {gb:.0f} GB" if device != "cpu" else ""
        return Fit(row, True, "cpu", f"slow: wants a GPU of {row.memory_gb:.0f} GB{small}")
    return Fit(
        row, False, "nowhere", f"needs a GPU of {row.memory_gb:.0f} GB: use one, or encoder_url"
    )


def _ram_gb() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        return 0.0


__all__ = [
    "Fit",
    "ModelSpec",
    "Recipe",
    "Reference",
    "device_memory",
    "rows",
    "spec",
    "table",
]
