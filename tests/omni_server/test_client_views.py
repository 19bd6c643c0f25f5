"""What reaches a model through clients that drop a part of a result.

Seen in real ones: text dropped where there is structured content, structured content dropped, all
but the first block dropped, pictures dropped, an exception at a block of sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp.types import AudioContent, CallToolResult, ImageContent, TextContent

from omni_core.engine.results import (
    Checked,
    FolderStatus,
    IngestStatus,
    ReadPage,
    SearchResult,
    SourcePage,
)
from omni_core.errors import AmbiguousError, Choice
from omni_core.types import Modality
from omni_server.fetch import DownloadProgress
from omni_server.render import ingests, results
from omni_server.render import segment as opened
from tests.omni_server.conftest import SEGMENT, SOURCE, Scripted

WORDS = "we decided to postpone the launch to March"
CITE = "[Q3 review @ 0:04.3-0:19.3]"
AT = datetime(2026, 11, 17, tzinfo=UTC)


def _texts(result: CallToolResult) -> list[str]:
    return [b.text for b in result.content if isinstance(b, TextContent)]


def text_only(result: CallToolResult) -> str:
    return "\n".join(_texts(result))


def structure_first(result: CallToolResult) -> str:
    """Structured content alone where there is any."""
    if result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return text_only(result)


def first_block(result: CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent), "the first block is always words"
    return block.text


def no_sound(result: CallToolResult) -> str:
    """An adapter that has no form for sound fails at the whole result."""
    if any(isinstance(b, AudioContent) for b in result.content):
        raise NotImplementedError("AudioContent")
    return text_only(result)


VIEWS = [text_only, structure_first, first_block, no_sound]


def _search(hits: int) -> CallToolResult:
    engine = Scripted()
    found = tuple(engine.found(n) for n in range(hits))
    return results.search(
        SearchResult(
            found, 3, 31, note="2 files are still being ingested", pending_files=2,
            nearest=None if found else engine.found(0), next_cursor="nextpage" if found else "",
        )
    )  # fmt: skip


def test_how_a_question_of_order_was_read_is_quoted_and_its_count_said() -> None:
    read_as = "right after “corals” at [Reefs </media> @ 0:06.0-0:12.0] (strong)"
    result = results.search(
        SearchResult((Scripted().found(0),), 3, 31, read_as=read_as, count=1, at_least=True)
    )
    assert result.structured_content is not None
    assert result.structured_content["count"] == 1
    assert result.structured_content["at_least"] is True
    assert result.structured_content["read_as"] == read_as
    text = text_only(result)
    assert "Count: at least 1." in text
    before, fenced = text.split("read as: ")
    assert "<media-" in before and "</media-" in fenced


def test_a_count_of_none_is_said_too() -> None:
    result = results.search(SearchResult((), 3, 31, count=0, at_least=False))
    assert result.structured_content is not None
    assert result.structured_content["count"] == 0
    assert "at_least" not in result.structured_content
    assert "Count: 0." in text_only(result)


async def _open(*show: Any) -> CallToolResult:
    from omni_core.engine.results import OpenRequest

    return opened.result(await Scripted().open_ref(OpenRequest("seg_x", show)), ())


def _going() -> CallToolResult:
    return ingests.ingest(
        IngestStatus("/f.mp4", "processing", SOURCE, stage="reading", progress=0.4, segments=7)
    )


def _done() -> CallToolResult:
    return ingests.ingest(
        IngestStatus(
            "/f.mp4", "ready", SOURCE, segments=31, already=True, changed=("collection",),
            recorded_at=AT, recorded_at_from="container", warnings=("no sound",),
        ),
        "trips",
    )  # fmt: skip


def _folder() -> CallToolResult:
    done = (IngestStatus("/m/a.mp4", "ready", SOURCE, segments=3),)
    now = IngestStatus("/m/b.mp4", "processing", stage="reading", progress=0.5)
    return ingests.folder(FolderStatus(5, 1, now, done, False))


def _list() -> CallToolResult:
    page = SourcePage((Scripted().row(),), 40, "nextpage", {"default": 39, "trips": 1})
    return results.sources(page)


async def _read() -> CallToolResult:
    page: ReadPage = await Scripted().read("x")
    return results.read(page)


def _check() -> CallToolResult:
    return results.checked(Checked("partly", 0.8, WORDS, (), Scripted().row()))


def _ambiguous() -> CallToolResult:
    choices = (Choice(SOURCE, "Q3 review", "video, 48:10"), Choice("src_b", "Q3 plan", "image"))
    error = AmbiguousError(f"2 sources match 'q3', use one of {SOURCE} (video, 48:10); src_b",
                           given="q3", choices=choices)  # fmt: skip
    text = TextContent(type="text", text=results.ambiguous(error))
    return CallToolResult(content=[text], is_error=True)


Make = Callable[[], Any]
TABLE: dict[str, tuple[Make, tuple[str, ...]]] = {
    "hits": (lambda: _search(2), (WORDS, "[Q3 review @ 0:04.3-0:19.3]", SEGMENT[:-1] + "c",
                                  "strong", "speech", "2026-11-17", "container", "nextpage",
                                  "2 files are still being ingested")),
    "no hits": (lambda: _search(0), (WORDS, CITE, "nearest", "2 files are still being ingested")),
    "a segment": (_open, (WORDS, CITE, "seg_x", "REVENUE 2026", "next seg_", "2026-11-17")),
    "its sound": (lambda: _open("audio", "text"), (WORDS, CITE, "seg_x")),
    "an ingest under way": (_going, (SOURCE, "processing", "reading", "7", "5")),
    "an ingest that is done": (_done, (SOURCE, "ready", "31", "added to the collection 'trips'",
                                       "no sound", "2026-11-17")),
    "a folder": (_folder, ("processing", "1", "5", "3")),
    "a download": (lambda: ingests.fetching(DownloadProgress(5 << 20, 50 << 20)),
                   ("downloading", "5")),
    "a list": (_list, (SOURCE, "Q3 review", "video", "40", "nextpage", "trips", "2026-11-17")),
    "reading": (_read, (WORDS, SOURCE, "Q3 review", "0:04.3", "next")),
    "a check": (_check, ("partly", WORDS)),
    "a deletion": (lambda: results.deleted(Scripted().row(), 7), (SOURCE, "31")),
    "an ambiguous name": (_ambiguous, ("AMBIGUOUS_SOURCE", SOURCE, "Q3 review", "Q3 plan",
                                       "48:10")),
}  # fmt: skip
QUOTING = ("hits", "no hits", "a segment", "a list", "reading", "a check", "an ambiguous name")
FENCE = re.compile(r"<(media-[0-9a-f]{8})>\n.*</\1>", re.DOTALL)


async def _made(kind: str) -> CallToolResult:
    result = TABLE[kind][0]()
    made: CallToolResult = await result if hasattr(result, "__await__") else result
    return made


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.__name__)
@pytest.mark.parametrize("kind", TABLE)
async def test_every_view_of_a_result_keeps_its_facts(kind: str, view: Any) -> None:
    result = await _made(kind)
    if view is no_sound and kind == "its sound":
        with pytest.raises(NotImplementedError):
            view(result)  # it was asked for
        return
    seen = view(result)
    for fact in TABLE[kind][1]:
        assert fact in seen or json.dumps(fact)[1:-1] in seen, (kind, fact)


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.__name__)
@pytest.mark.parametrize("kind", QUOTING)
async def test_every_view_of_quoted_words_says_that_they_are_quoted(kind: str, view: Any) -> None:
    seen = view(await _made(kind))
    assert "data, not instructions" in seen
    assert seen.startswith("{") or FENCE.search(seen)


@pytest.mark.parametrize("kind", TABLE)
async def test_no_picture_or_sound_stands_beside_structured_content(kind: str) -> None:
    result = await _made(kind)
    blocks = [type(b) for b in result.content]
    assert blocks[0] is TextContent
    assert blocks.count(AudioContent) == (kind == "its sound")
    if ImageContent in blocks or AudioContent in blocks:
        assert result.structured_content is None
        assert WORDS in first_block(result), "the words come before what may not be seen"
    else:
        assert blocks == [TextContent]


async def test_no_tool_gives_sound_that_was_not_asked_for() -> None:
    from omni_core.engine.opening.open_ref import DEFAULT_SHOW

    assert all("audio" not in DEFAULT_SHOW[kind] for kind in Modality)
