"""Answers that are none of the worker's, or none that can be used: of a balancer, a cache, a worker
that is broken."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from omni_core import encoders
from omni_core.encoders.hashing import HashingEncoder
from omni_core.encoders.remote import chances, client, member, pool, refusals, wire
from omni_core.encoders.remote import encoder as remote
from omni_core.encoders.remote.description import pack_info
from omni_core.errors import (
    WORKERS_UNREACHABLE,
    OmniError,
    TooLargeError,
    UnavailableError,
    pack,
    without_workers,
)
from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_core.types import Content, CutOptions, TextContent, Vector
from tests.omni_core.encoders.remote.between import Answer, Between, Change
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, loaded, running

pytestmark = pytest.mark.timeout(60)
Opened = Callable[[Settings], Any]
TEXTS: list[Content] = [TextContent("lava in a channel"), TextContent("a copper bridge")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSY_PAUSE_S", "FAILING_PAUSE_S"):
        monkeypatch.setattr(member, name, 0.05)
    monkeypatch.setattr(remote, "EVIDENCE_PATIENCE_S", 0.5)


@pytest.fixture
def between() -> Between:
    return Between(worker_app(Settings(**DEAF), TOKEN))


def page(status: int, **headers: str) -> Change:
    html = "<html>\n<h1>a page of a balancer</h1></html>"
    return lambda answer: HTMLResponse(html, status, headers)


def vectors(change: Callable[[Vector], Vector]) -> Change:
    def changed(answer: Answer) -> Response:
        found = [None if v is None else change(v) for v in wire.unpack_vectors(answer.body)]
        return answer.response(wire.pack_vectors(found))

    return changed


UNUSABLE: dict[str, Change] = {
    "cut": lambda answer: answer.response(answer.body[: len(answer.body) // 2]),
    "a page": page(200),
    "empty": lambda answer: answer.response(b""),
    "width": vectors(lambda v: v[:-1]),
    "NaN": vectors(lambda v: v * np.float32("nan")),
    "zero": vectors(np.zeros_like),
    "many": vectors(lambda v: np.stack([v, v])),
    "fewer": lambda a: a.response(wire.pack_vectors(wire.unpack_vectors(a.body)[1:])),
}


@pytest.mark.parametrize("how", UNUSABLE)
def test_an_answer_that_cannot_be_used_names_the_worker_and_another_one_is_asked(
    between: Between, worker: str, opened: Opened, settings: Callable[..., Settings], how: str
) -> None:
    between.change = UNUSABLE[how]
    with running(between) as url:
        alone = opened(settings(loaded(url)))
        with pytest.raises(UnavailableError, match="gave an answer that cannot be used: ") as e:
            alone.encode(TEXTS)
        assert url.rpartition("/")[2] in str(e.value)
        assert "\n" not in str(e.value)
        both = opened(settings(f"{url},{worker}"))
        expected = HashingEncoder.load(Settings()).encode(TEXTS)
        for _ in range(3):
            np.testing.assert_array_equal(both.encode(TEXTS), expected)


@pytest.mark.parametrize(
    ("change", "kind", "code", "said"),
    [
        (page(401), UnavailableError, "TOKEN_REFUSED", "refused the token"),
        (page(403), UnavailableError, "TOKEN_REFUSED", "refused the token"),
        (page(413), TooLargeError, "TOO_LARGE", r"a request .status 413.* client_max_"),
        (page(429), UnavailableError, "BUSY", "too many requests"),
        (page(500), UnavailableError, "MODEL_UNAVAILABLE", "failed .status 500"),
        (page(502), UnavailableError, "MODEL_UNAVAILABLE", "is not reached by what stands before"),
        (page(503), UnavailableError, "MODEL_UNAVAILABLE", "is not reached by what stands before"),
        (page(504), UnavailableError, "MODEL_UNAVAILABLE", "nginx: proxy_read_timeout 600s"),
        (page(302, location="https://u:p@h/x?k=s"), UnavailableError, "NO_WORKER", "to https://h "),
        (page(308, location="//["), UnavailableError, "NO_WORKER", "elsewhere .status 308"),
    ],
    ids=["401", "403", "413", "429", "500", "502", "503", "504", "302", "308"],
)  # fmt: skip
def test_a_page_of_what_stands_before_a_worker_is_one_line_that_says_what_to_do(
    between: Between, opened: Opened, settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch, change: Change, kind: type[OmniError], code: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(remote, "EVIDENCE_S", 1.0)
    between.change = change
    with running(between) as url:
        there = opened(settings(loaded(url)))
        with pytest.raises(kind, match=said) as e:
            there.encode(TEXTS)
        assert "\n" not in str(e.value)
        assert "u:p" not in str(e.value)
        if code in ("BUSY", "TOO_LARGE"):
            assert e.value.code == code
        else:  # none answers in the end, or the worker failed so often
            assert e.value.code in (code, "MODEL_UNAVAILABLE", WORKERS_UNREACHABLE)
        asked = len(between.calls)
        assert asked == 1 if kind is TooLargeError else asked > 1
        between.change = None
        assert len(there.encode(TEXTS)) == 2  # the worker is not given up


def test_the_size_of_a_request_that_a_proxy_refuses_is_said() -> None:
    refused = refusals.of_status("host", 413, b"<html>", "", 12_345_678)
    assert "refuses a request of 12.3 MB (status 413)" in str(refused)


def test_a_machine_that_is_off_is_told_from_one_that_gives_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "CONNECT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as taken:
        address = full.getsockname()
        for _ in range(4):  # nobody accepts: what follows is not answered
            waiting = taken.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        off = client.ModelServerClient(f"http://127.0.0.1:{address[1]}", "", attempts=1)
        with pytest.raises(UnavailableError, match=r"cannot be reached \(ConnectTimeout\)") as e:
            off.get_json("/info", seconds=10)
        assert e.value.code == WORKERS_UNREACHABLE
        off.close()


def test_a_worker_whose_model_is_broken_ends_no_file_while_another_one_works(
    between: Between, worker: str, opened: Opened, settings: Callable[..., Settings]
) -> None:
    broken = OmniError("RuntimeError: an error of the card")
    between.change = lambda answer: JSONResponse(pack(broken), 500)
    expected = HashingEncoder.load(Settings()).encode(TEXTS)
    with running(between) as url, running(between) as same:
        both = opened(settings(f"{loaded(url)},{worker}"))
        for _ in range(5):
            np.testing.assert_array_equal(both.encode(TEXTS), expected)
        assert between.calls
        between.calls.clear()
        for urls, asked in ((url, 1), (f"{url},{same}", 2)):
            there = opened(settings(urls))
            with pytest.raises(OmniError, match="an error of the card") as e:
                there.encode(TEXTS)
            assert not isinstance(e.value, UnavailableError)
            assert len(between.calls) == asked
            between.calls.clear()


def test_a_connection_that_was_closed_is_no_surprise_to_whoever_asks_again(worker: str) -> None:
    there = client.ModelServerClient(worker, TOKEN)
    there.close()
    with pytest.raises(UnavailableError, match="is closed"):
        there.get_json("/info", seconds=10)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 502, 503, 504])
def test_a_call_that_fails_behind_a_balancer_ends_its_file_and_not_the_folder(
    between: Between, opened: Opened, settings: Callable[..., Settings], status: int
) -> None:
    between.change = page(status)
    with running(between) as url:
        there = opened(settings(loaded(url)))
        with pytest.raises(UnavailableError) as e:
            there.encode(TEXTS)
        assert e.value.code == "MODEL_UNAVAILABLE" and not without_workers(e.value)
        assert len(between.calls) > 1


def test_a_worker_that_dies_at_a_call_after_long_is_no_reason_to_give_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(chances, "time", SimpleNamespace(monotonic=lambda: now))
    nobody = UnavailableError("off", code=WORKERS_UNREACHABLE)
    call = chances.Chances(60.0)
    assert call.another(nobody)
    now = 90.0  # meanwhile another worker had it
    assert call.another(UnavailableError("broke its answer off"))
    assert call.another(nobody)
    now = 151.0
    assert not call.another(nobody)


@pytest.mark.parametrize("status", [429, 502])
def test_what_a_balancer_says_while_it_has_nobody_costs_no_call(
    between: Between, opened: Opened, settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch, status: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(remote, "EVIDENCE_PATIENCE_S", 30.0)

    def first_ten(answer: Answer) -> Response:
        return page(status)(answer) if len(between.calls) <= 10 else answer.response()

    between.change = first_ten
    with running(between) as url:
        there = opened(settings(loaded(url)))
        assert len(there.encode(TEXTS)) == 2
    assert len(between.calls) == 11


def test_the_answer_to_another_call_is_noticed(
    between: Between, opened: Opened, settings: Callable[..., Settings]
) -> None:
    kept: list[Answer] = []

    def cached(answer: Answer) -> Response:
        kept.append(answer)
        return kept[0].response()

    between.change = cached
    with running(between) as url:
        there = opened(settings(loaded(url)))
        assert len(there.encode(TEXTS)) == 2
        with pytest.raises(UnavailableError, match="gave the answer to another call"):
            there.encode([TextContent("a"), TextContent("b")])


def test_a_worker_that_does_not_repeat_the_number_of_a_call_serves(
    between: Between, opened: Opened, settings: Callable[..., Settings]
) -> None:
    def older(answer: Answer) -> Response:
        del answer.headers[client.CALL]
        return answer.response()

    between.change = older
    with running(between) as url:
        assert len(opened(settings(loaded(url))).encode(TEXTS)) == 2


def test_compressed_answers_are_refused_before_they_are_unpacked(
    between: Between, opened: Opened, settings: Callable[..., Settings]
) -> None:
    def packed(answer: Answer) -> Response:
        answer.headers["content-encoding"] = "gzip, gzip"
        return answer.response(gzip.compress(gzip.compress(answer.body)))

    between.change = packed
    with running(between) as url:
        there = opened(settings(loaded(url)))
        with pytest.raises(UnavailableError, match="answers compressed, which was not asked for"):
            there.encode(TEXTS)


def test_a_description_and_an_error_may_be_some_megabytes_and_no_more(
    between: Between, opened: Opened, settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    with running(between) as url:
        loaded(url)
        there = opened(settings(url))
        between.change = lambda answer: Response(b"x" * (5 << 20), 500)
        with pytest.raises(UnavailableError, match="answered more than 4 MB"):
            there.encode(TEXTS)
        between.described = lambda answer: answer.response(b" " * (5 << 20))
        with pytest.raises(UnavailableError, match="answered more than 4 MB"):
            encoders.load(settings(url))


@pytest.mark.parametrize(
    "wrong",
    [
        {"dim": "384"}, {"dim": -3}, {"dim": 10**12}, {"dim": None}, {"name": ["x"]},
        {"languages": 5}, {"channels": "visual"}, {"cut": {"image_edge": "many"}}, {"cut": 3},
        {"revision": None}, {"multi_vector": "no"}, {"batch": 0}, {"format": 9}, None,
    ],
    ids=str,
)  # fmt: skip
def test_a_description_that_is_none_is_one_line_that_names_the_worker(
    between: Between, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any] | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    described = pack_info(HashingEncoder.describe(Settings()))
    told = [1, 2] if wrong is None else {**described, **wrong}
    between.described = lambda answer: JSONResponse(told)
    with running(between) as url, pytest.raises(OmniError, match="cannot be used: ") as e:
        encoders.load(settings(loaded(url)))
    assert url.rpartition("/")[2] in str(e.value)
    assert "\n" not in str(e.value)


def test_how_a_file_is_opened_is_not_for_a_worker_to_say(
    between: Between, opened: Opened, settings: Callable[..., Settings]
) -> None:
    info = HashingEncoder.describe(Settings())
    cut = CutOptions(transcript="/etc/passwd", password="p", image_edge=99)  # noqa: S106
    between.described = lambda answer: JSONResponse(pack_info(replace(info, cut=cut)))
    with running(between) as url:
        found = opened(settings(loaded(url))).info.cut
    assert (found.transcript, found.password, found.image_edge) == (None, None, 99)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (401, 403, "TOKEN_REFUSED"),
        (404, 302, "NO_WORKER"),
        (502, 503, WORKERS_UNREACHABLE),
        (401, 502, WORKERS_UNREACHABLE),
    ],
)
def test_what_is_wrong_with_every_worker_is_the_code_of_the_error(
    between: Between, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch,
    first: int, second: int, code: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    other = Between(between.application, described=page(second))
    between.described = page(first)
    with running(between) as url, running(other) as url2, pytest.raises(UnavailableError) as e:
        encoders.load(settings(f"{loaded(url)},{url2}"))
    assert e.value.code == code and without_workers(e.value)
    assert "\n" not in str(e.value)


def test_workers_that_were_started_again_with_another_model_are_a_mismatch_and_serve_once_mended(
    between: Between, opened: Opened, settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(member, "LONGEST_PAUSE_S", 0.1)
    changed = UnavailableError("this worker runs other models than it did")
    info = replace(HashingEncoder.describe(Settings()), revision="2")
    with running(between) as url:
        there = opened(settings(loaded(url)))
        between.described = lambda answer: JSONResponse(pack_info(info))
        between.change = lambda answer: JSONResponse(pack(changed), 503)
        with pytest.raises(UnavailableError, match="start all with the same --encoder") as e:
            there.encode(TEXTS)
        assert e.value.code == "MODEL_MISMATCH" and without_workers(e.value)
        between.described = between.change = None
        monkeypatch.setattr(remote, "EVIDENCE_PATIENCE_S", 30.0)
        assert len(there.encode(TEXTS)) == 2


def test_a_worker_that_takes_calls_and_answers_nothing_is_asked_once_at_the_start(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (member, pool):
        monkeypatch.setattr(module, "INFO_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnavailableError, match="gave no answer within 0 s"):
            encoders.load(settings(url))
        silent.settimeout(5)
        silent.accept()[0].close()
        silent.settimeout(0.1)
        with pytest.raises(TimeoutError):
            silent.accept()
