"""A clock that jumps ahead by hours is a pause of the recorder, not part of the film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.media.av.parts import parts_of
from omni_core.types import Channel


@pytest.fixture
def jumping(tmp_path: Path, tools: Any, tone: Any) -> Any:
    """Twelve seconds of numbered frames whose clock jumps after six."""

    def make(seconds: float) -> Path:
        path = tmp_path / "dashcam.ts"
        made = []
        with av.open(str(path), "w") as c:
            v = c.add_stream("libx264", rate=25)
            v.width, v.height, v.pix_fmt, v.options = 160, 120, "yuv420p", {"g": "25", "bf": "0"}
            a = c.add_stream("aac", rate=48000, layout="mono")
            for i in range(300):
                frame = av.VideoFrame.from_ndarray(tools.barcode(i), format="gray")
                frame = frame.reformat(format="yuv420p")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                made += v.encode(frame)
            made += v.encode()
            sound = tone(12)
            for at in range(0, len(sound) - 1023, 1024):
                heard = av.AudioFrame.from_ndarray(sound[None, at : at + 1024], "fltp", "mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, at, Fraction(1, 48000)
                made += a.encode(heard)
            made += a.encode()
            for packet in sorted(made, key=lambda p: p.dts * p.time_base):
                if packet.dts * packet.time_base >= 6:
                    packet.pts += int(seconds / packet.time_base)
                    packet.dts += int(seconds / packet.time_base)
                c.mux_one(packet)
        return path

    return make


@pytest.mark.parametrize("hours", [3, 26])
def test_a_jump_of_hours_is_left_out(
    hours: int, jumping: Any, svc: Any, cut: Any, tools: Any, read_barcode: Any
) -> None:
    path = jumping(hours * 3600.0)
    assert svc.probe(str(path)).duration_s == pytest.approx(12, abs=0.2)
    segments = cut(path)
    shots = tools.shots(segments)
    assert shots[-1].span.end == pytest.approx(12, abs=0.2)
    assert sum(s.span.end - s.span.start for s in shots) > 11
    heard = [s for s in segments if s.channel is Channel.SOUND]
    assert sum(s.span.end - s.span.start for s in heard) > 11
    ((_, pixels),) = svc.frames(str(path), [10.0], 160)
    assert read_barcode(pixels) == pytest.approx(250, abs=8)
    assert abs(svc.audio(str(path), 9, 10)).max() > 0.2


def test_a_short_gap_stays(jumping: Any, svc: Any) -> None:
    path = jumping(30.0)
    assert parts_of(str(path)) == ()
    assert svc.probe(str(path)).duration_s == pytest.approx(42, abs=0.2)
