"""The tools over the wire, in both protocol eras, with an engine whose answers are scripted."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import AudioContent, CallToolResult, ImageContent, ResourceLink, TextContent

from omni_core.engine.results import FolderStatus, IngestStatus, OpenRequest, Placed, SearchRequest
from omni_core.errors import StoreError, UnreadableError
from omni_core.settings import Settings
from omni_core.types import Modality
from omni_server import progress
from omni_server.app import create
from omni_server.cli.printing import plain
from omni_server.render.segment import MAX_BYTES
from omni_server.text import tokens
from tests.results import text


def error(result: CallToolResult) -> str:
    assert result.is_error
    assert len(result.content) == 1
    line, *names = text(result).split("\n")
    assert not names or names[0].startswith("Between <media-"), "one line, and names in a fence"
    return line


async def test_search_gives_the_same_facts_as_lines_and_as_data(connect: Any, engine: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("search", {"query": "launch date"})
    data = result.structured_content
    assert data is not None
    assert data["searched"] == {"sources": 3, "segments": 31}
    for hit in data["hits"]:
        for fact in (hit["id"], hit["cite"], hit["match"], hit["kind"], *hit["why"], hit["text"]):
            assert fact in text(result)
        assert (hit["start_s"], hit["end_s"]) in [(4.3, 19.3), (64.3, 79.3)]
        assert "score" not in hit
    assert None not in json.loads(json.dumps(data)).values()
    assert "null" not in json.dumps(data)


async def test_search_of_six_long_hits_costs_at_most_700_tokens(connect: Any, engine: Any) -> None:
    engine.hits = 6
    engine.words = "every single transcript word counts toward the budget " * 40
    engine.title = "2026-11-17 Third quarter review with the whole team"
    async with connect() as client:
        result = await client.call_tool("search", {"query": "budget"})
    assert len(result.structured_content["hits"]) == 6
    assert tokens(text(result)) <= 700
    assert all(len(h["text"].split()) <= 31 for h in result.structured_content["hits"])


RECTS = ((0.1, 0.2, 0.3004, 0.22), (0.1, 0.23, 0.4, 0.25), (0.1, 0.26, 0.2, 0.28))


async def test_a_hit_says_where_its_words_stand_as_numbers_in_lines_and_in_data(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = engine.found
    monkeypatch.setattr(engine, "found", lambda n: replace(found(n), rects=RECTS[:2], frame_s=64.5))
    async with connect() as client:
        result = await client.call_tool("search", {"query": "launch date"})
    hit = result.structured_content["hits"][0]
    assert hit["rects"] == [[0.1, 0.2, 0.3, 0.22], [0.1, 0.23, 0.4, 0.25]]
    assert hit["frame_s"] == 64.5
    assert "  rects frame 1:04.5 .100,.200,.300,.220; .100,.230,.400,.250" in text(result)


async def test_many_rectangles_of_six_long_hits_stay_within_700_tokens(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.hits, engine.words = 6, "every single transcript word counts toward the budget " * 40
    found = engine.found
    monkeypatch.setattr(engine, "found", lambda n: replace(found(n), rects=RECTS))
    async with connect() as client:
        result = await client.call_tool("search", {"query": "budget"})
    assert all(len(hit["rects"]) <= 2 for hit in result.structured_content["hits"])
    assert tokens(text(result)) <= 700


async def test_a_checked_quote_says_on_which_page_and_where(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = engine.check

    async def placed(ref: str, quote: str) -> Any:
        return replace(await check(ref, quote), places=(Placed(RECTS[:1], page=3),))

    monkeypatch.setattr(engine, "check", placed)
    async with connect() as client:
        result = await client.call_tool("check_citation", {"ref": "[a p.3]", "quote": "words"})
    assert result.structured_content["places"] == [{"page": 3, "rects": [[0.1, 0.2, 0.3, 0.22]]}]
    assert "rects p.3 .100,.200,.300,.220" in text(result)


async def test_marks_and_close_ups_are_asked_for_with_the_quote_that_they_show(
    connect: Any, engine: Any
) -> None:
    ref = '[Q3 review p.2] "the launch date"'
    async with connect() as client:
        await client.call_tool("get_segment", {"ref": ref, "show": ["marked", "closeup"]})
    assert (engine.asked[-1].ref, engine.asked[-1].show) == (ref, ("marked", "closeup"))


async def test_an_empty_answer_shows_the_nearest_and_says_why(connect: Any, engine: Any) -> None:
    engine.hits = 0
    async with connect() as client:
        result = await client.call_tool("search", {"query": "swallow"})
    assert result.structured_content["hits"] == []
    assert result.structured_content["nearest"]["id"] in text(result)
    assert "nothing is good enough" in text(result)


async def test_scores_are_shown_only_when_asked_for_in_the_settings(
    connect: Any, settings: Settings
) -> None:
    async with connect(Settings(roots=settings.roots, expose_scores=True)) as client:
        result = await client.call_tool("search", {"query": "x"})
    assert result.structured_content["hits"][0]["score"] == 0.4321
    assert "cos=0.4321" in text(result)


async def test_search_passes_its_arguments_to_the_engine(connect: Any, engine: Any) -> None:
    async with connect() as client:
        await client.call_tool(
            "search",
            {"query": "x", "modality": '["video"]', "source": "q3", "when": "last tuesday",
             "exclude": "y", "collection": "work", "limit": "3", "per_source": 1, "order": "newest",
             "cursor": "c"},
        )  # fmt: skip
    assert engine.asked == [
        SearchRequest(
            query="x", modality=(Modality.VIDEO,), source="q3", when="last tuesday", exclude="y",
            collection="work", limit=3, per_source=1, order="newest", cursor="c",
        )
    ]  # fmt: skip


async def test_search_passes_what_asks_for_order_and_count(connect: Any, engine: Any) -> None:
    async with connect() as client:
        await client.call_tool(
            "search",
            {"query": "x", "order": "last", "after": "src_a@5", "before": "", "count": "true"},
        )
    assert engine.asked == [SearchRequest(query="x", order="last", after="src_a@5", count=True)]


async def test_an_unknown_argument_is_refused_and_the_engine_not_asked(
    connect: Any, engine: Any
) -> None:
    async with connect() as client:
        message = error(await client.call_tool("search", {"query": "x", "modalities": ["video"]}))
    assert message.startswith("BAD_ARGUMENT: search has no argument [1]; it takes query,")
    assert engine.asked == []


async def test_an_error_of_the_engine_is_its_code_and_its_sentence(connect: Any) -> None:
    async with connect() as client:
        message = error(await client.call_tool("get_segment", {"ref": "seg_unknown"}))
    assert message == "UNKNOWN_REF: no segment [1]; use an id of search"


async def test_a_crash_tells_the_model_nothing_of_the_machine(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_: Any) -> Any:
        raise RuntimeError("secret /etc/shadow")

    monkeypatch.setattr(engine, "search", crash)
    async with connect() as client:
        message = error(await client.call_tool("search", {"query": "x"}))
    assert message.startswith("INTERNAL: ")
    assert "shadow" not in message


async def test_an_unknown_tool_is_an_error(connect: Any) -> None:
    async with connect() as client:
        assert (await client.call_tool("serach", {"query": "x"})).is_error


async def test_get_segment_gives_words_then_pictures_then_the_sentence_about_them(
    connect: Any, engine: Any
) -> None:
    engine.pictures = 2
    async with connect() as client:
        result = await client.call_tool("get_segment", {"ref": "seg_x"})
    kinds = [type(block) for block in result.content]
    assert kinds == [TextContent, ImageContent, ImageContent, TextContent]
    assert result.structured_content is None
    assert all(b.mime_type == "image/jpeg" for b in result.content if isinstance(b, ImageContent))
    assert result.content[-1].text == (
        "2 images attached; if you cannot see them, rely on the text and say so."
    )
    first = text(result)
    for fact in ("[Q3 review @ 0:04.3-0:19.3]", "0:04.3-0:19.3 of 48:10", "asked for: 0:05",
                 "speech (whisper-base):", "0:04.3 we decided", "screen_text (ocr):",
                 "REVENUE 2026",
                 "recorded 2026-11-17 (container)", "previous seg_", "next seg_",
                 "frame at 0:05"):  # fmt: skip
        assert fact in first
    assert "sha256" not in first, "the resource of its words has the whole provenance"


async def test_get_segment_without_pictures_does_not_speak_of_them(
    connect: Any, engine: Any
) -> None:
    engine.pictures = 0
    async with connect() as client:
        result = await client.call_tool("get_segment", {"ref": "seg_x"})
    assert len(result.content) == 1
    assert "attached" not in text(result)


async def test_the_engine_is_asked_once_for_what_fits_one_result(connect: Any, engine: Any) -> None:
    engine.pictures, engine.jpeg_bytes = 4, 1_500_000
    async with connect() as client:
        result = await client.call_tool("get_segment", {"ref": "seg_x", "size": "large"})
    assert [(r.size, r.max_bytes) for r in engine.asked] == [("large", MAX_BYTES)]
    assert sum(isinstance(b, ImageContent) for b in result.content) == 4
    assert len(result.model_dump_json(by_alias=True)) <= 750_000


async def test_a_clip_is_a_link_for_the_user_and_a_path_in_the_text(
    connect: Any, engine: Any, tmp_path: Path
) -> None:
    engine.clip = tmp_path / "clip.mp4"
    engine.clip.write_bytes(b"film")
    async with connect() as client:
        result = await client.call_tool("get_segment", {"ref": "seg_x", "show": ["clip"]})
        link = next(b for b in result.content if isinstance(b, ResourceLink))
        read = await client.read_resource(link.uri)
    assert (link.mime_type, link.size) == ("video/mp4", 4)
    assert link.annotations and link.annotations.audience == ["user"]
    assert str(engine.clip) in text(result)
    assert base64.b64decode(read.contents[0].blob) == b"film"


async def test_sound_comes_only_when_asked_for_and_with_its_caution(
    connect: Any, engine: Any
) -> None:
    async with connect() as client:
        plain = await client.call_tool("get_segment", {"ref": "seg_x"})
        sound = await client.call_tool("get_segment", {"ref": "seg_x", "show": "audio"})
    assert not any(isinstance(b, AudioContent) for b in plain.content)
    assert [type(b) for b in sound.content] == [
        TextContent, ImageContent, AudioContent, TextContent
    ]  # fmt: skip
    assert sound.content[-1].text.startswith(
        "1 image and sound attached; if you cannot see or hear"
    )
    assert engine.asked[0] == OpenRequest("seg_x")


async def test_ingest_asks_for_a_resolved_path_and_tells_the_state(
    connect: Any, engine: Any, root: Path
) -> None:
    (root / "talk.mp4").write_bytes(b"x")
    (root / "talk.srt").write_text("1")
    async with connect() as client:
        result = await client.call_tool(
            "ingest_media",
            {"source": "talk.mp4", "recorded_at": "2026-11-17T09:00:00+01:00", "wait_s": 3,
             "transcript": "talk.srt", "title": "A talk"},
        )  # fmt: skip
    request, wait_s = engine.asked[0]
    assert request.path == str(root / "talk.mp4")
    assert request.transcript == str(root / "talk.srt")
    assert (request.title, wait_s) == ("A talk", 3)
    assert request.recorded_at.isoformat() == "2026-11-17T09:00:00+01:00"
    assert result.structured_content["state"] == "ready"
    assert result.structured_content["segments"] == 31
    assert "1:01.5" in text(result)


async def test_a_folder_is_ingested_file_by_file(connect: Any, engine: Any, root: Path) -> None:
    for name in ("b.mp4", "a.mp4", ".hidden.mp4"):
        (root / name).write_bytes(b"x")
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": str(root)})
    assert engine.asked[0][0] == [str(root / "a.mp4"), str(root / "b.mp4")]
    assert result.structured_content["files_total"] == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"source": "/etc/passwd"}, "PATH_NOT_ALLOWED"),
        ({"source": "../x.mp4"}, "PATH_NOT_ALLOWED"),
        ({"source": "concat:a|b"}, "PATH_NOT_ALLOWED"),
        ({"source": "nothing.mp4"}, "NOT_FOUND"),
        ({"source": "a.mp4", "transcript": "/etc/passwd"}, "PATH_NOT_ALLOWED"),
        ({"source": "a.mp4", "recorded_at": "yesterday"}, "BAD_ARGUMENT"),
        ({"source": ".", "title": "One title for many"}, "BAD_ARGUMENT"),
        ({"source": "https://example.com/a.mp4"}, "URL_DISABLED"),
        ({"source": ""}, "BAD_ARGUMENT"),
    ],
)
async def test_what_may_not_be_ingested_is_refused_with_a_code(
    connect: Any, engine: Any, root: Path, given: dict[str, Any], code: str
) -> None:
    (root / "a.mp4").write_bytes(b"x")
    async with connect() as client:
        message = error(await client.call_tool("ingest_media", given))
    assert message.startswith(f"{code}: ")
    assert engine.asked == []


async def test_a_folder_on_its_way_names_the_file_in_work(
    connect: Any, engine: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def half(paths: list[str], *, progress: Any, **_: Any) -> FolderStatus:
        done = IngestStatus(paths[0], "ready", segments=3, progress=1.0)
        now = IngestStatus(paths[1], "processing", stage="cutting", segments=2, progress=0.5)
        status = FolderStatus(2, 1, now, (done,), finished=False)
        await progress(status)
        return status

    seen: list[Any] = []

    async def note(*report: Any) -> None:
        seen.append(report)

    monkeypatch.setattr(engine, "ingest_folder", half)
    for name in ("a.mp4", "b.mp4"):
        (root / name).write_bytes(b"x")
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": "*.mp4"}, progress_callback=note)
    assert result.structured_content["progress"] == 0.75
    assert result.structured_content["segments"] == 5
    assert "Now 'b.mp4': cutting, 50%." in text(result)
    assert seen[-1] == (0.75, 1.0, "file 2 of 2: cutting, 2 segments")


async def test_progress_rises_and_names_the_stage(connect: Any, engine: Any, root: Path) -> None:
    (root / "a.mp4").write_bytes(b"x")
    engine.steps = 5
    seen: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, message))

    async with connect() as client:
        await client.call_tool("ingest_media", {"source": "a.mp4"}, progress_callback=note)
    values = [value for value, _ in seen]
    assert len(values) >= 4
    assert values == sorted(set(values))
    assert seen[-1][1] == "cutting, 4 segments"


async def test_a_silent_ingest_still_gives_signs_of_life(
    connect: Any, engine: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.mp4").write_bytes(b"x")
    monkeypatch.setattr(progress, "REPEAT_S", 0.01)
    engine.hold = asyncio.Event()
    seen: list[float] = []

    async def note(value: float, total: float | None, message: str | None) -> None:
        seen.append(value)
        if len(seen) == 3:
            engine.hold.set()

    async with asyncio.timeout(20), connect() as client:
        await client.call_tool("ingest_media", {"source": "a.mp4"}, progress_callback=note)
    assert seen == sorted(set(seen))
    assert seen[0] < 0.01


async def test_a_failed_ingest_is_a_tool_error_with_its_own_code_and_line(
    connect: Any, engine: Any, root: Path
) -> None:
    async def fails(request: Any, **_: Any) -> IngestStatus:
        error = UnreadableError("it has a password; give it", code="ENCRYPTED")
        return IngestStatus(request.path, "failed", failure=error)

    (root / "a.pdf").write_bytes(b"x")
    engine.ingest = fails
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": "a.pdf"})
    assert error(result) == "ENCRYPTED: it has a password; give it"


def test_what_is_printed_of_a_status_are_its_facts_not_its_exception() -> None:
    printed = plain(IngestStatus("a", "failed", failure=UnreadableError("it is broken")))
    assert (printed["error_code"], printed["error"]) == ("CORRUPT_MEDIA", "it is broken")
    assert "failure" not in printed and json.dumps(printed)


async def test_a_cancelled_call_cancels_the_engine_once(
    connect: Any, engine: Any, root: Path
) -> None:
    (root / "a.mp4").write_bytes(b"x")
    engine.hold = asyncio.Event()
    async with asyncio.timeout(20), connect() as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "ingest_media", {"source": "a.mp4"})
            while not engine.asked:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        while not engine.cancelled:
            await anyio.lowlevel.checkpoint()
        assert not (await client.call_tool("search", {"query": "still there"})).is_error
    assert engine.cancelled == 1


@pytest.mark.parametrize(
    ("ref", "is_path"),
    [
        ("seg_" + "a" * 26, False),
        ("src_" + "a" * 16, False),
        ("src_" + "a" * 16 + "@83.5", False),
        ("src_" + "a" * 16 + "#p12", False),
        ("[Q3 review @ 0:04-0:19]", False),
        ("[2026] hum.wav", True),
        ("hum.wav", True),
        ("{root}/hum.wav", True),
    ],
)
async def test_similar_to_tells_references_from_files(
    connect: Any, engine: Any, root: Path, ref: str, is_path: bool
) -> None:
    for name in ("hum.wav", "[2026] hum.wav"):
        (root / name).write_bytes(b"x")
    named = ref.replace("{root}", str(root))
    async with connect() as client:
        await client.call_tool("similar_to", {"ref": named, "not_like": ["seg_b"]})
    request = engine.asked[0]
    assert bool(request.path) is is_path
    assert (request.path or request.ref).endswith(ref.split("/")[-1])
    assert request.not_like == ("seg_b",)
    assert request.same_source is False


async def test_similar_to_reads_no_file_outside_the_roots(connect: Any, engine: Any) -> None:
    async with connect() as client:
        assert error(await client.call_tool("similar_to", {"ref": "/etc/passwd"})).startswith(
            "PATH_NOT_ALLOWED: "
        )
    assert engine.asked == []


async def test_sources_are_listed_as_lines_and_data(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("list_sources", {"match": "q3"})
    row = result.structured_content["sources"][0]
    assert row["title"] == "Q3 review"
    for fact in (row["id"], "video", "48:10", "31 segments", "Q3 review"):
        assert fact in text(result)


async def test_a_source_in_which_nothing_is_found_says_why(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(engine.row(), segments=1, empty="its sound is silent")
    monkeypatch.setattr(engine, "row", lambda: row)
    async with connect() as client:
        listed = await client.call_tool("list_sources", {})
        read = await client.call_tool("read_source", {"source": "q3"})
    assert listed.structured_content["sources"][0]["empty"] == "its sound is silent"
    assert "only its title can be found: its sound is silent" in text(listed)
    assert "its sound is silent" in text(read)


async def test_the_headings_above_a_passage_are_shown_with_it(
    connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, opened = engine.found, engine.open_ref
    path = "Harbour › Lighthouse"
    monkeypatch.setattr(engine, "found", lambda n: replace(found(n), heading=path))

    async def under(request: Any) -> Any:
        o = await opened(request)
        return replace(o, lines=tuple(replace(line, heading=path) for line in o.lines))

    monkeypatch.setattr(engine, "open_ref", under)
    async with connect() as client:
        result = await client.call_tool("search", {"query": "launch"})
        segment = await client.call_tool("get_segment", {"ref": "seg_x"})
    assert {hit["heading"] for hit in result.structured_content["hits"]} == {path}
    assert f"§ {path}\n" in text(result)
    assert f"§ {path}:" in text(segment)
    long = replace(found(0), heading="Part " * 40 + "› Lighthouse")
    monkeypatch.setattr(engine, "found", lambda _: long)
    async with connect() as client:
        result = await client.call_tool("search", {"query": "launch"})
    assert result.structured_content["hits"][0]["heading"] == "… Lighthouse"


async def test_warnings_that_are_not_shown_are_counted(
    connect: Any, engine: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def warned(request: Any, **_: Any) -> IngestStatus:
        lines = tuple(f"page {n} is not read" for n in range(1, 9))
        return IngestStatus(request.path, "ready", segments=3, warnings=lines)

    monkeypatch.setattr(engine, "ingest", warned)
    (root / "a.mp4").write_bytes(b"x")
    async with connect() as client:
        result = await client.call_tool("ingest_media", {"source": "a.mp4"})
    assert result.structured_content["warnings"][4:] == ["page 5 is not read", "and 3 more"]
    assert "Warning: and 3 more" in text(result)


async def test_a_source_is_read_with_times_and_a_cursor(connect: Any, engine: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("read_source", {"source": "q3", "start": "1:00", "end": 90})
    assert engine.asked[0][1]["start"] == 60.0
    assert "0:04.3 we decided" in text(result)
    assert text(result).endswith("More: cursor=next")
    assert result.structured_content is None


async def test_citations_are_checked_and_sources_deleted(connect: Any, engine: Any) -> None:
    async with connect() as client:
        checked = await client.call_tool("check_citation", {"ref": "seg_x", "quote": "we decided"})
        deleted = await client.call_tool("delete_source", {"source": "src_" + "a" * 16})
    assert checked.structured_content["verdict"] == "found"
    assert deleted.structured_content["segments"] == 31
    assert "the file itself is untouched" in text(deleted)


async def test_a_store_that_cannot_be_opened_is_an_error_of_each_call_and_tried_again(
    settings: Settings, engine: Any
) -> None:
    tries = 0

    async def opener(_: Settings) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StoreError("process 4711 holds the store; stop it", code="STORE_BUSY")
        return engine

    async with Client(create(settings, opener=opener)) as client:
        for _ in range(2):
            message = error(await client.call_tool("search", {"query": "x"}))
            assert message == "STORE_BUSY: process 4711 holds the store; stop it"
        assert not (await client.call_tool("search", {"query": "x"})).is_error
    assert engine.closed == 1


async def test_connections_of_one_server_share_one_engine(settings: Settings, engine: Any) -> None:
    opened = 0

    async def opener(_: Settings) -> Any:
        nonlocal opened
        opened += 1
        return engine

    server = create(settings, opener=opener)
    async with Client(server) as first, Client(server, mode="legacy") as second:
        await first.call_tool("search", {"query": "x"})
        await second.call_tool("search", {"query": "x"})
    assert (opened, engine.closed) == (1, 1)


async def test_listing_tools_does_not_wait_for_the_engine(settings: Settings) -> None:
    async def never(_: Settings) -> Any:
        await asyncio.Event().wait()

    async with asyncio.timeout(20):
        async with Client(create(settings, opener=never)) as client:
            assert len((await client.list_tools()).tools) == 8


async def test_hits_and_lists_say_when_something_was_recorded_and_how_that_is_known(
    connect: Any,
) -> None:
    async with connect() as client:
        found = await client.call_tool("search", {"query": "budget"})
        listed = await client.call_tool("list_sources", {})
    (hit, *_) = found.structured_content["hits"]
    assert (hit["recorded_at"], hit["recorded_at_from"]) == ("2026-11-17", "container")
    assert "2026-11-17 (container)" in text(found)
    (row,) = listed.structured_content["sources"]
    assert row["recorded_at_from"] == "container"
    assert "2026-11-17T00:00:00+00:00 (container)" in text(listed)


async def test_an_agent_reads_what_the_reranker_did(connect: Any, engine: Any) -> None:
    engine.second_stage = "not reranked: the model is not installed"
    async with connect() as client:
        found = await client.call_tool("search", {"query": "budget"})
    assert found.structured_content["note"].endswith(engine.second_stage)
    assert engine.second_stage in text(found)
