"""Reading by workers on other machines: real HTTP on loopback, the weightless encoder and a reader
of the tests' own behind it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from omni_core.encoders.hashing import HashingEncoder
from omni_core.encoders.remote import pool as pools
from omni_core.encoders.remote import roll_call
from omni_core.encoders.remote.client import CALL
from omni_core.encoders.remote.description import pack_info
from omni_core.encoders.remote.wire import Body, Writer
from omni_core.errors import BadRequestError, OmniError, UnavailableError
from omni_core.models.answers import Processed, ReadOptions
from omni_core.models.remote import reading as remote
from omni_core.models.remote.wire import Done, Step, pack_done, pack_step, unpack_done
from omni_core.models.service import ModelService, service
from omni_core.models.serving import load
from omni_core.models.serving.app import worker_app
from omni_core.readers.state import pack
from omni_core.settings import Settings
from omni_core.types import (
    AudioContent,
    Channel,
    Encoded,
    ImageContent,
    Modality,
    Segment,
    Span,
    TextContent,
    VideoContent,
)
from tests.omni_core.encoders.remote.between import Answer, Between
from tests.omni_core.encoders.remote.conftest import loaded, running

pytestmark = pytest.mark.timeout(60)
Install = Callable[..., None]
Make = Callable[..., ModelService]
TOKEN = "a-token-of-this-test"  # noqa: S105

READER = """
from dataclasses import replace
from omni_core.protocols import Reader
from omni_core.readers.state import pack, unpack
from omni_core.types import Channel, ReaderInfo, TextContent

class Counter(Reader):
    "Says after every second window which seconds were heard, and the rest at the end."
    name = "counter"
    loss = "nothing is counted"
    def __init__(self):
        self.held = {}
    @classmethod
    def describe(cls, settings):
        off = settings.sound_tags == "off"
        return ReaderInfo("counter", settings.speech, "off" if off else "present")
    @classmethod
    def load(cls, settings, loaded):
        return None if settings.sound_tags == "off" else cls()
    @classmethod
    def select(cls, segments):
        return [s for s in segments if s.channel is Channel.SOUND]
    def read(self, segments):
        found = []
        for s in segments:
            held = self.held.setdefault(s.source_id, [])
            held.append((s.span.start, float(abs(s.content.samples).sum())))
            if len(held) == 2:
                found += self.flush(s.source_id, s)
        return found
    def flush(self, source_id, like=None):
        held = self.held.pop(source_id, [])
        text = " ".join(f"second {start:g} {loud:.3f}" for start, loud in held)
        if not held or like is None:
            return []
        return [replace(like, channel=Channel.SPEECH, content=TextContent(text), text=text)]
    def pending_from(self, source_id):
        held = self.held.get(source_id)
        return held[0][0] if held else None
    %s
"""
SAVES = """def save(self, source_id):
        held = self.held.get(source_id)
        return pack({"held": held}) if held else b""
    def restore(self, source_id, state):
        self.held.pop(source_id, None)
        if state:
            self.held[source_id] = [tuple(h) for h in unpack(state)[0]["held"]]
