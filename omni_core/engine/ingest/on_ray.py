"""Files read on a Ray cluster: actors cut and embed, this process alone stores.

An actor has a decoder and the models for itself, so that pixels never travel; results come as a
stream that waits for whoever stores them. Where an actor dies, another goes on with its file after
the last group that was stored: nothing is lost or doubled.

Ray is imported here only. It reports no usage, and gets a token of this run where it is started
here, instead of writing one into the home folder.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from omni_core.engine.ingest.embedding import Embedded, Target
from omni_core.engine.ingest.flow import Flow
from omni_core.engine.ingest.observed import Observed
from omni_core.engine.ingest.reached import Reached
from omni_core.engine.workers import Decoders, Models
from omni_core.errors import OmniError, UnavailableError
from omni_core.originals import Original
from omni_core.settings import Settings
from omni_core.tasks import heard, in_thread
from omni_core.types import CutOptions

log = logging.getLogger(__name__)

T = TypeVar("T")
LOCAL = "local"
"""Address that starts Ray on this machine, for as long as the engine is open."""
AHEAD = 4
"""Results that an actor may be ahead of what is stored."""
CONNECT_S = 5.0
"""How long the head of a cluster may take to answer."""
LOOK_S, GONE_S = 5.0, 30.0
"""How often it is looked whether Ray still runs where this process uses it, and how long it may
give no answer. Ray itself would wait for it without end."""
TRIES = 4
"""How often a file is begun before the death of its actor counts as an error of that file."""


@dataclass(frozen=True, slots=True)
class FileToRead:
    """What an actor is told of one file. Every node must see it at the same path."""

    target: Target
    original: Original
    options: CutOptions
    size: int
    """Segments of a batch."""


class FileReader:
    """Runs in an actor: one file at a time, with models and a decoder of its own."""

    def __init__(self, settings: Settings) -> None:
        """`settings`: those of the library, without what opens a store."""
        self._settings = settings
        self._models, self._decoders = Models(self._settings), Decoders(self._settings)

    async def pid(self) -> int:
        """The actor's process id."""
        return os.getpid()

    async def read(
        self, file: FileToRead, reached: Reached
    ) -> AsyncIterator[Embedded | Observed | OmniError]:
        """The results from `reached` on, then what the stream said of the whole file; or, last, the
        error that ended it."""
        results: asyncio.Queue[Embedded | Observed | OmniError] = asyncio.Queue(1)
        reading = asyncio.create_task(self._read(file, reached, results.put))  # ended below
        try:
            while True:
                result = await results.get()
                yield result
                if not isinstance(result, Embedded):
                    return
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(
        self,
        file: FileToRead,
        reached: Reached,
        give: Callable[[Embedded | Observed | OmniError], Awaitable[None]],
    ) -> None:
        flow = Flow(file.target, self._models, reached, size=file.size)
        stall_s = self._settings.decode_stall_s
        try:
            await self._models.ready()
            async with self._decoders.cutter(file.original.path) as cutter:
                try:
                    await flow.run(cutter, file.original, file.options, give, stall_s=stall_s)
                except asyncio.CancelledError:
                    await in_thread(cutter.kill)
                    raise
            await give(flow.observed)
        except OmniError as e:
            await give(e)
        except Exception as e:
            log.exception("reading a file failed")
            await give(OmniError(f"reading it on Ray failed: {type(e).__name__}: {e}"))


