"""A file that ends in the middle of something says so, also where no header states a length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.errors import UnreadableError
from omni_core.media.av.cut_off import TAIL, ends_within, lacks_index
from omni_core.types import CutOptions, FileWarning, Source

Made = Callable[..., Path]
UNKNOWN = " s could be read, and how much followed is not known"
SOUNDS = {
    "a.opus": ("libopus", {}), "a.oga": ("flac", {}), "a.aac": ("aac", {}),
    "a.caf": ("pcm_s16le", {}), "a.mp3": ("libmp3lame", {"write_xing": "0"}),
    "a.ac3": ("ac3", {}), "a.eac3": ("eac3", {}), "a.voc": ("pcm_u8", {}),
}  # fmt: skip
FILMS = {
    "a.ts": ("libx264", {}), "a.vob": ("mpeg2video", {}), "a.mpg": ("mpeg1video", {}),
    "a.flv": ("libx264", {"flvflags": "no_duration_filesize"}),
    "a.mkv": ("libx264", {"live": "1"}), "a.webm": ("libvpx", {"live": "1"}),
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, tools: Any, tone: Any, film: Any) -> Made:
    """Six seconds of sound, or of a film with sound."""

    def make(name: str) -> Path:
        if name in FILMS:
            codec, form = FILMS[name]
            sound = {"a.webm": "libopus", "a.vob": "mp2", "a.mpg": "mp2"}.get(name, "aac")
            frames = [tools.barcode(i) for i in range(150)]
            options = {"g": "25"}
            return Path(film(frames, suffix=name[1:], codec=codec, form=form, sound=tone(6),
                             sound_codec=sound, options=options))  # fmt: skip
        codec, form = SOUNDS[name]
        path = tmp_path / name
        with av.open(str(path), "w", options=form) as c:
            tools.write_sound(c, c.add_stream(codec, rate=48000, layout="mono"), tone(6))
        return path

    return make


@pytest.fixture
def warned(svc: Any) -> Callable[[Path], list[str]]:
    def run(path: Path) -> list[str]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = svc.decompose(str(path), source, CutOptions())
        return [i.message for i in items if isinstance(i, FileWarning)]

    return run


@pytest.mark.parametrize("name", [*SOUNDS, *FILMS])
def test_a_file_that_ends_within_an_element_breaks_off(
    name: str, made: Made, warned: Callable[[Path], list[str]]
) -> None:
    path = made(name)
    assert warned(path) == []
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[: half + 77 - half % 188])
    (line,) = warned(path)
    assert line.startswith("the file breaks off: ")
    assert line.endswith(UNKNOWN)


@pytest.mark.parametrize(("size", "told"), [(8 * 2048, False), (7 * 2048 + 900, True)])
def test_a_dts_that_ends_within_a_frame_breaks_off(
    size: int, *, told: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.dts"
    frame = bytes.fromhex("7ffe8001fc3c7ff022c00138").ljust(2048, b"\5")
    path.write_bytes((8 * frame)[:size])
    assert ends_within(str(path), None) is told


def test_an_ogg_without_its_last_pages_breaks_off_unless_its_writer_never_marks_the_end(
    made: Made, warned: Callable[[Path], list[str]]
) -> None:
    path = made("a.opus")
    data = path.read_bytes()
    cut = data[: data.rfind(b"OggS")]
    path.write_bytes(cut)
    (line,) = warned(path)
    assert line.endswith(UNKNOWN)
    path.write_bytes(cut.replace(b"Lavf", b"Chat"))
    assert not ends_within(str(path), None)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_film_that_lacks_its_last_second_breaks_off(
    suffix: str, film: Any, tools: Any, warned: Callable[[Path], list[str]]
) -> None:
    frames = [tools.barcode(i) for i in range(300)]
    form = {"movflags": "faststart"} if suffix == ".mp4" else {}
    path = Path(film(frames, suffix=suffix, form=form, options={"g": "25"}))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 92 // 100])
    (line,) = warned(path)
    assert line.startswith("the file breaks off: 1")
    assert line.endswith(" of 12.0 s could be read; the rest is missing or damaged")


def test_an_mp4_without_its_index_is_refused_with_the_reason(
    film: Any, tools: Any, svc: Any
) -> None:
    path = Path(film([tools.barcode(i) for i in range(50)]))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(UnreadableError, match=r"has no index \(moov\)") as raised:
        svc.probe(str(path))
    assert raised.value.code == "CORRUPT_MEDIA"


@pytest.mark.parametrize("kinds", [1, 300])
def test_an_index_behind_many_boxes_is_found(kinds: int, film: Any, tools: Any) -> None:
    path = Path(film([tools.barcode(i) for i in range(50)]))
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    boxes = b"".join(b"\0\0\0\x08" + b"x%03d" % (n % kinds) for n in range(300))
    path.write_bytes(data[:at] + boxes + data[at:])
    assert not lacks_index(str(path))
    path.write_bytes(data[:at] + boxes)
    assert lacks_index(str(path))


def test_a_film_that_lacks_only_its_index_does_not_break_off(
    film: Any, tools: Any, warned: Callable[[Path], list[str]]
) -> None:
    path = Path(film([tools.barcode(i) for i in range(100)], suffix=".mkv"))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\x1c\x53\xbb\x6b") + 6])
    assert warned(path) == []


def test_some_seconds_of_a_long_recording_are_missed(
    tmp_path: Path, tools: Any, warned: Callable[[Path], list[str]]
) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as c:
        silence = tools.barcode(0).ravel()[:1].repeat(48000 * 300) / 1000.0
        tools.write_sound(c, c.add_stream("pcm_s16le", rate=48000, layout="mono"), silence)
    data = path.read_bytes()
    path.write_bytes(data[: -96000 * 4])
    (line,) = warned(path)
    assert line.startswith("the file breaks off: 296.0 of about 300.0 s")


def test_tags_behind_frames_are_no_broken_frame(
    made: Made, warned: Callable[[Path], list[str]]
) -> None:
    for name in ("a.mp3", "a.aac"):
        path = made(name)
        path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
        assert warned(path) == []


@pytest.mark.parametrize("name", ["a.ts", "a.vob", "a.mpg"])
def test_a_download_whose_end_was_never_written_breaks_off(
    name: str, made: Made, warned: Callable[[Path], list[str]]
) -> None:
    path = made(name)
    path.write_bytes(path.read_bytes()[: 40 * 188 * 512] + bytes(TAIL + 1000))
    (line,) = warned(path)
    assert line.startswith("the file breaks off: ")


def test_a_live_recording_whose_sound_and_pictures_begin_late_says_that_it_breaks_off(
    film: Any, tone: Any, warned: Callable[[Path], list[str]]
) -> None:
    frames = [np.full((120, 160), 40 + n, np.uint8) for n in range(100)]
    path = film(
        frames, suffix=".mkv", form={"live": "1"}, sound=tone(4), sound_at=0.2,
        at=[n + 6 for n in range(100)],
    )  # fmt: skip
    assert warned(path) == []
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert [line.endswith(UNKNOWN) for line in warned(path)] == [True]
