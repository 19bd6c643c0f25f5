"""Who is told that the library has changed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Listener = Callable[[str], Awaitable[None]]
"""Called with the id of the source that has changed or is gone. An error of its own is logged."""


class Changes:
    """Passes on which source became ready or partial, was renamed, or left the library."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of every change from now on, until the callable given back is called."""
        key = object()
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)

        return stop

    async def tell(self, source_id: str) -> None:
        """Call every listener, one after another; the catalog holds the change already."""
        for listener in tuple(self._listeners.values()):
            try:
                await listener(source_id)
            except Exception:
                log.exception("a listener failed at the change of %s", source_id)
