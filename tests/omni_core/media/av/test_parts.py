"""Files joined byte by byte: the clock starts again, and nothing of the later parts is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av import parts
from omni_core.media.av.parts import parts_of
from omni_core.types import Channel, CutOptions, FileWarning, Limits, Source


@pytest.fixture
def joined(film: Any, tools: Any, tone: Any, tmp_path: Path) -> Path:
    """Three recordings of four seconds with numbered frames; the tone rises."""
    path = tmp_path / "joined.ts"
    with path.open("wb") as out:
        for n in range(3):
            frames = [tools.barcode(100 * n + i) for i in range(100)]
            part = film(frames, suffix=".ts", sound=tone(4, hz=300 + 200 * n))
            out.write(part.read_bytes())
    return path


def test_the_length_is_that_of_all_parts(joined: Path, svc: Any) -> None:
    assert len(parts_of(str(joined))) == 3
    assert svc.probe(str(joined)).duration_s == pytest.approx(12, abs=0.5)


def test_shots_and_audio_go_on_in_every_part(joined: Path, cut: Any, tools: Any) -> None:
    segments = cut(joined)
    shots = tools.shots(segments)
    assert shots[-1].span.end == pytest.approx(12, abs=0.5)
    assert sum(s.span.end - s.span.start for s in shots) > 11
    heard = [s for s in segments if s.channel is Channel.SOUND]
    assert sum(s.span.end - s.span.start for s in heard) > 11
    assert len({s.id for s in segments}) == len(segments)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_frames_clips_and_audio_are_those_of_their_part(
    part: int, joined: Path, svc: Any, read_barcode: Any, tmp_path: Path
) -> None:
    start = parts_of(str(joined))[part].start
    for second in (0.5, 2.0, 3.0):
        ((shown, pixels),) = svc.frames(str(joined), [start + second], 160)
        number = read_barcode(pixels)
        assert number // 100 == part
        assert number % 100 == pytest.approx(second * 25, abs=6)
        assert shown == pytest.approx(start + second, abs=0.3)
    out = tmp_path / "clip.mp4"
    _, first, last = svc.clip(str(joined), start + 1, start + 2, str(out))
    assert first <= start + 1 + 0.05
    assert last >= start + 1.9
    ((_, pixels),) = svc.frames(str(out), [start + 1.5 - first], 160)
    assert read_barcode(pixels) // 100 == part
    assert abs(svc.audio(str(joined), start + 1, start + 2)).max() > 0.2


def test_audio_over_a_border_comes_from_both_parts(joined: Path, svc: Any) -> None:
    border = parts_of(str(joined))[1].start
    samples = svc.audio(str(joined), border - 1, border + 1)
    assert len(samples) == pytest.approx(32000, abs=4000)


def test_a_file_with_one_clock_has_no_parts(film: Any, tools: Any) -> None:
    for suffix in (".ts", ".mpg", ".mp4"):
        codec = "mpeg2video" if suffix == ".mpg" else "libx264"
        path = film([tools.barcode(i) for i in range(80)], suffix=suffix, codec=codec)
        assert parts_of(str(path)) == ()


def test_a_damaged_part_costs_itself(joined: Path, cut: Any, tools: Any) -> None:
    first, middle, last = parts_of(str(joined))
    data = bytearray(joined.read_bytes())
    half = (middle.first + middle.last) // 2
    data[half : half + 20_000] = b"\xff" * 20_000
    joined.write_bytes(data)
    shots = tools.shots(cut(joined))
    assert shots[0].span.start < 1
    assert shots[-1].span.end > first.seconds + last.seconds


@pytest.fixture
def chained(tmp_path: Path, tone: Any, tools: Any) -> Path:
    """Three pieces of web radio, three seconds each, with the pitch rising."""
    path = tmp_path / "radio.ogg"
    with path.open("wb") as out:
        for n in range(3):
            piece = tmp_path / f"{n}.ogg"
            with av.open(str(piece), "w") as c:
                stream = c.add_stream("libopus", rate=48000, layout="mono")
                tools.write_sound(c, stream, tone(3, hz=300 + 200 * n))
            out.write(piece.read_bytes())
    return path


def test_every_link_of_a_chained_ogg_is_heard(chained: Path, svc: Any, cut: Any) -> None:
    assert len(parts_of(str(chained))) == 3
    assert svc.probe(str(chained)).duration_s == pytest.approx(9, abs=0.1)
    windows = cut(chained)
    assert [w.span.start for w in windows] == pytest.approx([0, 3, 6], abs=0.1)
    assert windows[-1].span.end == pytest.approx(9, abs=0.1)
    for second, hertz in ((1.0, 300), (4.0, 500), (7.0, 700)):
        heard = svc.audio(str(chained), second, second + 1)
        assert abs(np.fft.rfft(heard)).argmax() == pytest.approx(hertz, abs=5)


def test_bytes_that_look_like_a_link_cost_nothing(chained: Path, svc: Any) -> None:
    data = chained.read_bytes()
    middle = parts_of(str(chained))[1]
    at = (middle.first + middle.last) // 2
    chained.write_bytes(data[:at] + b"OggS\0\2" + data[at + 6 :])
    assert svc.probe(str(chained)).duration_s == pytest.approx(9, abs=1.5)


def _recorded(path: Path, seconds: float, hz: int, codec: str) -> bytes:
    """A tone as a file of its own."""
    rate = 16000
    samples = 0.4 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate) * 32767
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 48_000
        for at in range(0, len(samples), 1000):
            piece = samples[at : at + 1000].astype(np.int16)[None, :]
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, at
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".flac", "flac"), (".wav", "pcm_s16le"), (".aiff", "pcm_s16be"), (".m4a", "aac"),
        (".mka", "flac"), (".wma", "wmav2"),
    ],
)  # fmt: skip
def test_a_file_of_several_files_is_heard_to_its_end(
    suffix: str, codec: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    path = tmp_path / f"joined{suffix}"
    lengths, pitches = (3.0, 2.0, 4.0), (300, 600, 1200)
    path.write_bytes(b"".join(
        _recorded(tmp_path / f"{n}{suffix}", seconds, hz, codec)
        for n, (seconds, hz) in enumerate(zip(lengths, pitches, strict=True))
    ))  # fmt: skip
    assert svc.probe(str(path)).duration_s == pytest.approx(9, abs=0.4)
    heard = [s for s in cut(path) if s.channel is Channel.SOUND]
    assert heard[-1].span.end == pytest.approx(9, abs=0.4)
    assert sum(s.span.end - s.span.start for s in heard) == pytest.approx(9, abs=0.6)
    for part, hz in zip(parts_of(str(path)), pitches, strict=True):
        samples = svc.audio(str(path), part.start + 0.7, part.start + 1.7)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        assert np.argmax(spectrum) * 16000 / len(samples) == pytest.approx(hz, abs=20)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi"])
def test_a_film_of_several_films_is_seen_to_its_end(
    suffix: str, film: Any, tools: Any, tone: Any, tmp_path: Path, svc: Any, cut: Any,
    read_barcode: Any,
) -> None:  # fmt: skip
    path = tmp_path / f"joined{suffix}"
    with path.open("wb") as out:
        for n in range(2):
            frames = [tools.barcode(100 * n + i) for i in range(75)]
            out.write(film(frames, suffix=suffix, sound=tone(3)).read_bytes())
    shots = tools.shots(cut(path))
    assert shots[-1].span.end == pytest.approx(6, abs=0.4)
    start = parts_of(str(path))[1].start
    ((_, pixels),) = svc.frames(str(path), [start + 1.0], 160)
    assert read_barcode(pixels) // 100 == 1


def test_a_long_wav_and_one_without_its_length_have_no_parts(tmp_path: Path) -> None:
    whole = _recorded(tmp_path / "a.wav", 1.0, 300, "pcm_s16le")
    streamed = whole[:4] + b"\xff" * 4 + whole[8:]
    for data in (whole, streamed, whole[:4] + bytes(4) + whole[8:], whole + b"RIFF\0\0"):
        (tmp_path / "b.wav").write_bytes(data)
        assert parts_of(str(tmp_path / "b.wav")) == ()


def test_a_splice_in_the_middle_is_one_border_and_no_part_is_invented(
    film: Any, tools: Any, tone: Any, tmp_path: Path, cut: Any
) -> None:
    """The second recording is cut at an arbitrary packet, so that its streams change over one
    after the other, a few seconds apart on the clock."""
    often = {"crf": "18", "g": "25"}
    first = film([tools.barcode(i) for i in range(125)], suffix=".ts", sound=tone(5), options=often)
    second = film(
        [tools.barcode(100 + i) for i in range(125)], suffix=".ts", sound=tone(5), options=often
    )
    data = second.read_bytes()
    path = tmp_path / "spliced.ts"
    path.write_bytes(first.read_bytes() + data[len(data) // 188 // 4 * 188 :])
    one, two = parts_of(str(path))
    assert one.seconds == pytest.approx(5, abs=0.2)
    assert 2.5 < two.seconds < 5
    shots = tools.shots(cut(path))
    assert shots[-1].span.end == pytest.approx(one.seconds + two.seconds, abs=0.3)


def test_pictures_that_go_on_in_another_track_are_seen(
    film: Any, tools: Any, tone: Any, tmp_path: Path, cut: Any, svc: Any, read_barcode: Any
) -> None:
    path = tmp_path / "channel.ts"
    with path.open("wb") as out:
        for n, pid in enumerate(("300", "500", "700")):
            part = film(
                [tools.barcode(100 * n + i) for i in range(100)], suffix=".ts",
                at=[100 * n + i for i in range(100)], sound=tone(4, hz=300 + 200 * n),
                sound_at=4 * n, form={"mpegts_start_pid": pid},
            )  # fmt: skip
            out.write(part.read_bytes())
    assert [round(p.start) for p in parts_of(str(path))] == [0, 4, 8]
    assert svc.probe(str(path)).duration_s == pytest.approx(12, abs=0.3)
    assert tools.shots(cut(path))[-1].span.end == pytest.approx(12, abs=0.3)
    for second in (1.0, 5.0, 7.0, 9.0, 11.0):
        ((_, pixels),) = svc.frames(str(path), [second], 160)
        assert read_barcode(pixels) == pytest.approx(second * 25, abs=8)


def test_tracks_that_cannot_be_opened_by_themselves_are_no_parts(film: Any, tools: Any) -> None:
    path = film([tools.barcode(i) for i in range(50)], suffix=".ts")
    size = path.stat().st_size
    assert parts._in_turn(str(path), [0, size - 40, size], Limits()) == ()


def test_program_streams_that_were_joined_do_not_break_off(
    film: Any, tools: Any, tone: Any, tmp_path: Path, svc: Any
) -> None:
    one = film(
        [tools.barcode(i) for i in range(100)], suffix=".mpg", codec="mpeg2video", sound=tone(4),
        sound_codec="mp2",
    )  # fmt: skip
    path = tmp_path / "joined.mpg"
    path.write_bytes(2 * one.read_bytes())
    first, second = parts_of(str(path))
    assert second.first == first.last == one.stat().st_size
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    items = svc.decompose(str(path), source, CutOptions())
    assert [i.message for i in items if isinstance(i, FileWarning)] == []


def test_two_tracks_of_pictures_side_by_side_are_no_parts(tmp_path: Path, tools: Any) -> None:
    path = tmp_path / "angles.ts"
    with av.open(str(path), "w") as c:
        streams: list[Any] = [c.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for i in range(100):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(tools.barcode(i), "gray")
                c.mux(stream.encode(frame.reformat(format="yuv420p")))
        for stream in streams:
            c.mux(stream.encode())
    assert parts_of(str(path)) == ()
