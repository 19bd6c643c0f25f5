"""Raster images inside office files."""

from __future__ import annotations

import io
import logging

from PIL import Image

from omni_core.errors import TooLargeError
from omni_core.media.document.zipped_xml import Package
from omni_core.media.rgb import to_rgb

log = logging.getLogger(__name__)

SMALLEST = 96
"""Pixels of the short edge: icons, bullets and logos below this are no evidence."""


def raster_image(p: Package, part: str, most_pixels: int) -> Image.Image | None:
    """A part as an RGB image; None for vector drawings, damaged and small or huge images."""
    try:
        image = Image.open(io.BytesIO(p.read(part)))
        if min(image.size) < SMALLEST or image.width * image.height > most_pixels:
            return None
        return to_rgb(image)
    except TooLargeError:
        raise
    except Exception as e:  # Pillow lets nearly anything through on damaged files
        log.debug("%s is not shown: %s: %s", part, type(e).__name__, e)
        return None
