"""Web archives of Safari: a page and what belongs to it, in a property list, as mail with parts."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from email.encoders import encode_base64
from email.message import Message
from typing import Any
from xml.parsers.expat import ExpatError

from omni_core.errors import UnreadableError

_MAIN, _OTHERS, _FRAMES = "WebMainResource", "WebSubresources", "WebSubframeArchives"
_BINARY = b"bplist00"
MAX_DEPTH = 8
"""Frames within frames that are read."""
_DAMAGE = (ValueError, KeyError, IndexError, OverflowError, RecursionError, ExpatError, TypeError)
"""What the standard library raises for a property list that is damaged."""


def is_web_archive(head: bytes) -> bool:
    """Whether the first bytes are those of a property list with a page in it."""
    is_list = head.startswith(_BINARY) or b"<plist" in head[:500]
    return is_list and _MAIN.encode() in head


def archived(data: bytes) -> Message:
    """The page with its parts. Raises UnreadableError (CORRUPT_MEDIA) for a damaged archive."""
    try:
        archive = plistlib.loads(data)
        message = Message()
        message.set_type("multipart/related")
        for part in _parts(archive, 0):
            message.attach(part)
    except _DAMAGE as e:
        raise UnreadableError(
            "the web archive is damaged: its list of parts cannot be read", code="CORRUPT_MEDIA"
        ) from e
    return message


def _parts(archive: Any, depth: int) -> Iterator[Message]:
    if not isinstance(archive, dict) or depth > MAX_DEPTH:
        return
    yield _part(archive[_MAIN])
    yield from map(_part, archive.get(_OTHERS, []))
    for frame in archive.get(_FRAMES, []):
        yield from _parts(frame, depth + 1)


def _part(resource: dict[str, Any]) -> Message:
    part = Message()
    part.set_type(resource.get("WebResourceMIMEType") or "application/octet-stream")
    if name := resource.get("WebResourceTextEncodingName"):
        part.set_param("charset", name)
    part["Content-Location"] = resource.get("WebResourceURL") or ""
    part.set_payload(bytes(resource["WebResourceData"]))
    encode_base64(part)
    return part
