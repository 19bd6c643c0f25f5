"""The folders to watch, as a caller names them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_core.errors import BadRequestError

ROOTS = "roots"
"""Stands for every root of the settings."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder (absolute, links resolved) and the collection for its files."""

    path: str
    collection: str = "default"

    def holds(self, path: str) -> bool:
        """Whether the path is this folder or lies in it."""
        return path == self.path or path.startswith(self.path.rstrip(os.sep) + os.sep)


def watched(
    named: Iterable[str], *, roots: Sequence[Path] = (), collection: str = "default"
) -> tuple[Watched, ...]:
    """The folders that `named` names: `FOLDER`, `COLLECTION=FOLDER`, or `roots` for every root.

    Raises BadRequestError for no folder at all, and for one inside another.
    """
    found: dict[str, Watched] = {}
    for text in named:
        if text == ROOTS and not Path(text).is_dir():
            found |= {str(root): Watched(str(root), collection) for root in roots}
            continue
        own, folder = collection, text
        before, sign, after = text.partition("=")
        if sign and before and after and not Path(text).expanduser().exists():
            own, folder = before, after
        path = os.path.realpath(os.path.expanduser(folder))
        found[path] = Watched(path, own)
    if not found:
        raise BadRequestError("no folder to watch: name one, or start the server with --root")
    for inner in found.values():
        outer = next((o for o in found.values() if o is not inner and o.holds(inner.path)), None)
        if outer is not None:
            raise BadRequestError(
                f"{inner.path} lies in {outer.path}, which is watched already; name one of them"
            )
    return tuple(found.values())
