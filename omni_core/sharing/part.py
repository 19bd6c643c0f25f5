"""What a caller with rights on some collections has of an engine elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from omni_core.collection_rights import CollectionRights
from omni_core.engine.api import EngineApi
from omni_core.engine.results import SourceRow
from omni_core.sharing.forwarding import forwarding
from omni_core.sharing.methods import METHODS, Method


class Carries(Protocol):
    """What calls the engine with the collections that are shown."""

    async def _call(
        self, method: Method, arguments: Mapping[str, Any], *, within: tuple[str, ...]
    ) -> Any:
        """The result of a method of `Engine.within`."""
        ...

    def _listen(
        self, method: Method, arguments: Mapping[str, Any], *, within: tuple[str, ...]
    ) -> Callable[[], None]:
        """Begin to listen to a method of `Engine.within`; the function that ends it."""
        ...


Forget = Callable[..., Any]


@forwarding
class Part(EngineApi):
    """The methods of `Engine.within`, each carried with the names of the collections."""

    def __init__(
        self, whole: Carries, rights: CollectionRights, forget: Forget | None = None
    ) -> None:
        """Use `Part.of`."""
        self._whole, self._rights, self._forget = whole, rights, forget

    @classmethod
    def of(
        cls, whole: Carries, rights: CollectionRights, forget: Forget | None = None
    ) -> EngineApi:
        """What `rights` show of an engine that `whole` calls; `forget` is how that forgets a
        source, where it takes more than a call."""
        return cls(whole, rights, forget)

    async def close(self) -> None:
        """Nothing: the engine is left by its owner."""

    def within(self, collections: Sequence[str]) -> EngineApi:
        """A part of this part. Raises RefusedError FORBIDDEN for more than that."""
        return Part.of(self._whole, self._rights.narrowed(collections), self._forget)

    async def forget(self, source: str, *, now: bool = False) -> SourceRow:
        """Remove a source from the collections that the caller may change."""
        if self._forget is not None:
            row: SourceRow = await self._forget(source, now=now, within=self._rights.written)
            return row
        arguments = {"source": source, "now": now}
        gone: SourceRow = await self._call(METHODS["forget"], arguments)
        return gone

    async def _call(self, method: Method, arguments: Mapping[str, Any]) -> Any:
        return await self._whole._call(method, arguments, within=self._rights.written)

    def _listen(self, method: Method, arguments: Mapping[str, Any]) -> Callable[[], None]:
        return self._whole._listen(method, arguments, within=self._rights.written)
