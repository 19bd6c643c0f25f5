"""Models that are not loaded while no worker elsewhere answers, and questions at the same time."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.responses import Response

from omni_core.encoders.remote import client
from omni_core.errors import WORKERS_UNREACHABLE, UnavailableError, without_workers
from omni_core.models.answers import ReadOptions
from omni_core.models.service import ModelService, service
from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_core.types import Channel, Modality, Segment, Span, TextContent
from tests.omni_core.encoders.remote.between import Answer, Between
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, loaded, running

pytestmark = pytest.mark.timeout(60)
QUESTION = [TextContent("how deep is it")]
PAGE = Segment(
    "src_a", Modality.DOCUMENT, Channel.TEXT, Span("page", 1, 2), TextContent("lava in a channel")
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)


@contextmanager
def served(settings: Settings, fingerprint: str = "") -> Iterator[ModelService]:
    models = service(settings, fingerprint=fingerprint)
    try:
        yield models
    finally:
        models.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def reached(url: str, tmp_path: Path) -> Settings:
    return Settings(store=str(tmp_path), encoder_url=url, encoder_token=TOKEN, **DEAF)


def test_models_are_loaded_anew_once_a_worker_answers(tmp_path: Path) -> None:
    port = free_port()
    with served(reached(f"http://127.0.0.1:{port}", tmp_path)) as models:
        for call in (
            lambda: models.encode_questions(QUESTION),
            lambda: models.process([PAGE], ReadOptions()),
            lambda: models.understand([PAGE]),
        ):
            with pytest.raises(UnavailableError, match="cannot be reached") as e:
                call()
            assert e.value.code == WORKERS_UNREACHABLE
        status = models.wait_ready(30)
        assert (status.encoder, status.readers) == ("failed", "failed")
        with running(worker_app(Settings(**DEAF), TOKEN), port) as url:
            loaded(url)
            assert models.encode_questions(QUESTION)[0] is not None
            assert models.process([PAGE], ReadOptions()).encoded[0].vector is not None
            assert models.wait_ready(30).readers == "ready"
            assert models._models.elsewhere() is not None


def test_a_server_that_nobody_asks_is_ready_again_once_a_worker_answers(tmp_path: Path) -> None:
    port = free_port()
    with served(reached(f"http://127.0.0.1:{port}", tmp_path)) as models:
        assert models.wait_ready(30).encoder == "failed"
        with running(worker_app(Settings(**DEAF), TOKEN), port) as url:
            loaded(url)
            give_up = time.monotonic() + 30
            while (status := models.status()).encoder != "ready":  # as a balancer asks /ready
                assert time.monotonic() < give_up, status
                models.wait_ready(1)


def test_workers_with_another_model_than_the_library_was_opened_with_are_refused(
    tmp_path: Path,
) -> None:
    port = free_port()
    with (
        running(worker_app(Settings(**DEAF), TOKEN), port) as url,
        served(reached(loaded(url), tmp_path), "other@1/384/words") as models,
    ):
        with pytest.raises(UnavailableError, match="this library was opened with other@1/") as e:
            models.encode_questions(QUESTION)
        with pytest.raises(UnavailableError, match="start them with that --encoder"):
            models.process([PAGE], ReadOptions())
        assert "\n" not in str(e.value)
        assert e.value.code == "MODEL_MISMATCH" and without_workers(e.value)


def test_a_reranker_whose_workers_were_away_is_loaded_anew_and_the_encoder_is_not(
    tmp_path: Path,
) -> None:
    worker = Settings(**DEAF, reranker="hashing")
    asked, back = [], threading.Event()

    def described(answer: Answer) -> Response:
        asked.append(answer.status)
        there = len(asked) == 1 or back.is_set()
        return answer.response() if there else Response("nobody", 502)

    between = Between(worker_app(worker, TOKEN), described=described)
    with (
        running(between) as url,
        served(replace(reached(loaded(url), tmp_path), reranker="hashing")) as models,
    ):
        encoder = models._models.encoder()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="status 502") as e:
                models.rerank(QUESTION[0], ["how deep", "how high"])
            assert e.value.code == WORKERS_UNREACHABLE
        back.set()
        scores = models.rerank(QUESTION[0], ["how deep", "a bridge"])
        assert scores[0] is not None and scores[1] is not None and scores[0] > scores[1]
        assert models._models.encoder() is encoder


def test_a_question_does_not_wait_for_another_one_that_a_worker_takes_long_for(
    tmp_path: Path,
) -> None:
    both = threading.Barrier(2, timeout=20)

    class Meeting(Between):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/questions":
                await asyncio.to_thread(both.wait)
            await self.application(scope, receive, send)

    with (
        running(Meeting(worker_app(Settings(**DEAF), TOKEN))) as url,
        served(reached(loaded(url), tmp_path)) as models,
    ):
        models.wait_ready(30)
        lanes = {models.lane_of("encode_questions", (QUESTION,)) for _ in range(8)}
        assert len(lanes) == 8
        found: list[Any] = []
        asked = [
            threading.Thread(target=lambda: found.append(models.encode_questions(QUESTION)))
            for _ in range(2)
        ]
        for one in asked:
            one.start()
        for one in asked:
            one.join(30)
        np.testing.assert_array_equal(found[0][0], found[1][0])


def test_no_question_waits_behind_another_one_while_a_lane_is_free(tmp_path: Path) -> None:
    with served(reached(f"http://127.0.0.1:{free_port()}", tmp_path)) as models:

        def asked() -> str:
            return models.lane_of("encode_questions", (QUESTION,))

        def answered() -> None:
            with pytest.raises(UnavailableError):
                models.encode_questions(QUESTION)

        held = asked()
        for _ in range(20):
            lane = asked()
            assert lane != held
            one = threading.Thread(target=answered, name=lane)
            one.start()
            one.join(30)


def test_questions_that_are_answered_here_take_turns(tmp_path: Path) -> None:
    with served(Settings(store=str(tmp_path), **DEAF)) as models:
        lanes = {models.lane_of("encode_questions", (QUESTION,)) for _ in range(8)}
    assert lanes == {"questions"}
