"""Tags of which FFmpeg gives nothing are read too."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.types import Channel


@pytest.fixture
def bare(tmp_path: Path, tone: Any, tools: Any) -> Any:
    """Three seconds of sound without a tag."""

    def make(suffix: str, codec: str, **form: str) -> Path:
        path = tmp_path / f"bare{suffix}"
        with av.open(str(path), "w", options=form) as c:
            tools.write_sound(c, c.add_stream(codec, rate=48000, layout="mono"), tone(3))
        return path

    return make


@pytest.fixture
def mp3(bare: Any) -> Any:
    """An MP3 with an ID3v2 tag of these frames, and these bytes at its end."""

    def make(version: int, *frames: tuple[str, bytes], tail: bytes = b"") -> Path:
        path: Path = bare(".mp3", "libmp3lame", id3v2_version="0", write_id3v1="0")
        sound = path.read_bytes()
        path.write_bytes((tag(version, *frames) if frames else b"") + sound + tail)
        return path

    return make


def tag(version: int, *frames: tuple[str, bytes]) -> bytes:
    wide = 3 if version == 2 else 4
    body = b"".join(
        name.encode() + len(text).to_bytes(wide, "big") + bytes(0 if version == 2 else 2) + text
        for name, text in frames
    )
    return b"ID3" + bytes([version, 0, 0, 0, 0, len(body) >> 7, len(body) & 127]) + body


def told(segments: Any) -> list[tuple[str, str]]:
    return [(s.origin, s.text) for s in segments if s.channel is Channel.TEXT]


def test_the_oldest_tags_have_comments_and_lyrics(mp3: Any, cut: Any) -> None:
    path = mp3(
        2,
        ("TT2", b"\0The weir"),
        ("COM", b"\0eng\0Recorded beside the mill"),
        ("ULT", b"\0eng\0Water runs over the weir"),
    )
    assert told(cut(path)) == [
        ("description", "Recorded beside the mill"),
        ("lyrics", "Water runs over the weir"),
    ]


def test_each_comment_is_read_whatever_its_description(mp3: Any, cut: Any) -> None:
    path = mp3(
        3,
        ("COMM", b"\0eng\0On whales"),
        ("COMM", b"\0engFeedback\0On sharks"),
        ("COMM", b"\1eng" + "Später\0".encode("utf-16") + "Über Wale".encode("utf-16")),
        ("COMM", b"\0engiTunPGAP\0some number"),
    )
    assert [text for _, text in told(cut(path))] == ["On whales", "On sharks", "Über Wale"]


def test_each_name_of_one_frame_is_read(mp3: Any, cut: Any) -> None:
    path = mp3(4, ("TPE1", b"\3Nina Berg\0Olaf Tal"), ("TCOM", b"\3Ada Fluss"))
    assert told(cut(path)) == [("file tags", "artist: Nina Berg, Olaf Tal; composer: Ada Fluss")]


def test_a_code_page_of_a_second_comment_is_guessed(mp3: Any, cut: Any) -> None:
    words = "Это запись старой мельницы у реки, сделанная весной".encode("cp1251")
    path = mp3(3, ("COMM", b"\0rus\0" + words), ("COMM", b"\0rusmore\0" + words + b" 2"))
    assert [text for _, text in told(cut(path))] == [
        "Это запись старой мельницы у реки, сделанная весной",
        "Это запись старой мельницы у реки, сделанная весной 2",
    ]


@pytest.mark.parametrize(("suffix", "codec"), [(".wav", "pcm_s16le"), (".aiff", "pcm_s16be")])
def test_timed_lyrics_in_a_chunk_are_at_their_seconds(
    suffix: str, codec: str, bare: Any, cut: Any
) -> None:
    path = bare(suffix, codec)
    lyrics = b"\0eng\2\1\0" + b"Over the weir\0" + struct.pack(">I", 1000)
    data = tag(3, ("SYLT", lyrics))
    data += bytes(len(data) & 1)
    size = struct.pack("<I" if suffix == ".wav" else ">I", len(data))
    path.write_bytes(path.read_bytes() + b"ID3 " + size + data)
    (line,) = [s for s in cut(path) if s.origin == "lyrics"]
    assert (line.span.start, line.text) == (1.0, "Over the weir")


@pytest.mark.parametrize("behind", [b"", b"TAG" + bytes(124) + b"\xff"])
def test_an_ape_tag_at_the_end_of_an_mp3_is_read(
    behind: bytes, mp3: Any, cut: Any, svc: Any
) -> None:
    items = b"".join(
        struct.pack("<II", len(value), kind) + name + b"\0" + value
        for name, value, kind in (
            (b"Title", b"The weir", 0),
            (b"Artist", "Nina Bergström\0Olaf Tal".encode(), 0),
            (b"Cover Art (Front)", b"no words", 2),
            (b"Lyrics", b"Water runs over the weir", 0),
        )
    )
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 4, 0) + bytes(8)
    path = mp3(4, tail=items + footer + behind)
    assert svc.probe(str(path)).title == "The weir"
    assert told(cut(path)) == [
        ("file tags", "artist: Nina Bergström, Olaf Tal"),
        ("lyrics", "Water runs over the weir"),
    ]


def test_a_damaged_ape_tag_costs_itself(mp3: Any, cut: Any) -> None:
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, 0xFFFFFFF0, 0xFFFFFFFF, 0) + bytes(8)
    assert told(cut(mp3(4, ("TPE1", b"\3Nina Berg"), tail=footer))) == [
        ("file tags", "artist: Nina Berg")
    ]


@pytest.mark.parametrize("is_behind", [False, True])
def test_what_a_recorder_noted_on_a_set_is_read(is_behind: bool, tmp_path: Path, cut: Any) -> None:
    notes = (
        b'<?xml version="1.0"?><BWFXML><PROJECT>Lighthouse Diaries</PROJECT><SCENE>12A</SCENE>'
        b"<TAKE>3</TAKE><NOTE>gulls &amp; wind</NOTE><TRACK_LIST><TRACK><NAME>Boom Nina</NAME>"
        b"</TRACK></TRACK_LIST></BWFXML>"
    )
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    sound = b"data" + struct.pack("<I", 16000) + bytes(range(250)) * 64
    noted = b"iXML" + struct.pack("<I", len(notes)) + notes + bytes(len(notes) % 2)
    body = b"WAVE" + form + (sound + noted if is_behind else noted + sound)
    path = tmp_path / "take.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert told(cut(path)) == [
        ("file tags", "show: Lighthouse Diaries; episode: scene 12A, take 3; keywords: Boom Nina"),
        ("description", "gulls & wind"),
    ]


def test_notes_that_break_off_cost_no_sound(tmp_path: Path, cut: Any) -> None:
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    sound = b"data" + struct.pack("<I", 16000) + bytes(range(250)) * 64
    body = b"WAVE" + form + sound + b"iXML" + struct.pack("<I", 0xFFFFFFF0) + b"<NOTE>wind</NO"
    path = tmp_path / "take.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert any(s.channel == "sound" for s in cut(path))
