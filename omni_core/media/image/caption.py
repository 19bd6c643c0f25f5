"""The description in an image file's metadata."""

from __future__ import annotations

import logging
import re

from PIL import Image

from omni_core.media.titles import plain

log = logging.getLogger(__name__)

MAX_CHARACTERS = 2_000
_EXIF_DESCRIPTION = 0x010E
_WINDOWS_TEXTS = (0x9C9B, 0x9C9C, 0x9C9F)
"""EXIF tags XPTitle, XPComment and XPSubject, in UTF-16."""
_PNG_TEXTS = ("Title", "Description", "Caption")
"""Text chunks of PNG that hold prose; `Comment` names the program in most files."""
_DEFAULT_DESCRIPTION = re.compile(
    r"(?i).*\bdigital (still )?camera|sony dsc|dcim|default|untitled|screenshot|"
    r"(kodak|minolta|samsung|maginon)\b.{0,20}"
)
"""Descriptions that cameras and programs write by default."""


def caption(image: Image.Image) -> str:
    """The descriptions in EXIF and in PNG text chunks, one line each, without repeats."""
    found = [str(image.info.get(name) or "") for name in _PNG_TEXTS] + _exif(image)
    lines = dict.fromkeys(plain(text) for text in found)
    kept = [line for line in lines if line and not _DEFAULT_DESCRIPTION.fullmatch(line)]
    return "\n".join(kept)[:MAX_CHARACTERS]


def _exif(image: Image.Image) -> list[str]:
    try:
        exif = image.getexif()
    except Exception as e:  # Pillow raises exceptions of any kind on damaged EXIF
        log.debug("EXIF is not read: %s: %s", type(e).__name__, e)
        return []
    described = exif.get(_EXIF_DESCRIPTION) or ""
    if isinstance(described, bytes):
        described = described.decode("utf-8", "replace")
    texts = [exif.get(tag) for tag in _WINDOWS_TEXTS]
    return [
        str(described),
        *(t.decode("utf-16-le", "replace") for t in texts if isinstance(t, bytes)),
    ]
