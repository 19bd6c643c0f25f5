"""Components by name: the entry points that this package and others register.

A package registers a component in its own `pyproject.toml`, as this one does for the built-ins:

    [project.entry-points."omni_mcp.encoders"]
    mine = "my_package.encoder:MyEncoder"

The name is the value of a setting (`encoder = "mine"`). A component is imported on first use, in
the process that uses it. `examples/omni-mcp-example` is a complete package of that kind.

Where two packages register one name, a built-in wins, else the package whose name comes first in
the alphabet; the other is left out with one log line.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from omni_core.errors import BadRequestError, UnavailableError
from omni_core.protocols import Encoder, Index, Medium, Reader

log = logging.getLogger(__name__)

Component = TypeVar("Component")

PACKAGE = "omni-mcp"
"""The distribution whose components are the built-in ones."""


@dataclass(frozen=True, slots=True)
class Group(Generic[Component]):
    """One kind of component: its entry-point group, its base class, its name in messages."""

    name: str
    base: type[Component]
    noun: str


# The base classes are abstract; what is loaded is always a subclass of them.
ENCODERS: Group[Encoder] = Group("omni_mcp.encoders", Encoder, "encoder")  # type: ignore[type-abstract]
INDEXES: Group[Index] = Group("omni_mcp.indexes", Index, "index")  # type: ignore[type-abstract]
MEDIA: Group[Medium] = Group("omni_mcp.media", Medium, "medium")  # type: ignore[type-abstract]
READERS: Group[Reader] = Group("omni_mcp.readers", Reader, "reader")  # type: ignore[type-abstract]


@dataclass(frozen=True, slots=True)
class BrokenComponent:
    """A component of another package that cannot be used."""

    label: str
    """`medium gpx of omni-mcp-gpx`."""
    message: str
    """What is wrong and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Component]):
    """The classes of a group, in order of name, and those that cannot be used."""

    classes: tuple[type[Component], ...]
    broken: tuple[BrokenComponent, ...]


def names(group: Group[Component]) -> list[str]:
    """The names that are registered, in alphabetical order; nothing is imported."""
    return sorted(_registered(group.name))


def third_party(*groups: Group[Any]) -> list[str]:
    """The components of other packages (`encoder mine of my-package`) in these groups, by default
    in all; imports nothing."""
    return [
        _label(group.noun, point)
        for group in groups or (ENCODERS, INDEXES, MEDIA, READERS)
        for point in _registered(group.name).values()
        if not _built_in(point)
    ]


def is_third_party(group: Group[Any], name: str) -> bool:
    """Whether the component of this name comes from another package; imports nothing."""
    point = _registered(group.name).get(name)
    return point is not None and not _built_in(point)


def load(group: Group[Component], name: str) -> type[Component]:
    """The class registered as `name`.

    Raises BadRequestError for an unknown name, UnavailableError when the class cannot be imported
    or is not a component of this kind.
    """
    registered = _registered(group.name)
    if name not in registered:
        known = ", ".join(sorted(registered))
        raise BadRequestError(f"unknown {group.noun} {name!r}; choose one of {known}")
    return _import(group, registered[name])


def load_all(group: Group[Component]) -> Loaded[Component]:
    """Every registered class of a group: for components that are not chosen by name.

    A broken component of another package is left out with one log line; a broken built-in raises
    UnavailableError, as `load` does.
    """
    classes: list[type[Component]] = []
    broken: list[BrokenComponent] = []
    for _, point in sorted(_registered(group.name).items()):
        try:
            classes.append(_import(group, point))
        except UnavailableError as e:
            if _built_in(point):
                raise
            log.warning("left out: %s", e)
            broken.append(BrokenComponent(_label(group.noun, point), str(e)))
    return Loaded(tuple(classes), tuple(broken))


def broken() -> list[BrokenComponent]:
    """The components of other packages that cannot be used; imports all of these packages."""
    return [*_broken(ENCODERS), *_broken(INDEXES), *_broken(MEDIA), *_broken(READERS)]


def _broken(group: Group[Component]) -> list[BrokenComponent]:
    found = []
    for _, point in sorted(_registered(group.name).items()):
        if _built_in(point):
            continue
        try:
            _import(group, point)
        except UnavailableError as e:
            found.append(BrokenComponent(_label(group.noun, point), str(e)))
    return found


def reload_entry_points() -> None:
    """Read the entry points again at the next call, after a package was installed."""
    _registered.cache_clear()


def _import(group: Group[Component], point: EntryPoint) -> type[Component]:
    what = f"the {group.noun} {point.name!r} of {_package(point)}"
    try:
        found = point.load()
    except Exception as e:  # importing another package may raise anything
        raise UnavailableError(
            f"{what} cannot be imported from {point.value}: {type(e).__name__}: {_first(e)}; "
            f"reinstall or remove {_package(point)}"
        ) from e
    lacking = sorted(found.__abstractmethods__) if inspect.isabstract(found) else []
    if not (isinstance(found, type) and issubclass(found, group.base)):
        raise UnavailableError(
            f"{what} is not a subclass of omni_core.protocols.{group.base.__name__}: "
            f"{point.value}; tell its authors"
        )
    if lacking:
        raise UnavailableError(f"{what} does not define {', '.join(lacking)}; tell its authors")
    if issubclass(found, Reader) and found.name != point.name:
        raise UnavailableError(
            f"{what} calls itself {found.name!r}; `name` and the entry point must agree; "
            "tell its authors"
        )
    return found


def _label(noun: str, point: EntryPoint) -> str:
    return f"{noun} {point.name} of {_package(point)}"


def _first(e: Exception) -> str:
    lines = str(e).strip().splitlines()
    return lines[0][:200] if lines else "no message"


@cache
def _registered(group: str) -> dict[str, EntryPoint]:
    """Entry points by name. One whose name is taken is left out and logged, once per process."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda p: (not _built_in(p), _package(p))):
        first = found.setdefault(point.name, point)
        if first is not point and first.value != point.value:
            log.warning(
                "%s: the name %r of %s is taken by %s; left out",
                group, point.name, _package(point), _package(first),
            )  # fmt: skip
    return found


def _built_in(point: EntryPoint) -> bool:
    return _package(point) == PACKAGE


def _package(point: EntryPoint) -> str:
    return point.dist.name.replace("_", "-").lower() if point.dist is not None else "a package"
