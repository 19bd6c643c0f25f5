"""Notifies listeners of changes to the library."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Listener = Callable[[str], Awaitable[None]]
"""Called with the id of a source that changed or was removed. Its exceptions are logged."""


class Changes:
    """Notifies listeners when a source becomes ready or partial, is renamed, or is removed."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every change. Returns a function that ends this."""
        key = object()
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)

        return stop

    async def notify(self, source_id: str) -> None:
        """Call every listener, one after another. Call this after the catalog was written."""
        for listener in tuple(self._listeners.values()):
            try:
                await listener(source_id)
            except Exception:
                log.exception("a listener failed at the change of %s", source_id)
