"""The length of a file is what can be heard and seen of it, whatever its header says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.length import _duration
from omni_core.types import CutOptions, FileLength, FileWarning, Segment, Source


@pytest.fixture
def decoded(svc: Any) -> Any:
    """(probed seconds, decoded seconds, warnings, segments) of a file."""

    def run(path: Path) -> tuple[float | None, float, list[str], list[Any]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions()))
        (length,) = [i.seconds for i in items if isinstance(i, FileLength)]
        warned = [i.message for i in items if isinstance(i, FileWarning)]
        return info.duration_s, length, warned, items

    return run


@pytest.fixture
def sound(tmp_path: Path, tools: Any) -> Any:
    def make(name: str, codec: str, samples: Any, **form: str) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=form) as c:
            tools.write_sound(c, c.add_stream(codec, rate=48000, layout="mono"), samples)
        return path

    return make


def test_silence_has_a_length(sound: Any, decoded: Any) -> None:
    silent = np.zeros(5 * 48000)
    for name, codec in (("a.mp3", "libmp3lame"), ("a.ogg", "libopus"), ("a.flac", "flac")):
        probed, length, _, _ = decoded(sound(name, codec, silent))
        assert probed == pytest.approx(5, abs=0.06)
        assert length == pytest.approx(5, abs=0.06)


def test_an_mp3_is_as_long_as_without_its_padding(sound: Any, decoded: Any, tone: Any) -> None:
    probed, length, _, _ = decoded(sound("a.mp3", "libmp3lame", tone(2.005)))
    true = (2.005 * 48000) // 1024 * 1024 / 48000
    assert probed == pytest.approx(true, abs=0.03)
    assert length == pytest.approx(true, abs=0.03)


def test_a_negative_duration_in_32_bits_is_no_day(sound: Any, tone: Any) -> None:
    path = sound("a.ogg", "libopus", tone(1))
    with av.open(str(path)) as c:
        packet = next(c.demux(audio=0))
        packet.duration = (1 << 32) - 76
        assert _duration(packet) == -76


def test_a_flac_whose_header_promises_more_breaks_off(sound: Any, decoded: Any, tone: Any) -> None:
    path = sound("a.flac", "flac", tone(6))
    data = bytearray(path.read_bytes())
    at = data.index(b"fLaC") + 8 + 10  # the block of facts: rate, channels, bits, samples
    facts = int.from_bytes(data[at : at + 8], "big")
    data[at : at + 8] = (facts >> 36 << 36 | 48000 * 600).to_bytes(8, "big")
    path.write_bytes(data)
    _, length, warned, _ = decoded(path)
    assert length == pytest.approx(6, abs=0.06)
    assert [w.split(":")[0] for w in warned] == ["the file breaks off"]


def test_a_flac_without_a_number_of_samples_is_measured(
    sound: Any, decoded: Any, tone: Any
) -> None:
    path = sound("a.flac", "flac", tone(6))
    data = bytearray(path.read_bytes())
    at = data.index(b"fLaC") + 8 + 10
    facts = int.from_bytes(data[at : at + 8], "big")
    data[at : at + 8] = (facts >> 36 << 36).to_bytes(8, "big")
    path.write_bytes(data)
    probed, length, warned, _ = decoded(path)
    assert (probed, length) == pytest.approx((6, 6), abs=0.06)
    assert warned == []


def test_two_recordings_joined_are_as_long_as_both(sound: Any, decoded: Any, tone: Any) -> None:
    for name, codec in (("a.mp3", "libmp3lame"), ("a.aac", "aac")):
        path = sound(name, codec, tone(3))
        path.write_bytes(path.read_bytes() * 2)
        probed, length, _, _ = decoded(path)
        assert probed == pytest.approx(6, abs=0.15)
        assert length == pytest.approx(6, abs=0.15)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("reordered", [0, 3])
@pytest.mark.parametrize(
    "times", [(0.0, 0.96, 1.0, 3.46, 3.5, 6.96), (0.0, 3.0, 43.0, 47.0, 50.0)],
    ids=["uneven", "slides"],
)  # fmt: skip
def test_a_film_of_changing_frame_rate_ends_with_its_last_picture(
    suffix: str, reordered: int, times: Sequence[float], tmp_path: Path, svc: Any, tools: Any
) -> None:
    path, end = tmp_path / f"a{suffix}", pytest.approx(times[-1] + 0.04, abs=0.05)
    with av.open(str(path), "w") as c:
        v = c.add_stream("libx264", rate=25, options={"bf": str(reordered)})
        v.width, v.height, v.pix_fmt = 320, 240, "yuv420p"
        v.codec_context.time_base = Fraction(1, 30_000)
        for n, second in enumerate(times):
            frame = av.VideoFrame.from_ndarray(tools.scene(n)(0), format="rgb24")
            frame = frame.reformat(320, 240, "yuv420p")
            frame.pts, frame.time_base = round(second * 30_000), Fraction(1, 30_000)
            c.mux(v.encode(frame))
        c.mux(v.encode())
    info = svc.probe(str(path))
    assert (info.duration_s, info.warnings) == (end, ())
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    for fast in (False, True):
        items = list(svc.decompose(str(path), source, CutOptions(fast=fast)))
        assert [i.seconds for i in items if isinstance(i, FileLength)] == [end]
        spans = [i.span for i in items if isinstance(i, Segment)]
        assert spans[-1].end == end


@pytest.mark.parametrize("stated", [0, 3000, 600_000])
def test_a_false_header_does_not_lengthen_a_film_of_reordered_pictures(
    stated: int, tmp_path: Path, decoded: Any, tools: Any
) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as c:
        v = c.add_stream("libx264", rate=25, options={"bf": "3"})
        v.width, v.height, v.pix_fmt = 160, 120, "yuv420p"
        v.codec_context.time_base = Fraction(1, 30_000)
        for n, second in enumerate([*np.arange(0, 10, 0.5), 9.96, 10.0]):
            frame = av.VideoFrame.from_ndarray(tools.barcode(n), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(second * 30_000), Fraction(1, 30_000)
            c.mux(v.encode(frame))
        c.mux(v.encode())
    data = bytearray(path.read_bytes())
    for box, skipped in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(box) + skipped
        data[at : at + 4] = struct.pack(">I", stated)
    path.write_bytes(data)
    probed, length, _, _ = decoded(path)
    assert (probed, length) == pytest.approx((10.04, 10.04), abs=0.05)


def test_no_span_begins_before_the_file(tmp_path: Path, decoded: Any, tone: Any) -> None:
    for name, codec in (("a.webm", "libopus"), ("b.mp3", "libmp3lame")):
        path = tmp_path / name
        with av.open(str(path), "w") as c:
            a = c.add_stream(codec, rate=24000 if codec == "libmp3lame" else 48000, layout="mono")
            for n in range(3):
                block = tone(1)[None, n * 1024 : (n + 1) * 1024]
                frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
                frame.sample_rate = a.rate
                c.mux(a.encode(frame))
            c.mux(a.encode())
        _, _, _, items = decoded(path)
        spans = [i.span for i in items if hasattr(i, "span")]
        assert spans and all(0 <= s.start < s.end for s in spans)


def test_a_wave_file_with_a_picture_in_its_tags_is_sound(
    tmp_path: Path, decoded: Any, tone: Any
) -> None:
    samples = (tone(3) * 32767).astype("<i2").tobytes()
    picture = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n" + bytes(60)
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = len(frame)
    tag = b"ID3\3\0\0" + bytes((size >> s) & 0x7F for s in (21, 14, 7, 0)) + frame
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 48000, 96000, 2, 16)
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    chunks += b"id3 " + struct.pack("<I", len(tag)) + tag + b"\0" * (len(tag) % 2)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    assert decoded(path)[:3] == (pytest.approx(3, abs=0.02), pytest.approx(3, abs=0.02), [])


def test_the_sound_that_a_decoder_holds_back_at_the_end_of_a_film_is_heard(
    tmp_path: Path, tools: Any, tone: Any, decoded: Any
) -> None:
    path = tmp_path / "a.wmv"
    with av.open(str(path), "w", format="asf") as c:
        video = c.add_stream("mpeg4", rate=10)
        video.width, video.height = 160, 120
        sound = c.add_stream("wmav2", rate=48000, layout="mono")
        sound.bit_rate = 64_000
        for n in range(40):
            picture = np.full((120, 160, 3), n * 2, np.uint8)
            c.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        c.mux(video.encode())
        tools.write_sound(c, sound, tone(6))
    with av.open(str(path)) as c:
        played = [*c.decode(audio=0)]
    first = float(played[0].pts * played[0].time_base)
    seconds = first + sum(f.samples for f in played) / played[0].sample_rate
    assert decoded(path)[1] == pytest.approx(seconds, abs=0.005)
