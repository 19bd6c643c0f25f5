"""An AVI in which bytes are missing has its times behind them all the same, by its index."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.media.av import avi_index
from omni_core.types import AudioContent, CutOptions, FileLength, FileWarning, Source, VideoContent


def frames(tools: Any) -> list[Any]:
    return [tools.barcode(i) for i in range(300)]


@pytest.fixture
def decomposed(svc: Any) -> Any:
    def run(path: Path) -> list[Any]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        return list(svc.decompose(str(path), source, CutOptions()))

    return run


@pytest.mark.parametrize("sound_codec", ["pcm_s16le", "libmp3lame"])
@pytest.mark.parametrize(("start", "share"), [(0.4, 0.1), (0.5, 0.2)])
def test_what_follows_a_hole_in_an_avi_keeps_its_time(
    start: float, share: float, sound_codec: str, film: Any, tools: Any, tone: Any,
    decomposed: Any, read_barcode: Any,
) -> None:  # fmt: skip
    sound = tone(12) * np.float32(0.1)
    sound[10 * 48000 : 11 * 48000] *= 10
    path = film(
        frames(tools), suffix=".avi", codec="mpeg4", options={"b": "4000000", "g": "5"},
        sound=sound, sound_codec=sound_codec,
    )  # fmt: skip
    assert not any(isinstance(i, FileWarning) for i in decomposed(path))
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * (start + share))
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    items = decomposed(path)
    shots = [i.content for i in items if isinstance(getattr(i, "content", None), VideoContent)]
    after = [(t, f) for s in shots for t, f in zip(s.times, s.frames, strict=True) if t > 9.5]
    assert after
    for t, pixels in after:
        assert read_barcode(pixels) == pytest.approx(t * 25, abs=2)
    samples = np.zeros(13 * 16000, np.float32)
    for i in items:
        if isinstance(getattr(i, "content", None), AudioContent):
            at = round((i.span.start - i.content.overlap_s) * 16000)
            samples[at : at + i.content.samples.size] = i.content.samples
    loud = np.flatnonzero(np.abs(samples) > 0.2) / 16000
    assert (loud[0], loud[-1]) == (pytest.approx(10, abs=0.15), pytest.approx(11, abs=0.15))
    assert [i.seconds for i in items if isinstance(i, FileLength)] == [pytest.approx(12, abs=0.2)]
    assert sum("holes" in i.message for i in items if isinstance(i, FileWarning)) == 1


def test_a_whole_avi_is_read_without_its_index(
    film: Any, tools: Any, tone: Any, decomposed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(frames(tools), suffix=".avi", codec="mpeg4", sound=tone(12), sound_codec="mp3")
    asked: list[str] = []
    monkeypatch.setattr(avi_index, "_entries", asked.append)
    decomposed(path)
    assert asked == []


def test_an_index_that_is_damaged_moves_nothing(film: Any, tools: Any, decomposed: Any) -> None:
    path = film(frames(tools), suffix=".avi", codec="mpeg4", options={"b": "4000000", "g": "5"})
    data = bytearray(path.read_bytes())
    at, middle = data.rindex(b"idx1"), len(data) // 2
    data[at + 8 :] = b"\xff" * (len(data) - at - 8)
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    lengths = [i.seconds for i in decomposed(path) if isinstance(i, FileLength)]
    assert lengths and lengths[0] < 12


def test_the_index_of_a_long_film_takes_little_memory() -> None:
    entry = np.array([((48, 48), b"dc", 16, 0, 92)], avi_index._ENTRY)
    entries = np.repeat(entry, 400_000)
    entries["place"] = 4 + 100 * np.arange(len(entries))
    tracemalloc.start()
    index = avi_index._Index(entries.tobytes())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert index.before(100 * 399_999) == (399_999, 92 * 399_999)
    assert index.before(50) is index.before(100 * 400_000) is None
    assert most < 64 << 20
