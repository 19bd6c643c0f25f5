"""Pictures of ODF documents."""

from __future__ import annotations

from functools import partial

from PIL import Image

from omni_core.media.document.odf_package import CONTENT, Odf
from omni_core.media.document.odf_slides import Slides
from omni_core.media.document.odf_text import document_text
from omni_core.media.document.raster import largest, raster
from omni_core.media.document.zipped_xml import local


def pages_of_images(odf: Odf, kind: str) -> list[list[str]]:
    """The parts of the images of each page that has an image to show.

    Of an ODT that has images and no text at all each image is a page: it is a stack of scans.
    """
    if kind in ("odp", "odg"):
        slides = Slides(odf)
        return [slides.images(page) for page in slides.pages]
    return [[part] for part in scanned_pages(odf)] if kind == "odt" else []


def scanned_pages(odf: Odf) -> list[str]:
    """The parts of the images, in order, of an ODT without text."""
    root = odf.tree(CONTENT)
    images = [e for e in root.iter() if local(e) == "image"] if root is not None else []
    if not images or document_text(odf)[0]:
        return []
    return [part for part in dict.fromkeys(map(odf.picture, images)) if part]


def largest_image(odf: Odf, parts: list[str], max_pixels: int) -> Image.Image | None:
    """The largest of these images, as RGB; None without any."""
    return largest(raster(partial(odf.package.read, part), part, max_pixels) for part in parts)
