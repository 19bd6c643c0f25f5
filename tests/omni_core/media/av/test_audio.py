"""Sound: windows, quiet cuts, late and broken tracks, every format."""

from __future__ import annotations

import itertools
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.errors import NotFoundError, StoreError, UnreadableError
from omni_core.types import AudioContent, Modality


def _file(path: Path, samples: Any, codec: str, tools: Any, layout: str = "mono") -> Path:
    with av.open(str(path), "w") as c:
        tools.write_sound(c, c.add_stream(codec, rate=48000, layout=layout), samples)
    return path


def _wav(path: Path, samples: Any, rate: int = 16000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes((np.repeat(samples, channels) * 32767).astype(np.int16).tobytes())
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.ogg", "libvorbis"),
        ("a.opus", "libopus"), ("a.m4a", "aac"), ("a.aac", "aac"), ("a.webm", "libopus"),
        ("a.mka", "flac"), ("a.aiff", "pcm_s16be"),
    ],
)  # fmt: skip
def test_every_sound_format_opens_and_keeps_time(
    name: str, codec: str, tmp_path: Path, tools: Any, tone: Any, cut: Any, svc: Any
) -> None:
    codec = "vorbis" if codec == "libvorbis" and codec not in av.codecs_available else codec
    if codec == "vorbis":
        name, codec = "a.ogg", "libopus"
    path = _file(tmp_path / name, tone(4), codec, tools)
    info = svc.probe(str(path))
    assert info.modality is Modality.AUDIO
    assert info.duration_s == pytest.approx(4.0, abs=0.12)
    (window,) = cut(path)
    assert window.span.start == pytest.approx(0, abs=0.05)
    assert window.span.end == pytest.approx(4.0, abs=0.1)
    assert np.abs(window.content.samples).max() > 0.3


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (96000, 6), (192000, 2)])
def test_any_rate_and_number_of_channels_becomes_mono_16_khz(
    rate: int, channels: int, tmp_path: Path, cut: Any
) -> None:
    t = np.arange(rate * 2) / rate
    path = _wav(tmp_path / "a.wav", 0.3 * np.sin(2 * np.pi * 300 * t), rate, channels)
    (window,) = cut(path)
    assert window.content.samples.dtype == np.float32
    assert window.content.samples.size == pytest.approx(32000, abs=40)


def test_windows_tile_the_file_are_cut_at_pauses_and_repeat_their_head(
    tmp_path: Path, tone: Any, cut: Any
) -> None:
    sound = tone(70, every=3.0)[::3]
    windows = cut(_wav(tmp_path / "a.wav", sound), audio_window_s=20, audio_overlap_s=2)
    assert windows[0].span.start == 0
    assert windows[-1].span.end == pytest.approx(70, abs=0.01)
    assert windows[0].content.overlap_s == 0
    for a, b in itertools.pairwise(windows):
        assert a.span.end == b.span.start
        assert b.content.overlap_s == pytest.approx(2, abs=0.01)
        assert 2.5 < a.span.end % 3.0 <= 3.0 or a.span.end % 3.0 < 0.1  # in a pause
    for w in windows:
        assert w.content.samples.size <= 20 * 16000
        held = w.span.end - w.span.start + w.content.overlap_s
        assert w.content.samples.size / 16000 == pytest.approx(held, abs=0.002)


def test_digital_silence_yields_no_segment(tmp_path: Path, cut: Any) -> None:
    assert cut(_wav(tmp_path / "a.wav", np.zeros(32000))) == []


def test_a_cover_picture_does_not_make_a_film(
    film: Any, tmp_path: Path, tone: Any, tools: Any, svc: Any
) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as c:
        v = c.add_stream("mjpeg", rate=1)
        v.width, v.height, v.pix_fmt = 64, 64, "yuvj420p"
        v.disposition = av.stream.Disposition.attached_pic
        a = c.add_stream("aac", rate=48000, layout="mono")
        c.mux(v.encode(av.VideoFrame(64, 64, "yuvj420p")))
        c.mux(v.encode())
        tools.write_sound(c, a, tone(3))
    info = svc.probe(str(path))
    assert info.modality is Modality.AUDIO
    assert info.duration_s == pytest.approx(3, abs=0.1)


