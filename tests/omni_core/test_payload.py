"""What is stored of a segment, read back as typed facts, and known to one file only."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from omni_core import payload
from omni_core.payload import StoredSegment
from omni_core.query import During, Filter, In, Range
from omni_core.settings import Settings
from omni_core.types import Channel, Modality, Segment, Source, Span

REPO = Path(__file__).parents[2]
SOURCE = Source(
    "ab" * 32, "/media/talk.mp4", "Talk", Modality.VIDEO, "video/mp4", 10,
    recorded_at=datetime(2026, 11, 17, 11, 30, tzinfo=timezone(timedelta(hours=1))),
)  # fmt: skip
SHOT = Segment(
    SOURCE.id, Modality.VIDEO, Channel.VISUAL, Span("second", 1.5, 9.0),
    extra={"key_time": 3.25, "seen": "a harbour"},
)  # fmt: skip
PAGE = Segment(
    SOURCE.id, Modality.DOCUMENT, Channel.TEXT, Span("page", 7, 8), text="Größe „x“",
    origin="text layer", part=2, extra={"heading": "Results"},
)  # fmt: skip


def test_the_stored_json_of_a_segment_is_what_older_libraries_hold() -> None:
    """Byte for byte: key order, spelling, number and date formats."""
    of_shot = StoredSegment.of(SHOT, SOURCE, ["default", "trip"])
    assert json.dumps(dict(of_shot.fields), ensure_ascii=False) == (
        '{"source_id": "src_vov2xk5lvov2xk5l", "modality": "video", "channel": "visual", '
        '"collections": ["default", "trip"], "axis": "second", "start": 1.5, "end": 9.0, '
        '"text": "", "origin": "", "part": 0, "title": "Talk", '
        '"extra": {"key_time": 3.25, "seen": "a harbour"}, '
        '"recorded_at": "2026-11-17T10:30:00Z"}'
    )
    document = Source("ab" * 32, "/media/a.pdf", "A", Modality.DOCUMENT, "application/pdf", 1)
    of_page = StoredSegment.of(PAGE, document, [])
    assert json.dumps(dict(of_page.fields), ensure_ascii=False) == (
        '{"source_id": "src_vov2xk5lvov2xk5l", "modality": "document", "channel": "text", '
        '"collections": [], "axis": "page", "start": 7, "end": 8, "text": "Größe „x“", '
        '"origin": "text layer", "part": 2, "title": "A", "extra": {"heading": "Results"}, '
        '"page": 7}'
    )


def test_what_was_stored_reads_back_as_typed_facts() -> None:
    shot = StoredSegment.of(SHOT, SOURCE, ["default", "trip"])
    assert (shot.source_id, shot.modality, shot.channel) == (
        SOURCE.id, Modality.VIDEO, Channel.VISUAL,
    )  # fmt: skip
    assert (shot.span, shot.text, shot.origin, shot.part) == (SHOT.span, "", "", 0)
    assert (shot.title, shot.collections, shot.page) == ("Talk", ("default", "trip"), None)
    assert (shot.key_time, shot.seen, shot.heard) == (3.25, "a harbour", "")
    assert shot.recorded_at == SOURCE.recorded_at
    page = StoredSegment.of(PAGE, SOURCE, [])
    assert (page.page, page.part, page.heading, page.language) == (7, 2, "Results", "")
    assert page.span == PAGE.span and not page.is_title


def test_what_an_older_version_left_out_reads_as_empty() -> None:
    bare = StoredSegment({"source_id": "src_a", "extra": None, "recorded_at": "2026-01-01"})
    assert (bare.text, bare.origin, bare.part, bare.title, bare.collections) == ("", "", 0, "", ())
    assert (bare.key_time, bare.seen, bare.heard, bare.page) == (None, "", "", None)
    assert bare.recorded_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert StoredSegment({}).recorded_at is None


def test_faces_read_back_as_rectangles() -> None:
    extra = {"faces": [[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.6, 0.6]]}
    shot = StoredSegment({"extra": extra})
    assert shot.faces == ((0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.6, 0.6))
    assert StoredSegment({}).faces == ()


def test_it_cannot_be_changed() -> None:
    shot = StoredSegment.of(SHOT, SOURCE, ["default"])
    with pytest.raises(AttributeError):
        shot.fields = {}  # type: ignore[misc]


def test_a_change_names_only_what_changes() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert payload.changes() == {}
    assert payload.changes(title="", collections=()) == {"title": "", "collections": []}
    assert payload.changes(recorded_at=at) == {"recorded_at": "2026-01-01T00:00:00Z"}


def test_filters_name_indexed_keys_only() -> None:
    span = Span("second", 3.0, 12.0)
    conditions: list[In | Range | During] = [
        payload.of_sources(["src_a", "src_b"]),
        payload.in_collection("trip"),
        payload.of_modalities([Modality.VIDEO]),
        payload.of_channel(Channel.SPEECH),
        *payload.overlapping(span),
        payload.recorded_during(datetime(2026, 1, 1, tzinfo=UTC), None),
    ]
    assert conditions == [
        In("source_id", ("src_a", "src_b")),
        In("collections", ("trip",)),
        In("modality", ("video",)),
        In("channel", ("speech",)),
        Range("start", lt=12.0),
        Range("end", gt=3.0),
        During("recorded_at", gte="2026-01-01T00:00:00Z"),
    ]
    assert {c.key for c in conditions} <= set(payload.INDEXED)
    assert payload.source_filter("src_a") == Filter(must=(In("source_id", ("src_a",)),))


# ---- the keys are spelt in one file


def spelt_keys(tree: ast.AST) -> Iterator[str]:
    """Where a file names a payload key itself, or reaches for the raw fields to do so."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="In" | "Range" | "During"), args=[ast.Constant(), *_]):
                yield f"line {node.lineno}: a filter on a key; use a constructor of payload"
            case ast.Call(func=ast.Name(id="StoredSegment"), args=[ast.Dict(keys=keys)]) if any(
                isinstance(key, ast.Constant) for key in keys
            ):
                yield f"line {node.lineno}: a payload; use StoredSegment.of"
            case ast.Call(func=ast.Attribute(attr="set_payload"), args=[_, ast.Dict()]):
                yield f"line {node.lineno}: a change; use payload.changes"
            case ast.Subscript(value=ast.Attribute(attr="fields"), slice=ast.Constant()):
                yield f"line {node.lineno}: a field; use a property of StoredSegment"
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="fields"), attr="get" | "pop")
            ):
                yield f"line {node.lineno}: a field; use a property of StoredSegment"


