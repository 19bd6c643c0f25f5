"""Requests to the nodes of a Qdrant server or cluster; another node answers when one does not."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from qdrant_client import AsyncQdrantClient

from omni_core.index.qdrant.address import grpc_port
from omni_core.index.qdrant.failures import (
    FAILURES,
    is_answer,
    is_transient,
    to_store_error,
)
from omni_core.settings import Settings
from omni_core.tasks import heard
from omni_core.tls import certificates, trusting

log = logging.getLogger(__name__)

PAUSES_S = (0.25, 0.5, 1.0)
"""Waits between the four rounds through the nodes."""
NODE_S = 10.0
"""How long one of several nodes may take to read something before another is asked."""
QUIET_S = 5.0
"""How long a node may take before it is asked whether it is alive: a question may take long."""
ALIVE_S = 3.0
"""How long it may take to say so."""
READS = frozenset({
    "info", "get_aliases", "collection_exists", "get_collection", "query_batch_points",
    "retrieve", "scroll", "count", "facet",
})  # fmt: skip


class HangsError(TimeoutError):
    """A node takes connections and answers nothing."""


class Nodes:
    """One connection to each node. Requests go to the node that answered last."""

    def __init__(self, urls: tuple[str, ...], settings: Settings) -> None:
        """Nothing is sent yet. Raises BadRequestError for a CA file that cannot be read."""
        self._timeout_s = settings.qdrant_timeout_s
        self._clients = [connect(url, settings) for url in urls]
        self._at = 0
        self.where = " or ".join(urls)
        """The addresses, for messages."""

    async def call(
        self, method: str, *args: Any, within_s: float | None = None, **kwargs: Any
    ) -> Any:
        """The answer of the client's `method`, at the latest after `within_s`. Raises StoreError.

        Every request is idempotent: after a failure that may pass it is sent again, to the next
        node, until the time of one request has gone by.
        """
        several = len(self._clients) > 1
        limit_s = min(NODE_S, self._timeout_s) if several and method in READS else within_s
        give_up = time.monotonic() + (within_s or self._timeout_s)
        told: Exception | None = None
        hanging = 0
        for pause in (*PAUSES_S, None):
            for n in range(len(self._clients)):
                at = self._at
                try:
                    async with asyncio.timeout(limit_s):
                        return await _answered(self._clients[at], method, args, kwargs)
                except FAILURES as e:
                    told = e if is_answer(e) else told  # says more than that a node is not there
                    hanging = hanging + 1 if isinstance(e, HangsError) else 0
                    last = pause is None and n + 1 == len(self._clients)
                    last |= hanging == len(self._clients)
                    if last or not is_transient(e) or time.monotonic() > give_up:
                        raise to_store_error(told or e, self.where) from e
                    log.info("Qdrant: %s; trying again", type(e).__name__)
                    if self._at == at:  # no other call has moved on meanwhile
                        self._at = (at + 1) % len(self._clients)
            if pause is not None:
                await asyncio.sleep(pause)
        raise AssertionError("the last round returns or raises")

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.close()


async def _answered(client: AsyncQdrantClient, method: str, args: Any, more: Any) -> Any:
    """The answer, however long it takes while the node is alive. Raises HangsError."""
    asked = asyncio.ensure_future(getattr(client, method)(*args, **more))  # ended below
    try:
        while not (await asyncio.wait({asked}, timeout=QUIET_S))[0]:
            try:
                async with asyncio.timeout(ALIVE_S):
                    await client.info()
            except TimeoutError as e:
                raise HangsError from e
        return asked.result()
    finally:
        asked.cancel()
        asked.add_done_callback(heard)


def connect(url: str, settings: Settings) -> AsyncQdrantClient:
    """A client of one node; nothing is sent yet. The key travels as a header."""
    key = settings.qdrant_api_key
    more: dict[str, Any] = {}
    if settings.qdrant_ca and url.startswith("https:"):
        trusted = certificates(settings.qdrant_ca, "qdrant_ca")
        more["verify"] = trusting(trusted)
        more["grpc_options"] = {"root_certificates": trusted.encode()}
    return AsyncQdrantClient(
        url=url,
        headers={"api-key": key} if key else None,
        timeout=settings.qdrant_timeout_s,  # type: ignore[arg-type] # rounded up by the client
        prefer_grpc=settings.qdrant_grpc,
        grpc_port=grpc_port(url, settings.qdrant_grpc_port),
        check_compatibility=False,  # see `collection.is_too_old`; this check prints from a thread
        **more,
    )
