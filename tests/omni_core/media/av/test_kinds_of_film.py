"""Films and sound whose first bytes or whose names say little are read as what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.media.av.headerless import KINDS, headerless, is_headerless
from omni_core.media.av.video import VideoMedium
from omni_core.types import (
    AudioContent,
    CutOptions,
    FileLength,
    FileWarning,
    Limits,
    Modality,
    Segment,
    Source,
)

Read = Callable[[Path], tuple[Any, Any, Any]]


@pytest.fixture
def read(svc: Any) -> Read:
    """What is said of a file, its decoded length, and the seconds of sound heard in it."""

    def run(path: Path) -> tuple[Any, Any, Any]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions()))
        length = [i.seconds for i in items if isinstance(i, FileLength)][-1]
        sound = [i.span for i in items if isinstance(getattr(i, "content", None), AudioContent)]
        return info, length, sum(s.end - s.start for s in sound)

    return run


def write_call(path: Path, form: str, codec: str, samples: NDArray[np.int16], rate: int) -> None:
    """Sound without a header."""
    with av.open(str(path), "w", format=form) as c:
        stream: Any = c.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = rate
        c.mux(stream.encode(frame))
        c.mux(stream.encode())


@pytest.mark.parametrize(
    ("suffix", "form", "codec", "rate"),
    [(".ulaw", "mulaw", "pcm_mulaw", 8000), (".al", "alaw", "pcm_alaw", 8000),
     (".sln", "s16le", "pcm_s16le", 8000), (".g722", "g722", "g722", 16000)],
)  # fmt: skip
def test_calls_without_a_header_are_heard_at_their_speed(
    suffix: str, form: str, codec: str, rate: int, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / f"call{suffix}"
    t = np.arange(rate * 4) / rate
    samples = (np.sin(t * 2 * np.pi * 440) * 9000).astype(np.int16)
    write_call(path, form, codec, samples, rate)
    info, length, heard = read(path)
    assert info.modality is Modality.AUDIO
    assert (length, heard) == pytest.approx((4, 4), abs=0.05)


def test_frames_of_gsm_are_heard(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "message.gsm"
    path.write_bytes((b"\xd8" + bytes(range(32))) * 150)
    info, length, _ = read(path)
    assert (info.mime, length) == ("audio/x-gsm", pytest.approx(3, abs=0.05))


def test_a_header_is_believed_before_the_name(tmp_path: Path, read: Read, tone: Any) -> None:
    path = tmp_path / "call.ulaw"
    with av.open(str(path), "w", format="wav") as c:
        stream = c.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(3)[None], "fltp", "mono")
        frame.sample_rate = 48000
        c.mux(stream.encode(frame))
    info, length, _ = read(path)
    assert (info.mime, length) == ("audio/wav", pytest.approx(3, abs=0.05))


def test_a_text_that_is_named_as_a_call_is_a_text(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "notes.al"
    path.write_text("The ferry leaves the quay at nine.\n" * 20)
    assert svc.probe(str(path)).modality is Modality.DOCUMENT


@pytest.mark.parametrize(
    ("name", "text", "page"),
    [("app.sln", "Microsoft Visual Studio Solution File\r\n# 17\r\n", "utf-16"),
     ("app.sln", "Microsoft Visual Studio Solution File\r\n# 17\r\n", "utf-16-le"),
     ("app.sln", "Größe = Länge der Straße\r\n", "cp1252"),
     ("page.al", "page 50100 Größe\r\n{\r\n    // für Käufer\r\n}\r\n", "cp1252"),
     ("notes.g722", "Große Füße\n", "cp1252")],
)  # fmt: skip
def test_a_text_in_any_encoding_that_is_named_as_a_call_is_no_sound(
    name: str, text: str, page: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes((text * 100).encode(page))
    assert headerless(str(path)) is None
    assert not is_headerless(path.read_bytes()[:4096], path.suffix)


@pytest.mark.parametrize("loudness", [0, 30, 300, 9000])
@pytest.mark.parametrize(
    ("suffix", "form", "codec"),
    [(".ulaw", "mulaw", "pcm_mulaw"), (".al", "alaw", "pcm_alaw"), (".sln", "s16le", "pcm_s16le"),
     (".g722", "g722", "g722")],
)  # fmt: skip
def test_a_call_that_begins_in_silence_or_quietly_is_no_text(
    suffix: str, form: str, codec: str, loudness: int, tmp_path: Path
) -> None:
    path = tmp_path / f"call{suffix}"
    t = np.arange(16000)
    swell = np.sin(t * 0.15) * np.abs(np.sin(t * 0.0007))
    noise = np.random.default_rng(1).normal(size=len(t)) * 0.05
    write_call(path, form, codec, ((swell + noise) * loudness).astype(np.int16), 16000)
    assert headerless(str(path)) is KINDS[suffix]
    assert is_headerless(path.read_bytes()[:4096], suffix)


def test_an_avi_that_is_named_as_jpegs_is_a_film_of_its_own_kind(
    film: Any, tools: Any, read: Read
) -> None:
    path = Path(film([tools.barcode(i) for i in range(50)], suffix=".avi", codec="mpeg4"))
    path = path.rename(path.with_suffix(".mjpg"))
    info, length, _ = read(path)
    assert (info.mime, length) == ("video/x-msvideo", pytest.approx(2, abs=0.05))


@pytest.mark.parametrize("suffix", [".mjpeg", ".mjpg"])
def test_jpegs_one_after_the_other_are_a_film(
    suffix: str, film: Any, tools: Any, tmp_path: Path, read: Read
) -> None:
    made = film([tools.barcode(i) for i in range(50)], suffix=".mkv", codec="mpeg4")
    path = tmp_path / f"camera{suffix}"
    with av.open(str(made)) as c, av.open(str(path), "w", format="mjpeg") as to:
        stream = to.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        for frame in c.decode(video=0):
            to.mux(stream.encode(frame.reformat(format="yuvj420p")))
        to.mux(stream.encode())
    info, length, _ = read(path)
    assert (info.modality, length) == (Modality.VIDEO, pytest.approx(2, abs=0.05))


def test_raw_h264_is_a_film_under_any_name(film: Any, tools: Any, read: Read) -> None:
    path = Path(film([tools.barcode(i) for i in range(50)], suffix=".h264"))
    path = path.rename(path.with_suffix(".mp4"))
    info, length, _ = read(path)
    assert (info.mime, length) == ("video/h264", pytest.approx(2, abs=0.05))


def test_a_broadcast_that_begins_within_a_packet_is_a_film(
    film: Any, tools: Any, tone: Any, read: Read
) -> None:
    path = Path(film([tools.barcode(i) for i in range(100)], suffix=".ts", sound=tone(4)))
    path.write_bytes(path.read_bytes()[100:])
    info, length, _ = read(path)
    assert (info.mime, length) == ("video/mp2t", pytest.approx(4, abs=0.1))


def test_realmedia_with_pictures_is_a_film_and_without_is_sound() -> None:
    medium = VideoMedium(Limits())
    start = b".RMF\0\0\0\x12" + bytes(300)
    assert medium.matches(start + b"\x14video/x-pn-realvideo" + bytes(300), ".rm")
    assert not medium.matches(start + b"\x14audio/x-pn-realaudio" + bytes(300), ".rm")


def test_two_films_joined_byte_by_byte_in_flv_are_as_long_as_both(
    film: Any, tools: Any, tone: Any, read: Read
) -> None:
    frames = [tools.barcode(i) for i in range(75)]
    path = Path(film(frames, suffix=".flv", codec="flv1", sound=tone(3), sound_codec="aac"))
    path.write_bytes(path.read_bytes() * 2)
    _, length, heard = read(path)
    assert (length, heard) == pytest.approx((6, 6), abs=0.2)


def test_a_broadcast_wav_was_recorded_at_its_date_and_time(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w", options={"write_bext": "1"}) as c:
        c.metadata.update({"origination_date": "2023-07-01", "origination_time": "12:30:05"})
        stream = c.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ones((1, 48000), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        c.mux(stream.encode(frame))
    when = svc.probe(str(path)).recorded_at
    assert when.strftime("%Y-%m-%d %H:%M:%S") == "2023-07-01 12:30:05"


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".wmv", "wmv2"), (".flv", "flv1"), (".avi", "mpeg4"), (".mkv", "libx264")],
)
def test_the_last_slide_of_a_show_is_seen_where_packets_have_no_duration(
    suffix: str, codec: str, film: Any, slide: Any, svc: Any
) -> None:
    slides = [slide(f"SLIDE {n}\n{'word ' * n}") for n in range(5)]
    path = film(slides, suffix=suffix, codec=codec, fps=1, at=[0, 10, 20, 30, 40])
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    starts = [i.span.start for i in items if isinstance(i, Segment) and i.channel == "visual"]
    assert starts == pytest.approx([0, 10, 20, 30, 40], abs=0.1)
    assert not [i for i in items if isinstance(i, FileWarning)]


@pytest.mark.parametrize(("suffix", "bits"), [(".g726", 4), (".g726-24", 3), (".g726-40", 5)])
@pytest.mark.parametrize("form", ["g726", "g726le"])
def test_g726_is_heard_whichever_end_of_a_byte_comes_first(
    form: str, suffix: str, bits: int, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / f"call{suffix}"
    t = np.arange(24_000)
    sound = (9000 * np.sin(t * 0.35) * np.abs(np.sin(t * 0.002))).astype(np.int16)
    with av.open(str(path), "w", format=form) as c:
        stream: Any = c.add_stream(form, rate=8000, layout="mono", options={"code_size": f"{bits}"})
        frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
        frame.sample_rate = 8000
        c.mux(stream.encode(frame))
        c.mux(stream.encode())
    kind = headerless(str(path))
    assert kind is not None
    assert (kind.form, kind.bits) == (form, bits)
    info, length, heard = read(path)
    assert (info.modality, info.mime) == (Modality.AUDIO, "audio/x-g726")
    assert (length, heard) == (pytest.approx(3, abs=0.05), pytest.approx(3, abs=0.05))


def test_aac_as_radio_sends_it_is_heard_under_any_name(
    tmp_path: Path, tone: Any, tools: Any, read: Read
) -> None:
    path = tmp_path / "programme.bin"
    with av.open(str(path), "w", format="latm") as c:
        tools.write_sound(c, c.add_stream("aac", rate=48000, layout="mono"), tone(5))
    info, length, heard = read(path)
    assert (info.modality, info.mime) == (Modality.AUDIO, "audio/MP4A-LATM")
    assert info.duration_s == pytest.approx(5, abs=0.1)
    assert (length, heard) == (pytest.approx(5, abs=0.1), pytest.approx(5, abs=0.1))


@pytest.mark.parametrize(
    ("form", "codec", "mime", "layout"),
    [("yuv4mpegpipe", "wrapped_avframe", "video/x-yuv4mpeg", "yuv420p"),
     ("m4v", "mpeg4", "video/mp4v-es", "yuv420p"),
     ("gxf", "mpeg2video", "application/gxf", "yuv420p")],
)  # fmt: skip
def test_films_of_tools_and_broadcasters_are_seen_under_any_name(
    form: str, codec: str, mime: str, layout: str, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / "clip.bin"
    with av.open(str(path), "w", format=form) as c:
        stream: Any = c.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, layout
        for n in range(50):
            grey = np.full((576, 720, 3), 60 + 3 * n, np.uint8)
            c.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24").reformat(format=layout)))
        c.mux(stream.encode())
    info, length, _ = read(path)
    assert (info.modality, info.mime) == (Modality.VIDEO, mime)
    assert length == pytest.approx(2, abs=0.1)
