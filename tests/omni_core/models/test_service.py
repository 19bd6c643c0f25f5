"""What the model worker answers, with the weightless encoder and readers of the tests' own."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.hashing import HashingEncoder
from omni_core.errors import OmniError, UnavailableError
from omni_core.models import loading
from omni_core.models.answers import ANSWERS, Ahead, ReadOptions
from omni_core.models.embedding import PAGE_WORDS_ONLY, checked, embed
from omni_core.models.service import ModelService, service
from omni_core.models.timer import StageTimer
from omni_core.sandbox import entering
from omni_core.settings import Settings
from omni_core.types import (
    AudioContent,
    Channel,
    Content,
    Crop,
    EncoderInfo,
    ImageContent,
    Modality,
    Segment,
    Span,
    TextContent,
    Vector,
    VideoContent,
)
from omni_core.worker import Worker

pytestmark = pytest.mark.timeout(60)
Install = Callable[..., None]

READER = """
from dataclasses import replace
from omni_core.protocols import Reader
from omni_core.types import Channel, ReaderInfo, TextContent

class Counter(Reader):
    "Says, at the end of a source, which seconds of it were heard."
    name = "counter"
    loss = "nothing is counted"
    def __init__(self):
        self.held = {}
    @classmethod
    def describe(cls, settings):
        return ReaderInfo("counter", "none", "present")
    @classmethod
    def load(cls, settings, loaded):
        return cls()
    @classmethod
    def select(cls, segments):
        return [s for s in segments if s.channel is Channel.SOUND]
    def read(self, segments):
        for s in segments:
            self.held.setdefault(s.source_id, []).append(s)
        return []
    def flush(self, source_id):
        held = self.held.pop(source_id, [])
        text = " ".join(f"second {s.span.start:g}" for s in held)
        return [
            replace(held[0], channel=Channel.SPEECH, content=TextContent(text), text=text)
        ] if held else []
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        store=str(tmp_path), encoder="hashing", speech="off", screen_text="off", sound_tags="off"
    )


@pytest.fixture
def counting(install: Install, settings: Settings) -> Iterator[ModelService]:
    install("my-reader", READER, {"readers": "counter = my_reader:Counter"})
    models = service(settings)
    yield models
    models.wait_ready(30)  # its thread reads the entry points, which the next test changes
    models.close()


def sound(source: str, second: float) -> Segment:
    samples = np.full(16_000, 0.1, np.float32)
    span = Span("second", second, second + 1)
    return Segment(source, Modality.AUDIO, Channel.SOUND, span, AudioContent(samples))


def words(models: ModelService, source: str) -> list[str]:
    return [e.segment.text for e in models.flush(source).encoded]


def test_what_a_reader_holds_back_comes_with_the_flush_of_its_own_source(
    counting: ModelService,
) -> None:
    for second in (0, 1):
        for source in ("src_a", "src_b"):
            answer = counting.process([sound(source, second + 10 * (source == "src_b"))],
                                      ReadOptions())  # fmt: skip
            assert [e.segment.channel for e in answer.encoded] == [Channel.SOUND]
    assert words(counting, "src_a") == ["second 0 second 1"]
    assert words(counting, "src_a") == []
    assert words(counting, "src_b") == ["second 10 second 11"]


def test_words_that_were_held_back_are_embedded_and_timed(counting: ModelService) -> None:
    counting.process([sound("src_a", 3)], ReadOptions())
    answer = counting.flush("src_a")
    [made] = answer.encoded
    assert made.vector is not None and made.segment.content is None
    assert set(answer.timings) == {"counter", "embed"}


BLOCKED = (
    READER.replace("import replace", "import replace\nimport threading")
    .replace(
        "    def __init__(self):\n",
        "    BEGUN, GO_ON = threading.Event(), threading.Event()\n    def __init__(self):\n",
    )
    .replace(
        "    def read(self, segments):\n",
        "    def read(self, segments):\n        self.BEGUN.set()\n        self.GO_ON.wait(30)\n",
    )
)


async def test_a_source_of_which_a_reader_holds_nothing_does_not_wait_for_what_it_reads(
    install: Install, settings: Settings
) -> None:
    install("blocked-reader", BLOCKED, {"readers": "counter = blocked_reader:Counter"})
    models = service(settings)
    models.wait_ready(30)
    reader = next(r for r in models._models.readers().loaded if r.name == "counter")
    film = asyncio.create_task(
        asyncio.to_thread(models.process, [sound("src_film", 0)], ReadOptions())
    )
    still = Segment("src_note", Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), image())

    def note() -> list[int]:
        models.restore("src_note", b"")
        read = models.process([still], ReadOptions())
        assert models.save("src_note").state == b""
        return [len(answer.encoded) for answer in (read, models.flush("src_note"))]

    try:
        async with asyncio.timeout(30):
            await asyncio.to_thread(reader.BEGUN.wait, 30)  # type: ignore[attr-defined]
            assert await asyncio.to_thread(note) == [1, 0]
            assert not film.done()
    finally:
        reader.GO_ON.set()  # type: ignore[attr-defined]
        await film
    assert words(models, "src_film") == ["second 0"]
    models.close()


