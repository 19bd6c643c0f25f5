"""What a target is, and the tables of targets."""

from __future__ import annotations

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


def targets() -> list[Target]:
    """Every target, by name."""
    from bench.fuzz import targets_files, targets_formats, targets_messages, targets_phrases

    tables = (targets_files, targets_formats, targets_messages, targets_phrases)
    return sorted((t for table in tables for t in table.targets()), key=lambda t: t.name)
