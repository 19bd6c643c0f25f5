"""Chapters are found by their titles at their spans; numbers and nonsense are not."""

from __future__ import annotations

import itertools
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av import cue_sheet
from omni_core.media.av.chapters import TITLE_CHARACTERS, chapters, is_generic
from omni_core.media.av.sub_chapters import sub_chapters
from omni_core.types import CHAPTER_ORIGIN, Segment

FORMS = {".mkv": "aac", ".mp4": "aac", ".m4b": "aac", ".mp3": "libmp3lame", ".webm": "libopus"}


@pytest.fixture
def talk(tmp_path: Path, tone: Any, tools: Any) -> Any:
    """Ten seconds with these chapters: (start, end, title)."""

    def make(suffix: str, chapters: list[tuple[float, float, str]]) -> Path:
        path = tmp_path / f"talk{suffix}"
        with av.open(str(path), "w", format="mp4" if suffix == ".m4b" else None) as c:
            c.set_chapters(
                [
                    {
                        "id": n, "start": round(start * 1000), "end": round(end * 1000),
                        "time_base": Fraction(1, 1000), "metadata": {"title": title},
                    }
                    for n, (start, end, title) in enumerate(chapters, 1)
                ]
            )  # fmt: skip
            a = c.add_stream(FORMS[suffix], rate=48000, layout="mono")
            tools.write_sound(c, a, tone(10))
        return path

    return make


def titles(segments: list[Segment]) -> list[tuple[float, float, str]]:
    return [(s.span.start, s.span.end, s.text) for s in segments if s.origin == CHAPTER_ORIGIN]


@pytest.mark.parametrize("suffix", list(FORMS))
def test_a_chapter_is_text_at_its_span(suffix: str, talk: Any, cut: Any) -> None:
    found = titles(cut(talk(suffix, [(0, 4, "The sluice"), (4, 10, "The turbine hall")])))
    assert [title for _, _, title in found] == ["The sluice", "The turbine hall"]
    assert [at for start, end, _ in found for at in (start, end)] == pytest.approx(
        [0, 4, 4, 10], abs=0.1
    )


def test_vorbis_comments_hold_chapters(tmp_path: Path, tone: Any, tools: Any, cut: Any) -> None:
    path = tmp_path / "talk.ogg"
    with av.open(str(path), "w") as c:
        a = c.add_stream("libopus", rate=48000, layout="mono")
        a.metadata.update(
            {
                "CHAPTER001": "00:00:00.000", "CHAPTER001NAME": "The sluice",
                "CHAPTER002": "00:00:03.000", "CHAPTER002NAME": "The turbine hall",
            }
        )  # fmt: skip
        tools.write_sound(c, a, tone(5))
    assert [title for _, _, title in titles(cut(path))] == ["The sluice", "The turbine hall"]


def test_numbered_chapters_are_no_evidence(talk: Any, cut: Any) -> None:
    found = titles(cut(talk(".mkv", [(0, 4, "Chapter 01"), (4, 10, "The turbine hall")])))
    assert [title for _, _, title in found] == ["The turbine hall"]


def test_wrong_chapters_are_put_right_or_left_out(talk: Any, cut: Any) -> None:
    wrong = [
        (0, 6, "Overlaps the next"), (4, 4, "No length"), (7, 99, "Too long"),
        (50, 60, "Outside"),
    ]  # fmt: skip
    found = titles(cut(talk(".mkv", wrong)))
    assert [title for _, _, title in found] == [
        "Overlaps the next", "No length", "Too long",
    ]  # fmt: skip
    for (_, end, _), (start, _, _) in itertools.pairwise(found):
        assert end <= start
    assert found[-1][1] == pytest.approx(10, abs=0.1)


def test_thousands_of_chapters_are_bounded_and_told(talk: Any, svc: Any, cut: Any) -> None:
    path = talk(".mkv", [(n / 500, (n + 1) / 500, f"Bird number {n} sings") for n in range(5000)])
    found = titles(cut(path))
    assert len(found) == 1000
    assert len({s for s, _, _ in found}) == 1000


@pytest.mark.parametrize(
    "title",
    ["Chapter 01", "chapter_3", "Kapitel 3", "00:05:12.000", "Scene 5", "3", "", "IV", "Глава 2",
     "第三章", "Track 07", "Chapter", "01 - 02", "(00:00:00)"],
)  # fmt: skip
def test_numbered_titles_are_generic(title: str) -> None:
    assert is_generic(title)


