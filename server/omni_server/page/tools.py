"""Tools of the page alone: hosts show them to the page and never to a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.types import CallToolResult, TextContent
from pydantic import Field

from omni_server.authorization import principal
from omni_server.page import view
from omni_server.render.blocks import QUOTED
from omni_server.text import one_line
from omni_server.tools import Ctx, engine_of, state_of

if TYPE_CHECKING:
    from omni_core.engine.results import OpenRequest, Show
    from omni_server.state import State

Part = Literal["moment", "clip", "thumbnail"]
MAX_IMAGE = 400_000
"""Bytes of one image; with the places of its words the result stays below 1 MB."""


async def view_moment(
    ctx: Ctx,
    ref: Annotated[str, Field(description="As in get_segment", min_length=1)],
    part: Annotated[
        Part, Field(description="moment: words and image; clip: what plays; thumbnail: small image")
    ] = "moment",
    step: Annotated[int, Field(description="As in get_segment", ge=-5, le=5)] = 0,
    pad_s: Annotated[float, Field(description="Seconds around a clip", ge=0, le=60)] = 0,
    quote: Annotated[str, Field(description="Words to look for there")] = "",
) -> CallToolResult:
    """What the page shows of one reference, as data."""
    engine = await engine_of(ctx)
    if part == "clip":
        return await _clip(ctx, ref, pad_s)
    if part == "thumbnail":
        o = await engine.open_ref(_request(ref, ("thumbnail",), max_pictures=1, size="small"))
        image = view.opened(o).get("image")
        return _answer("a thumbnail", {"image": image} if image else {})
    request = _request(
        ref, step=step, size="large", max_pictures=1, max_bytes=MAX_IMAGE, word_boxes=True
    )
    data = view.opened(await engine.open_ref(request), may_name=principal(ctx).may("ingest"))
    if quote.strip():
        data["check"] = view.checked(await engine.check(ref, quote))
    return _answer(f"opened {data['ref']}", data)


async def name_speaker(
    ctx: Ctx,
    source: Annotated[str, Field(description="Id of the source", min_length=1)],
    speaker: Annotated[str, Field(description="Its letter, or the name that it has")],
    name: Annotated[str, Field(description="Its name; empty takes it back")] = "",
) -> CallToolResult:
    """Give a speaker of a source a name, which searches then find."""
    found = await (await engine_of(ctx)).name_speaker(source, speaker, name)
    return _answer("the speakers", view.speakers(found))


async def library_status(ctx: Ctx) -> CallToolResult:
    """What is being ingested, how much is in, and what this server allows this caller."""
    state = state_of(ctx)
    status = await (await engine_of(ctx)).status()
    settings, caller = state.settings, principal(ctx)
    data = {
        "sources": status["sources"],
        "segments": status["segments"],
        "jobs": [_job(job) for job in status["jobs"]],
        "models": {"state": status["encoder"]["state"], "message": one_line(status["message"])},
        "may": {
            "upload": _over_http(ctx, state) and caller.may("ingest"),
            "ingest_paths": bool(settings.roots) and caller.may("ingest"),
            "ingest_links": settings.allow_urls and caller.may("ingest"),
            "delete": settings.allow_delete and caller.may("delete"),
        },
    }
    return _answer(f"{data['sources']} sources, {len(data['jobs'])} being ingested", data)


async def _clip(ctx: Ctx, ref: str, pad_s: float) -> CallToolResult:
    """A clip of the moment and its surroundings, with the words said in it."""
    o = await (await engine_of(ctx)).open_ref(_request(ref, ("clip", "text"), pad_s=pad_s))
    data = view.opened(o, may_name=principal(ctx).may("ingest"))
    if o.clips:
        state, cut = state_of(ctx), o.clips[0]
        url = ""
        if state.links is not None and _over_http(ctx, state):
            url = await asyncio.to_thread(state.links.path, cut.path)
        data["clip"] = view.clip(cut, url)
    return _answer("a clip", data)


def _request(ref: str, show: tuple[Show, ...] = (), **more: Any) -> OpenRequest:
    from omni_core.engine.results import OpenRequest

    return OpenRequest(ref, show, **more)


def _job(job: dict[str, Any]) -> dict[str, Any]:
    name = str(job["path"]).replace("\\", "/").rsplit("/", 1)[-1]
    return {
        "file": one_line(name, 120),
        "progress": round(job["progress"], 3),
        "stage": job["stage"],
        "segments": job["segments"],
    }


def _over_http(ctx: Ctx, state: State) -> bool:
    return state.links is not None and ctx.headers is not None


def _answer(text: str, data: dict[str, Any]) -> CallToolResult:
    """`text` holds no word of a file or of a person; the data say that theirs are quoted."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=data | {"quoted": QUOTED}
    )
