"""An opened segment as content blocks: words, images, audio, links; within the size limit.

There is no structured content beside images: several clients drop one or the other.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcp.types import (
    Annotations,
    AudioContent,
    CallToolResult,
    ContentBlock,
    ImageContent,
    ResourceLink,
    TextContent,
)

from omni_core.text.clock import clock
from omni_server.render import results
from omni_server.text import Fence, Fenced, one_line

if TYPE_CHECKING:
    from omni_core.engine.results import ClipFile, Opened, SourceRow

MAX_BYTES = 500_000
"""Limit of images and audio in one result; 667 KB as base64. Claude Desktop cuts off at 1 MiB."""
WORDS_TOKENS = 6_000
"""Token budget of the quoted words; read_source gives the rest."""


def result(o: Opened, links: Sequence[str], original: str = "") -> CallToolResult:
    """A segment: text, images, links to clips, audio, and a note that images may not be visible.

    `links[i]` is where `o.clips[i]` can be fetched by a person or a program: a path or a URL;
    `original` is where the whole file can, empty where files are not shared.
    """
    blocks: list[ContentBlock] = [TextContent(type="text", text=_text(o, links, original))]
    blocks += [
        ImageContent(type="image", data=base64.b64encode(p.jpeg).decode(), mime_type="image/jpeg")
        for p in o.pictures
    ]
    for clip in o.clips:
        blocks.append(_clip_link(o, clip))
    if o.audio_wav:
        wav = base64.b64encode(o.audio_wav).decode()
        blocks.append(AudioContent(type="audio", data=wav, mime_type="audio/wav"))
    if o.pictures or o.audio_wav:
        blocks.append(TextContent(type="text", text=_caution(len(o.pictures), bool(o.audio_wav))))
    return CallToolResult(content=blocks)


def _caution(pictures: int, sound: bool) -> str:
    """A note on attachments: clients may drop them, and a model must not invent their content."""
    what = [f"{pictures} image{'' if pictures == 1 else 's'}"] * bool(pictures)
    what += ["sound"] * sound
    can = " or ".join(["see"] * bool(pictures) + ["hear"] * sound)
    it = "it" if pictures + sound == 1 else "them"
    return f"{' and '.join(what)} attached; if you cannot {can} {it}, rely on the text and say so."


def words(o: Opened) -> str:
    """The text of a segment with its provenance: hash, model and pipeline."""
    return _text(o, (), provenance=one_line(o.provenance, 400))


def _text(o: Opened, links: Sequence[str], original: str = "", provenance: str = "") -> str:
    fence = Fence()
    body = [f"cite: {one_line(o.cite)}"]
    if o.requested:  # may repeat a pasted citation, and so a title
        body.append(f"asked for: {one_line(o.requested, 160)}")
    quoted, left = results.quoted(o.lines, WORDS_TOKENS)
    body += quoted
    if left is not None:
        body.append(f"… from {results.place(left)} on: read_source start={left.start:g}")
    body += [f"image {i}: {one_line(p.caption, 160)}" for i, p in enumerate(o.pictures, 1)]
    lines = [f"{o.ref} {o.source.modality} {one_line(o.window, 120)}{_recorded(o.source)}"]
    lines += [fence.notice, fence.around("\n".join(body))]
    if not o.lines:
        lines.append("No words here.")
    lines += results.where(o.places)
    for clip, link in zip(o.clips, links, strict=True):
        span = f"{clock(clip.start_s, short=True)}-{clock(clip.end_s, short=True)}"
        lines.append(Fenced(f"Clip {span}, {clip.mime}, {clip.size:,} bytes: {link}"))
    if original:
        whole = f"The whole file, {o.source.mime}, {o.source.size:,} bytes: {original}"
        lines.append(Fenced(whole))
    steps = [f"previous {o.previous}"] * bool(o.previous) + [f"next {o.next}"] * bool(o.next)
    if steps:
        lines.append("; ".join(steps))
    lines += [one_line(w) for w in o.warnings]
    lines += [f"Provenance: {provenance}"] * bool(provenance)
    return fence.written(lines)


def _recorded(r: SourceRow) -> str:
    return f", recorded {r.recorded_at:%Y-%m-%d} ({r.recorded_at_from})" if r.recorded_at else ""


def _clip_link(o: Opened, clip: ClipFile) -> ResourceLink:
    # The span and not the segment: padding and steps moved it. `#` would end the URI.
    ref = f"{o.source.id}@{clip.asked[0]:.3f}-{clip.asked[1]:.3f}"
    name = f"clip{PurePath(clip.path).suffix}"
    return ResourceLink(
        type="resource_link",
        uri=f"omni://segment/{quote(ref, safe='@-._~')}/{name}",
        name=f"{o.ref} {name}",
        mime_type=clip.mime,
        size=clip.size,
        annotations=Annotations(audience=["user"], priority=0.5),
    )
