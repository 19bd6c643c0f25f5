"""Sound that is missing in the middle of a file is named with its seconds; a pause is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.clock import Clock
from omni_core.media.av.holes import Holes
from omni_core.media.av.lost_sync import breaks, is_of_a_frame
from omni_core.types import CutOptions, FileWarning, Source

Warned = Callable[[Path], list[str]]
FOREIGN: dict[str, Callable[[int], bytes]] = {
    "zeros": bytes, "page": lambda n: (b"<html>404</html>" * (n // 16 + 1))[:n],
    "noise": lambda n: random.Random(1).randbytes(n),  # noqa: S311
}  # fmt: skip


@pytest.fixture
def warned(svc: Any) -> Warned:
    def run(path: Path) -> list[str]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = svc.decompose(str(path), source, CutOptions())
        return [i.message for i in items if isinstance(i, FileWarning)]

    return run


@pytest.fixture
def recording(tmp_path: Path, tools: Any, tone: Any) -> Callable[..., Path]:
    def make(name: str, codec: str, **form: str) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=form) as c:
            tools.write_sound(c, c.add_stream(codec, rate=48000, layout="mono"), tone(10))
        return path

    return make


def with_hole(path: Path, made: Callable[[int], bytes] = bytes) -> Path:
    """The file with the fifth of its bytes from the middle on replaced."""
    data = path.read_bytes()
    at, size = len(data) // 2, len(data) // 5
    path.write_bytes(data[:at] + made(size) + data[at + size :])
    return path


@pytest.mark.parametrize("kind", list(FOREIGN))
def test_a_hole_in_an_mp3_is_named_with_its_second(
    kind: str, recording: Callable[..., Path], warned: Warned
) -> None:
    (line,) = warned(with_hole(recording("a.mp3", "libmp3lame", write_xing="0"), FOREIGN[kind]))
    seconds = float(line.removeprefix("the sound has holes: about ").split(" s are damaged")[0])
    assert seconds == pytest.approx(2, abs=0.3)
    assert line.endswith(" s are damaged at seconds 5, and what follows comes that much earlier")


@pytest.mark.parametrize("kind", ["zeros", "noise"])
@pytest.mark.parametrize("name", ["a.aac", "a.ac3", "a.eac3"])
def test_a_hole_in_frames_without_a_container_is_named_and_what_follows_is_heard(
    name: str, kind: str, recording: Callable[..., Path], svc: Any, warned: Warned
) -> None:
    path = recording(name, name[2:])
    assert warned(path) == []
    lines = warned(with_hole(path, FOREIGN[kind]))
    (line,) = [line for line in lines if "holes" in line]
    seconds = float(line.removeprefix("the sound has holes: about ").split(" s are damaged")[0])
    assert seconds == pytest.approx(2, abs=0.4)
    assert svc.probe(str(path)).duration_s == pytest.approx(8, abs=0.4)


def test_raw_aac_whose_rate_changes_and_returns_has_no_hole(
    recording: Callable[..., Path], tmp_path: Path, tools: Any, tone: Any, warned: Warned
) -> None:
    path = recording("a.aac", "aac")
    other = tmp_path / "b.aac"
    with av.open(str(other), "w") as c:
        stream = c.add_stream("aac", rate=44100, layout="mono")
        tools.write_sound(c, stream, tone(4))  # resampled
    tag = b"ID3\4\0\0" + bytes((0, 0, 16, 0)) + bytes(2048)
    path.write_bytes(path.read_bytes() + other.read_bytes() + tag + path.read_bytes())
    assert not [line for line in warned(path) if "holes" in line]


@pytest.mark.parametrize("size", [1000, 4000, 40_000])
@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_what_is_no_frame_behind_the_last_one_of_an_mp3_is_no_hole(
    kind: str, size: int, recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording("a.mp3", "libmp3lame", write_xing="0")
    path.write_bytes(path.read_bytes() + FOREIGN[kind](size))
    assert not [line for line in warned(path) if "holes" in line]


def test_tags_between_joined_mp3s_are_no_hole(
    recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording("a.mp3", "libmp3lame", write_xing="0")
    cover = b"ID3\3\0\0\0\x03\x00\x00" + bytes(3 << 14)
    path.write_bytes(path.read_bytes() + cover + path.read_bytes())
    assert warned(path) == []


COVER = b"ID3\3\0\0\0\x06\0\0" + random.Random(3).randbytes(6 << 14)  # noqa: S311


@pytest.mark.parametrize(
    "tag",
    [COVER, b"TAG" + b"x" * 125 + COVER,
     b"APETAGEX" + bytes((208, 7, 0, 0, 0, 0, 1, 0)) + bytes(16) + COVER[10:65_546]],
    ids=["cover", "after a short one", "ape"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.aac", "a.ac3", "a.eac3"])
def test_tags_between_joined_frames_are_no_hole(
    name: str, tag: bytes, recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording(name, name[2:])
    path.write_bytes(path.read_bytes() + tag + path.read_bytes())
    assert not [line for line in warned(path) if "holes" in line]


@pytest.mark.parametrize("kept", [3, 4, 8, 12])
def test_raw_aac_that_breaks_off_in_a_tag_is_heard(
    kept: int, recording: Callable[..., Path], svc: Any, warned: Warned
) -> None:
    path = recording("a.aac", "aac")
    path.write_bytes(path.read_bytes() + COVER[:kept])
    assert not [line for line in warned(path) if "holes" in line]
    assert svc.probe(str(path)).duration_s == pytest.approx(10, abs=0.1)


def test_loud_frames_after_small_ones_are_no_hole(
    tmp_path: Path, tools: Any, warned: Warned
) -> None:
    path = tmp_path / "a.mp3"
    noise = np.random.default_rng(1).uniform(-0.4, 0.4, 4 * 48000)
    with av.open(str(path), "w", options={"write_xing": "0"}) as c:
        stream = c.add_stream("libmp3lame", rate=48000, layout="mono")
        stream.options = {"q": "0", "compression_level": "9"}
        tools.write_sound(c, stream, np.concatenate([np.zeros(6 * 48000), noise]))
    assert warned(path) == []


@pytest.mark.parametrize("name", ["a.flac", "a.opus", "a.mka"])
def test_a_hole_in_sound_with_a_clock_is_named_with_its_seconds(
    name: str, recording: Callable[..., Path], warned: Warned
) -> None:
    codec = "flac" if name == "a.flac" else "libopus"
    lines = warned(with_hole(recording(name, codec, cluster_time_limit="500")))
    assert [line.split(":")[0] for line in lines] == ["the file has holes, with no sound"]


def test_pages_of_an_ogg_that_are_missing_are_a_hole(
    recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording("a.opus", "libopus")
    pages = path.read_bytes().split(b"OggS")
    path.write_bytes(b"OggS".join(pages[:6] + pages[9:]))
    assert warned(path) == ["the file has holes, with no sound: seconds 3 to 6"]


@pytest.mark.parametrize("pauses", [[5], [2, 4, 6]])
def test_an_ogg_whose_recorder_left_silence_out_has_no_holes(
    pauses: list[int], tmp_path: Path, tone: Any, warned: Warned
) -> None:
    path = tmp_path / "a.opus"
    with av.open(str(path), "w") as c:
        stream: Any = c.add_stream("libopus", rate=48000, layout="mono")
        for n, block in enumerate(np.split(tone(10).astype(np.float32), 500)):
            frame = av.AudioFrame.from_ndarray(block[None], "flt", "mono")
            left_out = 5 * sum(n >= 50 * second for second in pauses)
            frame.sample_rate, frame.pts = 48000, n * 960 + left_out * 48000
            c.mux(stream.encode(frame))
        c.mux(stream.encode())
    assert warned(path) == []


def test_sound_that_cannot_be_decoded_is_named_with_its_seconds(
    recording: Callable[..., Path], warned: Warned
) -> None:
    (line,) = warned(with_hole(recording("a.m4a", "aac")))
    assert line == "sound that cannot be decoded, and is not heard: seconds 5 to 7"


@pytest.mark.parametrize(
    ("heard", "said"), [(range(30, 60), ["seconds 0 to 3, 6 to 10"]), (range(0, 100, 2), [])]
)
def test_packets_that_state_no_length_follow_each_other_where_nothing_is_heard_between(
    heard: range, said: list[str], recording: Callable[..., Path]
) -> None:
    path = recording("a.wav", "pcm_s16le")
    with av.open(str(path)) as c:
        holes = Holes("asf", Clock(c), str(path), None, pictures=False, sound=True)
        (packet, *_) = list(c.demux(c.streams.audio[0]))
        packet.duration = 0
        for tenth in range(100):
            packet.pts = tenth * c.streams.audio[0].rate // 10
            if tenth not in heard:
                holes.undecoded(packet, decoded=sum(n < tenth for n in heard))
    assert [line.split(": ")[1] for line in holes.warnings(10)] == said


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_a_silent_broadcast_whose_signal_was_lost_has_a_hole(
    codec: str, film: Any, tools: Any, warned: Warned
) -> None:
    frames = [tools.barcode(n) for n in range(200)]
    path = Path(film(frames, suffix=".ts", codec=codec, options={"bf": "0", "g": "25"}))
    data = path.read_bytes()
    packets = len(data) // 188
    path.write_bytes(data[: packets // 4 * 188] + data[packets * 3 // 4 * 188 :])
    told = "the file has holes, with no pictures: seconds "
    (seconds,) = [line.removeprefix(told) for line in warned(path) if line.startswith(told)]
    assert [float(s) for s in seconds.split(" to ")] == pytest.approx([2, 6], abs=1)


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_a_silent_broadcast_of_a_still_that_stays_has_no_hole(
    codec: str, film: Any, tools: Any, warned: Warned
) -> None:
    at = [n + (150 if n >= 100 else 0) for n in range(200)]
    frames = [tools.barcode(n) for n in range(200)]
    path = Path(film(frames, suffix=".ts", codec=codec, at=at, options={"bf": "0"}))
    assert warned(path) == []


def test_a_broadcast_of_a_picture_every_two_seconds_has_no_holes(
    film: Any, tools: Any, warned: Warned
) -> None:
    frames = [tools.barcode(n) for n in range(20)]
    at = [n * 50 for n in range(20)]
    path = Path(film(frames, suffix=".ts", codec="mpeg2video", at=at, options={"bf": "0"}))
    assert warned(path) == []


@pytest.mark.parametrize(("suffix", "jump", "told"), [(".ts", 6, True), (".mkv", 6, False)])
def test_a_broadcast_whose_signal_was_lost_has_a_hole_and_a_paused_recording_has_none(
    suffix: str, jump: float, *, told: bool, tmp_path: Path, tools: Any, tone: Any, warned: Warned
) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as c:
        video, sound = c.add_stream("mpeg2video", rate=25), c.add_stream("mp2", rate=48000)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        samples = (tone(8) * 32767).astype(np.int16)
        for n in range(200):
            second = n / 25 + (jump if n >= 100 else 0)
            frame = av.VideoFrame.from_ndarray(tools.barcode(n), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(second * 25), Fraction(1, 25)
            c.mux(video.encode(frame))
            block = samples[None, n * 1920 : (n + 1) * 1920].repeat(2, axis=0).T.reshape(1, -1)
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", "stereo")
            heard.sample_rate, heard.pts = 48000, round(second * 48000)
            heard.time_base = Fraction(1, 48000)
            c.mux(sound.encode(heard))
        c.mux(video.encode())
        c.mux(sound.encode())
    lines = ["the file has holes, with neither pictures nor sound: seconds 4 to 10"]
    assert warned(path) == (lines if told else [])


CUT = "the sound is cut within a frame at seconds 5: what is missing there is not known"


@pytest.mark.parametrize("taken", [3001, 20_000])
@pytest.mark.parametrize("name", ["a.aac", "a.ac3", "a.eac3", "a.mp3"])
def test_bytes_that_are_taken_out_of_frames_are_named_with_their_second(
    name: str, taken: int, recording: Callable[..., Path], warned: Warned
) -> None:
    form = {"write_xing": "0"} if name == "a.mp3" else {}
    path = recording(name, "libmp3lame" if form else name[2:], **form)
    assert warned(path) == []
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + data[middle + taken :])
    assert [line[: len(CUT)] for line in warned(path)] == [CUT]


@pytest.mark.parametrize(("between", "cuts"), [(b"", []), (b"\x64\x58\x20\x25" * 9, []),
                                               (b"\5" * 700, [0.5])])  # fmt: skip
def test_bytes_taken_out_of_dts_are_told_from_what_extends_a_frame(
    between: bytes, cuts: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "a.dts"
    frame = bytes.fromhex("7ffe8001fc3c7ff022c00138").ljust(2048, b"\5")
    path.write_bytes(8 * frame + between + 8 * frame)
    assert breaks(str(path), None, 1 << 16) == pytest.approx(cuts, abs=0.05)


@pytest.mark.parametrize("between", [b"\0" * 700, b"Sold to: Ann Lee, Harbour Road 7", b"\0\1"])
@pytest.mark.parametrize("name", ["a.ac3", "a.aac"])
def test_padding_and_words_between_frames_are_no_cut(
    name: str, between: bytes, recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording(name, name[2:])
    data = path.read_bytes()
    at = data.index(data[:2], len(data) // 2)
    path.write_bytes(data[:at] + between[:400] + data[at:])
    assert not any("cut" in line for line in warned(path))


@pytest.mark.parametrize("between", [b"TAG" + b"A song".ljust(125, b"\0"), b"\xff" * 90])
def test_old_tags_and_padding_between_joined_mp3s_are_no_cut(
    between: bytes, recording: Callable[..., Path], warned: Warned
) -> None:
    path = recording("a.mp3", "libmp3lame", write_xing="0", id3v2_version="0")
    data = path.read_bytes()
    path.write_bytes(data + between + data + between + data)
    assert warned(path) == []


@pytest.mark.parametrize(
    ("rest", "is_cut"),
    [
        (b"TAG" + b"A song".ljust(125, b"\0"), False),
        (b"\5" * 200 + b"TAG" + b"\7" * 20, True),
        (b"\xff" * 90, False),
        (b"\xff" * 90 + b"\xfb\x90", True),
        (b"U" * 90, True),
    ],
)
def test_bytes_between_frames_are_told_apart(rest: bytes, is_cut: bool) -> None:
    assert is_of_a_frame(rest) is is_cut
