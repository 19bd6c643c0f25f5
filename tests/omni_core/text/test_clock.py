from __future__ import annotations

import pytest

from omni_core.text.clock import clock


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (0, "0:00.0"),
        (6, "0:06.0"),
        (59.96, "1:00.0"),
        (724.3, "12:04.3"),
        (3599.94, "59:59.9"),
        (3599.96, "1:00:00.0"),
        (36061.25, "10:01:01.2"),
        (-1, "0:00.0"),
    ],
)
def test_time_prints_in_minutes_and_in_hours_from_one_hour_on(seconds: float, printed: str) -> None:
    assert clock(seconds) == printed


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [(0, "0:00"), (6.04, "0:06"), (724.3, "12:04.3"), (3599.96, "1:00:00"), (3723.5, "1:02:03.5")],
)
def test_a_short_time_leaves_a_tenth_of_zero_out(seconds: float, printed: str) -> None:
    assert clock(seconds, short=True) == printed
