"""Files that the store itself holds for sources: fetched from links, or sent by clients."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

FOLDERS = ("downloads", "uploads")
"""Of the store; each holds `KEY/NAME`, and a record of it in `KEY.json`."""


def remove(store: Path, paths: Iterable[str]) -> list[str]:
    """Delete those of these files that lie in the store's own folders, with their records; no file
    of anybody else. Returns the paths of what was deleted.

    Give the paths that the catalog notes for one source: a path is that of one source only, so a
    file that another source was ingested from is none of them. Blocks.
    """
    own = {at / name for at in (store.absolute(), store.resolve()) for name in FOLDERS}
    gone = []
    for path in map(Path, paths):
        if path.parent.parent in own and not path.parent.is_symlink():
            shutil.rmtree(path.parent, ignore_errors=True)
            with contextlib.suppress(OSError):
                path.parent.with_suffix(".json").unlink()
            gone.append(str(path))
    return gone
