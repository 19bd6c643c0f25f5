"""A catalog that shows some collections alone, over SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from omni_core.catalog import Catalog, writes
from omni_core.catalog.within import within
from omni_core.errors import StoreError
from omni_core.ids import hash_apart
from omni_core.types import Modality, Source, Turn


def put(catalog: Catalog, letter: str, collection: str, *, apart: bool = False) -> Source:
    """A source of two segments; `letter` stands for its bytes and its file."""
    content = letter * 64
    source = Source(
        hash_apart(content, collection) if apart else content, f"/files/{letter}.md",
        "Title b" if letter == "b" else "Title", Modality.DOCUMENT, "text/plain", 3,
        content=content if apart else "",
    )  # fmt: skip
    catalog.begin(source, collection=collection, mtime_ns=1, model="m", pipeline="2")
    catalog.put_turns(source.sha256, [Turn(0, 1, 0)], {0: f"Speaker {letter}"}, {})
    catalog.finish(source.sha256, segments=2)
    return source


READS: dict[str, Callable[[Catalog], Any]] = {
    "get": lambda c: [c.get(h * 64) for h in "abc"],
    "get_many": lambda c: c.get_many(_ids(c)),
    "with_duplicate_title": lambda c: c.with_duplicate_title(_ids(c)),
    "collections": lambda c: c.collections(),
    "totals": lambda c: (c.totals(), c.totals("hr"), c.totals("legal")),
    "count": lambda c: (c.count(state="ready"), c.count("legal", state="ready")),
    "outdated": lambda c: (c.count(state="outdated"), c.count("legal", state="missing")),
    "find": lambda c: (c.find("Title"), c.find("b.md"), c.find("c" * 64)),
    "exactly": lambda c: (c.exactly("/files/b.md"), c.exactly("title")),
    "source_at": lambda c: c.source_at("/files/b.md"),
    "by_path": lambda c: c.by_path("/files/b.md", size=3, mtime_ns=1),
    "list": lambda c: (c.list(), c.list(match="b"), c.list(collection="legal"), c.list(limit=1)),
    "with_bytes": lambda c: [c.with_bytes(h * 64) for h in "abc"],
    "ids": lambda c: c.ids(),
    "is_path_known": lambda c: c.is_path_known("/files/b.md"),
    "speakers": lambda c: (c.speaker_names(), c.speaking("Speaker b"), c.named_speakers()),
    "turns": lambda c: [c.turns(h * 64) for h in "abc"],
    "files": lambda c: c.files("/files", "hr", "", 100),
    "begun": lambda c: c.begun(),
    "binned": lambda c: c.binned(),
    "holdings": lambda c: c.holdings(),
    "resume_of": lambda c: (c.resume_of("b" * 64), c.groups_of("b" * 64), c.readers_of("b" * 64)),
}

ALSO_NOTHING_FOR_ALL = ("outdated", "begun", "binned", "resume_of")


def _ids(catalog: Catalog) -> set[str]:
    return {Source(h * 64, "", "", Modality.DOCUMENT, "", 0).id for h in "abc"}


@pytest.mark.parametrize("name", READS)
def test_every_query_answers_as_if_other_collections_did_not_exist(
    catalog: Catalog, name: str
) -> None:
    put(catalog, "a", "hr")
    before = READS[name](within(catalog, ["hr"]))
    put(catalog, "b", "legal")
    put(catalog, "c", "legal")
    catalog.note_begun("key", {"path": "/files/b.md"})
    catalog.pass_over([("/files/d.md", 1, 1, "UNREADABLE", "damaged")])
    assert READS[name](within(catalog, ["hr"])) == before
    if name not in ALSO_NOTHING_FOR_ALL:
        assert READS[name](within(catalog, ["hr", "legal"])) != before


def test_a_shared_source_shows_the_callers_collections_alone(catalog: Catalog) -> None:
    put(catalog, "a", "hr")
    catalog.add_collection("a" * 64, "legal")
    part = within(catalog, ["hr"])
    assert part.collections() == {"hr": 1}
    assert part.collections_of("a" * 64) == ["hr"]
    assert [row.collections for row in part.list()[0]] == [("hr",)]
    assert within(catalog, ["hr", "legal"]).totals() == (1, 2)


def test_the_same_bytes_are_two_sources_for_two_collections(catalog: Catalog) -> None:
    put(catalog, "a", "legal")
    hr = within(catalog, ["hr"])
    key = hr.key_for("a" * 64, "hr")
    assert key == hash_apart("a" * 64, "hr")
    own = put(hr, "a", "hr", apart=True)
    assert own.sha256 == key == hr.key_for("a" * 64, "hr")
    row = hr.find("a.md")[0]
    assert (row.bytes_sha256, hr.paths(key)) == ("a" * 64, ["/files/a.md"])
    assert catalog.source_at("/files/a.md").sha256 == "a" * 64  # type: ignore[union-attr]
    assert catalog.totals() == (2, 4)
    hr.remove(key)
    assert catalog.get("a" * 64) is not None


def test_what_is_kept_apart_is_found_again_by_an_ingest_into_its_collection(
    catalog: Catalog,
) -> None:
    own = put(within(catalog, ["hr"]), "a", "hr", apart=True)
    assert catalog.key_for("a" * 64, "hr") == own.sha256
    assert catalog.key_for("a" * 64, "legal") == "a" * 64
    put(catalog, "a", "legal")
    assert catalog.key_for("a" * 64, "hr") == own.sha256


def test_a_collection_takes_the_same_bytes_once(catalog: Catalog) -> None:
    own = put(within(catalog, ["hr"]), "a", "hr", apart=True)
    put(catalog, "a", "legal")
    for into_hr in (
        lambda: catalog.add_collection("a" * 64, "hr"),
        lambda: put(catalog, "a", "hr"),
    ):
        with pytest.raises(StoreError) as raised:
            into_hr()
        assert raised.value.code == "SAME_BYTES"
    catalog.add_collection(own.sha256, "hr")
    assert catalog.collections() == {"hr": 1, "legal": 1}
    assert catalog.taken("a" * 64, "", ["hr", "legal", "board"]) == {"hr"}
    assert catalog.taken(own.sha256, own.content, ["hr", "legal", "board"]) == {"legal"}


def test_a_watched_file_with_other_bytes_replaces_no_copy_that_is_kept_apart(
    catalog: Catalog,
) -> None:
    put(within(catalog, ["hr"]), "a", "hr", apart=True)
    newer = Source("b" * 64, "/files/a.md", "New", Modality.DOCUMENT, "text/plain", 3)
    catalog.begin(newer, collection="default", mtime_ns=2, model="m", pipeline="2")
    assert catalog.replaced("/files/a.md") == []


def test_what_stands_in_several_visible_collections_counts_once(catalog: Catalog) -> None:
    put(catalog, "a", "hr")
    both = put(catalog, "b", "hr")
    catalog.add_collection(both.sha256, "legal")
    catalog.add_collection(both.sha256, "secret")
    put(catalog, "c", "secret")
    seen = within(catalog, ["hr", "legal"])
    assert seen.totals() == (2, 4) and len(seen.ids()) == 2
    assert (seen.totals("hr"), seen.totals("legal")) == ((2, 4), (1, 2))
    assert (seen.count(state="ready"), seen.count(state="partial")) == (2, 0)
    assert within(catalog, ["hr", "legal", "secret"]).totals() == (3, 6)


def test_a_copy_that_is_kept_apart_is_found_by_its_file_and_makes_a_title_ambiguous(
    catalog: Catalog,
) -> None:
    put(catalog, "b", "hr")
    copy = put(catalog, "b", "legal", apart=True)
    seen = within(catalog, ["legal"])
    for found in (seen.find("b.md"), seen.find("/files/b.md"), seen.exactly("B.MD")):
        assert [row.id for row in found] == [copy.id]
    at = seen.source_at("/files/b.md")
    assert at is not None and at.id == copy.id
    named = put(catalog, "d", "legal")  # its title is the copy's file name
    catalog.amend(named.sha256, "b.md")
    assert named.id in seen.with_duplicate_title([named.id, copy.id])


def test_a_path_leads_to_the_copy_in_the_collection_that_is_asked(catalog: Catalog) -> None:
    original = put(catalog, "b", "hr")
    copies = {name: put(catalog, "b", name, apart=True) for name in ("legal", "press")}
    seen = within(catalog, ["legal", "press"])
    for name, copy in copies.items():
        assert [row.id for row in seen.find("/files/b.md", name)] == [copy.id]
        assert [row.id for row in catalog.find("/files/b.md", name)] == [copy.id]
    at = catalog.source_at("/files/b.md")
    assert at is not None and at.id == original.id


def _when_another_waits(other: Catalog, begin: Callable[[], Any]) -> threading.Thread:
    """A thread that has begun and waits for a lock of PostgreSQL."""
    thread = threading.Thread(target=begin)
    thread.start()
    give_up = time.monotonic() + 20
    waits = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted"
    while not other._all(waits)[0]["n"] and thread.is_alive() and time.monotonic() < give_up:
        threading.Event().wait(0.01)
    return thread


def test_a_source_that_is_joined_while_it_is_left_counts_once(
    open_postgres: Callable[..., Any],
) -> None:
    one, other, third = open_postgres(), open_postgres(), open_postgres()
    source = put(one, "b", "a")
    one.add_collection(source.sha256, "b")
    with one._writing() as db:
        db.execute("INSERT INTO collections (name, sha256) VALUES ('c', ?)", (source.sha256,))
        leaves = _when_another_waits(third, lambda: other.leave_collections(source.sha256, ["a"]))
    leaves.join(20)
    assert one.collections_of(source.sha256) == ["b", "c"]
    assert within(one, ["b", "c"]).totals() == (1, 2)


def test_of_two_models_that_begin_at_once_in_an_empty_library_one_is_refused(
    open_postgres: Callable[..., Any],
) -> None:
    one, other, third = open_postgres(), open_postgres(), open_postgres()
    one.set_meta("fingerprint", "m2")
    refused: list[StoreError] = []

    def begin() -> None:
        try:
            other.begin(
                Source("c" * 64, "/files/c.md", "C", Modality.DOCUMENT, "text/plain", 3),
                collection="hr", mtime_ns=1, model="m2", pipeline="2",
            )  # fmt: skip
        except StoreError as e:
            refused.append(e)

    with one._writing() as db:
        writes.take_model(db, "m1")
        db.execute(
            "INSERT INTO sources (sha256, id, uri, title, modality, mime, size, ingested_at,"
            " state, model, pipeline, folded) VALUES ('a', 'src_a', '', '', 'image', '', 1, '',"
            " 'processing', 'm1', '2', '')"
        )
        begins = _when_another_waits(third, begin)
    begins.join(20)
    assert [e.code for e in refused] == ["MODEL_MISMATCH"]
    assert one.get_meta("fingerprint") == "m1" and one.get("c" * 64) is None
