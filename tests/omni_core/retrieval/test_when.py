from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from omni_core.errors import BadRequestError
from omni_core.payload import recorded_during
from omni_core.retrieval.when import EXAMPLES, parse

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=BERLIN)  # a Sunday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-17", "2026-11-17", "2026-11-18"),
        ("on 2026-11-17", "2026-11-17", "2026-11-18"),
        ("2026/11/17", "2026-11-17", "2026-11-18"),
        ("17.11.2026", "2026-11-17", "2026-11-18"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024", "2024-01-01", "2025-01-01"),
        ("2026-W05", "2026-01-26", "2026-02-02"),
        ("Q3 2024", "2024-07-01", "2024-10-01"),
        ("2024-Q4", "2024-10-01", "2025-01-01"),
        ("2026-11-17T10", "2026-11-17 10:00", "2026-11-17 11:00"),
        ("2026-11-17 10:05", "2026-11-17 10:05", "2026-11-17 10:06"),
        ("2026-11-17T10:05:30.25", "2026-11-17 10:05:30", "2026-11-17 10:05:31"),
        ("2026-11-17T10:00:00Z", "2026-11-17 11:00", "2026-11-17 11:00:01"),
        ("2026-11-17T10:00+05:30", "2026-11-17 05:30", "2026-11-17 05:30:01"),
        ("today", "2026-11-22", "2026-11-23"),
        ("Yesterday", "2026-11-21", "2026-11-22"),
        ("the day before yesterday", "2026-11-20", "2026-11-21"),
        ("this morning", "2026-11-22 06:00", "2026-11-22 12:00"),
        ("yesterday evening", "2026-11-21 18:00", "2026-11-22"),
        ("last night", "2026-11-21 18:00", "2026-11-22 06:00"),
        ("tuesday", "2026-11-17", "2026-11-18"),
        ("last tuesday", "2026-11-17", "2026-11-18"),
        ("last Tue", "2026-11-17", "2026-11-18"),
        ("sunday", "2026-11-22", "2026-11-23"),
        ("last sunday", "2026-11-15", "2026-11-16"),
        ("this monday", "2026-11-16", "2026-11-17"),
        ("tuesday morning", "2026-11-17 06:00", "2026-11-17 12:00"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("past 7 days", "2026-11-15", "2026-11-23"),
        ("last seven days", "2026-11-15", "2026-11-23"),
        ("past week", "2026-11-15", "2026-11-23"),
        ("past 3 months", "2026-08-22", "2026-11-23"),
        ("past 2 years", "2024-11-22", "2026-11-23"),
        ("past 90 minutes", "2026-11-22 14:00", "2026-11-22 15:30"),
        ("last hour", "2026-11-22 14:30", "2026-11-22 15:30"),
        ("3 days ago", "2026-11-19", "2026-11-20"),
        ("two weeks ago", "2026-11-02", "2026-11-09"),
        ("a month ago", "2026-10-01", "2026-11-01"),
        ("14 months ago", "2025-09-01", "2025-10-01"),
        ("2 hours ago", "2026-11-22 13:00", "2026-11-22 14:00"),
        ("march", "2026-03-01", "2026-04-01"),
        ("in March 2024", "2024-03-01", "2024-04-01"),
        ("2024 March", "2024-03-01", "2024-04-01"),
        ("Sept. 2024", "2024-09-01", "2024-10-01"),
        ("december", "2025-12-01", "2026-01-01"),
        ("last november", "2025-11-01", "2025-12-01"),
        ("5 march 2024", "2024-03-05", "2024-03-06"),
        ("March 5th, 2024", "2024-03-05", "2024-03-06"),
        ("the 5th of March", "2026-03-05", "2026-03-06"),
        ("24 december", "2025-12-24", "2025-12-25"),
        ("29 february", "2024-02-29", "2024-03-01"),
    ],
)
def test_a_day_a_month_or_a_way_of_speaking_becomes_its_interval(
    text: str, start: str, end: str
) -> None:
    found = parse(text, NOW, BERLIN)
    assert found.start == datetime.fromisoformat(start).replace(tzinfo=BERLIN)
    assert found.end == datetime.fromisoformat(end).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-01/2026-11-17", "2026-11-01", "2026-11-18"),
        ("2026-11-01 / 2026-11-17", "2026-11-01", "2026-11-18"),
        ("2026-11-01..2026-11-17", "2026-11-01", "2026-11-18"),
        ("2026-11-01 to 2026-11-17", "2026-11-01", "2026-11-18"),
        ("2026-11-01 – 2026-11-17", "2026-11-01", "2026-11-18"),
        ("from 2026-11-01 until 2026-11-17", "2026-11-01", "2026-11-18"),
        ("2024/2025", "2024-01-01", "2026-01-01"),
        ("2026-11-17 10:00 to 2026-11-17 12:00", "2026-11-17 10:00", "2026-11-17 12:00"),
        ("between march and may 2024", "2024-03-01", "2024-06-01"),
        ("june to august", "2026-06-01", "2026-09-01"),
        ("november to february", "2025-11-01", "2026-03-01"),
        ("monday to wednesday", "2026-11-16", "2026-11-19"),
        ("last tuesday to today", "2026-11-17", "2026-11-23"),
        ("2026-11-01/", "2026-11-01", None),
        ("2026-11-01/..", "2026-11-01", None),
        ("/2026-11-17", None, "2026-11-18"),
        ("../2026-11-17", None, "2026-11-18"),
        ("since 2024-01-01", "2024-01-01", None),
        ("from last tuesday", "2026-11-17", None),
        ("after june 2024", "2024-07-01", None),
        ("before june", None, "2026-06-01"),
        ("until yesterday", None, "2026-11-22"),
        ("before 3 days ago", None, "2026-11-19"),
    ],
)
def test_a_range_holds_its_last_day_and_may_be_open(
    text: str, start: str | None, end: str | None
) -> None:
    found = parse(text, NOW, BERLIN)
    assert found.start == (start and datetime.fromisoformat(start).replace(tzinfo=BERLIN))
    assert found.end == (end and datetime.fromisoformat(end).replace(tzinfo=BERLIN))