def test_nothing_is_held_of_a_question_that_could_not_be_read(
    counting: ModelService, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting.wait_ready(30)

    def broken(self: HashingEncoder, contents: Sequence[Content]) -> list[Vector | None]:
        raise UnavailableError("no memory")

    monkeypatch.setattr(HashingEncoder, "encode_urgent", broken)
    with pytest.raises(UnavailableError, match="no memory"):
        text = Segment(
            "src_a", Modality.AUDIO, Channel.TEXT, Span("second", 0, 1), TextContent("a title")
        )
        counting.understand([sound("src_a", 0), text])
    assert counting.flush("question 1").encoded == ()
    assert not counting._here._hold


def test_segments_of_two_sources_in_one_call_are_refused(counting: ModelService) -> None:
    with pytest.raises(ValueError, match="one source at a time"):
        counting.process([sound("src_a", 0), sound("src_b", 0)], ReadOptions())


def test_a_file_may_be_asked_with_while_it_is_ingested(counting: ModelService) -> None:
    counting.process([sound("src_a", 0)], ReadOptions())
    asked = counting.understand([sound("src_a", 7)])
    assert [e.segment.text for e in asked.encoded] == ["", "second 7"]
    assert words(counting, "src_a") == ["second 0"]


def test_a_reader_that_fails_is_named(install: Install, settings: Settings) -> None:
    code = READER.replace("        return []\n", "        return {}[segments[0].text]\n", 1)
    install("counter-reader", code, {"readers": "counter = counter_reader:Counter"})
    models = service(settings)
    with pytest.raises(OmniError, match="the reader counter failed: KeyError: ''; OMNI_LOG=DEBUG"):
        models.process([sound("a", 0)], ReadOptions())
    models.close()


UNIT: Vector = np.full(4, 0.5, np.float32)


@pytest.mark.parametrize(
    ("answer", "several", "wrong"),
    [
        ([UNIT], False, "1 vectors for 2 contents"),
        ([UNIT, UNIT, None], False, "3 vectors for 2 contents"),
        ([UNIT, [0.5, 0.5, 0.5, 0.5]], False, "list, not a numpy array"),
        ([np.ones(5, np.float32), None], False, r"shape \(5,\), not \(dim,\) with dim 4"),
        ([UNIT[None], None], False, r"shape \(1, 4\), not \(dim,\) with dim 4"),
        ([UNIT, None], True, r"shape \(4,\), not \(tokens, dim\) with dim 4"),
        ([UNIT, UNIT * np.float32("nan")], False, "a vector that is not finite or has no length"),
        ([np.zeros(4, np.float32), None], False, "a vector that is not finite or has no length"),
        ([UNIT[None][:0], None], True, "a vector that is not finite or has no length"),
    ],
)
def test_an_encoder_that_answers_anything_but_its_vectors_is_named(
    answer: list[Any], several: bool, wrong: str
) -> None:
    info = EncoderInfo("odd", "1", 4, frozenset(Channel), multi_vector=several)
    with pytest.raises(OmniError, match=f"the encoder odd answered {wrong}"):
        checked(answer, 2, info)


def test_vectors_of_the_encoders_width_and_none_are_what_it_may_answer() -> None:
    single = EncoderInfo("odd", "1", 4, frozenset(Channel))
    for answer, info in (
        ([None, UNIT], single),
        ([UNIT[None].repeat(3, 0)], replace(single, multi_vector=True)),
    ):
        assert checked(answer, len(answer), info) is answer


MEETING = """
import threading
from omni_core.protocols import Reader
from omni_core.types import Channel, ReaderInfo

BOTH = threading.Barrier(2, timeout=20)

class Ears(Reader):
    "Reads only while another reader does."
    name, loss, channel = "ears", "nothing is heard", Channel.SOUND
    @classmethod
    def describe(cls, settings):
        return ReaderInfo(cls.name, "none", "present")
    @classmethod
    def load(cls, settings, loaded):
        return cls()
    @classmethod
    def select(cls, segments):
        return [s for s in segments if s.channel is cls.channel]
    def read(self, segments):
        BOTH.wait()
        return []
    def flush(self, source_id):
        return []

class Eyes(Ears):
    name, channel, lane = "eyes", Channel.VISUAL, "pictures"
"""


async def test_the_sound_of_one_source_is_read_while_the_pictures_of_another_are(
    install: Install, settings: Settings
) -> None:
    install("meeting", MEETING, {"readers": "ears = meeting:Ears\neyes = meeting:Eyes"})
    worker = Worker(
        "models", "omni_core.models.service:service", answers=ANSWERS, settings=settings
    )
    still = Segment("src_b", Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), image())
    try:
        async with asyncio.timeout(50):
            first, second = await asyncio.gather(
                worker.call("process", [sound("src_a", 0)], ReadOptions()),
                worker.call("process", [still], ReadOptions()),
            )
    finally:
        await asyncio.to_thread(worker.close)
    assert [len(answer.encoded) for answer in (first, second)] == [1, 1]


