"""Everything that a person asks about a collection on a Qdrant server; changes nothing."""

from __future__ import annotations

import importlib.metadata
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from qdrant_client import models

from omni_core.errors import OmniError, StoreError
from omni_core.index.qdrant import collection
from omni_core.index.qdrant.address import addresses, is_safe_for_key
from omni_core.index.qdrant.nodes import Nodes
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

ALONE_S = 5.0
"""How long a node may take to say its version."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the report, as the doctor's findings are."""

    name: str
    state: Literal["ok", "warning", "missing", "absent"]
    detail: str
    get: str = ""
    """What to do about it."""


async def look(settings: Settings, info: EncoderInfo, library: str) -> list[Seen]:
    """The server and its nodes, the key, and the collection of this library; `library` is the id
    that the catalog holds, "" where there is none yet."""
    try:
        urls = addresses(settings.qdrant_url)
        seen = [await _node(url, settings) for url in urls]
    except OmniError as e:  # what is no address, or no certificate
        return [Seen("Qdrant", "missing", str(e), "docs/qdrant.md")]
    answer = tuple(url for url, s in zip(urls, seen, strict=True) if s.state != "missing")
    if not answer:
        return seen
    if len(answer) < len(urls):  # the library works with the others
        seen = [Seen(s.name, "warning" if s.state == "missing" else s.state, s.detail, s.get)
                for s in seen]  # fmt: skip
    nodes = Nodes(answer, settings)
    try:
        async for one in _library(nodes, settings, info, library):
            seen.append(one)
    except StoreError as e:
        seen.append(Seen("Qdrant collection", "missing", str(e), "docs/qdrant.md"))
    finally:
        await nodes.close()
    return seen


async def _node(url: str, settings: Settings) -> Seen:
    alone = Nodes((url,), settings)
    try:
        version = str((await alone.call("info", within_s=ALONE_S)).version)
    except StoreError as e:
        return Seen("Qdrant", "missing", str(e), "start it, or give another --qdrant")
    finally:
        await alone.close()
    ours = importlib.metadata.version("qdrant-client")
    detail = f"{url} is Qdrant {version}, {'gRPC' if settings.qdrant_grpc else 'REST'}"
    if collection.is_too_old(version):
        return Seen("Qdrant", "missing", detail, "upgrade it to 1.18 or later")
    if settings.qdrant_api_key and not is_safe_for_key(url):
        return Seen("Qdrant", "warning", f"{detail}; the API key travels there unencrypted",
                    "a https address")  # fmt: skip
    if _minors(ours) - _minors(version) > 1:
        detail += f"; the client {ours} is more than one minor version ahead"
        return Seen("Qdrant", "warning", detail, "upgrade the server, one minor version at a time")
    if _minors(version) - _minors(ours) > 1:
        detail += f"; it is more than one minor version ahead of the client {ours}"
        return Seen("Qdrant", "warning", detail, "pip install -U qdrant-client")
    return Seen("Qdrant", "ok", detail)


def _minors(version: str) -> int:
    """The version as a number that grows by one with each minor version of 1."""
    major, minor, *_ = (*version.split("."), "0")
    return int(major) * 1000 + int(minor) if major.isdigit() and minor.isdigit() else 0


async def _library(
    nodes: Nodes, settings: Settings, info: EncoderInfo, library: str
) -> AsyncIterator[Seen]:
    alias = settings.qdrant_collection
    aliases = (await nodes.call("get_aliases")).aliases
    names = [a.collection_name for a in aliases if a.alias_name == alias]
    if not names:
        yield Seen("Qdrant collection", "absent", f"there is no library {alias!r} yet",
                   "omni-mcp ingest, with a key that may write")  # fmt: skip
        return
    try:
        described = await nodes.call("get_collection", names[0])
    except StoreError:  # where no copy of a shard is in use it cannot be asked: that is said first
        yield _copies(await nodes.call("collection_cluster_info", names[0]))
        raise
    yield _collection(names[0], described, info, library, alias)
    yield _copies(await nodes.call("collection_cluster_info", names[0]))
    yield await _rights(nodes, names[0], settings)


def _collection(name: str, described: Any, info: EncoderInfo, library: str, alias: str) -> Seen:
    facts = collection.facts(described)
    detail = f"{name}: {described.points_count} segments, codes {facts.codes}"
    if facts.library not in ("", library):
        return Seen("Qdrant collection", "missing", f"{detail}; it belongs to another library "
                    f"({facts.library[:8]})", "its --store or --catalog, another "
                    "OMNI_QDRANT_COLLECTION, or `omni-mcp doctor --adopt`")  # fmt: skip
    if facts.fingerprint not in ("", info.fingerprint):
        return Seen("Qdrant collection", "missing", f"{detail}; of the model {facts.fingerprint}",
                    "that --encoder, or `omni-mcp reindex`")  # fmt: skip
    if described.status == models.CollectionStatus.RED:
        return Seen("Qdrant collection", "warning", f"{detail}; Qdrant reports a failure: "
                    f"{described.optimizer_status}", "its log; free disk space")  # fmt: skip
    whose = "this library's" if facts.library else "nobody's yet"
    return Seen("Qdrant collection", "ok", f"{detail}, {described.status.value}, {whose}")


def _copies(cluster: Any) -> Seen:
    copies = [s.state.value for s in (*cluster.local_shards, *cluster.remote_shards)]
    shards = {s.shard_id for s in (*cluster.local_shards, *cluster.remote_shards)}
    detail = f"{len(shards)} shards, {len(copies)} copies"
    bad = Counter(state for state in copies if state != "Active")
    if bad:
        states = ", ".join(f"{n} {state}" for state, n in sorted(bad.items()))
        return Seen("Qdrant copies", "warning", f"{detail}, not in use: {states}",
                    "start the node that is down; it catches up by itself. After a snapshot was "
                    "restored on several nodes: docs/moving.md")  # fmt: skip
    return Seen("Qdrant copies", "ok", f"{detail}, all in use")


async def _rights(nodes: Nodes, name: str, settings: Settings) -> Seen:
    """By deleting a point that there is not, which a key that only reads may not."""
    nothing = models.PointIdsList(points=[str(uuid.uuid4())])
    try:
        await nodes.call("delete", name, nothing, wait=True)
    except StoreError as e:
        if e.code != "READ_ONLY":
            raise
        return Seen("Qdrant key", "ok", "may read: searches, no ingest")
    only = "; this server only reads (qdrant_read_only)" if settings.qdrant_read_only else ""
    key = "may read and write" if settings.qdrant_api_key else "none is needed to write"
    return Seen("Qdrant key", "ok", key + only)
