"""What a target is, and the tables of targets."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from omni_core.errors import OmniError


@dataclass(frozen=True, slots=True)
class Target:
    """A parser of ours, and what it may be given."""

    name: str
    call: Callable[[bytes], object]
    """Parses the bytes; text targets decode them first."""
    seeds: tuple[bytes, ...]
    """Inputs that it accepts, of a few hundred bytes."""
    allowed: tuple[type[Exception], ...] = (OmniError,)
    """What it may raise for an input that is none of its own: what its caller catches."""


def of_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text as one of bytes; what is no UTF-8 becomes lone surrogates, as file names
    and JSON may hold them."""
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


TABLES = ("phrases", "formats", "messages", "files")


def targets() -> list[Target]:
    """Every target, by name."""
    return sorted((t for table in TABLES for t in _of(table)), key=lambda t: t.name)


def first(name: str) -> Target | None:
    """The first target whose name begins so; what the tables after its own need is not imported."""
    return next((t for table in TABLES for t in _of(table) if t.name.startswith(name)), None)


def _of(table: str) -> list[Target]:
    found: list[Target] = importlib.import_module(f"bench.fuzz.targets_{table}").targets()
    return found
