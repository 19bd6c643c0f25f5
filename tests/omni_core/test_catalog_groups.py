"""The checkpoint groups of unfinished sources: appended, counted by `resume`, gone when ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omni_core.catalog import Catalog, schema
from omni_core.catalog.groups import StoredGroup
from omni_core.types import Modality, Source

SOURCE = Source("ab" * 32, "/media/film.mp4", "Film", Modality.VIDEO, "video/mp4", 9)
FACTS = {"collection": "default", "mtime_ns": 7, "model": "m", "pipeline": "p"}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path) as c:
        yield c


def begin(catalog: Catalog, model: str = "m") -> dict[str, object]:
    return catalog.begin(SOURCE, **{**FACTS, "model": model})  # type: ignore[arg-type]


def group(n: int, word: str = "") -> StoredGroup:
    return StoredGroup(n, (f"s{n}{word}",), (f"p{n}{word}", f"q{n}{word}"))


def checkpoint(catalog: Catalog, one: StoredGroup) -> None:
    catalog.progress(SOURCE.sha256, resume={"groups": one.number + 1}, group=one)


def test_groups_are_read_in_order_after_the_store_was_opened_again(tmp_path: Path) -> None:
    with Catalog(tmp_path) as c:
        begin(c)
        for n in range(11):
            checkpoint(c, group(n))
    with Catalog(tmp_path) as c:
        assert begin(c) == {"groups": 11}
        assert c.groups_of(SOURCE.sha256) == tuple(group(n) for n in range(11))


def test_groups_of_an_ingest_that_was_given_up_are_not_those_of_the_next(catalog: Catalog) -> None:
    begin(catalog)
    for n in range(3):
        checkpoint(catalog, group(n, "old"))
    assert begin(catalog, model="another") == {}
    assert catalog.groups_of(SOURCE.sha256) == ()
    checkpoint(catalog, group(0, "new"))
    assert catalog.groups_of(SOURCE.sha256) == (group(0, "new"),)


ENDS: dict[str, Callable[[Catalog], object]] = {
    "complete": lambda c: c.finish(SOURCE.sha256, segments=2),
    "removed": lambda c: c.remove(SOURCE.sha256),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_source_that_is_complete_or_removed_keeps_none(
    catalog: Catalog, end: Callable[[Catalog], object]
) -> None:
    begin(catalog)
    checkpoint(catalog, group(0))
    assert catalog.groups_of(SOURCE.sha256)
    end(catalog)
    assert not catalog._all("SELECT * FROM checkpoints")


def test_what_a_former_version_noted_in_one_piece_is_the_first_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [step] = [n for n, sql in enumerate(schema.MIGRATIONS) if "CREATE TABLE checkpoints" in sql]
    with monkeypatch.context() as former:
        former.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:step])
        with Catalog(tmp_path) as c:
            begin(c)
            held = {"done": ["s1", "s2"], "stored": ["p1"], "at": 40.0, "title": "p1"}
            c.progress(SOURCE.sha256, segments=1, resume=held, readers=b"half a sentence")
    with Catalog(tmp_path) as c:
        assert begin(c) == {"groups": 1, "at": 40.0, "title": "p1"}
        assert c.groups_of(SOURCE.sha256) == (StoredGroup(0, ("s1", "s2"), ("p1",)),)
        assert c.readers_of(SOURCE.sha256) == b"half a sentence"
