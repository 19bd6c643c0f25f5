"""What people wrote into sound and film is evidence, in its own characters; noise is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from omni_core.media.av.chapters import is_generic
from omni_core.media.av.container import container
from omni_core.media.av.itunes_tags import all_values
from omni_core.media.av.tag_text import decoded
from omni_core.media.av.tags import tags_of, written
from omni_core.types import Channel, CutOptions, FileWarning, Limits, Modality, Source

Song = Callable[..., Path]
CODECS = {
    ".mp3": "libmp3lame", ".m4a": "aac", ".ogg": "libopus", ".flac": "flac", ".mka": "flac",
    ".wav": "pcm_s16le", ".wma": "wmav2", ".aiff": "pcm_s16be",
}  # fmt: skip


@pytest.fixture
def song(tmp_path: Path, tone: Any, tools: Any) -> Song:
    """Two seconds of sound with these tags."""

    def make(suffix: str, tags: dict[str, str], form: dict[str, str] | None = None) -> Path:
        path = tmp_path / f"song{suffix}"
        with av.open(str(path), "w", options=form or {}) as c:
            c.metadata.update(tags)
            stream = c.add_stream(CODECS[suffix], rate=48000, layout="mono")
            stream.bit_rate = 64_000
            tools.write_sound(c, stream, tone(2))
        return path

    return make


def evidence(segments: Any) -> list[tuple[str, str]]:
    return [(s.origin, s.text) for s in segments if s.channel is Channel.TEXT]


@pytest.mark.parametrize("suffix", list(CODECS))
def test_names_and_descriptions_are_text_with_an_origin(
    suffix: str, song: Song, cut: Any, svc: Any
) -> None:
    path = song(
        suffix,
        {
            "title": "The weir",
            "artist": "Nina Berg",
            "album": "River songs",
            "comment": "Recorded beside the old mill in spring",
        },
        {"write_id3v2": "1"} if suffix == ".aiff" else {},
    )
    assert svc.probe(str(path)).title == "The weir"
    names, comment = evidence(cut(path))
    assert names == ("file tags", "artist: Nina Berg; album: River songs")
    assert comment == ("description", "Recorded beside the old mill in spring")


def test_lyrics_of_id3_and_of_vorbis_comments_are_found(song: Song, cut: Any) -> None:
    words = "Down by the water\nthe wheel turns slow"
    for suffix, key in ((".mp3", "lyrics-eng"), (".ogg", "LYRICS"), (".m4a", "lyrics")):
        assert evidence(cut(song(suffix, {key: words})))[-1] == ("lyrics", words)


def test_lyrics_with_times_are_at_their_seconds(song: Song, cut: Any) -> None:
    path = song(".flac", {"LYRICS": "[00:00.50]Down by the water\n[00:01.20]the wheel turns\n"})
    (line,) = [s for s in cut(path) if s.origin == "lyrics"]
    assert line.span.start == pytest.approx(0.5)
    assert line.span.end == pytest.approx(2.0, abs=0.1)  # with the sound
    assert "[" not in line.text


@pytest.mark.parametrize("words", ["[00:02.50]Over the weir", "[02:30.00]Over\n[02:31.00]the weir"])
def test_lyrics_of_one_line_and_late_ones_are_read(words: str, song: Song, cut: Any) -> None:
    found = [s for s in cut(song(".mp3", {"lyrics-eng": words})) if s.origin == "lyrics"]
    assert " ".join(s.text for s in found).split() == ["Over", "the", "weir"]


def _atom(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def _value(text: str) -> bytes:
    return _atom(b"data", (1).to_bytes(4, "big") + bytes(4) + text.encode())


def test_every_value_of_a_tag_of_an_mp4_is_found(song: Song, cut: Any) -> None:
    path = song(".m4a", {"artist": "Nina Berg", "title": "The weir"})
    data = path.read_bytes()
    one = _atom(b"\xa9ART", _value("Nina Berg"))
    more = _value("Ola Vik") + _value("Nina Berg") + _value("Ågot")
    at = data.index(one)
    several = bytearray(data.replace(one, _atom(b"\xa9ART", more)))
    grown = len(several) - len(data)
    for kind in (b"moov", b"udta", b"meta", b"ilst"):
        begin = data.rindex(kind, 0, at) - 4
        size = int.from_bytes(data[begin : begin + 4], "big") + grown
        several[begin : begin + 4] = size.to_bytes(4, "big")
    path.write_bytes(several)
    ((_, names),) = evidence(cut(path))
    assert names.startswith("artist: ") and "title" not in names
    assert {"Ola Vik", "Nina Berg", "Ågot"} == set(names.removeprefix("artist: ").split(", "))
    for end in range(at, at + len(more), 7):  # a tag that breaks off costs no more than itself
        path.write_bytes(several[:end])
        list(all_values(str(path)))


def _seven(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _timed(
    version: Literal[2, 3, 4], encoding: int, pieces: list[tuple[str, int]], unit: int = 2
) -> bytes:
    """An ID3 tag with one frame of timed lyrics."""
    page, end = {0: ("latin-1", b"\0"), 1: ("utf-16", b"\0\0"), 2: ("utf-16-be", b"\0\0"),
                 3: ("utf-8", b"\0")}[encoding]  # fmt: skip
    body = bytes([encoding]) + b"eng" + bytes([unit, 1]) + "By A. Berg".encode(page) + end
    for text, ms in pieces:
        body += text.encode(page) + end + ms.to_bytes(4, "big")
    if version == 2:
        frame = b"SLT" + len(body).to_bytes(3, "big") + body
    else:
        size = _seven(len(body)) if version == 4 else len(body).to_bytes(4, "big")
        frame = b"SYLT" + size + b"\0\0" + body
    other = b"TT2\0\0\2\0x" if version == 2 else b"TIT2\0\0\0\2\0\0\0x"
    return b"ID3" + bytes([version, 0, 0]) + _seven(len(other + frame)) + other + frame


@pytest.mark.parametrize(
    ("version", "encoding"), [(2, 0), (2, 1), (3, 0), (3, 1), (4, 1), (4, 2), (4, 3)]
)
def test_timed_lyrics_of_id3_are_at_their_seconds(
    version: Literal[2, 3, 4], encoding: int, song: Song, cut: Any
) -> None:
    path = song(".mp3", {}, {"write_id3v2": "0", "write_xing": "0"})
    verses = [("Down by the wéir", 200), ("\nthe wh", 900), ("eel turns", 1100), ("\nslow", 1500)]
    path.write_bytes(_timed(version, encoding, verses) + path.read_bytes())
    (line,) = [s for s in cut(path) if s.origin == "lyrics"]
    assert line.text == "Down by the wéir the wheel turns slow"
    assert (line.span.start, line.span.end) == (0.2, pytest.approx(2.0, abs=0.1))


def test_letters_with_a_zero_byte_end_no_line_of_timed_lyrics(song: Song, cut: Any) -> None:
    path = song(".mp3", {}, {"write_id3v2": "0", "write_xing": "0"})
    verses = [("na\u0100 Zemi", 200), ("\u0100da\u0101\u0100", 900)]  # 00 00 across two letters
    path.write_bytes(_timed(3, 1, verses) + path.read_bytes())
    (line,) = [s for s in cut(path) if s.origin == "lyrics"]
    assert line.text == "na\u0100 Zemi \u0100da\u0101\u0100"


def test_lyrics_counted_in_frames_of_mpeg_are_words_without_times(song: Song, cut: Any) -> None:
    path = song(".mp3", {}, {"write_id3v2": "0"})
    path.write_bytes(_timed(4, 3, [("Down by the weir", 20), ("slow", 40)], 1) + path.read_bytes())
    (line,) = [s for s in cut(path) if s.origin == "lyrics"]
    assert (line.span.end, line.text) == (0, "Down by the weir\nslow")


@pytest.mark.parametrize("end", [20, 40, 60, 75])
def test_a_tag_that_breaks_off_costs_no_sound(end: int, song: Song, cut: Any) -> None:
    path = song(".mp3", {}, {"write_id3v2": "0"})
    tag = _timed(4, 3, [("Down by the weir", 200), ("the wheel turns", 900)])
    path.write_bytes(tag[:end] + bytes(len(tag) - end) + path.read_bytes())
    assert any(s.channel is Channel.SOUND for s in cut(path))


def test_what_programs_write_is_no_evidence(song: Song, cut: Any) -> None:
    noise = {
        "encoder": "Lavf60", "comment": "http://example.org/song", "artist": "Unknown Artist",
        "description": "d41d8cd98f00b204e9800998ecf8427e", "album": "12",
    }  # fmt: skip
    assert evidence(cut(song(".mka", noise))) == []
    assert evidence(cut(song(".flac", {"comment": "Processed by SoX"}))) == []


def test_the_title_and_what_was_said_before_are_not_repeated() -> None:
    tags = {
        "title": "The weir", "description": "The  Weir", "artist": "Nina Berg",
        "album_artist": "Nina Berg", "comment": "A mill", "synopsis": "a mill",
    }  # fmt: skip
    assert [w.text for w in written(tags, "The weir")] == ["artist: Nina Berg", "a mill"]
    assert "title: The weir" in written(tags, "another name")[0].text


def test_tags_built_to_hang_a_reader_do_not(song: Song, cut: Any, svc: Any) -> None:
    for value in ("a" * 100_000 + "!", "_" * 100_000, "+1" * 50_000, "A1-" * 50_000):
        assert written({"comment": value, "title": value, "location": value}, "") is not None
        assert not is_generic(value[:5_000])


def test_a_tag_without_end_is_cut_and_told(song: Song, svc: Any) -> None:
    path = song(".flac", {"comment": "weir " * 60_000})
    source = Source("0" * 64, str(path), "", Modality.AUDIO, "audio/flac", 1, 2.0)
    items = list(svc.decompose(str(path), source, CutOptions()))
    (warned,) = [i.message for i in items if isinstance(i, FileWarning)]
    assert warned == "of its tag comment the first 200,000 characters can be searched"


def test_a_place_is_named_without_its_numbers() -> None:
    assert written({"location": "+47.1+009.5/"}, "") == []
    (place,) = written({"location-eng": "+47.1+009.5/Wildhaus"}, "")
    assert place.text == "place: Wildhaus"


@pytest.mark.parametrize(
    ("code_page", "artist", "title"),
    [
        ("cp1251", "Кино", "Группа крови"),
        ("koi8-r", "Земфира", "Искала"),
        ("gbk", "周杰伦", "青花瓷的故事"),
        ("cp932", "宇多田ヒカル", "ひとつ"),
        ("cp949", "김광석", "서른 즈음에"),
        ("cp1253", "Αλεξίου", "Παραμύθι"),
        ("cp1252", "Björk", "Jóga – “live”"),
        ("utf-8", "Живое", "Кино"),
    ],
)
def test_id3v1_is_read_in_its_code_page(
    code_page: str, artist: str, title: str, song: Song, svc: Any, cut: Any
) -> None:
    path = song(".mp3", {}, {"id3v2_version": "0", "write_xing": "0"})
    tag = b"TAG" + title.encode(code_page)[:30].ljust(30, b"\0")
    tag += artist.encode(code_page)[:30].ljust(30, b"\0") + b"\0" * 64 + b"\xff"
    path.write_bytes(path.read_bytes() + tag.ljust(128, b"\0")[:128])
    assert svc.probe(str(path)).title == title
    assert evidence(cut(path)) == [("file tags", f"artist: {artist}")]


@pytest.mark.parametrize("name", ["Beyoncé", "Motörhead", "Ágætis byrjun", "Å", "ÆØÅ", "¿Qué?"])
def test_western_names_stay(name: str) -> None:
    for form in ("mp3", "mov,mp4,m4a,3gp,3g2,mj2", "flac"):
        assert decoded({"artist": name, "album": "Best of"}, form)["artist"] == name


@pytest.mark.parametrize("suffix", [".m4a", ".flac", ".ogg", ".mka", ".mp3"])
@pytest.mark.parametrize(
    ("code_page", "title"),
    [("cp1251", "Привет из Москвы"), ("cp1252", "Café Zürich – Größe"), ("gbk", "周杰伦")],
)
def test_letters_that_a_program_took_for_others_are_put_right(
    suffix: str, code_page: str, title: str, song: Song, svc: Any
) -> None:
    twice = title.encode().decode("cp1252" if code_page == "cp1252" else "latin-1")
    path = song(suffix, {"title": twice, "artist": "Nina Berg"})
    assert svc.probe(str(path)).title == title
    read_wrong = title.encode(code_page).decode("latin-1")
    if code_page != "cp1252":
        assert svc.probe(str(song(suffix, {"title": read_wrong}))).title == title


def test_a_track_name_is_not_the_title(film: Any, tools: Any, svc: Any, tmp_path: Path) -> None:
    path = tmp_path / "field_trip.mkv"
    with av.open(str(path), "w") as c:
        v = c.add_stream("libx264", rate=25)
        v.width, v.height, v.pix_fmt = 160, 120, "yuv420p"
        v.metadata["title"] = "Main camera"
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(tools.barcode(i), format="gray")
            c.mux(v.encode(frame.reformat(format="yuv420p")))
        c.mux(v.encode())
    assert svc.probe(str(path)).title == "field trip"
    with container(str(path), Limits()) as opened:
        assert "title" not in tags_of(opened)


def test_a_file_with_undecodable_tags_is_clipped(song: Song, svc: Any, tmp_path: Path) -> None:
    path = song(".mp3", {}, {"id3v2_version": "0", "write_xing": "0"})
    tag = b"TAG" + "Привет".encode("cp1251").ljust(125, b"\0")
    path.write_bytes(path.read_bytes() + tag)
    mime, start, end = svc.clip(str(path), 0.5, 1.5, str(tmp_path / "clip.m4a"))
    assert mime.startswith("audio/") and end > start
