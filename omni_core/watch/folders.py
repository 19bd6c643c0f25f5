"""The folders to watch, as a caller names them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omni_core.errors import BadRequestError
from omni_core.watch.rules import is_in

ROOTS = "roots"
"""Stands for every root of the settings."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder (absolute, links resolved) and the collection for its files."""

    path: str
    collection: str = "default"
    without: str = ""
    """A folder in it that is not looked at, as that of the library itself; "" for none."""

    def holds(self, path: str) -> bool:
        """Whether the path is this folder or lies in it, and not in what is left out."""
        return is_in(path, self.path) and not is_in(path, self.without)


def watched(
    named: Iterable[str],
    *,
    roots: Sequence[Path] = (),
    collection: str = "default",
    store: Path | None = None,
) -> tuple[Watched, ...]:
    """The folders that `named` names: `FOLDER`, `COLLECTION=FOLDER`, or `roots` for every root;
    each without the store, where that lies in it.

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
    own_files = "" if store is None else os.path.realpath(store)
    return tuple(
        replace(one, without=own_files) if own_files != one.path and one.holds(own_files) else one
        for one in found.values()
    )