def raw_fields(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(
                attr="fields", value=ast.Attribute(attr="stored") | ast.Name(id="stored")
            ):
                yield f"line {node.lineno}: raw fields are for stores"


@pytest.mark.parametrize(
    "path",
    sorted(p for p in (REPO / "omni_core").rglob("*.py") if p.name != "payload.py"),
    ids=lambda p: p.relative_to(REPO).as_posix(),
)
def test_no_other_file_of_the_core_spells_a_payload_key(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = list(spelt_keys(tree))
    # A store of another kind, and the repair, which sees and keeps what may be damaged.
    if not {"index", "checking"} & set(path.parts) and path.name != "parquet.py":
        found += raw_fields(tree)
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        'In("source_id", (1,))',
        'Filter(must=(Range("start", lt=2.0),))',
        'StoredSegment({"text": ""})',
        'index.set_payload(filter, {"title": title})',
        'hit.stored.fields["channel"]',
        'point.stored.fields.get("text", "")',
    ],
)
def test_the_check_above_sees_every_way_to_spell_a_key(code: str) -> None:
    tree = ast.parse(code)
    assert list(spelt_keys(tree))


def test_stores_index_exactly_the_keys_that_filters_name(tmp_path: Path) -> None:
    from omni_core.index.qdrant import collection

    made: dict[str, Any] = collection.payload_indexes(Settings())
    assert {key: field.type.value for key, field in made.items()} == dict(payload.INDEXED)
