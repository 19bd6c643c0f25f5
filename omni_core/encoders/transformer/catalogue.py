"""Model descriptions: from `models.toml`, a folder's `omni.toml`, or its configuration files.

Nothing here imports torch: listing models must work without it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from omni_core import downloads
from omni_core.encoders.transformer import hub
from omni_core.encoders.transformer.spec import ModelSpec, Recipe, Reference
from omni_core.errors import UnavailableError


def find_model(name: str, *, weights_dir: str = "") -> ModelSpec:
    """The description of a model by its name in models.toml, folder, or hub id, each optionally
    followed by `@revision`.

    `weights_dir` is searched for a folder of that name first. Raises UnavailableError, in one
    line with the next step, when nothing of that name can exist.
    """
    plain_name, _, revision = name.partition("@")
    known = _known(plain_name)
    folder = hub.local_folder(plain_name, known.id if known else "", weights_dir)
    if folder is not None:
        spec = _from_folder(folder, known)
    elif known is not None:
        spec = known
    elif hub.is_hub_id(plain_name):
        spec = _from_files(ModelSpec(plain_name, plain_name, revision or "main"), None)
    else:
        raise UnavailableError(
            f"no model is called {plain_name!r}: give a name of `omni-mcp models`, a folder that "
            "holds a sentence-transformers model, or a hub id like owner/model"
        )
    return replace(spec, revision=revision) if revision and not spec.folder else spec


def folder_of(name: str, weights_dir: str) -> Path | None:
    """The folder of a model that need not be fetched; None where there is none."""
    plain_name = name.partition("@")[0]
    known = _known(plain_name)
    return hub.local_folder(plain_name, known.id if known else "", weights_dir)


@cache
def known_models() -> dict[str, ModelSpec]:
    """The models of models.toml by name, in its order."""
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    raw: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {name: _parse(name, _inherit(name, raw)) for name in raw}


def _known(name: str) -> ModelSpec | None:
    for spec in known_models().values():
        if name.lower() in (spec.name, spec.id.lower()):
            return spec
    return None


def _inherit(name: str, raw: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    own = dict(raw[name])
    like = own.pop("like", "")
    return {**_inherit(like, raw), **own} if like else own


def _parse(name: str, data: Mapping[str, Any]) -> ModelSpec:
    # how an omni.toml of earlier versions says that `video_pixels` are those of a whole video
    data = dict(data)
    former_limit = data.pop("video_pixels_of", "frame") in ("video", "film")
    known = {f.name for f in fields(ModelSpec)}
    if unknown := sorted(set(data) - known):
        raise UnavailableError(
            f"the model {name!r} is described by an unknown field {unknown[0]!r}"
        )
    values: dict[str, Any] = {"id": name, **data, "name": name}
    for key in ("modalities", "matryoshka", "video_pixels", "image_pixels", "pitfalls"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    if former_limit and values.get("video_pixels"):
        values["clip_pixels"] = values["video_pixels"][1]
    if isinstance(values.get("recipe"), Mapping):
        values["recipe"] = Recipe(**values["recipe"])
    values["reference"] = tuple(
        Reference(r["query"], r["kind"], tuple(r["assets"]), tuple(r["scores"]))
        for r in values.get("reference", ())
    )
    return ModelSpec(**values)


def _from_folder(folder: Path, known: ModelSpec | None) -> ModelSpec:
    """From its `omni.toml`; else the row of models.toml with its name; else from its files."""
    revision = downloads.recorded_revision(folder, known.id) if known else ""
    revision = revision or hub.folder_fingerprint(folder)
    own = folder / "omni.toml"
    if own.is_file():
        data = tomllib.loads(own.read_text(encoding="utf-8"))
        base = _known(data.pop("like", ""))
        inherited = _inheritable(base) if base else {}
        spec = _parse(folder.name, {**inherited, "id": folder.name, **data})
        return replace(spec, folder=str(folder), revision=revision)
    if known is not None:
        return replace(known, folder=str(folder), revision=revision)
    blank = ModelSpec(folder.name, folder.name, revision, folder=str(folder))
    return _from_files(blank, folder)


def _from_files(blank: ModelSpec, folder: Path | None) -> ModelSpec:
    facts = hub.read_facts(folder, blank.id, blank.revision)
    return replace(
        blank,
        kind=facts.kind,
        modalities=facts.modalities,
        dim=facts.dim,
        pooling=facts.pooling,
        pixels_per_token=784,
        frames_per_token=2,
        audio_tokens_per_s=25.0,
        audio_max_s=30.0,
        image_pixels=facts.image_pixels,
        video_pixels=facts.video_pixels,
        video_with_sound={"audio", "video"} <= set(facts.modalities),
        verified="not in the table: the start-up probe decides",
    )


_NOT_INHERITED = {"name", "id", "revision", "folder", "reference", "verified"}


def _inheritable(spec: ModelSpec) -> dict[str, Any]:
    return {f.name: getattr(spec, f.name) for f in fields(spec) if f.name not in _NOT_INHERITED}