def test_the_calls_of_one_source_share_a_lane_and_questions_have_their_own(
    counting: ModelService,
) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("restore", ("src_a", b"")), ("process", ([sound("src_a", 0)], ReadOptions())),
        ("save", ("src_a",)), ("flush", ("src_a",)), ("listen", ("src_a", [sound("src_a", 0)])),
    ]  # fmt: skip
    assert len({counting.lane_of(*call) for call in calls}) == 1
    assert len({counting.lane_of("save", (f"src_{n}",)) for n in range(99)}) > 4
    assert counting.lane_of("encode_questions", ([],)) == "questions"


def test_a_reader_that_is_skipped_reads_nothing(counting: ModelService) -> None:
    counting.process([sound("src_a", 0)], ReadOptions(skip=frozenset({"counter"})))
    assert words(counting, "src_a") == []


def test_a_reader_that_does_not_load_is_named_and_warns_only_where_it_is_missed(
    install: Install, settings: Settings
) -> None:
    code = READER.replace("return cls()", "raise TypeError('two\\nlines')")
    install("my-reader", code, {"readers": "counter = my_reader:Counter"})
    models = service(settings)
    status = models.wait_ready(30)
    assert (status.encoder, status.readers, status.readers_error) == ("ready", "ready", "")
    assert {r.name: r.state for r in status.unloaded} == {
        "counter": "missing", "screen_text": "off", "speech": "off",
    }  # fmt: skip
    [warning] = models.process([sound("src_a", 0)], ReadOptions()).warnings
    assert warning.startswith("nothing is counted: two; ") and "\n" not in warning
    assert warning in status.warnings
    still = Segment("src_a", Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), image())
    assert models.process([still], ReadOptions()).warnings == ()


def test_an_encoder_that_does_not_load_is_a_state_and_an_error_for_each_who_asks(
    install: Install, settings: Settings
) -> None:
    code = (
        "from omni_core.encoders.hashing import HashingEncoder\n"
        "class Mine(HashingEncoder):\n"
        "  @classmethod\n"
        "  def load(cls, settings): raise IndexError('no layer 12')\n"
    )
    install("my-encoder", code, {"encoders": "mine = my_encoder:Mine"})
    models = service(Settings(store=settings.store, encoder="mine", speech="off"))
    status = models.wait_ready(30)
    expected = "the encoder 'mine' did not load: IndexError: no layer 12; run `omni-mcp doctor`"
    assert (status.encoder, status.encoder_error) == ("failed", expected)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no layer 12"):
            models.encode_questions([TextContent("why")])


def test_no_reranker_is_an_answer_that_names_the_setting(settings: Settings) -> None:
    with pytest.raises(UnavailableError, match="OMNI_RERANKER"):
        service(settings).rerank(TextContent("why"), ["because"])


@pytest.mark.parametrize("ahead", ["all", "encoder"])
def test_the_network_is_given_up_once_what_may_be_fetched_is_loaded(
    settings: Settings, ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = threading.Event()
    monkeypatch.setattr(entering, "loaded", given_up.set)
    models = service(settings, ahead)
    assert given_up.wait(60)
    assert models.status().encoder == "ready"
    with pytest.raises(UnavailableError, match="OMNI_RERANKER"):
        models.rerank(TextContent("why"), ["because"])


def test_readers_are_loaded_where_the_kernel_does_not_let_the_network_be_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise PermissionError(1, "Operation not permitted")

    said: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(entering, "loaded", refused)
    monkeypatch.setattr(loading.log, "error", lambda text, *args: said.put(text % args))
    status = service(settings, "nothing").wait_ready(30)
    assert (status.encoder, status.readers) == ("ready", "ready")
    # Its thread may be at this after the readers: it was asked for them before.
    assert said.get(timeout=30).endswith("keeps the network: Operation not permitted")


def test_readers_that_are_not_loaded_ahead_are_loaded_once_they_are_needed(
    settings: Settings,
) -> None:
    models = service(settings, "encoder")
    (vector,) = models.encode_questions([TextContent("why")])
    assert vector is not None
    with pytest.raises(UnavailableError):
        models.rerank(TextContent("why"), ["because"])  # it is loaded after the readers, or fails
    assert models.status().readers == "loading"
    still = Segment("src_a", Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), image())
    models.process([still], ReadOptions())
    assert models.status().readers == "ready"


