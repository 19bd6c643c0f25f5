"""Qdrant over the network: one library for several servers, of any size.

Points are in the collection `<name>__<model>`; the plain name is an alias of the one in use, so
that a re-index fills a second collection and then moves the alias in one step. A library that is
not there yet reads as empty, and is made by the first write into it.

Which collection the alias names, of what model it is and whose, is looked up again every few
seconds: a re-index or another owner elsewhere is noticed, and no question is answered with vectors
of another model.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from omni_core.errors import StoreError
from omni_core.index import check, versions
from omni_core.index.qdrant import refusals
from omni_core.index.qdrant.address import addresses, is_safe_for_key
from omni_core.points import Point, ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Vector

log = logging.getLogger(__name__)

BATCH_BYTES = 4 << 20
"""Qdrant refuses 32 MB by default and recommends 5; large batches time out."""
OPEN_S = 15.0
"""How long the first answer may take; making a collection may take longer."""
MOST_SOURCES = 1_000_000
"""Sources that are counted."""
LOOK_S = 5.0
"""How long the alias, the model and the owner are taken as they were."""


class ServerIndex(Index):
    """A collection on a Qdrant server or cluster, version 1.18 or later."""

    @classmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """The collection that the settings name; raises BadRequestError without an address."""
        return cls(settings, info, building=building)

    def __init__(self, settings: Settings, info: EncoderInfo, *, building: bool = False) -> None:
        """`building` opens a second collection beside the one in use, for a re-index."""
        self._urls = addresses(settings.qdrant_url)
        self._settings, self._info, self._building = settings, info, building
        self._alias = settings.qdrant_collection
        self._where = " or ".join(self._urls)
        self.collection = f"{self._alias}__{versions.slug(info)}"
        self._library = ""
        self._facts: Any = None
        """What the collection said about itself when it was last looked at; None where there is
        none yet."""
        self._making = asyncio.Lock()
        self._look_again = 0.0
        self._q: Any = None
        self._nodes: Any = None

    async def open(self) -> None:
        """Connect, and see whether the library is there.

        A server that only searches creates nothing, and needs a key that may read.
        """
        try:
            self._q = await asyncio.to_thread(
                importlib.import_module, "omni_core.index.qdrant.parts"
            )
        except ImportError as e:
            raise StoreError(
                f"a Qdrant server needs one more package ({e.name}): "
                "pip install 'omni-mcp[server]'",
                code="MISSING_EXTRA",
            ) from e
        for url in self._urls:
            if self._settings.qdrant_api_key and not is_safe_for_key(url):
                log.warning("the Qdrant API key travels unencrypted to %s; use https", url)
        self._nodes = await asyncio.to_thread(self._q.nodes.Nodes, self._urls, self._settings)
        try:
            await self._prepare(await self._version())
        except BaseException:
            await self.close()
            raise

    async def _version(self) -> str:
        try:
            async with asyncio.timeout(OPEN_S):
                return str((await self._call("info")).version)
        except TimeoutError as e:
            raise StoreError(
                f"Qdrant at {self._where} did not answer in {OPEN_S:g} s; is the address right?",
                code="INDEX_UNREACHABLE",
            ) from e

    async def _prepare(self, version: str) -> None:
        if self._q.collection.is_too_old(version):
            minimum = ".".join(map(str, self._q.collection.MIN_VERSION))
            raise StoreError(f"Qdrant at {self._where} is {version}; {minimum} or later is needed")
        current = await self._current()
        if self._building:
            await self._make()
        elif current is not None:
            await self._follow(current)
            await self._index_payload()
        elif await self._call("collection_exists", self.collection):  # as from a snapshot
            self._require_writable(f"{self._alias!r} on {self._where} is no library yet")
            await self._make()
        else:
            if self._only_reads:
                raise refusals.none_yet(self._alias, self._where, self._why_not)
        self._look_again = time.monotonic() + LOOK_S

    async def _make(self) -> None:
        """Make the collection with its payload indexes, or go on where that was interrupted."""
        if not await self._call("collection_exists", self.collection):
            await self._create()
        facts = self._checked(self.collection, await self._described(self.collection))
        await self._index_payload(facts)
        if not self._building:
            await self.activate()
        self._facts = facts

    async def make(self) -> None:
        """Make the library where there is none: before something is written into it."""
        async with self._making:
            if self._facts is not None:
                return
            try:
                current = await self._current()
                if current is not None:  # another process was faster
                    await self._follow(current)
                else:
                    await self._make()
                if self._library:
                    await self.claim(self._library)
            except BaseException:
                self._facts = None  # nothing is written before it is this library's
                raise

    async def _create(self) -> None:
        made = self._q.collection.creation(self._info, self._settings, self._library)
        try:
            await self._call("create_collection", self.collection, **made)
        except StoreError:
            # another client created it, or an earlier attempt whose response was lost
            if not await self._call("collection_exists", self.collection):
                raise

    async def _index_payload(self, facts: Any = None) -> None:
        wanted = self._q.collection.payload_indexes(self._settings)
        held = (facts or self._facts).indexed
        missing = {key: kind for key, kind in wanted.items() if key not in held}
        if missing and self._only_reads:
            raise refusals.not_indexed(self.collection, tuple(missing), self._why_not)
        for key, kind in missing.items():
            await self._call("create_payload_index", self.collection, key, kind, wait=True)

    def _require_writable(self, why: str) -> None:
        if self._only_reads:
            raise refusals.only_reads(why, self._why_not)

    @property
    def _why_not(self) -> str:
        only = self._settings.qdrant_read_only
        return "qdrant_read_only" if only else "its library is open read-only"

    @property
    def _only_reads(self) -> bool:
        """Whether nothing on the server may be changed."""
        return self._settings.qdrant_read_only or self._settings.read_only

    async def _current(self) -> str | None:
        for _ in range(2):  # another process may make the alias between the two questions
            aliases = await self._call("get_aliases")
            found = [a.collection_name for a in aliases.aliases if a.alias_name == self._alias]
            if found:
                return str(found[0])
            if not await self._call("collection_exists", self._alias):
                return None
        raise refusals.not_ours(self._alias, self._where)

    async def _described(self, name: str) -> Any:
        return self._q.collection.facts(await self._call("get_collection", name))

    async def _follow(self, current: str) -> None:
        """Use the collection `current` from now on. Raises StoreError for one of another model,
        and for one of another library."""
        self._facts = self._checked(current, await self._described(current))
        self.collection = current

    def _checked(self, name: str, facts: Any) -> Any:
        ours = facts.fingerprint == self._info.fingerprint
        if not ours and (facts.fingerprint or name != self.collection):
            raise refusals.of_another_model(
                self._alias, self._where, facts.fingerprint or name, self._info.fingerprint
            )
        if facts.dim != self._info.dim:
            raise refusals.of_another_size(name, self._where, facts.dim, self._info)
        if self._library and facts.library not in ("", self._library):
            raise refusals.foreign(self._alias, self._where, facts.library)
        return facts

    async def _look(self) -> None:
        """Notice what others did, at most every few seconds: see the module's docstring."""
        if self._building or (self._facts is not None and time.monotonic() < self._look_again):
            return
        self._look_again = time.monotonic() + LOOK_S  # calls meanwhile do not look as well
        try:
            current = await self._current()
            if current is None and self._facts is None:
                return
            if current is None:
                raise refusals.gone(self._alias, self._where)
            await self._follow(current)
        except BaseException:
            self._look_again = 0.0
            raise

    async def claim(self, library: str, *, adopt: bool = False) -> None:
        """Mark the collection as this library's; raises StoreError FOREIGN_COLLECTION where it is
        another's, unless `adopt`. One that is not there yet is marked when it is made."""
        self._opened()
        if self._facts is None and adopt:
            await self.make()
        if self._facts is None:
            self._library = library
            return
        if self._building and not adopt:
            current = await self._current()
            if current is not None:  # the one that is in use, whose alias will be moved
                self._refuse_foreign(library, (await self._described(current)).library)
        holder = (await self._described(self.collection)).library
        if not adopt:
            self._refuse_foreign(library, holder)
        if holder != library and not await self._marked(library):
            return
        if holder != library:
            self._refuse_foreign(library, (await self._described(self.collection)).library)
        self._library = library

    async def _marked(self, library: str) -> bool:
        """Whether the collection could be marked; a server that only searches may not, nor one of
        a library that is open read-only."""
        if self._only_reads:
            return False
        own = self._q.collection.metadata(self._info, library)
        try:
            await self._call("update_collection", self.collection, metadata=own)
        except StoreError as e:
            if e.code != "READ_ONLY":
                raise
            log.warning("%s is not marked as this library's: %s", self.collection, e)
            return False
        return True

    def _refuse_foreign(self, library: str, holder: str) -> None:
        if holder not in ("", library):
            raise refusals.foreign(self._alias, self._where, holder)

    async def upsert(self, points: Sequence[Point]) -> None:
        """In the server's write-ahead log, and searchable, when this returns."""
        check.points(points, self._info)
        await self._writing()
        if self._facts is None:
            await self.make()
        to_points, size = self._q.points.to_points, self._q.points.json_bytes
        for batch in check.batches(points, BATCH_BYTES, size):
            wire = await asyncio.to_thread(to_points, batch)
            await self._call("upsert", self.collection, wire, wait=True)

    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """For each prefetch its points, best first, raw scores; one request."""
        check.prefetches(prefetches, self._info)
        q = await self._reading()
        if self._facts is None:
            return [[] for _ in prefetches]
        dense = q.collection.dense_search(self._facts.codes)
        queries = q.points.to_queries(prefetches, filter, dense)
        answers = await self._call("query_batch_points", self.collection, queries)
        return [
            [q.points.from_hit(h, prefetch) for h in answer.points]
            for answer, prefetch in zip(answers, prefetches, strict=True)
        ]

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        q = await self._reading()
        if self._facts is None:
            return []
        records = await self._call("retrieve", self.collection, list(ids), with_vectors=vectors)
        found = {p.id: p for p in map(q.points.from_record, records)}
        return [found[i] for i in ids if i in found]

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """The dense vectors by id, without payloads."""
        q = await self._reading()
        if self._facts is None:
            return {}
        records = await self._call(
            "retrieve", self.collection, list(ids), with_payload=False, with_vectors=["dense"]
        )
        found = map(q.points.from_record, records)
        return {p.id: p.dense for p in found if p.dense is not None}

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors in id order, and the offset of the next page."""
        q = await self._reading()
        if self._facts is None:
            return [], None
        where = q.points.to_filter(filter)
        records, following = await self._call(
            "scroll", self.collection, scroll_filter=where, limit=limit, offset=offset
        )
        page = [q.points.from_record(r) for r in records]
        return page, None if following is None else str(following)

    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""
        where = (await self._reading()).points.to_filter(filter)
        if self._facts is None:
            return 0
        answer = await self._call("count", self.collection, count_filter=where, exact=True)
        return int(answer.count)

    async def count_by_source(self, *, exact: bool = False) -> dict[str, int]:
        """How many points each source has, by one request."""
        await self._reading()
        if self._facts is None:
            return {}
        answer = await self._call(
            "facet", self.collection, "source_id", limit=MOST_SOURCES, exact=exact
        )
        return {str(hit.value): int(hit.count) for hit in answer.hits}

    async def set_payload(self, filter: Filter | None, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        wanted = check.refuse_empty(filter)
        which = (await self._writing()).points.to_selector(wanted)
        if self._facts is not None:
            await self._call("set_payload", self.collection, dict(changes), points=which, wait=True)

    async def delete(self, filter: Filter | None) -> None:
        """Remove the points that match."""
        wanted = check.refuse_empty(filter)
        which = (await self._writing()).points.to_selector(wanted)
        if self._facts is not None:
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
            moves = self._q.collection.move_alias(self._alias, self.collection, from_=current)
            await self._call("update_collection_aliases", moves)

    async def close(self) -> None:
        """Close the connections."""
        nodes, self._nodes = self._nodes, None
        if nodes is not None:
            await nodes.close()

    async def _reading(self) -> Any:
        """The client's parts, after a look at the collection."""
        self._opened()
        await self._look()
        return self._q

    async def _writing(self) -> Any:
        self._opened()
        self._require_writable(f"nothing can be written into {self._alias!r} on {self._where}")
        await self._look()
        return self._q

    def _opened(self) -> Any:
        if self._nodes is None:
            raise StoreError("the index is not open")
        return self._nodes

    async def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return await self._opened().call(method, *args, **kwargs)