"""


FLUSHES = """def flush(self, source_id, like=None):
        from omni_core.types import Modality, Segment, Span
        if self.held.get(source_id):
            span = Span("second", self.held[source_id][0][0], self.held[source_id][-1][0] + 1)
            like = like or Segment(source_id, Modality.AUDIO, Channel.SPEECH, span)"""


@pytest.fixture
def counter(install: Install) -> None:
    install("my-reader", READER % SAVES, {"readers": "counter = my_reader:Counter"})


def plain(store: Path, **more: Any) -> Settings:
    chosen = {"encoder": "hashing", "speech": "off", "screen_text": "off", **more}
    return Settings(store=str(store), **chosen)


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Make]:
    """`models(*urls)`: the service of a server with these workers; without, with its own models."""
    made: list[ModelService] = []

    def make(*urls: str, **more: Any) -> ModelService:
        settings = plain(tmp_path, encoder_url=",".join(urls), encoder_token=TOKEN, **more)
        made.append(service(settings))
        made[-1].wait_ready(30)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def worker(tmp_path: Path, counter: None) -> Iterator[str]:
    with running(worker_app(plain(tmp_path), TOKEN)) as url:
        yield loaded(url)


@pytest.fixture
def other(tmp_path: Path, counter: None) -> Iterator[str]:
    with running(worker_app(plain(tmp_path), TOKEN)) as url:
        yield loaded(url)


def sound(second: float, source: str = "src_a") -> Segment:
    samples = np.linspace(0, second / 10 + 0.1, 16_000, dtype=np.float32)
    content = AudioContent(samples, 0.25, ((0.1, 0.2),))
    span = Span("second", second, second + 1)
    return Segment(source, Modality.AUDIO, Channel.SOUND, span, content)


def shot(second: float) -> Segment:
    frames = np.full((3, 8, 10, 3), 40 + int(second), np.uint8)
    content = VideoContent(frames, (0.0, 0.3, 0.6), 3.0, frames[0].repeat(2, 0).repeat(2, 1))
    extra = {"key_time": second + 0.5}
    span = Span("second", second, second + 1)
    return Segment("src_a", Modality.VIDEO, Channel.VISUAL, span, content, extra=extra)


def same(one: Sequence[Encoded], other: Sequence[Encoded]) -> bool:
    return [_facts(e) for e in one] == [_facts(e) for e in other]


def _facts(encoded: Encoded) -> tuple[Any, ...]:
    vector = encoded.vector
    return encoded.segment.id, encoded.segment, None if vector is None else vector.tobytes()


def film(read: ModelService, *, between: Callable[[int], None] = lambda n: None) -> list[Processed]:
    """Eight seconds in batches, a checkpoint in the middle, the end."""
    read.restore("src_a", b"")
    found = []
    for n in range(8):
        between(n)
        found.append(read.process([shot(n), sound(n)], ReadOptions()))
        if n == 4:
            found.append(read.save("src_a").flushed)
    return [*found, read.flush("src_a")]


def test_words_vectors_and_ids_are_those_of_reading_here(worker: str, models: Make) -> None:
    here, there = film(models()), film(models(worker))
    assert [[e.segment.text for e in p.encoded if e.segment.text] for p in here][1][0].startswith(
        "second 0 "
    )
    assert all(same(a.encoded, b.encoded) for a, b in zip(here, there, strict=True))
    assert [p.pending_from for p in here] == [p.pending_from for p in there]
    assert set(there[0].timings) == set(here[0].timings)


def test_a_worker_that_dies_in_the_middle_costs_nothing(
    counter: None, tmp_path: Path, models: Make
) -> None:
    truth = film(models())
    with running(worker_app(plain(tmp_path), TOKEN)) as last:
        first = running(worker_app(plain(tmp_path), TOKEN))
        read = models(first.__enter__(), last)

        def ends(n: int) -> None:
            if n == 3:  # a window is held back by then
                first.__exit__(None, None, None)

        found = film(read, between=ends)
    assert all(same(a.encoded, b.encoded) for a, b in zip(truth, found, strict=True))


def test_another_server_goes_on_from_the_saved_buffers_with_a_worker_or_without(
    worker: str, models: Make
) -> None:
    first, second, alone = models(worker), models(worker), models()
    first.process([sound(0)], ReadOptions())
    state = first.save("src_a").state
    for read in (second, alone):
        read.restore("src_a", state)
        made = read.process([sound(1)], ReadOptions()).encoded[-1]
        assert made.segment.text.startswith("second 0 ") and "second 1 " in made.segment.text


def test_the_worker_keeps_nothing_of_a_source(worker: str, models: Make) -> None:
    read = models(worker)
    read.process([sound(0)], ReadOptions())
    assert read.save("src_a").state
    read.restore("src_a", b"")
    assert not read.process([sound(1)], ReadOptions()).encoded[1:]


def test_the_status_says_that_reading_is_ready_and_loads_nothing_here(
    worker: str, models: Make
) -> None:
    read = models(worker)
    status, here = read.status(), models().status()
    assert (status.encoder, status.readers, status.encoder_error) == ("ready", "ready", "")
    assert status.unloaded == here.unloaded
    assert read._models.readers().loaded == ()


def test_a_reader_that_is_off_here_stays_off(worker: str, models: Make) -> None:
    read = models(worker, sound_tags="off")
    assert read._models.elsewhere() is not None
    read.process([sound(0)], ReadOptions())
    assert len(read.process([sound(1)], ReadOptions()).encoded) == 1


def test_reading_stays_here_where_the_workers_lack_a_reader_of_ours(
    counter: None, tmp_path: Path, models: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with running(worker_app(plain(tmp_path, sound_tags="off"), TOKEN)) as url:
        read = models(url)
        assert read._models.elsewhere() is None
        assert film(read)[1].encoded[-1].segment.text.startswith("second 0 ")
    assert "the model workers lack counter (turned off in the settings)" in caplog.text


def test_a_reader_that_cannot_hand_over_its_buffers_is_not_offered(
    install: Install, tmp_path: Path, models: Make, caplog: pytest.LogCaptureFixture
) -> None:
    install("my-reader", READER % "", {"readers": "counter = my_reader:Counter"})
    with running(worker_app(plain(tmp_path), TOKEN)) as url:
        assert models(url)._models.elsewhere() is None
    assert "cannot save what it buffers" in caplog.text


def test_words_of_a_reader_that_cannot_save_its_buffer_this_time_are_not_lost(
    install: Install, tmp_path: Path, models: Make
) -> None:
    unsaved = SAVES.replace("        held = self.held.get(source_id)\n", "        return None\n")
    keeps = READER.replace("def flush(self, source_id, like=None):", FLUSHES) % unsaved
    install("my-reader", keeps, {"readers": "counter = my_reader:Counter"})
    with running(worker_app(plain(tmp_path), TOKEN)) as url:
        read = models(loaded(url))
        found = [read.process([sound(n)], ReadOptions()) for n in range(3)]
        found.append(read.flush("src_a"))
    words = [e.segment.text for p in found for e in p.encoded if e.segment.text]
    assert [w.split()[1] for w in words] == ["0", "1", "2"]


def test_a_long_batch_is_sent_in_pieces_and_read_as_one(
    worker: str, models: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [shot(0), shot(1), sound(1), sound(2), shot(3)]
    whole = models(worker).process(batch, ReadOptions())
    monkeypatch.setattr(remote, "STEP_BYTES", 1000)
    assert [len(p) for p in remote.pieces(batch)] == [1, 2, 1, 1]
    parted = models(worker).process(batch, ReadOptions())
    assert {e.segment.id for e in parted.encoded} == {e.segment.id for e in whole.encoded}
    page = Segment(
        "src_a", Modality.DOCUMENT, Channel.TEXT, Span("page", 1, 2), TextContent("a" * 2000)
    )
    assert len(list(remote.pieces([page, page]))) == 1


def test_a_question_in_a_recording_without_a_reader_of_speech_is_one_line(
    worker: str, models: Make
) -> None:
    read = models(worker)
    with pytest.raises(UnavailableError, match="no speech model is loaded"):
        read.transcribe(np.zeros(16_000, np.float32))
    assert not read.can_tell_speakers()
    assert len(read.understand([sound(0), sound(1)]).encoded) == 3


def test_the_least_loaded_worker_gets_the_next_call(worker: str, other: str, models: Make) -> None:
    read = models(worker, other)
    there = read._models.elsewhere()
    assert there is not None
    members = there._pool._members
    first = there._pool._take(True, time.monotonic() + 5, 5, ("/read", 9))
    second = there._pool._take(True, time.monotonic() + 5, 5, ("/read", 9))
    assert {first.name, second.name} == {m.name for m in members}
    there._pool._done(second, ("/read", 9), 0.1)
    assert there._pool._take(True, time.monotonic() + 5, 5, ("/read", 9)) is second


def test_workers_with_different_models_are_refused_in_one_line(worker: str, tmp_path: Path) -> None:
    with running(worker_app(plain(tmp_path, speech="other", encoder_dim=0), TOKEN)) as odd:
        chosen = plain(tmp_path, encoder_url=f"{worker}, {odd}", encoder_token=TOKEN)
        with pytest.raises(BadRequestError, match=r"differ: .* reads counter \(off\), .*\(other\)"):
            pools.WorkerPool.of(chosen)
        one, two = roll_call.look(chosen)
    assert (one.state, two.state) == ("up", "refused")
    assert str(one.offer) == "counter (off)" and "start all with the same" in two.why


def test_one_line_when_all_are_down(
    counter: None, tmp_path: Path, models: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EVIDENCE_PATIENCE_S", "QUESTION_PATIENCE_S"):
        monkeypatch.setattr(remote, name, 0.2)
    with (
        running(worker_app(plain(tmp_path), TOKEN)) as one,
        running(worker_app(plain(tmp_path), TOKEN)) as two,
    ):
        read = models(one, two)
    with pytest.raises(
        UnavailableError, match=r"^none of the model workers answers: .*; the "
    ) as e:
        read.process([sound(0)], ReadOptions())
    assert "\n" not in str(e.value)


def test_a_worker_that_comes_back_gets_work_again(
    counter: None, tmp_path: Path, models: Make
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(worker_app(plain(tmp_path), TOKEN), port) as url:
        read = models(url)
        read.process([sound(0)], ReadOptions())
    again = threading.Event()

    def start() -> None:
        with running(worker_app(plain(tmp_path), TOKEN), port):
            again.wait(30)

    thread = threading.Thread(target=start)
    thread.start()
    try:
        assert len(read.process([sound(1)], ReadOptions()).encoded) == 2
    finally:
        again.set()
        thread.join(20)


@pytest.mark.parametrize("alone", [False, True])
def test_a_worker_that_was_started_again_with_other_models_gets_no_work(
    counter: None, tmp_path: Path, models: Make, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    monkeypatch.setattr(remote, "EVIDENCE_PATIENCE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        running(worker_app(plain(tmp_path), TOKEN), port) as url,
        running(worker_app(plain(tmp_path), TOKEN)) as other,
    ):
        read = models(url) if alone else models(url, other)
    with (
        running(worker_app(plain(tmp_path, speech="other"), TOKEN), port),
        pytest.raises(UnavailableError, match="127.0.0.1" if alone else "none of the model worker"),
    ):
        read.process([sound(0)], ReadOptions())


@pytest.mark.parametrize(
    "change",
    [
        {"step": "rm"}, {"segments": 3}, {"state": "9"}, {"segments": [{}]}, {"skip": None},
        {"source": "src_b"},
    ],
)  # fmt: skip
def test_a_step_that_is_none_is_refused_in_one_line(worker: str, change: dict[str, Any]) -> None:
    facts = Body(pack_step(Step("process", "src_a", [sound(0)]))).facts
    writer = Writer()
    writer.put(np.zeros(16_000, np.float32))
    body = writer.body(json.loads(json.dumps({**facts, **change})))
    answer = httpx2.post(
        f"{worker}/read", content=body, headers={"authorization": f"Bearer {TOKEN}"}, timeout=20
    )
    assert (answer.status_code, answer.json()["kind"]) == (400, "BadRequestError")
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("state", [b"no zip", pack({}, {"counter": np.zeros(9, np.uint8)})])
def test_buffers_that_cannot_be_read_are_refused(worker: str, state: bytes) -> None:
    answer = httpx2.post(
        f"{worker}/read", content=pack_step(Step("process", "src_a", [sound(0)], state=state)),
        headers={"authorization": f"Bearer {TOKEN}"}, timeout=20,
    )  # fmt: skip
    assert answer.status_code == 400 and "buffers cannot be read" in answer.json()["error"]


def test_an_answer_that_is_none_is_one_line() -> None:
    for body in (b"", b"{}", Writer().body({"encoded": [{"text": 1}]})):
        with pytest.raises(BadRequestError, match=r"no message|incomplete"):
            unpack_done(body)


def test_a_busy_worker_says_so_and_is_asked_again(
    worker: str, models: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = models(worker)
    monkeypatch.setattr(load, "MAX_HELD", 10)
    answer = httpx2.post(
        f"{worker}/encode", content=b"x" * 20, headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "BUSY")
    threading.Timer(1.0, lambda: monkeypatch.setattr(load, "MAX_HELD", 1 << 30)).start()
    assert len(read.process([sound(0)], ReadOptions()).encoded) == 1


def test_an_image_and_its_caption_come_back(worker: str, models: Make) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    picture = Segment(
        "src_a", Modality.IMAGE, Channel.VISUAL, Span("page", 1, 2), ImageContent(pixels)
    )
    here, there = (m.process([picture], ReadOptions()) for m in (models(), models(worker)))
    assert same(here.encoded, there.encoded)


def test_a_worker_that_only_embeds_serves_and_reading_stays_here(
    counter: None, tmp_path: Path, models: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = worker_app(plain(tmp_path), TOKEN)

    async def as_before(scope: Any, receive: Any, send: Any) -> None:
        """The worker, whose description says nothing of reading."""
        if scope["path"] != "/info":
            assert scope["path"] == "/encode", "an older worker has no other path"
            await app(scope, receive, send)
            return
        described = pack_info(HashingEncoder.describe(Settings()))
        await JSONResponse(described)(scope, receive, send)

    with running(as_before) as url:
        read = models(url)
        found = film(read)
        assert read._models.elsewhere() is None
    assert all(same(a.encoded, b.encoded) for a, b in zip(film(models()), found, strict=True))
    assert "the model workers only embed: speech and words on screen are read by" in caplog.text


def test_an_answer_about_another_source_is_not_taken(
    counter: None, tmp_path: Path, models: Make, worker: str
) -> None:
    kept: list[Answer] = []

    def of_the_first(answer: Answer) -> Response:
        kept.append(answer)
        answer.headers.pop(CALL)
        return answer.response(kept[0].body)

    with running(Between(worker_app(plain(tmp_path), TOKEN), of_the_first)) as url:
        read, both = models(loaded(url)), models(url, worker)
        assert len(read.process([sound(0)], ReadOptions()).encoded) == 1
        with pytest.raises(UnavailableError, match="cannot be used: the answer is about another"):
            read.process([sound(0, "src_b")], ReadOptions())
        assert len(both.process([sound(0, "src_b")], ReadOptions()).encoded) == 1


def less(done: Done) -> Done:
    return replace(done, processed=replace(done.processed, encoded=done.processed.encoded[1:]))


def pending_nowhere(done: Done) -> Done:
    return replace(done, processed=replace(done.processed, pending_from=float("nan")))


@pytest.mark.parametrize(
    ("change", "said"), [(less, "lacks segments that were sent"), (pending_nowhere, "cannot be")]
)
def test_an_answer_that_is_not_whole_is_none(
    counter: None, tmp_path: Path, models: Make, worker: str,
    change: Callable[[Done], Done], said: str,
) -> None:  # fmt: skip
    def changed(answer: Answer) -> Response:
        return answer.response(pack_done(change(unpack_done(answer.body))))

    with running(Between(worker_app(plain(tmp_path), TOKEN), changed)) as url:
        read, both = models(loaded(url)), models(url, worker)
        with pytest.raises(UnavailableError, match=f"gave an answer that cannot be used.*{said}"):
            read.process([shot(0), sound(0)], ReadOptions())
        assert len(both.process([shot(0), sound(0)], ReadOptions()).encoded) == 2


FAILS = """
from omni_core.encoders.hashing import HashingEncoder
from omni_core.types import TextContent

