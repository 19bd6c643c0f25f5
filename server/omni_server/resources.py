"""The library as MCP resources, which people attach: @omni://segment/…/frame.jpg."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    Annotations,
    Completion,
    CompletionArgument,
    PromptReference,
    ResourceTemplateReference,
)

from omni_core.errors import NotFoundError, OmniError
from omni_server.mcp_server import TypedBytes
from omni_server.render import results
from omni_server.render import segment as opened
from omni_server.text import fenced, one_line, without_paths

if TYPE_CHECKING:
    from omni_core.engine.results import Opened, Show, SourcePage, SourceRow
    from omni_server.state import State

MAX_CLIP = 24_000_000
"""Most bytes of a clip sent inside a message; larger ones are given as a link."""
Answer = TypeVar("Answer")
_USER = Annotations(audience=["user"])


def add(server: MCPServer[State], state: State) -> None:
    """Register resources, templates and completion."""

    @server.resource("omni://library", mime_type="application/json", title="Library")
    async def library() -> str:
        """The newest hundred sources."""
        page = await _sources(state, limit=100)
        return json.dumps(results.sources(page).structured_content, ensure_ascii=False)

    @server.resource("omni://source/{source_id}", title="Words of a source")
    async def source(source_id: str) -> str:
        """Transcript, page text or outline, the first pages of it."""
        page = await _answer(lambda: _read(state, source_id))
        return _words(results.read(page))

    @server.resource("omni://segment/{segment_id}/text", title="Words of a segment")
    async def text(segment_id: str) -> str:
        """Words, citation and provenance."""
        return opened.words(await _open(state, segment_id, "text"))

    @server.resource("omni://segment/{segment_id}/frame.jpg", mime_type="image/jpeg", title="Image")
    async def frame(segment_id: str) -> bytes:
        """The frame, page image or image of a segment."""
        segment = await _open(state, segment_id)
        if not segment.pictures:
            raise ResourceNotFoundError("this segment has no image")
        return segment.pictures[0].jpeg

    @server.resource(
        "omni://segment/{segment_id}/clip.{format}",
        mime_type="application/octet-stream",
        title="Clip",
        annotations=_USER,
    )
    async def clip(segment_id: str, format: str) -> bytes:
        """The video or audio of a segment, cut from its source; in the source's own format."""
        segment = await _open(state, segment_id, "clip")
        if not segment.clips:
            raise ResourceNotFoundError("this segment has no clip")
        cut = segment.clips[0]
        if cut.size > MAX_CLIP:
            raise ResourceError("the clip is too large for a message; get_segment names its file")
        return TypedBytes.of(await asyncio.to_thread(Path(cut.path).read_bytes), cut.mime)

    @server.resource(
        "omni://segment/{segment_id}/audio.wav",
        mime_type="audio/wav",
        title="Audio",
        annotations=_USER,
    )
    async def audio(segment_id: str) -> bytes:
        """The audio of a segment, 16 kHz mono."""
        segment = await _open(state, segment_id, "audio")
        if not segment.audio_wav:
            raise ResourceNotFoundError("this segment has no audio")
        return segment.audio_wav

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: Any,
    ) -> Completion | None:
        if argument.name not in ("source_id", "source_a", "source_b", "segment_id"):
            return None
        # What follows an id in a reference (`src_ab@12`, `src_ab#p3`) is not part of it.
        page = await _sources(state, match=re.split("[@#]", argument.value)[0], limit=20)
        if argument.name == "segment_id":
            values = [row.id + _beginning(row) for row in page.sources]
        else:  # ids, not titles: what is completed goes into a request, outside of any fence
            values = [row.id for row in page.sources]
        return Completion(values=values[:100], total=page.total, has_more=bool(page.next_cursor))


def _beginning(row: SourceRow) -> str:
    """What leads from a source to its first segment; "" for an image or a text."""
    if row.duration_s is not None:
        return "@0"
    return "#p1" if row.pages is not None else ""


async def _sources(state: State, *, match: str = "", limit: int) -> SourcePage:
    async def ask() -> SourcePage:
        return await (await state.of_caller().engine()).sources(match=match, limit=limit)

    return await _answer(ask)


async def _read(state: State, source_id: str) -> Any:
    return await (await state.of_caller().engine()).read(source_id)


async def _open(state: State, ref: str, *show: Show) -> Opened:
    from omni_core.engine.results import OpenRequest

    async def ask() -> Opened:
        return await (await state.of_caller().engine()).open_ref(
            OpenRequest(ref, show, max_pictures=1)
        )

    return await _answer(ask)


async def _answer(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The result of `ask`; the engine's errors are raised as the SDK's resource errors."""
    try:
        return await ask()
    except NotFoundError as e:
        raise ResourceNotFoundError(_failure(e)) from e
    except OmniError as e:
        raise ResourceError(_failure(e)) from e


def _failure(e: OmniError) -> str:
    return fenced(f"{e.code}: {without_paths(one_line(str(e), 600))}")


def _words(result: Any) -> str:
    return str(result.content[0].text)
