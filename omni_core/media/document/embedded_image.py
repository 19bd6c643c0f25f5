"""Raster images inside office files."""

from __future__ import annotations

import io
import logging

from PIL import Image

from omni_core.errors import TooLargeError
from omni_core.media.document.zipped_xml import Package
from omni_core.media.rgb import to_rgb

log = logging.getLogger(__name__)

MIN_EDGE = 96
"""Pixels of the short edge; smaller images (icons, bullets, logos) are ignored."""


def raster_image(p: Package, part: str, max_pixels: int) -> Image.Image | None:
    """A part as an RGB image; None for vector drawings, damaged and small or huge images."""
    try:
        image = Image.open(io.BytesIO(p.read(part)))
        if min(image.size) < MIN_EDGE or image.width * image.height > max_pixels:
            return None
        return to_rgb(image)
    except TooLargeError:
        raise
    except Exception as e:  # Pillow raises exceptions of any kind on damaged files
        log.debug("%s is not shown: %s: %s", part, type(e).__name__, e)
        return None