class Fails(HashingEncoder):
    "Has not the memory, or finds no numbers, for some words."
    def encode(self, contents):
        words = " ".join(c.text for c in contents if isinstance(c, TextContent))
        if "memory" in words:
            raise MemoryError("9 GiB")
        if "graphics" in words:
            raise RuntimeError("out of memory on the card\\nand more lines")
        found = super().encode(contents)
        return [None if v is None else v * float("nan") for v in found] if "nan" in words else found
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("memory", "has not enough memory for it"),
        ("graphics", "RuntimeError: out of memory on the card$"),
        ("nan", "answered a vector that is not finite or has no length"),
    ],
)
def test_what_a_model_cannot_do_is_told_once_and_the_worker_goes_on(
    install: Install, tmp_path: Path, models: Make, words: str, said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    install("my-encoder", FAILS, {"encoders": "fails = my_encoder:Fails"})
    with running(worker_app(plain(tmp_path, encoder="fails"), TOKEN)) as url:
        read = models(loaded(url))
        with pytest.raises(OmniError, match=said) as e:
            read.process([written(words)], ReadOptions())
        assert not isinstance(e.value, UnavailableError)  # for which others would be asked
        assert "\n" not in str(e.value)
        assert "asking again" not in caplog.text
        assert len(read.process([written("plain words")], ReadOptions()).encoded) == 1


def written(words: str) -> Segment:
    span = Span("page", 1, 2)
    return Segment("src_a", Modality.DOCUMENT, Channel.TEXT, span, TextContent(words))
