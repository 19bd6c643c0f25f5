"""The child processes of an engine: one that runs the models, several that decode media."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from omni_core.decoder import Decoder
from omni_core.engine import confinement
from omni_core.engine.decoder_death import tried_twice
from omni_core.engine.lanes import NOBODY, Lane, Waiting, Whose
from omni_core.engine.session import Session
from omni_core.engine.weights_to_come import WeightsToCome
from omni_core.models.answers import ANSWERS, Ahead, ModelStatus, Processed
from omni_core.settings import Settings
from omni_core.types import Content, EncoderInfo, Samples, Segment, Vector
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

MODEL_LOAD_S = 600.0
"""How long a question waits for models that are still loading."""


class Models:
    """The model worker.

    A call during which the child dies is repeated once, except those of a `session`."""

    def __init__(
        self, settings: Settings, ahead: Ahead = "all", info: EncoderInfo | None = None
    ) -> None:
        """The child starts with the first call, and loads `ahead` before the calls that need it.
        `info`: the encoder that the library was opened with; workers elsewhere that run another one
        by then are refused."""
        fingerprint = info.fingerprint if info is not None and settings.encoder_url else ""
        self._worker = Worker(
            "model worker",
            "omni_core.models.service:service",
            answers=ANSWERS,
            rules=lambda: confinement.of_models(settings),
            settings=confinement.without_secrets(settings),
            ahead=ahead,
            fingerprint=fingerprint,
        )
        self._weights = WeightsToCome(settings)
        self._loaded = 0
        """Which start of the child is known to have loaded the encoder; 0: none."""

    async def start(self) -> ModelStatus:
        """Fetch weights that are missing, then start loading in the background."""
        await self._weights.wait()
        return await self.status()

    async def status(self) -> ModelStatus:
        """What is loaded so far; does not wait."""
        if not self._weights.begin():
            return ModelStatus("loading", "loading", fetching=self._weights.progress)
        status: ModelStatus = await self._call("status")
        return status

    async def is_loading(self) -> bool:
        """Whether a question would wait for the encoder. Asks a child until it has loaded it."""
        if self._loaded == self._worker.starts and self._worker.pid is not None:
            return False
        loading = (await self.status()).encoder == "loading"
        if not loading:
            self._loaded = self._worker.starts
        return loading

    async def ready(self, timeout_s: float = MODEL_LOAD_S) -> ModelStatus:
        """Wait until every model is loaded or has failed, at most `timeout_s`."""
        started = time.monotonic()
        if not await self._weights.wait(timeout_s):
            return await self.status()
        left = max(0.0, timeout_s - (time.monotonic() - started))
        status: ModelStatus = await self._call("wait_ready", left)
        return status

    async def questions(self, contents: list[Content]) -> list[Vector | None]:
        """A vector for each question; None where the model cannot embed it."""
        vectors: list[Vector | None] = await self._call("encode_questions", contents)
        return vectors

    async def session(self, source_id: str) -> Session:
        """For the calls that read one source. Raises ModelsDied."""
        await self._weights.wait()
        return await Session.begun(source_id, self._worker)

    async def understand(self, segments: list[Segment]) -> Processed:
        """Read and embed the segments of an example file, with priority over ingest."""
        processed: Processed = await self._call("understand", segments)
        return processed

    async def rerank(
        self, question: Content, candidates: list[Content | str]
    ) -> list[float | None]:
        """The reranker's score of each candidate, in order; None where it has none."""
        scores: list[float | None] = await self._call("rerank", question, candidates)
        return scores

    async def can_tell_speakers(self) -> bool:
        """Whether a reader that tells speakers apart is loaded; waits for the readers."""
        can: bool = await self._call("can_tell_speakers")
        return can

    async def transcribe(self, samples: Samples) -> str:
        """The words of a spoken question."""
        words: str = await self._call("transcribe", samples)
        return words

    async def _call(self, method: str, *args: Any) -> Any:
        await self._weights.wait()
        try:
            return await self._worker.call(method, *args)
        except WorkerDied as e:
            log.warning("%s; starting it again", e)
            return await self._worker.call(method, *args)

    @property
    def asked(self) -> bool:
        """Whether anything was asked for, so that the models are loaded or being loaded."""
        return self._weights.begun

    @property
    def pid(self) -> int | None:
        """The child's process id; None while it is not running."""
        return self._worker.pid

    @property
    def restarts(self) -> int:
        """How often the child was started again."""
        return max(0, self._worker.starts - 1)

    async def close(self) -> None:
        """End the child."""
        self._weights.close()
        await asyncio.to_thread(self._worker.close, 2.0)


