"""Title and dates of a PDF, which newer programs write as XMP alone."""

from __future__ import annotations

from omni_core.media.image import xmp


def completed(title: str, dates: list[str], packet: bytes) -> tuple[str, list[str]]:
    """The title and the dates (made, changed), each as XMP says it where it is missing."""
    said = xmp.read(packet)
    stated = [*said.get("dc:title", ()), ""][0]
    named = ("xmp:CreateDate", "xmp:ModifyDate")
    found = [[*said.get(name, ()), ""][0] for name in named]
    return title or stated, dates if any(dates) else found
