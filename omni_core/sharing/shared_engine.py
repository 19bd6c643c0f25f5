"""An engine that several processes share: one runs it, the others call it through a socket.

Whoever takes the lock in `<store>/shared` opens the engine and serves it; the others connect. When
the serving process ends, in whatever way, one of the others takes the lock and opens the engine,
the rest connect to that one, and calls under way are made again.

Why every call may be made again: reading calls (search, open_ref, sources, read, check, status)
change nothing that a caller sees. An ingest is named by the sha256 of the file's bytes, and each
step overwrites what an interrupted one left; done already, it answers so. Forgetting a source
twice leaves what forgetting it once does; only the answer differs, and `forget` mends that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Self

from omni_core import read_only
from omni_core.collection_rights import CollectionRights
from omni_core.engine import Engine
from omni_core.engine.api import EngineApi
from omni_core.engine.results import SourceRow
from omni_core.errors import NotFoundError, OmniError, StoppedError, UnavailableError
from omni_core.models.answers import Ahead
from omni_core.settings import Settings
from omni_core.sharing.attaching import Attached, attach
from omni_core.sharing.connection import Connection, HostGoneError
from omni_core.sharing.forwarding import forwarding
from omni_core.sharing.hosting import Hosting
from omni_core.sharing.methods import METHODS, Method
from omni_core.sharing.part import Part
from omni_core.tasks import TaskOwner, heard, result_of

log = logging.getLogger(__name__)

OnHost = Callable[[Engine], Coroutine[Any, Any, None]]

MAX_TRIES = 5
"""A call during which so many hosts have ended is not made again: it may be what ends them."""


@forwarding
class SharedEngine(EngineApi):
    """The methods of `Engine`, on the one engine that all processes on a store share.

    Relative paths are those of this process. Settings of the engine are those of the process that
    opened it; the model, the index and the version must be the same.
    """

    def __init__(self, settings: Settings, on_host: OnHost | None, ahead: Ahead = "all") -> None:
        """Use `SharedEngine.open`."""
        self._settings, self._on_host, self._ahead = settings, on_host, ahead
        self._overlay: read_only.Overlay | None = None
        self._tasks = TaskOwner("the shared engine")
        self._attached: Attached | None = None
        self._attaching: asyncio.Task[Attached] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._listening: dict[object, tuple[Method, Mapping[str, Any], tuple[str, ...]]] = {}
        self._stops: dict[object, Callable[[], None]] = {}

    @classmethod
    async def open(
        cls, settings: Settings, *, on_host: OnHost | None = None, ahead: Ahead = "all"
    ) -> Self:
        """Connect to the process that serves this store, or be that process.

        `on_host` is awaited in the background, with the engine, whenever this process begins to
        run it, also when it takes over: for what an engine should go on with. `ahead` are the
        models that it then loads before they are needed, as for `Engine.open`.
        Raises what `Engine.open` raises, and StoreError STORE_BUSY when the store is held by a
        process that does not share it, cannot be reached, or is of another version or model.
        """
        overlay = await asyncio.to_thread(read_only.overlaid, settings)
        engine = cls(settings if overlay is None else overlay.settings, on_host, ahead)
        engine._overlay = overlay
        try:
            await engine._here()
        except BaseException:
            await engine.close()
            raise
        return engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def local(self) -> Engine | None:
        """The engine itself, while this process runs it."""
        return self._attached.engine if isinstance(self._attached, Hosting) else None

    @property
    def overruled(self) -> str:
        """Settings that differ in the process which runs the engine, and apply: `speech=off (here
        base)`; "" when there are none."""
        return self._attached.overruled if isinstance(self._attached, Connection) else ""

    async def close(self) -> None:
        """Leave the engine; the process that runs it closes it, and another one takes over.

        Closing again does nothing.
        """
        if self._closing is None:
            # A task of its own: a cancelled caller does not interrupt the closing.
            self._closing = asyncio.create_task(self._close(), name="close the shared engine")
            self._closing.add_done_callback(heard)
        elif self._closing.done():
            return
        await result_of(self._closing)

    async def _close(self) -> None:
        try:
            await self._tasks.close()
        finally:
            if self._attached is not None:
                await self._attached.close()
            if self._overlay is not None:
                await asyncio.to_thread(self._overlay.close)

    async def status(self) -> dict[str, Any]:
        """That of the engine, and `sharing`: the pid of the process that runs it, how many others
        use it, and whether this process is the `host` or a `client`."""
        found: dict[str, Any] = await self._call(METHODS["status"], {})
        here = "client" if isinstance(self._attached, Connection) else "host"
        sharing = {**found["sharing"], "here": here}
        return {**found, "sharing": sharing}

    def within(self, collections: Sequence[str]) -> EngineApi:
        """The engine for a caller with rights on these collections, whichever process runs it."""
        return Part.of(self, CollectionRights.of(collections), self.forget)

    async def forget(
        self, source: str, *, now: bool = False, within: tuple[str, ...] = ()
    ) -> SourceRow:
        """Remove a source from the library, or from the collections that are named; the file is not
        touched."""
        row: SourceRow | None = None
        again = False

        def note() -> None:
            nonlocal again
            again = True

        if isinstance(self._attached, Connection):
            try:
                row = await (self.within(within) if within else self).named(source)
            except OmniError as e:
                log.debug("what is forgotten is not known before: %s", e)
        try:
            arguments = {"source": source, "now": now}
            gone: SourceRow = await self._call(
                METHODS["forget"], arguments, again=note, within=within
            )
        except NotFoundError:
            if row is None or not again:
                raise
            return row  # the host ended after it had removed it, and before it said so
        return gone

    async def _call(
        self,
        method: Method,
        arguments: Mapping[str, Any],
        *,
        again: Callable[[], None] = lambda: None,
        within: tuple[str, ...] = (),
    ) -> Any:
        """The method's result, from whichever process runs the engine by then; `again` is called
        before the call is repeated."""
        if method.name in read_only.WRITES:  # also where another process may write
            read_only.refuse(self._settings)
        now = asyncio.get_running_loop().time
        began = now()
        for _ in range(MAX_TRIES):
            here = await self._here()
            try:
                engine = here.within(within) if within else here
                left = _with_the_rest(arguments, now() - began)
                return await getattr(engine, method.name)(**left)
            except HostGoneError as e:
                log.info("%s is asked again: %s", method.name, e)
                again()
        raise UnavailableError(
            f"{MAX_TRIES} processes that ran the engine have ended during this call; "
            "run `omni-mcp doctor`, and look into the log of the server",
            code="WORKER_DIED",
        )

    def _listen(
        self, method: Method, arguments: Mapping[str, Any], *, within: tuple[str, ...] = ()
    ) -> Callable[[], None]:
        """Listen to whichever process runs the engine, until the returned function is called."""
        key = object()
        self._listening[key] = (method, arguments, within)
        if self._attached is not None:
            self._stops[key] = _begun(self._attached, method, arguments, within)

        def stop() -> None:
            self._listening.pop(key, None)
            self._stops.pop(key, lambda: None)()

        return stop

    async def _here(self) -> Attached:
        """The engine, as it can be reached now; searched for once for all callers."""
        if self._closing is not None:
            raise StoppedError("the engine is closed; open it again")
        if self._attached is not None and not self._attached.gone:
            return self._attached
        task = self._attaching
        if task is None or task.done():
            task = self._attaching = self._tasks.start(
                self._attach(), name="reaching the engine", log_failure=False
            )
        return await result_of(task)

    async def _attach(self) -> Attached:
        found = await attach(self._settings, self._ahead)
        self._attached = found
        if isinstance(found, Connection):
            found.start(self._lost)
        elif self._on_host is not None:
            self._tasks.start(self._on_host(found.engine), name="going on with a library")
        for key, (method, arguments, within) in self._listening.items():
            self._stops[key] = _begun(found, method, arguments, within)
        return found

    def _lost(self) -> None:
        """The host has gone: look for the next one at once, so that listening goes on."""
        former, self._attached = self._attached, None
        self._stops.clear()
        if self._closing is None and former is not None:
            self._tasks.start(former.close(), name="leaving a host that has ended")
            self._tasks.start(self._follow(), name="following the engine")

    async def _follow(self) -> None:
        try:
            await self._here()
        except OmniError as e:  # the next call tries again, and says it to its caller
            log.warning("the engine cannot be reached: %s", e)


def _begun(
    engine: EngineApi, method: Method, arguments: Mapping[str, Any], within: tuple[str, ...]
) -> Callable[[], None]:
    """Begin to listen to an engine, or to what is shown of it."""
    seen = engine.within(within) if within else engine
    stop: Callable[[], None] = getattr(seen, method.name)(**arguments)
    return stop


def _with_the_rest(arguments: Mapping[str, Any], elapsed: float) -> Mapping[str, Any]:
    """The arguments, with what is left of the time that the caller will wait."""
    wait_s = arguments.get("wait_s")
    if wait_s is None or elapsed < 1:
        return arguments
    return {**arguments, "wait_s": max(0.0, wait_s - elapsed)}
