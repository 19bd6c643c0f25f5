"""The remote worker: real HTTP on loopback, the hashing encoder behind it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from omni_core import encoders
from omni_core.encoders import hashing
from omni_core.encoders.remote import client, hanging, refusals, roll_call
from omni_core.encoders.remote import encoder as remote
from omni_core.encoders.remote.description import pack_info
from omni_core.errors import BadRequestError, OmniError, RefusedError, UnavailableError
from omni_core.models.serving import app, load
from omni_core.models.serving import process as serving
from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_core.types import Content, TextContent
from tests.omni_core.catalog.swallowing import Swallowing

Running = Callable[[Any], AbstractContextManager[str]]
ForWorker = Callable[..., Settings]


def test_a_remote_worker_answers_as_the_encoder_does_here(
    opened: Any, worker: str, everything: list[Content], settings: ForWorker
) -> None:
    here = hashing.HashingEncoder.load(Settings())
    there = opened(settings(worker))
    assert there.info == here.info
    for side in ("encode", "encode_questions"):
        for a, b in zip(
            getattr(here, side)(everything), getattr(there, side)(everything), strict=True
        ):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                np.testing.assert_array_equal(a, b)


def test_contents_are_sent_in_pieces_that_fit_one_request(
    opened: Any,
    worker: str,
    everything: list[Content],
    monkeypatch: pytest.MonkeyPatch,
    settings: ForWorker,
) -> None:
    monkeypatch.setattr(remote, "REQUEST_BYTES", 100_000)
    there = opened(settings(worker))
    vectors = there.encode(everything)
    assert len(vectors) == len(everything)


def test_the_worker_wants_its_token(opened: Any, worker: str, settings: ForWorker) -> None:
    with pytest.raises(UnavailableError, match="refused the token: set encoder_token"):
        opened(settings(worker, encoder_token="wrong"))  # noqa: S106
    with pytest.raises(UnavailableError, match="refused the token"):
        opened(settings(worker, encoder_token=""))
    for path in ("/health", "/ready"):
        assert httpx2.get(f"{worker}{path}").text == "ok"
    assert httpx2.post(f"{worker}/encode", content=b"x").status_code == 401


def test_beyond_loopback_a_worker_does_not_listen_without_a_token(token: str) -> None:
    for host in ("0.0.0.0", "192.168.1.4", "::", "worker.example"):  # noqa: S104
        with pytest.raises(RefusedError, match="set a token"):
            serving.serve(Settings(encoder="hashing"), host, 0, "")
        serving.may_listen(host, token)
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        serving.may_listen(host, "")


def test_a_worker_does_not_listen_with_a_token_that_can_be_guessed() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
        with pytest.raises(RefusedError, match="the worker's token has 15 characters"):
            serving.may_listen(host, "x" * 15)


def test_an_error_of_the_worker_arrives_here_with_its_class_and_code(
    worker: str, opened: Any, settings: ForWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = opened(settings(worker))
    monkeypatch.setattr(load, "MAX_BODY", 10)
    with pytest.raises(OmniError, match=r"^the model server .* says: a request may have") as caught:
        there.encode([TextContent("far more than ten bytes")])
    assert (type(caught.value).__name__, caught.value.code) == ("TooLargeError", "TOO_LARGE")


def test_a_body_that_is_too_long_is_refused_while_it_arrives(
    worker: str, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr(load, "MAX_BODY", 1000)
    answer = httpx2.post(
        f"{worker}/encode",
        content=(b"x" * 700 for _ in range(4)),
        headers={"authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_an_encoder_that_cannot_load_is_one_line_with_the_next_step(
    running: Running, settings: ForWorker
) -> None:
    wrong = worker_app(Settings(encoder="no-such-model"), "")
    refused = pytest.raises(UnavailableError, match="no model is called 'no-such-model'")
    with running(wrong) as url:
        with refused:
            encoders.describe(settings(url, encoder_token=""))
        assert httpx2.get(f"{url}/ready").status_code == 503


def test_nobody_at_the_address_is_one_line(
    monkeypatch: pytest.MonkeyPatch, settings: ForWorker
) -> None:
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError, match=r"cannot be reached .* correct encoder_url"):
        encoders.describe(settings(f"http://127.0.0.1:{port}"))
    wrong_ports = ("http://h:0", "http://h:99999", "http://h:x", "http://127.0.0.1:7000,ftp://x")
    for wrong in ("ftp://x", "worker:7000", "file:///etc/passwd", " , ", *wrong_ports):
        with pytest.raises(BadRequestError, match="encoder_url"):
            encoders.describe(settings(wrong))


def test_tls_that_does_not_succeed_is_told_from_a_server_that_is_not_there(worker: str) -> None:
    plain = client.ModelServerClient(worker.replace("http://", "https://"), "", attempts=1)
    with pytest.raises(UnavailableError, match=r"does not speak TLS .* is it http:// there"):
        plain.get_json("/info", seconds=10)
    plain.close()
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    failed = httpx2.ConnectError("it failed")
    failed.__cause__ = untrusted
    assert "not trusted (self-signed certificate)" in str(refusals.of_failure("host", failed))


def test_a_server_that_is_no_worker_is_named_as_such(running: Running, settings: ForWorker) -> None:
    with running(Starlette()) as url, pytest.raises(UnavailableError, match="no model server"):
        encoders.describe(settings(url))


def test_a_worker_that_restarts_is_asked_again(running: Running, settings: ForWorker) -> None:
    seen: list[str] = []

    async def info(request: Request) -> JSONResponse:
        seen.append(request.url.path)
        if len(seen) < 3:
            return JSONResponse({"error": "restarting"}, status_code=503)
        return JSONResponse(pack_info(hashing.HashingEncoder.describe(Settings())))

    with running(Starlette(routes=[Route("/info", info)])) as url:
        assert encoders.describe(settings(url)).name == "hashing"
    assert len(seen) == 3


def test_a_worker_that_hangs_is_noticed_long_before_the_deadline_and_another_one_answers(
    opened: Any, worker: str, settings: ForWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hanging, "QUIET", 0.005)
    monkeypatch.setattr(client, "ALIVE_S", 0.5)
    port = urlsplit(worker).port or 0
    way = Swallowing("127.0.0.1", port)
    question: list[Content] = [TextContent("how deep is it")]
    try:
        both = opened(settings(f"http://127.0.0.1:{way.port},{worker}"))
        alone = opened(settings(f"http://127.0.0.1:{way.port}"))
        expected = both.encode_questions(question)
        way.hang()
        for _ in range(3):
            np.testing.assert_array_equal(both.encode_questions(question), expected)
        monkeypatch.setattr(remote, "QUESTION_PATIENCE_S", 0.1)
        with pytest.raises(UnavailableError, match="hangs: it takes calls and answers nothing"):
            alone.encode_questions(question)
    finally:
        way.close()


def test_a_worker_is_not_said_to_hang_by_a_client_that_is_closed(worker: str, token: str) -> None:
    one = client.ModelServerClient(worker, token, attempts=1)
    assert one.lives()
    one.close()
    assert one.lives()


def test_a_slow_worker_that_shows_signs_of_life_is_waited_for() -> None:
    asked: list[bool] = []
    done = threading.Event()

    def lives() -> bool:
        asked.append(True)
        if len(asked) == 3:
            done.set()
        return True

    def call() -> str:
        assert done.wait(30)
        return "late"

    assert hanging.unless_hanging(call, lives, 0.2, "a worker") == "late"
    assert len(asked) >= 3


def test_an_answer_that_is_no_json_is_one_line(running: Running, settings: ForWorker) -> None:
    async def info(request: Request) -> PlainTextResponse:
        return PlainTextResponse("a page of somebody's")

    with (
        running(Starlette(routes=[Route("/info", info)])) as url,
        pytest.raises(UnavailableError, match="no JSON: correct encoder_url"),
    ):
        encoders.describe(settings(url))


def test_an_address_that_is_written_twice_is_one_worker(settings: ForWorker) -> None:
    twice = settings("http://127.0.0.1:7000, http://127.0.0.1:7000/,http://127.0.0.1:7000")
    (one,) = roll_call.clients_of(twice)
    assert one.name == "127.0.0.1:7000"
    one.close()


def test_a_worker_keeps_idle_connections_longer_than_its_servers() -> None:
    assert app.IDLE_S > 2 * client.IDLE_S
