"""What a caller with rights on some collections has of an engine: its own, and through a socket."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omni_core import (
    BadRequestError,
    Engine,
    FileNews,
    IngestRequest,
    NotFoundError,
    OpenRequest,
    RefusedError,
    SearchRequest,
)
from omni_core.collection_rights import CollectionRights
from omni_core.engine.api import EngineApi
from omni_core.engine.bounded.leaving import leave
from omni_core.settings import Settings
from omni_core.sharing.methods import METHODS

pytestmark = pytest.mark.timeout(120)

OF_THE_WHOLE: dict[str, tuple[Any, ...]] = {
    "note_files": (FileNews(),), "export_vectors": ("out",), "import_vectors": ("in",),
    "back_up": ("copy",), "kept_voices": (), "forget_voices": (),
}  # fmt: skip
SEES_NOTHING: dict[str, tuple[Any, Any]] = {
    "sources": ((), lambda found: (found.total, found.collections)),
    "bin": ((), tuple),
    "speakers": (("",), tuple),
    "known_files": (("/",), lambda found: found.files),
    "status": ((), lambda found: (found["sources"], found["segments"], found["jobs"])),
    "resume": (((),), tuple),
    "stop": ((("/",),), tuple),
}
REFUSES_WHAT_IT_DOES_NOT_SEE: dict[str, tuple[Any, ...]] = {
    "named": ("SOURCE",), "read": ("SOURCE",), "check": ("SOURCE", "eruption"),
    "forget": ("SOURCE",), "restore_source": ("SOURCE",), "empty_bin": ("SOURCE",),
    "name_speaker": ("SOURCE", "A", "Ann"), "find_speakers": ("SOURCE",),
    "open_ref": (OpenRequest("SOURCE"),), "search": (SearchRequest("eruption", source="SOURCE"),),
}  # fmt: skip
ELSEWHERE = {
    "ingest": "test_an_ingest_goes_where_the_caller_may_write",
    "ingest_folder": "test_an_ingest_goes_where_the_caller_may_write",
    "warm": "loads models and shows nothing",
    "settle": "does nothing",
    "on_change": "test_a_listener_hears_of_what_it_sees_alone",
}


def test_every_method_has_a_test_here() -> None:
    tested = {*OF_THE_WHOLE, *SEES_NOTHING, *REFUSES_WHAT_IT_DOES_NOT_SEE, *ELSEWHERE}
    assert tested == set(METHODS)


async def test_a_caller_sees_nothing_of_other_collections(engine: EngineApi, notes: Path) -> None:
    hr = engine.within(["hr"])
    before = {n: show(await getattr(hr, n)(*a)) for n, (a, show) in SEES_NOTHING.items()}
    whole = await engine.ingest(IngestRequest(str(notes), collection="legal"))
    now = {n: show(await getattr(hr, n)(*a)) for n, (a, show) in SEES_NOTHING.items()}
    assert now == before
    assert before["sources"] == (0, {})
    for name, arguments in REFUSES_WHAT_IT_DOES_NOT_SEE.items():
        errors = []
        for id_ in (whole.source_id, "src_" + "a" * 16):
            with pytest.raises((NotFoundError, BadRequestError)) as raised:
                await getattr(hr, name)(*(_named(a, id_) for a in arguments))
            errors.append(str(raised.value).replace(id_, "SOURCE"))
        assert errors[0] == errors[1], name
    assert (await engine.named(whole.source_id)).id == whole.source_id


def _named(argument: Any, id_: str) -> Any:
    if isinstance(argument, OpenRequest):
        return OpenRequest(id_)
    if isinstance(argument, SearchRequest):
        return SearchRequest(argument.query, source=id_)
    return id_ if argument == "SOURCE" else argument


@pytest.mark.parametrize("name", OF_THE_WHOLE)
async def test_what_concerns_the_whole_library_is_refused(engine: EngineApi, name: str) -> None:
    with pytest.raises(RefusedError, match="rights on hr"):
        await getattr(engine.within(["hr"]), name)(*OF_THE_WHOLE[name])


async def test_an_ingest_goes_where_the_caller_may_write(engine: EngineApi, notes: Path) -> None:
    part = engine.within(["public:read", "hr", "board"])
    done = await part.ingest(IngestRequest(str(notes)))
    again = await part.ingest_folder([str(notes)])
    assert (await part.sources()).collections == {"hr": 1}
    assert [status.source_id for status in again.done] == [done.source_id]
    for collection in ("public", "legal"):
        with pytest.raises(RefusedError) as raised:
            await part.ingest(IngestRequest(str(notes), collection=collection))
        assert "it may change 'hr', 'board'" in str(raised.value)
    whole = await engine.ingest(IngestRequest(str(notes)))
    assert whole.source_id != done.source_id
    assert not whole.already
    assert (await part.ingest(IngestRequest(str(notes)))).source_id == done.source_id


async def test_a_part_of_a_part_has_no_more_rights(engine: EngineApi, notes: Path) -> None:
    part = engine.within(["hr", "public:read"])
    await part.ingest(IngestRequest(str(notes)))
    assert (await part.within(["hr:read"]).sources()).total == 1
    for more in (["legal"], ["public"], ["hr", "legal:read"]):
        with pytest.raises(RefusedError):
            part.within(more)
    with pytest.raises(BadRequestError):
        engine.within([])


async def test_what_was_forgotten_in_a_collection_is_brought_back_there(
    engine: EngineApi, notes: Path
) -> None:
    hr = engine.within(["hr"])
    done = await hr.ingest(IngestRequest(str(notes)))
    await hr.forget(done.source_id)
    assert [b.id for b in await hr.bin()] == [done.source_id]
    assert await engine.within(["legal"]).bin() == ()
    with pytest.raises(RefusedError):
        await engine.within(["hr:read"]).restore_source(done.source_id)
    await hr.restore_source(done.source_id)
    assert (await hr.search(SearchRequest("eruption"))).searched_sources == 1
    await hr.forget(done.source_id)
    assert (await hr.empty_bin(), await hr.empty_bin()) == (1, 0)


async def test_a_listener_hears_of_what_it_sees_alone(engine: EngineApi, notes: Path) -> None:
    heard: dict[str, list[str]] = {"hr": [], "legal": []}
    both = asyncio.Event()

    def listen(name: str) -> None:
        async def listener(source_id: str) -> None:
            heard[name].append(source_id)
            if len(heard[name]) == 2:
                both.set()

        engine.within([name]).on_change(listener)

    listen("hr")
    listen("legal")
    legal = engine.within(["legal"])
    await legal.sources()  # the host has taken both listeners by now
    done = await legal.ingest(IngestRequest(str(notes)))
    await legal.forget(done.source_id)
    async with asyncio.timeout(30):
        await both.wait()
    assert heard == {"hr": [], "legal": [done.source_id] * 2}


@pytest.mark.parametrize("now", [False, True])
async def test_a_source_that_others_leave_meanwhile_is_forgotten_and_not_left_in_no_collection(
    settings: Settings, notes: Path, now: bool
) -> None:
    async with await Engine.open(settings) as engine:
        hr, board = engine.within(["hr"]), engine.within(["board"])
        for collection in ("hr", "board"):
            done = await engine.ingest(IngestRequest(str(notes), collection=collection))

        async def others_leave(source_id: str) -> None:
            if (await board.sources()).total:
                await board.forget(source_id)

        row = await leave(
            engine._context, partial(hr.named, done.source_id), CollectionRights.of(["hr"]),
            now=now, stop=others_leave,
        )  # fmt: skip
        assert row.id == done.source_id
        assert (await engine.sources()).total == 0
        assert len(await engine.bin()) == (0 if now else 1)


async def test_a_source_that_others_are_given_meanwhile_stays_theirs(
    settings: Settings, notes: Path
) -> None:
    async with await Engine.open(settings) as engine:
        done = await engine.ingest(IngestRequest(str(notes), collection="hr"))
        given: list[str] = []

        async def others_get_it(source_id: str) -> None:
            if not given:
                given.append(source_id)
                await engine.ingest(IngestRequest(str(notes), collection="board"))

        hr = engine.within(["hr"])
        await leave(
            engine._context, partial(hr.named, done.source_id), CollectionRights.of(["hr"]),
            now=False, stop=others_get_it,
        )  # fmt: skip
        assert (await hr.sources()).total == 0
        assert (await engine.within(["board"]).named(done.source_id)).collections == ("board",)


@pytest.mark.parametrize(("second", "warned"), [("hr", False), ("board", True)])
async def test_a_source_does_not_name_what_its_file_held_before_in_another_collection(
    engine: EngineApi, tmp_path: Path, second: str, warned: bool
) -> None:
    file = tmp_path / "plan.md"
    await asyncio.to_thread(file.write_text, "# One\n\nThe first plan is secret.\n")
    one = await engine.ingest(IngestRequest(str(file), collection="board"))
    await asyncio.to_thread(file.write_text, "# Two\n\nThe second plan may be known.\n")
    two = await engine.ingest(IngestRequest(str(file), collection=second))
    row = await engine.within([second]).named(two.source_id)
    assert (one.source_id in str(row)) == warned
