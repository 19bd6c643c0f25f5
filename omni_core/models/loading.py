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
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from omni_core import encoders, readers
from omni_core.errors import OmniError, UnavailableError, without_workers
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


@dataclass(slots=True)
class _Parts:
    """What is being loaded."""

    encoder: Future[Encoder] = field(default_factory=Future)
    readers: Future[Readers | RemoteReading] = field(default_factory=Future)
    reranker: Future[Reranker] = field(default_factory=Future)

    def away(self) -> BaseException | None:
        """The error, where no model worker elsewhere served."""
        return _away(self.encoder)


class LoadingModels:
    """The models of `settings`, each loaded once, one after the other in a background thread; anew,
    by the next call that needs them, where no model worker elsewhere served."""

    def __init__(
        self,
        settings: Settings,
        *,
        handing_over: bool = False,
        ahead: Ahead = "all",
        fingerprint: str = "",
    ) -> None:
        """Start loading; with `handing_over` only readers that can save what they buffer.
        `fingerprint`: of the encoder that the library was opened with, which may run elsewhere; ""
        for any."""
        self._settings = settings
        self._handing_over = handing_over
        self._fingerprint = fingerprint
        self._parts = _Parts()
        self._beginning = threading.Lock()
        self._seconds: dict[str, float] = {}
        self._wanted = threading.Event()
        """Whether the readers are to be loaded."""
        if ahead == "all":
            self._wanted.set()
        self._begin(self._parts, self._load)

    def encoder(self) -> Encoder:
        """The encoder; waits for it, and raises what its loading raised."""
        return self._needed().encoder.result()

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
        return self._needed().reranker.result()

    def status(self) -> ModelStatus:
        """What is loaded, without waiting. Where no model worker elsewhere answered they are asked
        anew: who wants to know whether a server is ready sends no question before it is."""
        parts = self._parts
        loaded = parts.encoder.done() and parts.encoder.exception() is None
        lacks = tuple(lack.message for lack in parts.encoder.result().lacks) if loaded else ()
        unloaded: tuple[UnloadedReader, ...] = ()
        if parts.readers.done() and parts.readers.exception() is None:
            found = parts.readers.result()
            unloaded = _unloaded(found) if isinstance(found, Readers) else found.unloaded
        self._needed()
        return ModelStatus(
            _state(parts.encoder),
            _state(parts.readers),
            _error(parts.encoder),
            _error(parts.readers),
            unloaded,
            dict(self._seconds),
            lacks,
        )

    def wait(self, timeout_s: float) -> ModelStatus:
        """Wait for the encoder and the readers, at most `timeout_s`."""
        self._wanted.set()
        until = time.monotonic() + timeout_s
        parts = self._parts
        wait([parts.encoder], timeout_s)
        wait([parts.readers], max(0.0, until - time.monotonic()))
        return self.status()

    def close(self) -> None:
        """Close the loaded models: connections and threads."""
        for future in (self._parts.encoder, self._parts.reranker):
            if future.done() and future.exception() is None:
                future.result().close()

    def _begin(self, parts: _Parts, load: Callable[[_Parts], None]) -> None:
        threading.Thread(target=load, args=(parts,), name="loader", daemon=True).start()

    def _needed(self) -> _Parts:
        """What is loaded, or being loaded: begun anew where no model worker served the last time,
        the reranker alone where the encoder is there."""
        with self._beginning:
            if self._parts.away() is not None:
                self._parts = _Parts()
                self._begin(self._parts, self._load)
            elif _away(self._parts.reranker) is not None:
                self._parts = replace(self._parts, reranker=Future())
                self._begin(self._parts, self._fill_reranker)
            return self._parts

    def _load(self, parts: _Parts) -> None:
        self._fill(parts.encoder, "encoder", self._settings.encoder, self._load_encoder)
        if (away := parts.away()) is not None:
            parts.readers.set_exception(away)
            parts.reranker.set_exception(away)
            return
        if ahead := self._wanted.is_set():
            self._fill(parts.readers, "readers", "", partial(self._load_readers, parts.encoder))
        self._fill_reranker(parts)
        try:
            entering.loaded()  # readers fetch nothing; those of plug-ins keep the network
        except OSError as e:
            log.error("the process of models keeps the network: %s", e.strerror or e)
        if not ahead:
            self._wanted.wait()
            self._fill(parts.readers, "readers", "", partial(self._load_readers, parts.encoder))

    def _found(self) -> Readers | RemoteReading:
        """Raises UnavailableError where no model worker answers: what is read without them lacks
        words."""
        self._wanted.set()
        parts = self._needed()
        wait([parts.readers])
        if (away := parts.away()) is not None:
            raise away
        return Readers((), ()) if parts.readers.exception() else parts.readers.result()

    def _load_encoder(self) -> Encoder:
        encoder = encoders.load(self._settings)
        its = encoder.info.fingerprint
        if self._fingerprint not in ("", its):
            encoder.close()
            raise UnavailableError(
                f"the model workers run {its}, this library was opened with {self._fingerprint}: "
                "start them with that --encoder and its settings",
                code="MODEL_MISMATCH",
            )
        return encoder

    def _fill_reranker(self, parts: _Parts) -> None:
        chosen = self._settings
        self._fill(parts.reranker, "reranker", chosen.reranker, lambda: _load_reranker(chosen))

    def _load_readers(self, encoder: Future[Encoder]) -> Readers | RemoteReading:
        if self._settings.encoder_url and encoder.exception() is None:
            from omni_core.models.remote import reading  # the HTTP client, which few need

            there = reading.of(encoder.result(), self._settings)
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


def _away(part: Future[T]) -> BaseException | None:
    """Why a part is not there, where that is for want of a model worker."""
    error = part.exception() if part.done() else None
    return error if without_workers(error) else None


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