class RayReaders:
    """The actors of one engine; `OMNI_RAY_ACTORS` files are read at a time."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is started before the first file."""
        self._settings = settings
        self._starting: asyncio.Task[Any] | None = None
        self._free: asyncio.Queue[Any] = asyncio.Queue()
        self._watching: asyncio.Task[None] | None = None
        """Ends when Ray has."""
        self._ray: Any = None
        self._make: Callable[[], Any]

    async def read(
        self,
        file: FileToRead,
        reached: Callable[[], Reached],
        sink: Callable[[Embedded], Awaitable[None]],
    ) -> Observed:
        """Every result of a file to `sink`. `reached` says how far they are stored, for another
        run. Raises what ended the file, UnavailableError where Ray cannot be used."""
        await self._start()
        free, actor = self._free, await self._actor()
        if self._settings.ray != LOCAL:
            file = replace(file, original=file.original.elsewhere)
        try:
            for _ in range(TRIES):
                try:
                    return await self._once(actor, file, reached(), sink)
                except self._ray.exceptions.RayActorError as e:
                    log.warning("an actor of Ray died, its file goes on in another: %s", _line(e))
                    actor = await asyncio.to_thread(self._make)
            raise UnavailableError(
                f"{TRIES} actors of Ray died while they read it; see its logs, or ingest it "
                "without --ray"
            )
        finally:
            free.put_nowait(actor)  # where Ray was begun again meanwhile, nobody takes it

    async def pids(self) -> list[int]:
        """Process ids of the actors that wait for a file."""
        await self._start()
        free = [self._free.get_nowait() for _ in range(self._free.qsize())]
        for actor in free:
            self._free.put_nowait(actor)
        return [await actor.pid.remote() for actor in free]

    async def close(self) -> None:
        """End the actors, and Ray where it was started here."""
        if self._starting is None:
            return
        await asyncio.wait([self._starting])
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        if self._starting.exception() is None:
            await asyncio.to_thread(self._ray.shutdown)

    async def _once(
        self,
        actor: Any,
        file: FileToRead,
        reached: Reached,
        sink: Callable[[Embedded], Awaitable[None]],
    ) -> Observed:
        options = {"num_returns": "streaming", "_generator_backpressure_num_objects": AHEAD}
        stream = actor.read.options(**options).remote(file, reached)
        try:
            while (reference := await self._or_gone(anext(stream, None))) is not None:
                result = await self._or_gone(reference)
                if isinstance(result, OmniError):
                    raise result
                if isinstance(result, Observed):
                    return result
                await sink(result)
        except self._ray.exceptions.RayActorError:
            raise
        except BaseException:  # also what `sink` raises: the actor would wait for it for ever
            if self._watching is not None and not self._watching.done():
                self._ray.cancel(stream)
            raise
        raise UnavailableError("Ray ended the reading of it; ingest it again")

    async def _actor(self) -> Any:
        """One that is free."""
        waiting = asyncio.ensure_future(self._free.get())  # ended by `_or_gone`
        try:
            return await self._or_gone(waiting)
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._free.put_nowait(waiting.result())
            raise

    async def _or_gone(self, wanted: Awaitable[T]) -> T:
        """What is wanted. Raises UnavailableError where Ray ends before."""
        waiting = asyncio.ensure_future(wanted)  # ended below
        until = {waiting} if self._watching is None else {waiting, self._watching}
        try:
            await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        finally:
            waiting.cancel()
            waiting.add_done_callback(heard)
        raise UnavailableError(
            f"Ray has ended at {self._settings.ray!r} while it read files: start it again, or use "
            "--ray local; ingesting the same again goes on from there"
        )

    async def _watch(self) -> None:
        """Returns when the node of Ray that this process uses has ended."""
        here = self._ray.get_runtime_context().get_node_id()
        while True:
            await asyncio.sleep(LOOK_S)
            looking = asyncio.to_thread(self._ray.nodes)
            try:
                nodes = await asyncio.wait_for(looking, GONE_S)
            except Exception as e:  # Ray raises many kinds
                log.warning("Ray does not say which nodes it has: %s", _line(e))
                return
            if not any(node["NodeID"] == here and node["Alive"] for node in nodes):
                return

    async def _start(self) -> None:
        """Connect at the first file, and again after Ray could not be used, or has ended."""
        ended = self._watching is not None and self._watching.done()
        if self._starting is None or (
            self._starting.done() and (ended or self._starting.exception())
        ):
            self._starting = asyncio.create_task(self._connect(), name="connect to Ray")
            self._starting.add_done_callback(heard)
        await asyncio.shield(self._starting)

    async def _connect(self) -> None:
        self._ray = await asyncio.to_thread(_import, self._settings.ray)
        if self._watching is not None:  # what is left of one that has ended
            await asyncio.to_thread(self._ray.shutdown)
        await asyncio.to_thread(self._init)
        self._free, self._watching = asyncio.Queue(), None
        needs = {"num_cpus": 1, "num_gpus": self._settings.ray_gpus}
        kind = self._ray.remote(FileReader).options(**needs)
        self._make = functools.partial(kind.remote, for_actors(self._settings))
        for _ in range(self._settings.ray_actors):
            self._free.put_nowait(await asyncio.to_thread(self._make))
        self._watching = asyncio.create_task(self._watch(), name="see whether Ray runs")
        self._watching.add_done_callback(heard)

    def _init(self) -> None:
        address = self._settings.ray
        _require_answer(address)
        # No public switch stops what its raylet prints on stdout, where answers and protocol go.
        self._ray._private.worker._worker_logs_enabled = False
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address == LOCAL:
                cpus = self._settings.ray_actors  # of one each, however many cores there are
                self._ray.init(address=LOCAL, num_cpus=cpus, include_dashboard=False, **quiet)
            else:
                self._ray.init(address=address, **quiet)
        except Exception as e:  # Ray raises many kinds
            raise UnavailableError(
                f"Ray cannot be used at {address!r} ({_line(e)}); check the address of --ray, or "
                "use --ray local"
            ) from e


def for_actors(settings: Settings) -> Settings:
    """The settings without what opens a store or a server: a cluster keeps what it is sent."""
    return replace(settings, ray="", decoders=1, token="", qdrant_api_key="", catalog="")


def _import(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    given = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    if address == LOCAL and not given:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        import ray
    except ImportError:
        raise UnavailableError(
            "ray is not installed; pip install 'omni-mcp[ray]', or ingest without --ray"
        ) from None
    return ray


def _require_answer(address: str) -> None:
    """Raise UnavailableError where nobody listens: Ray itself would try for minutes."""
    found = re.fullmatch(r"(?:ray://)?\[?([^/\[\]]+?)\]?:(\d{1,5})", address)
    if found is None:
        return
    host, port = found[1], int(found[2])
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except (OSError, OverflowError) as e:
        raise UnavailableError(
            f"no Ray cluster answers at {address!r} ({_line(e)}); check the address of --ray, or "
            "use --ray local"
        ) from e


def _line(error: Exception) -> str:
    first, *_ = [*str(error).strip().splitlines(), type(error).__name__]
    return first[:300]
