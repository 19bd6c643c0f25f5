"""The model worker's service: every model of the project in one child process.

Two lanes: questions are answered while evidence is being read and embedded, each on its own
thread (ONNX Runtime, CTranslate2 and torch release the GIL while they compute). Models load in
the background in the order in which they are needed: the encoder, so that a search can run, then
the readers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from omni_core.errors import OmniError, UnavailableError
from omni_core.protocols import Encoder, Reader, Reranker, Transcriber
from omni_core.readers.pages import pages_with_words
from omni_core.settings import Settings
from omni_core.types import (
    Content,
    Encoded,
    ImageContent,
    Samples,
    Segment,
    TextContent,
    Vector,
    VideoContent,
)

if TYPE_CHECKING:
    from omni_core.readers import MissingReader

log = logging.getLogger(__name__)
T = TypeVar("T")

PAGE_WORDS_ONLY = 80
"""A page with so many words is a page of words; one with fewer may be a slide or a brochure,
whose picture counts too."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which readers a source does not need: a video with subtitles is not transcribed again."""

    skip: frozenset[str] = frozenset()
    """Names of readers."""


@dataclass(frozen=True, slots=True)
class Processed:
    """Segments with their vectors, ready to index; what it cost and what was not possible."""

    encoded: tuple[Encoded, ...]
    timings: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Whether questions can be answered and evidence be read, in words."""

    encoder: Literal["loading", "ready", "failed"]
    readers: Literal["loading", "ready"]
    message: str = ""
    warnings: tuple[str, ...] = ()
    loaded_s: dict[str, float] = field(default_factory=dict)


class ModelService:
    """Runs inside `omni_core.worker`; see there for how its methods are called."""

    lanes: dict[str, str] = {  # noqa: RUF012 - read by the worker, never written
        "encode_questions": "questions",
        "understand": "questions",
        "transcribe": "questions",
        "rerank": "questions",
        "status": "status",
        "wait_ready": "status",
    }

    def __init__(self, settings: Settings) -> None:
        """Begin to load; answers `status` at once."""
        self._settings = settings
        self._encoder: Encoder | None = None
        self._encoder_error: OmniError | None = None
        self._readers: list[Reader] = []
        self._missing: list[MissingReader] = []
        self._warnings: list[str] = []
        self._reranker: Reranker | None = None
        self._reranker_error: OmniError | None = None
        self._loaded: dict[str, float] = {}
        self._encoder_ready = threading.Event()
        self._readers_ready = threading.Event()
        self._reranker_ready = threading.Event()
        self._reader_lock = threading.Lock()
        threading.Thread(target=self._load, name="loader", daemon=True).start()

    def _load(self) -> None:
        started = time.perf_counter()
        try:
            # Imported in the worker only: the server knows this module for its plain answers.
            from omni_core import encoders

            self._encoder = encoders.load(self._settings)
        except OmniError as e:
            self._encoder_error = e
        except Exception as e:
            log.exception("the encoder did not load")
            self._encoder_error = UnavailableError(
                f"the encoder {self._settings.encoder!r} did not load: {type(e).__name__}: "
                f"{str(e).splitlines()[0] if str(e) else ''}; run `omni-mcp doctor`"
            )
        finally:
            self._loaded["encoder"] = time.perf_counter() - started
            self._encoder_ready.set()
        try:
            from omni_core import readers

            self._readers, self._missing = readers.load(self._settings)
            self._warnings = [m.message for m in self._missing]
        except Exception as e:
            log.exception("the readers did not load")
            self._warnings = [f"no words are read from sound and pictures: {e}"]
        finally:
            self._loaded["readers"] = time.perf_counter() - started - self._loaded["encoder"]
            self._readers_ready.set()
        self._load_reranker()

    def _load_reranker(self) -> None:
        started = time.perf_counter()
        try:
            if self._settings.reranker:
                from omni_core import encoders

                self._reranker = encoders.load_reranker(self._settings)
                self._loaded["reranker"] = time.perf_counter() - started
        except OmniError as e:
            self._reranker_error = e
        except Exception as e:
            log.exception("the reranker did not load")
            self._reranker_error = UnavailableError(
                f"the reranker {self._settings.reranker!r} did not load: {type(e).__name__}; "
                "run `omni-mcp doctor`"
            )
        finally:
            self._reranker_ready.set()

    def status(self) -> ModelStatus:
        """What is loaded, at once."""
        encoder: Literal["loading", "ready", "failed"] = "loading"
        if self._encoder_ready.is_set():
            encoder = "ready" if self._encoder is not None else "failed"
        return ModelStatus(
            encoder,
            "ready" if self._readers_ready.is_set() else "loading",
            str(self._encoder_error or ""),
            tuple(self._warnings),
            dict(self._loaded),
        )

    def wait_ready(self, timeout_s: float) -> ModelStatus:
        """Wait for every model, at most so long."""
        until = time.monotonic() + timeout_s
        self._encoder_ready.wait(timeout_s)
        self._readers_ready.wait(max(0.0, until - time.monotonic()))
        return self.status()

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Vectors on the question's side; waits for the encoder to load."""
        return self._ready_encoder().encode_questions(contents)

    def process(
        self, segments: Sequence[Segment], options: ReadOptions, urgent: bool = False
    ) -> Processed:
        """Read the words in `segments`, then embed both; vectors of unknown channels are None.

        Consecutive calls carry consecutive segments of one source; end with `flush`. `urgent`
        goes ahead of ingest, where the encoder can.
        """
        clock = _Clock()
        self._readers_ready.wait()
        found = [*segments]
        for reader in self._wanted(options):
            if taken := reader.select(found):
                with self._reader_lock:
                    found += clock.time(reader.name, reader.read, taken)
        return self._encode(found, clock, self._lost(segments, options), urgent)

    def flush(self, source_id: str) -> Processed:
        """Words that a reader was still holding back for this source."""
        clock = _Clock()
        found: list[Segment] = []
        for reader in self._readers:
            with self._reader_lock:
                if taken := reader.select(found):
                    found += clock.time(reader.name, reader.read, taken)
                found += clock.time(reader.name, reader.flush, source_id)
        return self._encode(found, clock, ())

    def _wanted(self, options: ReadOptions) -> list[Reader]:
        info = self._ready_encoder().info
        return [r for r in self._readers if r.name not in options.skip and r.useful_with(info)]

    def understand(self, segments: Sequence[Segment]) -> Processed:
        """`process` and `flush` in one, for a question asked by a file."""
        first = self.process(segments, ReadOptions(), urgent=True)
        rest = self.flush(segments[0].source_id) if segments else Processed(())
        return Processed(first.encoded + rest.encoded, first.timings, first.warnings)

    def rerank(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """The second stage's scores; waits for its model to load."""
        self._reranker_ready.wait()
        if self._reranker is None:
            raise self._reranker_error or UnavailableError(
                "no reranker is set; name one with OMNI_RERANKER (see `omni-mcp models`)"
            )
        return self._reranker.score(question, candidates)

    def transcribe(self, samples: Samples) -> str:
        """The words of a spoken question; empty when nothing is heard."""
        self._readers_ready.wait()
        reader = next((r for r in self._readers if isinstance(r, Transcriber)), None)
        if reader is None:
            raise UnavailableError("no speech model is loaded; run `omni-mcp doctor`")
        with self._reader_lock:
            return reader.transcribe(samples)

    def _encode(
        self,
        segments: list[Segment],
        clock: _Clock,
        warnings: Sequence[str],
        urgent: bool = False,
    ) -> Processed:
        encoder = self._ready_encoder()
        encode = encoder.encode_urgent if urgent else encoder.encode
        plain = set() if encoder.info.pages else pages_with_words(segments, PAGE_WORDS_ONLY)
        wanted = [
            i
            for i, s in enumerate(segments)
            if s.content is not None
            and not (isinstance(s.content, ImageContent) and s.span.start in plain)
            # what a sound may be is words, which every encoder takes
            and (s.channel in encoder.info.channels or isinstance(s.content, TextContent))
        ]
        contents = [c for i in wanted if (c := segments[i].content) is not None]
        vectors = clock.time("embed", encode, contents) if contents else []
        by_place = dict(zip(wanted, vectors, strict=True))
        more = clock.time("embed", _looks, encoder, segments, wanted)
        seen: dict[int, str] = {}
        pictures = [
            i for i in wanted if isinstance(segments[i].content, ImageContent | VideoContent)
        ]
        if pictures:
            looks = [c for i in pictures if (c := segments[i].content) is not None]
            described = clock.time("embed", encoder.caption, looks)
            seen = dict(zip(pictures, described, strict=True))
        out = tuple(
            Encoded(_light(s, seen.get(i, "")), by_place.get(i)) for i, s in enumerate(segments)
        )
        return Processed(out + more, clock.spent, tuple(warnings))

    def _ready_encoder(self) -> Encoder:
        self._encoder_ready.wait()
        if self._encoder is None:
            raise self._encoder_error or UnavailableError("the encoder did not load")
        return self._encoder

    def _lost(self, segments: Sequence[Segment], options: ReadOptions) -> list[str]:
        """The warnings about missing readers that matter to these segments."""
        return [
            m.message
            for m in self._missing
            if not m.off and m.reader.name not in options.skip and m.reader.select(segments)
        ]

    def close(self) -> None:
        """Nothing to save."""


def _looks(
    encoder: Encoder, segments: Sequence[Segment], wanted: Sequence[int]
) -> tuple[Encoded, ...]:
    """Videos whose frames differ have a vector for each look, as further parts of the segment:
    the mean of a beach and a face is neither."""
    videos = [segments[i] for i in wanted if isinstance(segments[i].content, VideoContent)]
    if not videos:
        return ()
    looks = encoder.encode_additional([s.content for s in videos if s.content is not None])
    return tuple(
        Encoded(replace(segment.without_content(), part=number), vector)
        for segment, vectors in zip(videos, looks, strict=True)
        for number, vector in enumerate(vectors, 1)
    )


def _light(segment: Segment, seen: str) -> Segment:
    light = segment.without_content()
    return replace(light, extra={**light.extra, "seen": seen}) if seen else light


class _Clock:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def time(self, stage: str, work: Callable[..., T], *args: object) -> T:
        started = time.perf_counter()
        try:
            return work(*args)
        finally:
            self.spent[stage] += time.perf_counter() - started


def service(settings: Settings) -> ModelService:
    """The worker's entry point."""
    return ModelService(settings)