@pytest.mark.parametrize(
    "title", ["Civic", "Partridge", "Chapter 1: The weir", "1984 election", "Mix"]
)
def test_titles_of_their_own_are_not(title: str) -> None:
    assert not is_generic(title)


SHEET = """PERFORMER "The mill band"
TITLE "Whole disc"
FILE "disc.flac" WAVE
  TRACK 01 AUDIO
    TITLE "The sluice"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "The turbine hall"
    PERFORMER "Nina Berg"
    INDEX 00 00:02:70
    INDEX 01 00:03:30
  TRACK 03 AUDIO
    TITLE "Behind the end"
    INDEX 01 01:00:00
"""


def test_a_cue_sheet_in_the_tags_holds_chapters(
    tmp_path: Path, tone: Any, tools: Any, cut: Any
) -> None:
    path = tmp_path / "disc.flac"
    with av.open(str(path), "w") as c:
        c.metadata["CUESHEET"] = SHEET
        tools.write_sound(c, c.add_stream("flac", rate=48000, layout="mono"), tone(5))
    assert titles(cut(path)) == [
        (0.0, 3.4, "The sluice"),
        (3.4, pytest.approx(5, abs=0.03), "Nina Berg: The turbine hall"),
    ]


BESIDE = """PERFORMER "Radio Harbour"
FILE "{}" WAVE
  TRACK 01 AUDIO
    TITLE "Ранний туман"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Вечерний причал"
    INDEX 00 00:03:70
    INDEX 01 00:04:00
"""


