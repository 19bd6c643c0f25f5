"""Seconds as a media player displays them."""

from __future__ import annotations


def clock(seconds: float, *, short: bool = False) -> str:
    """`1:05.3`, `1:02:03.0`: minutes, or hours when there are any, to a tenth of a second.

    `short` leaves a tenth of zero out: `1:02:03`. Negative seconds are shown as 0.
    """
    whole, tenth = divmod(round(max(0.0, seconds) * 10), 10)
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    text = f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
    return text if short and not tenth else f"{text}.{tenth}"
