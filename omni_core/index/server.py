"""Qdrant over the network: one library for several servers, of any size.

Points are in the collection `<name>__<model>`; the plain name is an alias of the one in use, so
that a re-index fills a second collection and then moves the alias in one step.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from omni_core.errors import BadRequestError, StoreError
from omni_core.index import check, versions
from omni_core.points import Point, ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

log = logging.getLogger(__name__)

BATCH_BYTES = 4 << 20
"""Qdrant refuses 32 MB by default and recommends 5; large batches time out."""
TIMEOUT_S = 60
OPEN_S = 15.0
PAUSES_S = (0.25, 0.5, 1.0)
"""Waits between the four attempts of a call with a transient failure."""


class ServerIndex(Index):
    """A collection on a Qdrant server or cluster, version 1.18 or later."""

    @classmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """The collection that the settings name; raises BadRequestError without an address."""
        if not settings.qdrant_url:
            raise BadRequestError("index=server needs an address: --qdrant http://localhost:6333")
        return cls(
            settings.qdrant_url,
            info,
            api_key=settings.qdrant_api_key,
            name=settings.qdrant_collection,
            building=building,
        )

    def __init__(
        self,
        url: str,
        info: EncoderInfo,
        *,
        api_key: str = "",
        name: str = "evidence",
        building: bool = False,
    ) -> None:
        """`building` opens a second collection beside the one in use, for a re-index."""
        self._url = url if "://" in url else f"http://{url}"
        self._key, self._info, self._building = api_key, info, building
        self._alias = name
        self.collection = f"{name}__{versions.slug(info)}"
        self._q: Any = None
        self._client: Any = None

    async def open(self) -> None:
        """Connect; create the collection with its payload indexes when it is not there."""
        try:
            self._q = await asyncio.to_thread(
                importlib.import_module, "omni_core.index.qdrant_mapping"
            )
        except ImportError as e:
            raise StoreError(
                f"a Qdrant server needs one more package ({e.name}): "
                "pip install 'omni-mcp[server]'",
                code="MISSING_EXTRA",
            ) from e
        if self._key and not self._q.is_safe_for_key(self._url):
            log.warning("the Qdrant API key travels unencrypted to %s; use https", self._url)
        self._client = await asyncio.to_thread(  # reads the metadata of its package
            self._q.connect, self._url, self._key, TIMEOUT_S
        )
        try:
            async with asyncio.timeout(OPEN_S):
                await self._prepare()
        except TimeoutError as e:
            await self.close()
            raise StoreError(
                f"Qdrant at {self._url} did not answer in {OPEN_S:g} s; is the address right?"
            ) from e
        except BaseException:
            await self.close()
            raise

    async def _prepare(self) -> None:
        version = (await self._call("info")).version
        if self._q.is_too_old(version):
            minimum = ".".join(map(str, self._q.MIN_VERSION))
            raise StoreError(f"Qdrant at {self._url} is {version}; {minimum} or later is needed")
        current = await self._current()
        if current not in (None, self.collection) and not self._building:
            raise StoreError(
                f"the library {self._alias!r} on {self._url} was indexed by another model "
                f"({current}), not by {self._info.name}: start with that encoder, or run "
                "`omni-mcp reindex`",
                code="MODEL_MISMATCH",
            )
        if not await self._call("collection_exists", self.collection):
            await self._create()
        for key, kind in self._q.payload_indexes().items():  # no effect where it exists
            await self._call("create_payload_index", self.collection, key, kind, wait=True)
        if current is None and not self._building:
            await self.activate()

    async def _create(self) -> None:
        try:
            await self._call(
                "create_collection",
                self.collection,
                vectors_config=self._q.vectors(self._info),
                sparse_vectors_config=self._q.sparse_vectors(),
                on_disk_payload=True,
            )
        except (
            StoreError
        ):  # another client created it, or an earlier attempt whose response was lost
            if not await self._call("collection_exists", self.collection):
                raise

    async def _current(self) -> str | None:
        aliases = await self._call("get_aliases")
        found = [a.collection_name for a in aliases.aliases if a.alias_name == self._alias]
        if found:
            return str(found[0])
        if await self._call("collection_exists", self._alias):
            raise StoreError(
                f"{self._url} has a collection named {self._alias!r} that is not ours; choose "
                "another name with OMNI_QDRANT_COLLECTION"
            )
        return None

    async def upsert(self, points: Sequence[Point]) -> None:
        """In the server's write-ahead log, and searchable, when this returns."""
        check.points(points, self._info)
        q = self._opened()
        for batch in check.batches(points, BATCH_BYTES, q.json_bytes):
            wire = await asyncio.to_thread(q.to_points, batch)
            await self._call("upsert", self.collection, wire, wait=True)

    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """For each prefetch its points, best first, raw scores; one request, and a second one where
        vectors are asked for: those points come whole."""
        check.prefetches(prefetches, self._info)
        q = self._opened()
        queries = q.to_queries(prefetches, filter)
        answers = await self._call("query_batch_points", self.collection, queries)
        found = [
            [q.from_hit(h, prefetch) for h in answer.points]
            for answer, prefetch in zip(answers, prefetches, strict=True)
        ]
        first = {p.id for f, prefetch in zip(found, prefetches, strict=True)
                 for p in f[: prefetch.vectors]}  # fmt: skip
        if not first:
            return found
        known = {p.id: p for p in await self.get(sorted(first), vectors=True)}
        return [[_completed(p, known.get(p.id)) for p in points] for points in found]

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        q = self._opened()
        records = await self._call("retrieve", self.collection, list(ids), with_vectors=vectors)
        found = {p.id: p for p in map(q.from_record, records)}
        return [found[i] for i in ids if i in found]

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors in id order, and the offset of the next page."""
        q = self._opened()
        where = q.to_filter(filter)
        records, following = await self._call(
            "scroll", self.collection, scroll_filter=where, limit=limit, offset=offset
        )
        return [q.from_record(r) for r in records], None if following is None else str(following)

    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""
        where = self._opened().to_filter(filter)
        answer = await self._call("count", self.collection, count_filter=where, exact=True)
        return int(answer.count)

    async def set_payload(self, filter: Filter | None, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        which = self._opened().to_selector(check.refuse_empty(filter))
        await self._call("set_payload", self.collection, dict(changes), points=which, wait=True)

    async def delete(self, filter: Filter | None) -> None:
        """Remove the points that match."""
        which = self._opened().to_selector(check.refuse_empty(filter))
        await self._call("delete", self.collection, which, wait=True)

    async def flush(self) -> None:
        """Nothing to do: the server writes its log to the disk every few seconds by itself."""

    async def optimize(self) -> bool:
        """Nothing to do: the server vacuums in the background."""
        return False

    async def activate(self) -> None:
        """Point the alias at this collection: the end of a re-index, in one step."""
        current = await self._current()
        if current != self.collection:
            moves = self._opened().move_alias(self._alias, self.collection, from_=current)
            await self._call("update_collection_aliases", moves)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _opened(self) -> Any:
        if self._client is None:
            raise StoreError("the index is not open")
        return self._q

    async def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Every request is idempotent: one with a transient failure is sent again."""
        q = self._opened()
        give_up = time.monotonic() + TIMEOUT_S
        for pause in (*PAUSES_S, None):
            try:
                return await getattr(self._client, method)(*args, **kwargs)
            except q.FAILURES as e:
                if pause is None or not q.is_transient(e) or time.monotonic() > give_up:
                    raise q.to_store_error(e, self._url) from e
                log.info("Qdrant: %s; trying again in %.2f s", type(e).__name__, pause)
                await asyncio.sleep(pause)
        return None


def _completed(scored: ScoredPoint, point: Point | None) -> ScoredPoint:
    if point is None:
        return scored
    return ScoredPoint(scored.id, scored.score, point.stored, True, point.dense)
