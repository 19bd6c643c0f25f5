"""Parts by name: what this package and others register as entry points.

A package offers a part in its own `pyproject.toml`, as this one does for the built-ins:

    [project.entry-points."omni_mcp.encoders"]
    mine = "my_package.encoder:MyEncoder"

The name is what a setting says (`encoder = "mine"`). A part is imported when it is first used,
in the process that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from omni_core.errors import BadRequestError, UnavailableError
from omni_core.protocols import Encoder, Index, Medium, Reader

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Group(Generic[Part]):
    """One kind of part: the entry-point group, the base class, and its name for messages."""

    name: str
    base: type[Part]
    noun: str


# The base classes are abstract; what is loaded is always a subclass of them.
ENCODERS: Group[Encoder] = Group("omni_mcp.encoders", Encoder, "encoder")  # type: ignore[type-abstract]
INDEXES: Group[Index] = Group("omni_mcp.indexes", Index, "index")  # type: ignore[type-abstract]
MEDIA: Group[Medium] = Group("omni_mcp.media", Medium, "medium")  # type: ignore[type-abstract]
READERS: Group[Reader] = Group("omni_mcp.readers", Reader, "reader")  # type: ignore[type-abstract]


def names(group: Group[Part]) -> list[str]:
    """The names that are registered, in alphabetical order; nothing is imported."""
    return sorted(_registered(group.name))


def load(group: Group[Part], name: str) -> type[Part]:
    """The class that `name` stands for.

    Raises BadRequestError when no package registers the name, UnavailableError when the package
    that does cannot be imported or registers something else than a part of this kind.
    """
    registered = _registered(group.name)
    if name not in registered:
        known = ", ".join(sorted(registered))
        raise BadRequestError(f"unknown {group.noun} {name!r}; choose one of {known}")
    return _import(group, registered[name])


def load_all(group: Group[Part]) -> list[type[Part]]:
    """Every registered class of a group, in order of name; raises as `load`."""
    return [load(group, name) for name in names(group)]


def _import(group: Group[Part], point: EntryPoint) -> type[Part]:
    whose = point.dist.name if point.dist is not None else "an installed package"
    try:
        found = point.load()
    except Exception as e:  # a package of others may raise anything while it is imported
        raise UnavailableError(
            f"the {group.noun} {point.name!r} of {whose} cannot be imported from {point.value}: "
            f"{type(e).__name__}: {e}; reinstall or remove {whose}"
        ) from e
    if not (isinstance(found, type) and issubclass(found, group.base)):
        raise UnavailableError(
            f"the {group.noun} {point.name!r} of {whose} is not a subclass of "
            f"omni_core.{group.base.__name__}: {point.value}; tell its authors"
        )
    return found


@cache
def _registered(group: str) -> dict[str, EntryPoint]:
    """By name; a built-in wins over a package that takes its name."""
    points = sorted(entry_points(group=group), key=_built_in)
    return {point.name: point for point in points}


def _built_in(point: EntryPoint) -> bool:
    return point.value.startswith("omni_core.")