def image() -> ImageContent:
    return ImageContent(np.full((40, 60, 3), (220, 20, 20), np.uint8))


class Talkative(HashingEncoder):
    """An encoder with every optional hook."""

    def encode_additional(self, contents: Sequence[Content]) -> list[list[Vector]]:
        return [[np.ones(self.info.dim, np.float32)] * 2 for _ in contents]

    def caption(self, contents: Sequence[Content]) -> list[str]:
        return ["a red wall" if isinstance(c, ImageContent) else "" for c in contents]

    def faces(self, contents: Sequence[Content]) -> list[tuple[Crop, ...]]:
        return [((0.5, 0.0, 1.0, 0.5),) if isinstance(c, ImageContent) else () for c in contents]


def test_captions_and_additional_vectors_are_kept_with_their_segments(settings: Settings) -> None:
    pixels = image().pixels
    shot = Segment(
        "src_a", Modality.VIDEO, Channel.VISUAL, Span("second", 0, 4),
        VideoContent(np.stack([pixels, pixels]), (0.0, 2.0), 0.5, pixels), extra={"key_time": 1.0},
    )  # fmt: skip
    still = Segment("src_b", Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), image())
    encoded = embed(Talkative.load(settings), [shot, still, sound("src_a", 0)], StageTimer())
    assert [(e.segment.source_id, e.segment.part) for e in encoded] == [
        ("src_a", 0), ("src_b", 0), ("src_a", 0), ("src_a", 1), ("src_a", 2),
    ]  # fmt: skip
    assert [dict(e.segment.extra) for e in encoded[:3]] == [
        {"key_time": 1.0}, {"seen": "a red wall", "faces": [[0.5, 0.0, 1.0, 0.5]]}, {},
    ]  # fmt: skip
    assert [e.vector is None for e in encoded] == [False, False, True, False, False]
    assert len({e.segment.id for e in encoded}) == 5


def test_faces_of_a_picture_on_a_page_are_placed_on_the_page(settings: Settings) -> None:
    picture = Segment(
        "src_a", Modality.DOCUMENT, Channel.VISUAL, Span("page", 3, 4), image(),
        extra={"picture": 1, "crop": [0.2, 0.4, 0.6, 0.6]},
    )  # fmt: skip
    (encoded,) = embed(Talkative.load(settings), [picture], StageTimer())
    assert encoded.segment.extra["faces"] == [[0.4, 0.4, 0.6, 0.5]]


@pytest.mark.parametrize(
    ("count", "pages"), [(PAGE_WORDS_ONLY - 1, True), (PAGE_WORDS_ONLY, False)]
)
def test_the_image_of_a_page_full_of_words_is_left_out_where_it_says_no_more(
    settings: Settings, count: int, pages: bool
) -> None:
    class Words(HashingEncoder):
        @classmethod
        def describe(cls, settings: Settings) -> EncoderInfo:
            return replace(super().describe(settings), embed_page_images=False)

    page, text = Span("page", 3, 4), "word " * count
    segments = [
        Segment("src_a", Modality.DOCUMENT, Channel.VISUAL, page, image()),
        Segment("src_a", Modality.DOCUMENT, Channel.TEXT, page, TextContent(text), text),
        Segment(
            "src_a", Modality.DOCUMENT, Channel.VISUAL, page, image(), part=1, extra={"picture": 1}
        ),
    ]
    encoder = Words.load(settings)
    assert encoder.info.embed_page_images is False
    drawn, written, picture = embed(encoder, segments, StageTimer())
    assert ((drawn.vector is not None), (written.vector is not None)) == (pages, True)
    assert picture.vector is not None


def test_the_server_process_imports_no_code_of_the_worker() -> None:
    program = (
        "import sys, omni_core.engine\n"
        "held = [m for m in sys.modules if m.startswith('omni_core.')]\n"
        "print(sorted(m for m in held if m.split('.')[1] in ('models', 'readers', 'media')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == (
        "['omni_core.models', 'omni_core.models.answers', 'omni_core.models.confinement']"
    )