def test_what_was_understood_is_said_with_its_time_zone() -> None:
    assert parse("last tuesday", NOW, BERLIN).words == (
        "2026-11-17 00:00 to 2026-11-18 00:00 Europe/Berlin"
    )
    assert parse("since 2024", NOW, BERLIN).words == "since 2024-01-01 00:00 Europe/Berlin"
    assert parse("before june", NOW, BERLIN).words == "before 2026-06-01 00:00 Europe/Berlin"


def test_filters_get_utc_and_days_follow_the_clock_change() -> None:
    day = parse("2026-10-25", NOW, BERLIN)  # 25 hours long
    within = recorded_during(day.start, day.end)
    assert (within.gte, within.lt) == ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")
    since = parse("since 2026", NOW, UTC)
    assert recorded_during(since.start, since.end).lt is None


def test_today_is_that_of_the_callers_zone() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert parse("today", late, UTC).start == datetime(2026, 11, 22, tzinfo=UTC)
    tokyo = timezone(timedelta(hours=9))
    assert parse("today", late, tokyo).start == datetime(2026, 11, 23, tzinfo=tokyo)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "gibberish", "2024-02-30", "2026-13", "2026-00", "11/17/2026", "0000", "9999",
     "next week", "32 march", "9999999 days ago", "99999 months ago", "2026-W60", "to", "/", "..",
     "before", "2026-11-17T25:00", "ten", "may be", "and", "1e9 days ago", "２"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadRequestError, match="write e.g. 2026-11-17") as caught:  # noqa: RUF043
        parse(text, NOW, BERLIN)
    assert caught.value.code == "BAD_WHEN"
    assert "\n" not in str(caught.value)


def test_a_range_backwards_is_refused() -> None:
    with pytest.raises(BadRequestError, match="ends before it starts"):
        parse("2026-11-17/2026-11-01", NOW, BERLIN)


def test_the_examples_of_the_error_are_understood() -> None:
    for example in EXAMPLES:
        assert parse(example, NOW, BERLIN).words


def test_random_words_give_an_interval_or_the_error_never_anything_else() -> None:
    rng = random.Random(3)  # noqa: S311
    pieces = re.findall(
        r"\S+",
        "last past this to / .. since before 3 99999 0 days weeks months years ago march 31 "
        "february 2024 2024-02-29 tuesday and between T10:00 morning q9 w53 - 1st the",
    )
    for _ in range(5000):
        text = " ".join(rng.choices(pieces, k=rng.randint(1, 5)))
        try:
            found = parse(text, NOW, BERLIN)
        except BadRequestError:
            continue
        assert found.start is None or found.end is None or found.start < found.end
        assert found.start is not None or found.end is not None


@pytest.mark.parametrize("part", ["1/", "a to ", "2024-01-01T00:00:00Z ", "the of ", ".. "])
def test_a_text_longer_than_any_date_is_refused_before_it_is_read(part: str) -> None:
    with pytest.raises(BadRequestError, match="when has 300,000 characters; at most 100"):
        parse((part * 300_000)[:300_000], NOW, BERLIN)
