"""The collections of the stand-in and their aliases."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.omni_core.index import qdrant_standin_types as types
from tests.omni_core.index.qdrant_standin_engine import Collection

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own within
ROOM = 1 << 30
"""Free bytes that this folder needs: a shard takes 18 MB, and a full one ends in SIGBUS."""


class NotFoundError(ValueError):
    """No collection has this name."""


class Collections:
    """The operations on collections; one at a time.

    The shards are of this process: the engine holds the GIL while it works, and a child that is
    forked must not use them. Their folder is in memory where there is one, since the engine writes
    through to the disk so often that a test on a busy disk takes seconds.
    """

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        """The collections by the aliases."""
        self.made: dict[str, Collection] = {}
        self.indexing_threshold = 10_000
        """Kilobytes of vectors from which the optimizer makes graphs, scalar and product codes in
        collections that do not say it themselves: a setting of the server."""
        self._folders = 0
        self._lock = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(dir=_memory(), ignore_cleanup_errors=True)

    def close(self) -> None:
        """Release every shard and remove their folder."""
        with self._lock:
            for made in self.made.values():
                made.close()
            self.made.clear()
            self._folder.cleanup()

    def named(self, name: str) -> Collection:
        """The collection of this name or alias. Raises NotFoundError."""
        real = self.aliases.get(name, name)
        if real not in self.made:
            raise NotFoundError(f"Not found: Collection `{name}` doesn't exist!")
        return self.made[real]

    def answer(self, verb: str, path: str, body: Any) -> Any:
        """The `result` of one operation."""
        with self._lock:
            return self._answer(verb, path.strip("/").split("/"), body)

    def _answer(self, verb: str, parts: list[str], body: Any) -> Any:
        if parts == ["cluster"]:
            return {"status": "disabled"}
        if parts == ["aliases"]:
            pairs = self.aliases.items()
            return {"aliases": [{"alias_name": a, "collection_name": c} for a, c in pairs]}
        if parts == ["collections", "aliases"]:
            return self._change_aliases(types.taken(body, "aliases", "actions")["actions"])
        name, what = parts[1], "/".join(parts[2:])
        if what == "exists":
            return {"exists": self.aliases.get(name, name) in self.made}
        if (verb, what) == ("PUT", ""):
            return self._create(name, body)
        made = self.named(name)
        if (verb, what) == ("DELETE", ""):
            return self._delete(self.aliases.get(name, name))
        if (verb, what) == ("GET", ""):
            return made.described()
        if (verb, what) == ("PATCH", ""):
            more = types.taken(body, "a change of a collection", "metadata")
            made.body["metadata"] = {**(made.body.get("metadata") or {}), **more["metadata"]}
            return True
        if what == "cluster":
            shard = {"shard_id": 0, "points_count": made.count(), "state": "Active"}
            return {
                "peer_id": 1, "shard_count": 1, "local_shards": [shard], "remote_shards": [],
                "shard_transfers": [],
            }  # fmt: skip
        return made.answer(verb, what, body)

    def _create(self, name: str, body: Any) -> bool:
        if name in self.made or name in self.aliases:
            raise ValueError(f"Wrong input: Collection `{name}` already exists!")
        self._folders += 1
        folder = Path(self._folder.name) / str(self._folders)
        self.made[name] = Collection(body, folder, self.indexing_threshold)
        return True

    def _delete(self, name: str) -> bool:
        self.made.pop(name).close()
        for alias in [a for a, collection in self.aliases.items() if collection == name]:
            del self.aliases[alias]
        return True

    def _change_aliases(self, actions: Any) -> bool:
        changed = dict(self.aliases)
        for action in actions:
            [(how, said)] = types.taken(action, "an alias", "create_alias", "delete_alias").items()
            if how == "delete_alias":
                changed.pop(types.taken(said, how, "alias_name")["alias_name"])
                continue
            new = types.taken(said, how, "alias_name", "collection_name")
            if new["collection_name"] not in self.made:
                raise NotFoundError(f"Not found: Collection `{new['collection_name']}`")
            if new["alias_name"] in self.made:
                raise ValueError(f"Wrong input: Collection `{new['alias_name']}` already exists!")
            changed[new["alias_name"]] = new["collection_name"]
        self.aliases.clear()
        self.aliases.update(changed)
        return True


def _memory() -> str | None:
    usable = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM
    return str(IN_MEMORY) if usable else None
