"""Films: shots, key pictures, the clock, and what is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.service import service
from omni_core.types import (
    AudioContent,
    Channel,
    CutOptions,
    FileLength,
    FileWarning,
    Modality,
    Segment,
    Source,
    VideoContent,
)


def _spans(segments: Any) -> list[tuple[float, float]]:
    return [(round(s.span.start, 2), round(s.span.end, 2)) for s in segments]


def test_hard_cuts_are_found_at_their_frame(film: Any, cut: Any, tools: Any) -> None:
    frames = [tools.scene(n)(i) for n in (1, 2, 3) for i in range(50)]
    assert _spans(tools.shots(cut(film(frames)))) == [(0, 2), (2, 4), (4, 6)]


def test_a_dissolve_and_a_fade_through_black_are_cuts(film: Any, cut: Any, tools: Any) -> None:
    a, b, c = (tools.scene(n) for n in (4, 5, 6))
    frames = [a(i) for i in range(60)]
    frames += [
        (a(60 + i) * (1 - k) + b(i) * k).astype(np.uint8)
        for i, k in enumerate(np.linspace(0, 1, 12))
    ]
    frames += [b(i) for i in range(12, 60)]
    frames += [(b(60 + i) * k).astype(np.uint8) for i, k in enumerate(np.linspace(1, 0, 10))]
    frames += [(c(i) * k).astype(np.uint8) for i, k in enumerate(np.linspace(0, 1, 10))]
    frames += [c(i) for i in range(10, 60)]
    starts = [s.span.start for s in tools.shots(cut(film(frames)))]
    assert len(starts) == 3
    assert 2.4 <= starts[1] <= 2.9
    assert 4.8 <= starts[2] <= 5.6


def test_a_flash_is_no_cut(film: Any, cut: Any, tools: Any) -> None:
    frames = [tools.scene(7)(i) for i in range(100)]
    frames[50] = frames[51] = np.full_like(frames[50], 255)
    assert len(tools.shots(cut(film(frames)))) == 1


def test_slides_that_change_are_cuts_even_when_the_change_is_small(
    film: Any, cut: Any, slide: Any, tools: Any
) -> None:
    pages = ["Revenue grew\nby nine percent\nin every region", "Costs were stable\nas planned",
             "Outlook\nwe hire forty people\nin two cities\nby spring"]  # fmt: skip
    frames = [slide(page) for page in pages for _ in range(50)]
    found = tools.shots(cut(film(frames, fps=10)))
    assert _spans(found) == [(0, 5), (5, 10), (10, 15)]


def test_a_long_shot_is_split_and_a_short_one_joined(film: Any, cut: Any, tools: Any) -> None:
    frames = [tools.scene(1)(i % 100) for i in range(100)]
    frames += [tools.scene(2)(i) for i in range(10)] + [tools.scene(3)(i) for i in range(50)]
    segments = tools.shots(cut(film(frames), shot_max_s=2.5, shot_min_s=1.0))
    spans = [s.span for s in segments]
    assert all(1.0 <= s.end - s.start <= 2.6 for s in spans)
    assert [a.end for a in spans[:-1]] == [b.start for b in spans[1:]]
    assert spans[0].start == 0
    assert spans[-1].end == pytest.approx(6.4, abs=0.01)


def test_the_key_picture_is_sharp_and_not_black(film: Any, cut: Any, tools: Any) -> None:
    blurred = np.full((240, 320, 3), 90, np.uint8)
    sharp = np.where(np.indices((240, 320)).sum(0) % 8 < 4, 220, 40).astype(np.uint8)
    sharp = np.repeat(sharp[:, :, None], 3, 2)
    frames = [np.zeros_like(blurred)] * 6 + [blurred] * 30 + [sharp] * 8 + [blurred] * 30
    (shot,) = tools.shots(cut(film(frames), shot_min_s=10))
    assert isinstance(shot.content, VideoContent)
    assert shot.content.keyframe.std() > 40
    assert 1.4 <= shot.extra["key_time"] <= 1.8


def test_frames_are_spread_over_the_shot_and_know_their_time(
    barcode_film: Path, cut: Any, read_barcode: Any, tools: Any
) -> None:
    for shot in tools.shots(cut(barcode_film, video_fps=2, video_max_frames=6)):
        content = shot.content
        assert len(content.times) <= 6
        for t, frame in zip(content.times, content.frames, strict=True):
            assert shot.span.start <= t < shot.span.end
            assert read_barcode(frame) == round(t * 25)


@pytest.mark.parametrize(
    ("suffix", "codec", "sound_codec", "form"),
    [
        (".mp4", "libx264", "aac", {}),
        (".mov", "libx264", "pcm_s16le", {}),
        (".mkv", "libx264", "libopus", {}),
        (".mkv", "libx264", "aac", {"live": "1"}),
        (".webm", "libvpx-vp9", "libopus", {}),
        (".webm", "libsvtav1", "libopus", {}),
        (".mp4", "libx265", "aac", {}),
        (".avi", "mpeg4", "libmp3lame", {}),
        (".ts", "libx264", "aac", {}),
        (".flv", "libx264", "aac", {}),
        (".mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        (".mpg", "mpeg2video", "mp2", {}),
    ],
)
def test_every_container_keeps_time(
    suffix: str, codec: str, sound_codec: str, form: dict[str, str],
    film: Any, cut: Any, tone: Any, read_barcode: Any, tools: Any, svc: Any,
) -> None:  # fmt: skip
    options = {"bf": "2"} if codec == "libx264" else {"preset": "12"} if "av1" in codec else {}
    frames = [tools.barcode(i) for i in range(100)]
    path = film(
        frames, suffix=suffix, codec=codec, sound=tone(4), sound_codec=sound_codec,
        options=options, form=form,
    )  # fmt: skip
    info = svc.probe(str(path))
    assert info.modality is Modality.VIDEO
    assert info.has_audio
    assert info.duration_s == pytest.approx(4.0, abs=0.15)
    segments = cut(path)
    for shot in tools.shots(segments):
        for t, frame in zip(shot.content.times, shot.content.frames, strict=True):
            assert t == pytest.approx(read_barcode(frame) / 25, abs=0.081)
    heard = [s for s in segments if isinstance(s.content, AudioContent)]
    assert heard[0].span.start == pytest.approx(0, abs=0.081)
    for t in (0.0, 1.21, 2.5, 3.99):
        ((at, frame),) = svc.frames(str(path), [t], 160)
        assert at <= t + 0.081
        assert read_barcode(frame) / 25 == pytest.approx(at, abs=0.081)


def test_raw_h264_without_time_stamps_is_counted(
    film: Any, cut: Any, read_barcode: Any, tools: Any, svc: Any
) -> None:
    path = film([tools.barcode(i) for i in range(75)], suffix=".h264", options={"bf": "0"})
    for shot in tools.shots(cut(path)):
        for t, frame in zip(shot.content.times, shot.content.frames, strict=True):
            assert t == pytest.approx(read_barcode(frame) / 25, abs=0.05)
    got = svc.frames(str(path), [2.0, 0.5], 160)
    assert [read_barcode(f) for _, f in got] == [50, 12]


def test_frames_at_any_time_are_those_a_player_shows(
    barcode_film: Path, svc: Any, read_barcode: Any
) -> None:
    rng = np.random.default_rng(3)
    times = [0.0, *rng.uniform(0, 7.9, 24).tolist(), 7.99]
    for t, (at, frame) in zip(times, svc.frames(str(barcode_film), times, 160), strict=True):
        assert read_barcode(frame) == int((t + 1e-4) * 25)
        assert at == pytest.approx(int((t + 1e-4) * 25) / 25, abs=1e-3)


def test_variable_frame_rate_keeps_each_frame_its_time(
    film: Any, cut: Any, read_barcode: Any, tools: Any, svc: Any
) -> None:
    at = [n for n in range(150) if n % 3 == 0 or n % 70 > 50]
    path = film([tools.barcode(n) for n in at], at=at)
    for shot in tools.shots(cut(path)):
        for t, frame in zip(shot.content.times, shot.content.frames, strict=True):
            assert read_barcode(frame) == round(t * 25)
    ((_, frame),) = svc.frames(str(path), [1.39], 160)
    assert read_barcode(frame) == 33


def test_a_late_sound_track_stays_late(film: Any, cut: Any, tone: Any, tools: Any) -> None:
    path = film([tools.barcode(i) for i in range(100)], sound=tone(2), sound_at=1.5)
    heard = [s for s in cut(path) if isinstance(s.content, AudioContent)]
    assert heard[0].span.start == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_applied(turn: int, film: Any, svc: Any, read_barcode: Any, tools: Any) -> None:
    path = film([tools.barcode(i) for i in range(30)], rotate=turn)
    ((_, frame),) = svc.frames(str(path), [1.0], 160)
    assert frame.shape[:2] == ((160, 120) if turn % 180 else (120, 160))
    assert read_barcode(np.rot90(frame, -turn // 90)) == 25


def test_a_shot_carries_its_sound_when_the_model_takes_both(
    film: Any, cut: Any, tone: Any, tools: Any
) -> None:
    frames = [tools.scene(n)(i) for n in (1, 2) for i in range(75)]
    found = tools.shots(cut(film(frames, sound=tone(6)), video_audio=True))
    assert len(found) == 2
    for shot in found:
        assert shot.content.audio.size / 16000 == pytest.approx(3.0, abs=0.1)
        assert np.abs(shot.content.audio).max() > 0.2


def test_fast_mode_finds_cuts_at_keyframes(film: Any, cut: Any, tools: Any) -> None:
    frames = [tools.scene(n)(i) for n in (1, 2, 3) for i in range(50)]
    assert _spans(tools.shots(cut(film(frames), fast=True))) == [(0, 2), (2, 4), (4, 6)]


def test_a_film_that_breaks_off_yields_what_is_there_and_says_so(
    film: Any, svc: Any, tone: Any, tools: Any, tmp_path: Path
) -> None:
    frames = [tools.scene(n)(i) for n in (1, 2, 3, 4) for i in range(75)]
    whole = film(frames, suffix=".mkv", sound=tone(12)).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    source = Source("0" * 64, str(path), "x", Modality.VIDEO, "video/x-matroska", 1)
    *segments, warning, length = svc.decompose(str(path), source, CutOptions())
    shots = tools.shots(segments)
    assert len(shots) >= 2
    assert isinstance(warning, FileWarning)
    end = shots[-1].span.end
    assert isinstance(length, FileLength)
    assert length.seconds == pytest.approx(end, abs=0.1)
    assert warning.message.startswith(f"the file breaks off: {end:.1f} of 12.0 s could be read")
    assert all(s.extra.keys() == {"key_time"} for s in shots)


def test_what_is_no_film_inside_is_one_line(svc: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40)
    with pytest.raises(UnreadableError, match=r"^'bad\.mp4' cannot be decoded") as e:
        svc.probe(str(path))
    assert e.value.code == "CORRUPT_MEDIA"
    assert "\n" not in str(e.value)


def test_limits_of_pixels_and_seconds_are_kept(barcode_film: Path) -> None:
    with pytest.raises(TooLargeError, match="160 x 120"):
        service(max_pixels=1000).probe(str(barcode_film))
    with pytest.raises(TooLargeError) as e:
        service(max_duration_s=2).probe(str(barcode_film))
    assert e.value.code == "TOO_LONG"


def test_the_first_segment_comes_before_the_film_is_read(film: Any, svc: Any, tools: Any) -> None:
    frames = [tools.scene(n)(i) for n in range(8) for i in range(50)]
    path = film(frames)
    source = Source("0" * 64, str(path), "x", Modality.VIDEO, "video/mp4", 1)
    stream = svc.decompose(str(path), source, CutOptions())
    first = next(stream)
    stream.close()
    assert first.channel is Channel.VISUAL
    assert first.span.end == pytest.approx(2.0)


@pytest.mark.parametrize("bf", ["0", "3"])
def test_every_slide_of_a_slow_video_is_a_shot(bf: str, film: Any, cut: Any, tools: Any,
                                               slide: Any) -> None:  # fmt: skip
    words = ["Agenda\n2031", "Budget\nplan", "Risks", "Harvest\nof the north", "Thank\nyou all"]
    path = film([slide(w) for w in words], at=[n * 5 for n in range(5)], fps=1, options={"bf": bf})
    assert [s.span.start for s in tools.shots(cut(path))] == [0, 5, 10, 15, 20]


def test_the_last_picture_is_held_while_the_sound_goes_on(
    film: Any, cut: Any, svc: Any, tools: Any, tone: Any, slide: Any
) -> None:
    path = film([slide("Cover")], fps=1, sound=tone(13))
    (shot,) = tools.shots(cut(path))
    assert shot.span.end == pytest.approx(13, abs=0.1)
    ((_, pixels),) = svc.frames(str(path), [10.0], 480)
    assert pixels.std() > 5
    with pytest.raises(NotFoundError, match="after the end"):
        svc.frames(str(path), [20.0], 480)


def _with_pictures_spoiled(path: Path, out: Path, seconds: range) -> Path:
    """The same film with the pictures of some seconds replaced by noise, the sound whole."""
    with av.open(str(path)) as source, av.open(str(out), "w") as c:
        streams = {s.index: c.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            second = int(packet.pts * packet.time_base)
            video = packet.stream.type == "video"
            stream = streams[packet.stream.index]
            if video and second in seconds:
                spoiled = av.Packet(b"\0\0\0\3\xff\xff\xff")
                spoiled.pts, spoiled.dts = packet.pts, packet.dts
                spoiled.time_base, spoiled.duration = packet.time_base, packet.duration
                packet = spoiled
            packet.stream = stream
            c.mux_one(packet)
    return out


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (range(4, 12), "seconds 4 to 12"),
        (range(4, 8), "seconds 4 to 8"),
        (range(12), "no picture from second 0 to 12"),
    ],
)
def test_pictures_that_cannot_be_decoded_are_said(
    seconds: range, said: str, film: Any, tools: Any, tone: Any, tmp_path: Path, svc: Any
) -> None:
    frames = [tools.barcode(i % 2000) for i in range(12 * 25)]
    often = {"crf": "18", "g": "25"}
    whole = film(frames, suffix=".mkv", sound=tone(12), options=often)
    path = _with_pictures_spoiled(whole, tmp_path / "a.mkv", seconds)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    lines = [item.message for item in items if isinstance(item, FileWarning)]
    assert len(lines) == 1 and said in lines[0]
    assert any(isinstance(i, Segment) and i.channel is Channel.SOUND for i in items)


def test_a_picture_after_one_that_was_held_long_begins_when_it_is_shown(
    film: Any, cut: Any
) -> None:
    rng = np.random.default_rng(5)
    slides = [rng.integers(0, 255, (12, 16), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
              for _ in range(4)]  # fmt: skip
    path = film(slides, at=[0, 20 * 25, 37 * 25, 55 * 25], options={"bf": "0"})
    shots = [s.span for s in cut(path) if s.channel is Channel.VISUAL]
    starts = [s.start for s in shots]
    assert all(any(abs(start - at) < 0.1 for start in starts) for at in (0, 20, 37))
    assert [s.end for s in shots[:-1]] == starts[1:], "each second belongs to a shot"
    for shot in shots:
        assert not any(shot.start < at - 0.1 and at + 0.1 < shot.end for at in (20, 37, 55)), shot
