"""What subtitles cover is not heard again, and what they leave out is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.media.av.coverage import Coverage
from omni_core.readers.speech import _unknown
from omni_core.types import SAMPLE_RATE, AudioContent, Channel, CutOptions, FileWarning, Source

CUE = "1\n00:00:{:02},000 --> 00:00:{:02},000\n{}\n\n"


def test_near_cues_are_one_and_far_ones_leave_a_gap() -> None:
    coverage = Coverage([(1, 3), (5, 8), (20, 22)])
    assert coverage.within(0, 30) == ((0.5, 8.5), (19.5, 22.5))
    assert coverage.within(6, 21) == ((0, 2.5), (13.5, 15))
    assert coverage.within(9, 19) == ()


def test_speech_recognition_hears_silence_where_words_are_known() -> None:
    ones = np.ones(10 * SAMPLE_RATE, np.float32)
    heard = _unknown(AudioContent(ones, overlap_s=2.0, covered=((1.0, 3.0),)))
    seconds = heard.reshape(10, SAMPLE_RATE).max(axis=1)
    assert list(seconds) == [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    assert ones.min() == 1


@pytest.mark.parametrize(
    ("name", "covered"),
    [("talk.srt", True), ("talk.en.sdh.srt", True), ("talk.forced.srt", False),
     ("talk.en.forced.srt", False), ("talk.Signs.srt", False), ("talk.reinforced.srt", True)],
)  # fmt: skip
def test_forced_subtitles_silence_nothing(
    name: str, covered: bool, film: Any, tools: Any, tone: Any, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "talk.mp4"
    made = film([tools.barcode(i) for i in range(50)], fps=5, sound=tone(10))
    path.write_bytes(made.read_bytes())
    (tmp_path / name).write_text(CUE.format(2, 4, "Leave the forest."))
    segments = cut(path)
    assert any(s.text == "Leave the forest." for s in segments)
    (window,) = [s for s in segments if s.channel is Channel.SOUND]
    assert window.content.covered == (((1.5, 4.5),) if covered else ())


def test_full_subtitles_are_preferred_to_forced_ones(
    film: Any, tools: Any, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(film([tools.barcode(i) for i in range(50)], fps=5).read_bytes())
    (tmp_path / "talk.forced.srt").write_text(CUE.format(2, 4, "A sign."))
    (tmp_path / "talk.en.sdh.srt").write_text(CUE.format(2, 4, "All that is said."))
    assert [s.text for s in cut(path) if s.channel is Channel.SPEECH] == ["All that is said."]


@pytest.mark.parametrize(("last", "warned"), [(4, True), (28, False)])
def test_subtitles_that_cover_little_are_named(
    last: int, warned: bool, film: Any, tools: Any, tone: Any, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "talk.mp4"
    made = film([tools.barcode(i) for i in range(90)], fps=3, sound=tone(30))
    path.write_bytes(made.read_bytes())
    cues = [CUE.format(second, second + 2, f"Cue {second}.") for second in range(2, last, 4)]
    (tmp_path / "talk.srt").write_text("".join(cues))
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
    items = svc.decompose(str(path), source, CutOptions())
    lines = [i.message for i in items if isinstance(i, FileWarning)]
    assert any("subtitles cover" in line for line in lines) is warned


@pytest.mark.parametrize(
    ("film_name", "name", "covered"),
    [("Signs", "Signs.srt", True), ("Song of the Sea", "Song of the Sea.en.srt", True),
     ("talk", "talk.full dialogue and signs.srt", True), ("Signs", "Signs.signs.srt", False)],
)  # fmt: skip
def test_a_films_own_name_makes_no_subtitles_forced(
    film_name: str, name: str, covered: bool, film: Any, tools: Any, tone: Any, tmp_path: Path,
    cut: Any,
) -> None:  # fmt: skip
    path = tmp_path / f"{film_name}.mp4"
    path.write_bytes(
        film([tools.barcode(i) for i in range(50)], fps=5, sound=tone(10)).read_bytes()
    )
    (tmp_path / name).write_text(CUE.format(2, 4, "Leave the forest."))
    (window,) = [s for s in cut(path) if s.channel is Channel.SOUND]
    assert bool(window.content.covered) is covered
