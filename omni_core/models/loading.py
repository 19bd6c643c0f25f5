"""Models that load in the background, in the order in which they are needed.

The encoder first, so that a search can run, then the readers, then the reranker. Where the readers
are not loaded ahead, they come last, once they are asked for. Access to one that is not loaded yet
waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from omni_core import encoders, readers
from omni_core.errors import OmniError, UnavailableError
from omni_core.models.answers import Ahead, LoadState, ModelStatus, UnloadedReader
from omni_core.models.reading import Readers
from omni_core.protocols import Encoder, Reader, Reranker
from omni_core.readers import MissingReader
from omni_core.sandbox import entering
from omni_core.settings import Settings

if TYPE_CHECKING:
    from omni_core.models.remote.reading import RemoteReading

log = logging.getLogger(__name__)
T = TypeVar("T")
_NEXT_FOLDER = "models know their own folders alone: name this one in model_folders"
_KEEPS = "it cannot save what it buffers (Reader.save), so it runs on one machine only"


class LoadingModels:
    """The models of `settings`, each loaded once, one after the other in a background thread."""

    def __init__(
        self, settings: Settings, *, handing_over: bool = False, ahead: Ahead = "all"
    ) -> None:
        """Start loading; with `handing_over` only readers that can save what they buffer."""
        self._settings = settings
        self._handing_over = handing_over
        self._encoder: Future[Encoder] = Future()
        self._readers: Future[Readers | RemoteReading] = Future()
        self._reranker: Future[Reranker] = Future()
        self._seconds: dict[str, float] = {}
        self._wanted = threading.Event()
        """Whether the readers are to be loaded."""
        if ahead == "all":
            self._wanted.set()
        threading.Thread(target=self._load, name="loader", daemon=True).start()

    def encoder(self) -> Encoder:
        """The encoder; waits for it, and raises what its loading raised."""
        return self._encoder.result()

    def readers(self) -> Readers:
        """The readers; waits for them. None where loading failed as a whole (see `status`), or
        where reading is done elsewhere."""
        found = self._found()
        return found if isinstance(found, Readers) else Readers((), ())

    def elsewhere(self) -> RemoteReading | None:
        """What reads and embeds on other machines, where these do; waits for the readers."""
        found = self._found()
        return None if isinstance(found, Readers) else found

    def reranker(self) -> Reranker:
        """The second stage; waits for it, and raises UnavailableError where none is set."""
        return self._reranker.result()

    def status(self) -> ModelStatus:
        """What is loaded, without waiting."""
        loaded = self._encoder.done() and self._encoder.exception() is None
        lacks = tuple(lack.message for lack in self.encoder().lacks) if loaded else ()
        unloaded: tuple[UnloadedReader, ...] = ()
        if self._readers.done():
            there = self.elsewhere()
            unloaded = there.unloaded if there else _unloaded(self.readers())
        return ModelStatus(
            _state(self._encoder),
            _state(self._readers),
            _error(self._encoder),
            _error(self._readers),
            unloaded,
            dict(self._seconds),
            lacks,
        )

    def wait(self, timeout_s: float) -> ModelStatus:
        """Wait for the encoder and the readers, at most `timeout_s`."""
        self._wanted.set()
        until = time.monotonic() + timeout_s
        wait([self._encoder], timeout_s)
        wait([self._readers], max(0.0, until - time.monotonic()))
        return self.status()

    def close(self) -> None:
        """Close the loaded models: connections and threads."""
        for future in (self._encoder, self._reranker):
            if future.done() and future.exception() is None:
                future.result().close()

    def _load(self) -> None:
        chosen = self._settings
        self._fill(self._encoder, "encoder", chosen.encoder, lambda: encoders.load(chosen))
        if ahead := self._wanted.is_set():
            self._fill(self._readers, "readers", "", self._load_readers)
        self._fill(self._reranker, "reranker", chosen.reranker, lambda: _load_reranker(chosen))
        try:
            entering.loaded()  # readers fetch nothing; those of plug-ins keep the network
        except OSError as e:
            log.error("the process of models keeps the network: %s", e.strerror or e)
        if not ahead:
            self._wanted.wait()
            self._fill(self._readers, "readers", "", self._load_readers)

    def _found(self) -> Readers | RemoteReading:
        self._wanted.set()
        wait([self._readers])
        return Readers((), ()) if self._readers.exception() else self._readers.result()

    def _load_readers(self) -> Readers | RemoteReading:
        if self._settings.encoder_url and self._encoder.exception() is None:
            from omni_core.models.remote import reading  # the HTTP client, which few need

            there = reading.of(self._encoder.result(), self._settings)
            if there is not None:
                return there
        loaded, missing = readers.load(self._settings)
        if self._handing_over:
            missing += [MissingReader(type(r), _KEEPS) for r in loaded if not _can_save(r)]
            loaded = [r for r in loaded if _can_save(r)]
        return Readers(tuple(loaded), tuple(missing))

    def _fill(self, future: Future[T], part: str, name: str, load: Callable[[], T]) -> None:
        started = time.perf_counter()
        try:
            loaded = load()
        except OmniError as e:
            future.set_exception(e)
        except Exception as e:  # a model's library may raise anything; callers get it
            log.exception("the %s did not load", part)
            first, *_ = [*str(e).splitlines(), ""]
            what = f"the {part} {name!r}" if name else f"the {part}"
            next_step = _NEXT_FOLDER if isinstance(e, PermissionError) else "run `omni-mcp doctor`"
            future.set_exception(
                UnavailableError(f"{what} did not load: {type(e).__name__}: {first}; {next_step}")
            )
        else:
            self._seconds[part] = time.perf_counter() - started
            future.set_result(loaded)


def _can_save(reader: Reader) -> bool:
    return type(reader).save is not Reader.save


def _unloaded(found: Readers) -> tuple[UnloadedReader, ...]:
    return tuple(
        UnloadedReader(m.reader.name, "off" if m.off else "missing", m.reader.loss, m.why)
        for m in found.missing
    )


def _load_reranker(settings: Settings) -> Reranker:
    if not settings.reranker:
        raise UnavailableError(
            "no reranker is set; name one with OMNI_RERANKER (see `omni-mcp models`)"
        )
    return encoders.load_reranker(settings)


def _state(future: Future[T]) -> LoadState:
    if not future.done():
        return "loading"
    return "ready" if future.exception() is None else "failed"


def _error(future: Future[T]) -> str:
    return str(future.exception() or "") if future.done() else ""