def test_sound_between_two_seconds_is_exact(barcode_film: Path, tmp_path: Path, svc: Any) -> None:
    clicks = np.zeros(16000 * 10)
    for second in range(1, 10):
        clicks[second * 16000 : second * 16000 + 100] = 0.9
    path = _wav(tmp_path / "clicks.wav", clicks)
    got = svc.audio(str(path), 4.5, 6.5)
    assert got.size == 32000
    assert np.flatnonzero(got > 0.3)[0] == pytest.approx(8000, abs=20)
    assert svc.audio(str(barcode_film), 1.0, 3.0).size == 32000
    with pytest.raises(NotFoundError) as e:
        svc.audio(str(path), 50, 60)
    assert e.value.code == "OUT_OF_RANGE"


def test_a_truncated_sound_file_yields_what_is_there(
    tmp_path: Path, tools: Any, tone: Any, cut: Any
) -> None:
    data = _file(tmp_path / "a.mp3", tone(8), "libmp3lame", tools).read_bytes()
    path = tmp_path / "b.mp3"
    path.write_bytes(data[: len(data) // 2])
    (window,) = cut(path)
    assert window.span.end == pytest.approx(4, abs=0.3)
    assert isinstance(window.content, AudioContent)


def test_a_header_without_sound_is_one_line(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + b"\0" * 50)
    with pytest.raises(UnreadableError, match=r"^'a\.wav' cannot be decoded"):
        svc.probe(str(path))


def test_a_clip_states_its_true_span_and_plays(barcode_film: Path, tmp_path: Path, svc: Any,
                                              read_barcode: Any) -> None:  # fmt: skip
    out = tmp_path / "clip.mp4"
    mime, start, end = svc.clip(str(barcode_film), 3.1, 5.0, str(out))
    assert mime == "video/mp4"
    assert start == pytest.approx(2.0, abs=0.01)  # the keyframe before
    assert 4.9 <= end <= 5.15
    ((_, frame),) = svc.frames(str(out), [1.5], 160)
    assert read_barcode(frame) == 87
    assert svc.probe(str(out)).duration_s == pytest.approx(end - start, abs=0.1)


def test_a_clip_of_sound_begins_where_asked(
    tmp_path: Path, tools: Any, tone: Any, svc: Any
) -> None:
    path = _file(tmp_path / "a.mp3", tone(10), "libmp3lame", tools)
    mime, start, end = svc.clip(str(path), 4.0, 6.0, str(tmp_path / "c.mp3"))
    assert mime == "audio/mpeg"
    assert 3.9 <= start <= 4.0
    assert end == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("samples", [1707, 1715, 1722, 2400, 4800])
def test_a_clip_of_sound_may_be_of_any_length(
    samples: int, tmp_path: Path, tools: Any, tone: Any, svc: Any
) -> None:
    """Of 1024 lengths of a clip 48 were refused as damage: a last frame of a few samples."""
    path = _file(tmp_path / "a.wav", tone(2), "pcm_s16le", tools)
    _, start, end = svc.clip(str(path), 0.5, 0.5 + samples / 16_000, str(tmp_path / "c.m4a"))
    assert end - start == pytest.approx(samples / 16_000, abs=0.001)
    with av.open(str(tmp_path / "c.m4a")) as c:
        assert (c.duration or 0) / av.time_base == pytest.approx(samples / 16_000, abs=0.002)


def test_a_film_that_cannot_be_copied_is_encoded_anew_with_exact_frames(
    film: Any, tmp_path: Path, tools: Any, svc: Any, read_barcode: Any
) -> None:
    path = film([tools.barcode(n) for n in range(100)], suffix=".h264", options={"bf": "0"})
    out = tmp_path / "clip.mp4"
    mime, start, end = svc.clip(str(path), 1.5, 3.0, str(out))
    assert (mime, start) == ("video/mp4", 1.5)
    assert end == pytest.approx(3.0, abs=0.05)
    ((_, frame),) = svc.frames(str(out), [1.0], 160)
    assert read_barcode(frame) == 62


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_full_disk_is_told_as_such_whether_a_clip_is_copied_or_encoded(
    barcode_film: Path, tmp_path: Path, svc: Any, suffix: str
) -> None:
    out = tmp_path / f"clip{suffix}"
    out.symlink_to("/dev/full")
    with pytest.raises(StoreError, match="the clip cannot be written: No space left on device"):
        svc.clip(str(barcode_film), 3.1, 5.0, str(out))


def test_a_clip_into_a_folder_that_is_not_there_is_no_fault_of_the_video(
    barcode_film: Path, tmp_path: Path, svc: Any
) -> None:
    with pytest.raises(StoreError, match="the clip cannot be written: No such file"):
        svc.clip(str(barcode_film), 3.1, 5.0, str(tmp_path / "none" / "clip.mp4"))


def test_a_video_is_encoded_for_a_container_that_cannot_hold_its_codec(
    barcode_film: Path, tmp_path: Path, svc: Any, read_barcode: Any
) -> None:
    out = tmp_path / "clip.webm"
    mime, start, end = svc.clip(str(barcode_film), 3.1, 5.0, str(out))
    assert (mime, start) == ("video/webm", pytest.approx(3.1, abs=0.05))
    assert end == pytest.approx(5.0, abs=0.05)
    ((_, frame),) = svc.frames(str(out), [0.5], 160)
    assert read_barcode(frame) == 90


def test_sound_is_exact_in_containers_that_seek_badly(film: Any, tools: Any, svc: Any) -> None:
    clicks = np.zeros(48000 * 12, np.float32)
    for second in range(1, 12):
        clicks[second * 48000 : second * 48000 + 400] = 0.9
    frames = [tools.barcode(n) for n in range(300)]
    for suffix in (".ts", ".flv", ".mkv"):
        path = film(frames, suffix=suffix, sound=clicks)
        got = svc.audio(str(path), 8.5, 10.5)
        assert np.flatnonzero(got > 0.3)[0] / 16000 == pytest.approx(0.5, abs=0.05)


def test_channels_may_change_on_the_way(tmp_path: Path, tools: Any, tone: Any, cut: Any) -> None:
    parts = []
    for n, layout in enumerate(("stereo", "mono", "stereo")):
        path = tmp_path / f"{n}.aac"
        with av.open(str(path), "w") as c:
            stream = c.add_stream("aac", rate=48000, layout=layout)
            mono = tone(2)
            for i in range(0, len(mono) - 1023, 1024):
                block = np.repeat(mono[None, i : i + 1024], 2 if layout == "stereo" else 1, 0)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = 48000, i
                c.mux(stream.encode(frame))
            c.mux(stream.encode())
        parts.append(path.read_bytes())
    whole = tmp_path / "whole.aac"
    whole.write_bytes(b"".join(parts))
    (window,) = cut(whole)
    assert window.span.end == pytest.approx(6, abs=0.3)
    assert np.abs(window.content.samples[80_000:90_000]).max() > 0.2


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mka"])
def test_channels_that_cancel_each_other_out_are_heard(
    name: str, tmp_path: Path, tone: Any, cut: Any
) -> None:
    path = tmp_path / name
    left = (tone(4) * 20000).astype(np.int16)
    with av.open(str(path), "w") as c:
        codec = {"a.wav": "pcm_s16le", "a.flac": "flac", "a.mka": "pcm_s16le"}[name]
        a = c.add_stream(codec, rate=48000, layout="stereo")
        for i in range(0, len(left), 4800):
            pair = np.stack([left[i : i + 4800], -left[i : i + 4800]], axis=1).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(pair, format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, i, Fraction(1, 48000)
            c.mux(a.encode(frame))
        c.mux(a.encode())
    (window,) = cut(path)
    assert window.span.end == pytest.approx(4, abs=0.1)
    assert np.abs(window.content.samples).max() > 0.1
