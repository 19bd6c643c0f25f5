"""Raster images that are parts of a document, as RGB."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable

from PIL import Image

from omni_core.errors import TooLargeError
from omni_core.media.rgb import to_rgb

log = logging.getLogger(__name__)

MIN_EDGE = 96
"""Pixels of the short edge; smaller images (icons, bullets, logos) are ignored."""


def raster(read: Callable[[], bytes], name: str, max_pixels: int) -> Image.Image | None:
    """An image; None for vector drawings, and for damaged, small and huge images."""
    try:
        image = Image.open(io.BytesIO(read()))
        if min(image.size) < MIN_EDGE or image.width * image.height > max_pixels:
            return None
        return to_rgb(image)
    except (TooLargeError, MemoryError):
        raise
    except Exception as e:  # Pillow raises exceptions of any kind on damaged files
        log.debug("%s is not shown: %s: %s", name, type(e).__name__, e)
        return None


def largest(images: Iterable[Image.Image | None]) -> Image.Image | None:
    """The image with the most pixels; None without any."""
    found = (image for image in images if image is not None)
    return max(found, key=lambda image: image.width * image.height, default=None)
