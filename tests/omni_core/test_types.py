"""The nouns: ids are facts, spans are half-open."""

from __future__ import annotations

import pytest

from omni_core.ids import parse_segment_ref, segment_ref, source_id
from omni_core.types import Channel, Modality, Segment, Span

SHA = "ab" * 32


def segment(**changes: object) -> Segment:
    facts: dict[str, object] = {
        "source_id": source_id(SHA), "modality": Modality.VIDEO, "channel": Channel.VISUAL,
        "span": Span("second", 1.0, 2.5),
    }  # fmt: skip
    return Segment(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "printed"),
    [
        (Span("second", 45.2, 52.8), "t=45.2,52.8"),
        (Span("second", 0, 0), "t=0,0"),
        (Span("page", 7, 8), "page=7"),
        (Span("char", 0, 120), "char=0,120"),
    ],
)
def test_a_span_prints_as_a_media_fragment(span: Span, printed: str) -> None:
    assert span.fragment() == printed


def test_spans_that_only_touch_do_not_overlap() -> None:
    assert not Span("second", 0, 2).overlaps(Span("second", 2, 4))
    assert Span("second", 0, 2.1).overlaps(Span("second", 2, 4))


def test_an_instant_overlaps_the_span_it_lies_in() -> None:
    assert Span("second", 2, 2).overlaps(Span("second", 0, 4))
    assert not Span("second", 5, 5).overlaps(Span("second", 0, 4))


@pytest.mark.parametrize(
    ("instant", "span"),
    [
        (Span("second", 0, 0), Span("second", 0, 4)),  # at its start
        (Span("second", 4, 4), Span("second", 0, 4)),  # at its end: the last frame shown
        (Span("second", 0, 0), Span("second", 0, 0)),  # a still picture and itself
        (Span("char", 7, 7), Span("char", 7, 7)),
    ],
)
def test_an_instant_overlaps_a_span_that_it_is_at_the_edge_of(instant: Span, span: Span) -> None:
    assert instant.overlaps(span) and span.overlaps(instant)


def test_two_instants_apart_do_not_overlap() -> None:
    assert not Span("second", 2, 2).overlaps(Span("second", 2.001, 2.001))


def test_seconds_never_overlap_pages() -> None:
    assert not Span("second", 0, 10).overlaps(Span("page", 1, 2))


def test_the_same_segment_has_the_same_id_whatever_its_words() -> None:
    assert segment().id == segment(text="words", origin="ocr").id


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": Channel.SPEECH},
        {"span": Span("second", 1.0, 2.6)},
        {"part": 1},
        {"source_id": source_id("cd" * 32)},
    ],
)
def test_segments_that_differ_have_different_ids(changes: dict[str, object]) -> None:
    assert segment(**changes).id != segment().id


def test_a_public_ref_comes_back_as_the_same_uuid() -> None:
    ref = segment_ref(segment().id)
    assert ref.startswith("seg_") and ref[4:].isalnum() and ref == ref.lower()
    assert parse_segment_ref(ref) == segment().id


@pytest.mark.parametrize("ref", ["", "seg_", "seg_short", "seg_" + "1" * 26, "src_" + "a" * 26])
def test_what_is_not_a_segment_ref_is_none(ref: str) -> None:
    assert parse_segment_ref(ref) is None
