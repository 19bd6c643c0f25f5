"""Parts of other packages: found, refused with a line that helps, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_core import encoders, index, plugins, readers
from omni_core.decoder import Decoder
from omni_core.errors import BadRequestError, UnavailableError, UnreadableError
from omni_core.media.service import service
from omni_core.settings import Settings
from omni_core.types import CutOptions, Modality, Source

Install = Callable[..., None]

MEDIUM = """
from omni_core.protocols import Medium
from omni_core.types import (
    Channel, MediaInfo, Modality, Segment, Span, TextContent,
)

class Haiku(Medium):
    kinds = "haiku"
    def matches(self, head, suffix):
        return head.startswith(b"HAIKU")
    def probe(self, path, password=None):
        return MediaInfo(Modality.DOCUMENT, "text/haiku")
    def decompose(self, path, source, options):
        for n, line in enumerate(open(path).read().splitlines()[1:]):
            span = Span("char", n, n + 1)
            yield Segment(
                source.id, source.modality, Channel.TEXT, span, TextContent(line), line
            )
"""
SUBTITLE = b"1\n00:00:01,000 --> 00:00:02,000\nHello there.\n"


def test_the_built_ins_are_registered_as_any_other_part_is() -> None:
    assert {"embedded", "hashing"} <= set(plugins.names(plugins.ENCODERS))
    loaded = plugins.load_all(plugins.MEDIA)
    assert len(loaded.classes) == len(plugins.names(plugins.MEDIA)) >= 9
    assert loaded.broken == ()


async def test_a_medium_of_another_package_is_opened_in_the_decoder_process(
    install: Install, tmp_path: Path
) -> None:
    install("haiku-medium", MEDIUM, {"media": "haiku = haiku_medium:Haiku"})
    path = tmp_path / "pond.haiku"
    path.write_text("HAIKU\nAn old silent pond\nA frog jumps in\nSplash\n")
    worker = Decoder("decoder")
    try:
        async with asyncio.timeout(60):
            info = await worker.call("probe", str(path))
            source = Source("0" * 64, str(path), "pond", info.modality, info.mime, 1)
            found = [s async for s in worker.stream("decompose", str(path), source, CutOptions())]
    finally:
        worker.close(2)
    assert info.mime == "text/haiku"
    assert [s.text for s in found] == ["An old silent pond", "A frog jumps in", "Splash"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import no_such_wheel", "ModuleNotFoundError: No module named 'no_such_wheel'"),
        ("Haiku = 3 /", "SyntaxError"),
        ("raise SystemError('first line\\nsecond')", "SystemError: first line;"),
        ("class Haiku: pass", "is not a subclass of omni_core.protocols.Medium"),
        ("Haiku = 3", "is not a subclass of omni_core.protocols.Medium"),
        (
            "from omni_core.protocols import Medium\nclass Haiku(Medium):\n  kinds = ''",
            "does not define decompose, matches, probe",
        ),
        ("", "AttributeError"),
    ],
)
def test_a_broken_medium_of_another_package_costs_one_log_line_and_the_built_ins_go_on(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, why: str
) -> None:
    install("haiku-medium", code, {"media": "haiku = haiku_medium:Haiku"})
    with caplog.at_level(logging.WARNING):
        media = service()
    [line] = [r.getMessage() for r in caplog.records]
    assert "the medium 'haiku' of haiku-medium" in line and why in line and "\n" not in line
    (tmp_path / "a.srt").write_bytes(SUBTITLE)
    assert media.probe(str(tmp_path / "a.srt")).mime == "application/x-subrip"
    (tmp_path / "b.haiku").write_bytes(b"\x00\x01\x02")
    with pytest.raises(UnreadableError, match=r"Not loaded .*medium haiku of haiku-medium"):
        media.probe(str(tmp_path / "b.haiku"))
    [broken] = plugins.broken()
    assert broken.label == "medium haiku of haiku-medium" and why in broken.message


def test_a_medium_of_another_package_may_read_what_is_refused_without_it(
    install: Install, tmp_path: Path
) -> None:
    install(
        "haiku-medium", MEDIUM.replace('b"HAIKU"', 'b"SQLite format 3"'),
        {"media": "haiku = haiku_medium:Haiku"},
    )  # fmt: skip
    path = tmp_path / "ponds.db"
    path.write_bytes(b"SQLite format 3\0\nAn old silent pond\n")
    assert service().probe(str(path)).mime == "text/haiku"


async def test_a_broken_medium_does_not_stop_the_decoder_process(
    install: Install, tmp_path: Path
) -> None:
    install("haiku-medium", "1 / 0", {"media": "haiku = haiku_medium:Haiku"})
    (tmp_path / "a.srt").write_bytes(SUBTITLE)
    worker = Decoder("decoder")
    try:
        async with asyncio.timeout(60):
            info = await worker.call("probe", str(tmp_path / "a.srt"))
    finally:
        worker.close(2)
    assert info.mime == "application/x-subrip"


def test_a_medium_that_yields_anything_but_segments_costs_one_line_that_names_it(
    install: Install, tmp_path: Path
) -> None:
    code = MEDIUM[: MEDIUM.index("        for n, line")] + '        yield "An old silent pond"\n'
    install("haiku-medium", code, {"media": "haiku = haiku_medium:Haiku"})
    path = tmp_path / "pond.haiku"
    path.write_text("HAIKU\nAn old silent pond\n")
    source = Source("0" * 64, str(path), "pond", Modality.DOCUMENT, "text/haiku", 1)
    with pytest.raises(UnavailableError, match="the medium Haiku yields str where a Segment"):
        list(service().decompose(str(path), source, CutOptions()))


def test_a_medium_that_fails_to_recognise_files_has_no_say_in_those_of_others(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = MEDIUM.replace('head.startswith(b"HAIKU")', "head[5000]")
    install("haiku-medium", code, {"media": "haiku = haiku_medium:Haiku"})
    (tmp_path / "a.srt").write_bytes(SUBTITLE)
    assert service().probe(str(tmp_path / "a.srt")).mime == "application/x-subrip"
    assert "Haiku cannot tell whether a file is its own" in caplog.text


def test_an_encoder_that_was_asked_for_and_does_not_import_is_an_error(install: Install) -> None:
    install("my-encoder", "import no_such_wheel", {"encoders": "mine = my_encoder:Mine"})
    with pytest.raises(UnavailableError, match=r"the encoder 'mine' of my-encoder .* reinstall"):
        encoders.describe(Settings(encoder="mine"))
    assert plugins.load(plugins.ENCODERS, "hashing").__name__ == "HashingEncoder"


def test_an_unknown_index_is_answered_with_the_names_that_there_are(install: Install) -> None:
    install("my-index", "", {"indexes": "mine = my_index:Mine"})
    with pytest.raises(BadRequestError, match=r"unknown index 'none'; choose one of edge.*, mine"):
        plugins.load(plugins.INDEXES, "none")


def test_an_index_that_was_asked_for_and_does_not_import_is_an_error(install: Install) -> None:
    install("my-index", "class Mine: pass", {"indexes": "mine = my_index:Mine"})
    settings = Settings(encoder="hashing", index="mine")
    with pytest.raises(UnavailableError, match="the index 'mine' of my-index is not a subclass"):
        index.load(settings, encoders.describe(settings))


def test_a_broken_reader_of_another_package_leaves_the_built_in_readers(
    install: Install, tmp_path: Path
) -> None:
    install("my-reader", "import no_such_wheel", {"readers": "lips = my_reader:Lips"})
    rows = readers.describe(Settings(store=str(tmp_path), speech="off", screen_text="off"))
    assert [r.name for r in rows] == ["speech", "screen_text", "sound_tags", "speakers"]


def test_a_reader_is_called_as_its_entry_point_is(install: Install) -> None:
    code = "from omni_core.readers.speech import SpeechReader\nclass Lips(SpeechReader): pass"
    install("my-reader", code, {"readers": "lips = my_reader:Lips"})
    [broken] = plugins.broken()
    assert "calls itself 'speech'" in broken.message


def test_a_name_that_is_taken_stays_with_the_built_in_and_is_logged_once(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install("my-encoder", "", {"encoders": "hashing = my_encoder:Mine"})
    for _ in range(3):
        assert plugins.load(plugins.ENCODERS, "hashing").__module__ == "omni_core.encoders.hashing"
    [line] = [r.getMessage() for r in caplog.records]
    assert "'hashing' of my-encoder is taken by omni-mcp" in line
    assert plugins.third_party() == []


def test_of_two_strangers_with_one_name_the_first_in_the_alphabet_is_taken(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install("b-media", MEDIUM, {"media": "haiku = b_media:Haiku"})
    install("a-media", MEDIUM, {"media": "haiku = a_media:Haiku"})
    assert plugins.load(plugins.MEDIA, "haiku").__module__ == "a_media"
    assert "'haiku' of b-media is taken by a-media" in caplog.text
    assert plugins.third_party() == ["medium haiku of a-media"]
