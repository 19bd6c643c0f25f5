"""Recorded ways and places."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.html import page_of_file
from omni_core.media.text.tracks import as_track

_POINTS = "".join(
    f'<trkpt lat="{51 + n / 1000}" lon="-2"><ele>{n}</ele>'
    f"<time>2024-01-12T10:{n // 60:02}:{n % 60:02}Z</time></trkpt>"
    for n in range(600)
)
GPX = (
    '<?xml version="1.0"?><gpx version="1.1"><metadata><name>Severn sail</name>'
    '<time>2024-01-12T09:00:00Z</time></metadata><wpt lat="51.5" lon="-2.7"><name>Lock gate</name>'
    "<desc>opens at noon</desc></wpt><trk><name>Day 1</name><trkseg>"
    f'{_POINTS}<trkpt lat="51" lon="-2"><name>Wreck</name></trkpt>{_POINTS}</trkseg></trk></gpx>'
)
TCX = (
    '<?xml version="1.0"?><TrainingCenterDatabase><Activities><Activity Sport="Running">'
    "<Id>2024-01-12T10:05:00Z</Id><Lap><TotalTimeSeconds>1800.0</TotalTimeSeconds><Track>"
    + "<Trackpoint><Time>2024-01-12T10:05:00Z</Time></Trackpoint>"
    * 99
    + "</Track></Lap><Notes>felt easy uphill</Notes></Activity></Activities>"
    "</TrainingCenterDatabase>"
)
KML = (
    '<?xml version="1.0"?><kml xmlns="x"><Document><name>Anchorages</name><Style id="a"><LineStyle>'
    "<color>7f00ffff</color></LineStyle></Style><Placemark><name>Lundy</name><TimeStamp>"
    "<when>2019-05-01</when></TimeStamp><description><![CDATA[Good <b>hold</b>ing]]></description>"
    '<ExtendedData><Data name="Depth"><value>5 m</value></Data></ExtendedData><Point>'
    "<coordinates>-4.6,51.1,0</coordinates></Point></Placemark><Placemark><LineString><coordinates>"
    + "-4.6,51.1,0 " * 500
    + "</coordinates></LineString></Placemark></Document></kml>"
)


def _text(name: str, markup: str) -> list[str]:
    return page_of_file(name, markup).text.strip().split("\n")


def test_a_way_is_its_words_with_its_points_counted() -> None:
    row = "600 points, 2024-01-12T10:00:00Z to 2024-01-12T10:09:59Z"

    assert _text("a.gpx", GPX) == [
        "Severn sail", "2024-01-12T09:00:00Z", "51.5, -2.7", "Lock gate", "opens at noon", "Day 1",
        row, "Wreck", row,
    ]  # fmt: skip


def test_a_training_is_its_sport_notes_and_figures() -> None:
    assert _text("a.tcx", TCX) == [
        "Running", "2024-01-12T10:05:00Z", "TotalTimeSeconds 1800.0",
        "99 points, 2024-01-12T10:05:00Z to 2024-01-12T10:05:00Z", "felt easy uphill",
    ]  # fmt: skip


def test_a_map_is_its_places_without_their_looks() -> None:
    assert _text("a.kml", KML) == [
        "Anchorages", "Lundy", "2019-05-01", "Good holding", "Depth", "5 m", "-4.6,51.1,0",
        "500 positions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "markup", "title", "date"),
    [
        ("a.gpx", GPX, "Severn sail", "2024-01-12T09:00"),
        ("a.tcx", TCX, "a", "2024-01-12T10:05"),
        ("a.kml", KML, "Anchorages", "2019-05-01"),
    ],
)
def test_they_have_the_title_and_the_date_that_they_state(
    name: str, markup: str, title: str, date: str, tmp_path: Path, svc: Any
) -> None:
    (tmp_path / name).write_text(markup)
    info = svc.probe(str(tmp_path / name))

    assert info.title == title
    assert info.recorded_at.isoformat().startswith(date)


def test_points_that_are_never_ended_are_kept() -> None:
    found = as_track("<gpx><trkpt lat='1'><ele>5</ele>")

    assert found is not None and found.markup.endswith("<ele>5</ele>")


def test_other_data_is_no_way() -> None:
    assert as_track("<notes><note>gpx</note></notes>") is None


def test_an_endless_place_is_read_in_time() -> None:
    begun = time.process_time()
    as_track('<?xml version="1.0"?><gpx><wpt' + ' lat="1" lon="2"' * 20_000)
    assert time.process_time() - begun < 1
