from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from omni_core.payload import StoredSegment
from omni_core.points import ScoredPoint
from omni_core.retrieval import fusion, modality_gap
from omni_core.retrieval.modality_gap import Height, ModalityGap, measure
from omni_core.types import Channel

TEXT, SOUND, VISUAL = Channel.TEXT, Channel.SOUND, Channel.VISUAL


def unrelated(
    offsets: Mapping[Channel, float], segments: int = 100, spread: float = 0.05
) -> dict[Channel, Height]:
    """Heights of vectors whose cosines with the null queries lie at a known height."""
    random = np.random.default_rng(7)
    return modality_gap.heights(
        {
            channel: random.normal(height, spread, (segments, 72)).astype(np.float32)
            for channel, height in offsets.items()
        }
    )


def hit(id_: str, cosine: float, channel: Channel, text: str = "") -> ScoredPoint:
    fields = {
        "source_id": f"src_{id_}", "modality": "video", "channel": channel.value,
        "axis": "second", "start": 0.0, "end": 1.0, "text": text,
    }  # fmt: skip
    return ScoredPoint(id_, cosine, StoredSegment(fields))


def test_a_gap_of_known_size_is_measured() -> None:
    gap = measure(unrelated({TEXT: 0.4, SOUND: 0.1, VISUAL: 0.25}))
    assert gap is not None
    found = {channel: round(h.mean, 2) for channel, h in gap.heights.items()}
    assert found == {TEXT: 0.4, SOUND: 0.1, VISUAL: 0.25}
    assert gap.align(0.5, TEXT) == pytest.approx(gap.align(0.2, SOUND), abs=0.01)
    assert gap.align(0.2, SOUND) > gap.align(0.45, TEXT)


def test_where_the_channels_lie_at_one_height_there_is_no_gap() -> None:
    assert measure(unrelated({TEXT: 0.3, SOUND: 0.3, VISUAL: 0.3})) is None
    assert measure(unrelated({TEXT: 0.3, SOUND: 0.28}, spread=0.05)) is None
    assert measure(unrelated({TEXT: 0.3})) is None
    assert measure({}) is None


def test_a_gap_that_few_segments_suggest_is_noise() -> None:
    apart = {TEXT: 0.30, SOUND: 0.24}
    assert measure(unrelated(apart, segments=100)) is not None
    assert measure(unrelated(apart, segments=6)) is None
    assert unrelated(apart, segments=modality_gap.MIN_SEGMENTS - 1) == {}


def test_channels_between_which_there_is_no_gap_share_a_height() -> None:
    gap = measure(unrelated({TEXT: 0.40, Channel.SPEECH: 0.41, SOUND: 0.1}))
    assert gap is not None
    assert gap.heights[TEXT] == gap.heights[Channel.SPEECH]
    assert gap.heights[TEXT].mean == pytest.approx(0.405, abs=0.005)


def test_different_spreads_are_brought_to_one_scale() -> None:
    gap = ModalityGap(
        {TEXT: Height(0.4, 0.1, 100, 72), SOUND: Height(0.1, 0.02, 100, 72)},
        Height(0.25, 0.06, 200, 72),
    )
    assert gap.align(0.6, TEXT) == pytest.approx(gap.align(0.14, SOUND))
    assert gap.align(0.7, VISUAL) == 0.7  # not measured


def test_fusion_ranks_on_the_common_scale_and_reports_raw_cosines() -> None:
    gap = measure(unrelated({TEXT: 0.4, SOUND: 0.1}))
    dense = [hit("text", 0.45, TEXT), hit("sound", 0.3, SOUND)]
    assert [c.id for c in fusion.fuse(dense)] == ["text", "sound"]
    aligned = fusion.fuse(dense, gap=gap)
    assert [(c.id, c.cosine) for c in aligned] == [("sound", 0.3), ("text", 0.45)]
    quoted = [p._replace(score=9.0) for p in (hit("text", 0.45, TEXT, "hills and a weir"),)]
    by_words = fusion.fuse(dense, quoted, question='"hills and a weir"', gap=gap)
    assert [c.id for c in by_words] == ["text", "sound"]


def test_every_channel_keeps_candidates_when_one_would_fill_the_list() -> None:
    gap = measure(unrelated({TEXT: 0.4, SOUND: 0.1}))
    ranked = [hit(f"t{i:03}", 0.9 - i / 1000, TEXT) for i in range(200)]
    ranked += [hit(f"s{i:03}", 0.1 - i / 1000, SOUND) for i in range(50)]
    kept = modality_gap.keep(ranked, gap, limit=150, each=20)
    assert sum(p.stored.channel is SOUND for p in kept) == 20
    assert sum(p.stored.channel is TEXT for p in kept) == 150
    assert modality_gap.keep(ranked, None, limit=150, each=20) == ranked[:150]


def test_a_channel_is_measured_again_when_it_has_grown_and_not_twice_for_the_same() -> None:
    few = unrelated({TEXT: 0.4, SOUND: 0.1}, segments=10)
    assert not modality_gap.outgrown(few, {}, {TEXT: 19, SOUND: 0})
    assert modality_gap.outgrown(few, {}, {TEXT: 20})
    assert not modality_gap.outgrown(few, {TEXT: 20}, {TEXT: 20})
    assert modality_gap.outgrown(few, {}, {VISUAL: 5})
    assert not modality_gap.outgrown(few, {}, {VISUAL: 4})
    full = unrelated({TEXT: 0.4}, segments=modality_gap.SAMPLE)
    assert not modality_gap.outgrown(full, {}, {TEXT: 200})