@pytest.mark.parametrize("name", ["talk.cue", "talk.CUE", "talk.mp3.cue"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251"])
def test_a_cue_sheet_beside_a_recording_holds_its_chapters(
    name: str, encoding: str, talk: Any, cut: Any
) -> None:
    path = talk(".mp3", [])
    (path.parent / name).write_bytes(BESIDE.format("talk.wav").encode(encoding))
    found = [s for s in cut(path) if s.origin == CHAPTER_ORIGIN]
    assert [s.text for s in found] == ["Ранний туман", "Вечерний причал"]
    assert [s.span.start for s in found] == [0, 4]


def test_a_cue_sheet_of_a_file_for_each_track_is_of_none_of_them(talk: Any, cut: Any) -> None:
    path = talk(".mp3", [])
    (path.parent / "talk.cue").write_text(BESIDE.format("1.mp3") + BESIDE.format("2.mp3"))
    assert not [s for s in cut(path) if s.origin == CHAPTER_ORIGIN]


def test_a_cue_sheet_that_leads_out_of_its_folder_is_not_read(
    talk: Any, cut: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("other") / "secret.cue"
    secret.write_text(BESIDE.format("talk.mp3"))
    path = talk(".mp3", [])
    (path.parent / "talk.cue").symlink_to(secret)
    assert not [s for s in cut(path) if s.origin == CHAPTER_ORIGIN]


@pytest.mark.parametrize("minutes", ["9" * 400, "9" * 5000])
def test_a_time_that_no_disc_has_costs_its_track(minutes: str, talk: Any, cut: Any) -> None:
    path = talk(".mp3", [])
    sheet = BESIDE.format("talk.mp3").replace("00:04:00", f"{minutes}:00:00")
    (path.parent / "talk.cue").write_text(sheet)
    assert [s.text for s in cut(path) if s.origin == CHAPTER_ORIGIN] == ["Ранний туман"]


@pytest.mark.parametrize("filler", ["\n", " ", "TITLE ", "FILE\n", 'FILE "'])
def test_a_cue_sheet_of_nothing_is_read_in_no_time(filler: str, tmp_path: Path) -> None:
    (tmp_path / "talk.cue").write_text("FILE a\nTRACK 01\nTITLE" + filler * 150_000 + "x")
    begun = time.process_time()
    assert not cue_sheet.tracks_beside(str(tmp_path / "talk.mp3"))
    assert time.process_time() - begun < 2


def test_a_sheet_that_names_its_one_file_for_each_track_holds_all_of_them(
    talk: Any, cut: Any
) -> None:
    path = talk(".mp3", [])
    sheet = BESIDE.format("talk.mp3").replace("  TRACK 02", 'FILE "talk.mp3" MP3\n  TRACK 02')
    (path.parent / "talk.cue").write_text(sheet)
    assert len([s for s in cut(path) if s.origin == CHAPTER_ORIGIN]) == 2


def test_chapters_in_the_file_precede_a_cue_sheet_beside_it(talk: Any, cut: Any) -> None:
    path = talk(".mp3", [(0, 10, "The weir")])
    (path.parent / "talk.cue").write_text(BESIDE.format("talk.mp3"))
    assert [s.text for s in cut(path) if s.origin == CHAPTER_ORIGIN] == ["The weir"]


def element(kind: int, data: bytes) -> bytes:
    """An element of Matroska, whose length takes eight bytes."""
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    return name + (len(data) | 1 << 56).to_bytes(8, "big") + data


def atom(start: int, end: int, title: str, *inside: bytes, hidden: int = 0) -> bytes:
    times = (element(0x91, (start * 10**9).to_bytes(8, "big")),
             element(0x92, (end * 10**9).to_bytes(8, "big")))  # fmt: skip
    shown = element(0x80, element(0x85, title.encode()) + element(0x437C, b"eng"))
    uid = element(0x73C4, bytes([start + 16 * hidden + 1]))
    flags = element(0x98, bytes([hidden])) + element(0x4598, b"\1")
    return element(0xB6, uid + b"".join(times) + flags + shown + b"".join(inside))


def test_chapters_inside_chapters_are_found(talk: Any, cut: Any) -> None:
    path = talk(".mkv", [])
    inner = atom(2, 4, "Nets", atom(3, 4, "A knot"))
    acts = (
        atom(0, 4, "The sluice", inner),
        atom(
            4, 10, "The turbine hall", atom(5, 6, "Not shown", hidden=1), atom(6, 10, "The storm")
        ),
    )
    added = element(0x1043A770, element(0x45B9, b"".join(acts)))
    data = path.read_bytes()
    at = data.index(b"\x18\x53\x80\x67") + 4
    size = (int.from_bytes(data[at : at + 8], "big") + len(added)).to_bytes(8, "big")
    tracks = data.index(b"\x16\x54\xae\x6b", data.index(b"\x16\x54\xae\x6b") + 4)
    path.write_bytes(data[:at] + size + data[at + 8 : tracks] + added + data[tracks:])
    assert titles(cut(path)) == [
        (0, 2, "The sluice"), (2, 3, "Nets"), (3, 4, "A knot"), (4, 6, "The turbine hall"),
        (6, pytest.approx(10, abs=0.1), "The storm"),
    ]  # fmt: skip


def test_a_number_of_a_chapter_that_is_too_long_is_no_error(tmp_path: Path) -> None:
    inner = element(0xB6, element(0x91, b"\xff" * 200) + element(0x92, b"\xff" * 200))
    edition = element(0x45B9, element(0xB6, inner))
    path = tmp_path / "talk.mkv"
    path.write_bytes(element(0x1A45DFA3, b"") + element(0x18538067, element(0x1043A770, edition)))
    ((start, end, title),) = sub_chapters(str(path))
    assert (start, end) == pytest.approx((2**64 / 1e9, 2**64 / 1e9))
    assert title == ""


def test_titles_of_one_chapter_are_cut_together() -> None:
    one = {"time_base": 1, "start": 0, "end": 9}
    named = [one | {"metadata": {"title": f"In language {n}"}} for n in range(2000)]
    streams = SimpleNamespace(audio=[])
    opened = SimpleNamespace(
        format=SimpleNamespace(name="mov"), chapters=lambda: named, start_time=0, metadata={},
        streams=streams,
    )  # fmt: skip
    (found,) = chapters(opened, 9.0)
    assert found.title.startswith("In language 0 / In language 1 / ")
    assert len(found.title) == TITLE_CHARACTERS


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
def test_markers_of_an_aiff_are_chapters(rate: int, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "talk.aiff"
    with av.open(str(path), "w") as c:
        stream: Any = c.add_stream("pcm_s16be", rate=rate, layout="mono")
        sound = (9000 * np.sin(np.arange(6 * rate) / 20)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
        frame.sample_rate = rate
        c.mux(stream.encode(frame))
        c.mux(stream.encode())
    names = (1, b"The sluice"), (4, b"Br\x9fcke")  # the second in the letters of a Mac
    stored = b"".join(
        n.to_bytes(2, "big") + (second * rate).to_bytes(4, "big")
        + (bytes([len(name)]) + name).ljust((len(name) + 2) // 2 * 2, b"\0")
        for n, (second, name) in enumerate(names, 1)
    )  # fmt: skip
    stored = len(names).to_bytes(2, "big") + stored
    data = path.read_bytes() + b"MARK" + len(stored).to_bytes(4, "big") + stored
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "big") + data[8:])
    assert titles(cut(path)) == [(1, 4, "The sluice"), (4, pytest.approx(6, abs=0.01), "Brücke")]