class Decoders:
    """A pool of decoder processes for ingest, and one of its own for opening evidence."""

    def __init__(self, settings: Settings) -> None:
        store = settings.store_path

        def make(name: str, nice: int) -> Decoder:
            return Decoder(
                name,
                mode=settings.sandbox,
                reads=(*settings.roots, str(store / "uploads"), str(store / "downloads")),
                writes=(str(store / "clips"),),
                variables=settings.child_env,
                memory_mb=settings.memory_mb,
                nice=nice,
                max_pixels=settings.max_pixels,
                max_file_mb=settings.max_file_mb,
                max_duration_s=settings.max_duration_s,
                max_pages=settings.max_pages,
                max_segments=settings.max_segments,
                max_decode_s=settings.max_decode_s,
                pdf=settings.pdf,
            )

        self._settings = settings
        self._cutters = [make("decoder", 5) for _ in range(max(1, settings.decoders))]
        self.long = Lane(self._cutters)
        """Decoders for any file; see `cutter`."""
        self._short = make("decoder", 5)
        self.short = Lane([self._short])
        """One more for short files, while the others are busy."""
        self._watched_cutter = make("decoder of watched folders", 10)
        self.watched = Lane([self._watched_cutter])
        """One for the files of watched folders, so that nobody waits for them."""
        self._opener = make("decoder", 0)
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def cutter(
        self, name: str = "a file", waiting: Waiting | None = None, whose: Whose = NOBODY,
        *, watched: bool = False,
    ) -> AsyncIterator[Worker]:  # fmt: skip
        """A decoder for the ingest of the file `name`; waits for a free one. Files of watched
        folders have one of their own."""
        async with (self.watched if watched else self.long).worker(name, waiting, whose) as worker:
            yield worker
        if self.long.idle and self.short.idle and self._short.pid is not None:
            async with self.short.worker("its end"):  # a small machine needs its memory
                await asyncio.to_thread(self._short.kill)

    async def warm(self) -> None:
        """Start the decoder that serves `open_ref`, which takes 0.4 s (5 s on a busy machine)."""
        await self._opener.start()

    async def open(self, method: str, *args: Any) -> Any:
        """One call of the decoder that serves `open_ref`, reranking and examples, repeated once
        where the decoder died. Raises `decoder_death.decoder_error`."""
        stall_s = self._settings.decode_stall_s
        async with self._opening:
            return await tried_twice(lambda: self._opener.call(method, *args, deadline_s=stall_s))

    @asynccontextmanager
    async def opener(self) -> AsyncIterator[Worker]:
        """That decoder, for a stream."""
        async with self._opening:
            yield self._opener

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return (*self._cutters, self._short, self._watched_cutter, self._opener)

    @property
    def pids(self) -> list[int]:
        """Process ids of the running children."""
        return [p for w in self._workers if (p := w.pid) is not None]

    @property
    def restarts(self) -> int:
        """How often children were started again."""
        return sum(max(0, w.starts - 1) for w in (*self._cutters, self._opener))

    async def close(self) -> None:
        """End every child, even if ending one fails; a decoder has nothing to save."""
        async with AsyncExitStack() as workers:
            for worker in self._workers:
                workers.push_async_callback(asyncio.to_thread, worker.close, 1.0)
                workers.push_async_callback(asyncio.to_thread, worker.kill)
