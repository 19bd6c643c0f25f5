"""Layers that a PDF switches off. PDFium draws pages without them, but reads their words.

It does not say which ones are off, so each is drawn alone: one of which nothing is seen is off. A
form may name its layer where PDFium does not tell it: each of these is drawn alone.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pypdfium2
import pypdfium2.raw as c

MOST_OBJECTS = 20_000
"""Objects of a page that are looked at."""
MOST_LAYERS = 32
MOST_LEVELS = 8
"""Forms within forms that are looked into."""
EDGE = 800
"""Pixels of the long edge of the page on which a layer is looked for."""
_GROUND = (255, 0, 254)
"""A colour in which nothing is written."""
_LONGEST = 512


def hide(page: Any, may_be_switched: Callable[[], bool]) -> None:
    """Leave out of a page, and so of its text, what stands in layers that are off.

    may_be_switched: whether forms of the file may say in which layer they are.
    """
    count = min(c.FPDFPage_CountObjects(page), MOST_OBJECTS)
    objects = [c.FPDFPage_GetObject(page, n) for n in range(count)]
    layers: dict[str, list[Any]] = defaultdict(list)
    for thing in objects:
        if c.FPDFPageObj_GetType(thing) in (c.FPDF_PAGEOBJ_TEXT, c.FPDF_PAGEOBJ_FORM):
            layer = _layer(thing) if c.FPDFPageObj_CountMarks(thing) > 0 else None
            is_form = c.FPDFPageObj_GetType(thing) == c.FPDF_PAGEOBJ_FORM
            if layer is None and is_form and may_be_switched():
                layer = f"/{len(layers)}"  # one of its own
            if layer is not None and not _is_invisible(thing):
                layers[layer].append(thing)
    if not layers or len(layers) > MOST_LAYERS:
        return
    for thing in objects:
        c.FPDFPageObj_SetIsActive(thing, False)
    off = [found for found in layers.values() if not _is_seen(page, found)]
    for thing in objects:
        c.FPDFPageObj_SetIsActive(thing, True)
    for found in off:
        for thing in found:
            c.FPDFPageObj_SetIsActive(thing, False)


def _layer(thing: Any) -> str | None:
    """The name of the layer of an object, "" where it has none; None for an object in no layer."""
    for n in range(c.FPDFPageObj_CountMarks(thing)):
        mark = c.FPDFPageObj_GetMark(thing, n)
        if _text(c.FPDFPageObjMark_GetName, mark) == "OC":
            return _text(c.FPDFPageObjMark_GetParamStringValue, mark, b"Name")
    return None


def _text(get: Any, *of: Any) -> str:
    buffer, size = (c.FPDF_WCHAR * _LONGEST)(), ctypes.c_ulong()
    get(*of, buffer, ctypes.sizeof(buffer), size)
    data = ctypes.string_at(buffer, min(size.value, ctypes.sizeof(buffer)))
    return data.decode("utf-16-le", "replace").rstrip("\0")


def _is_invisible(thing: Any, depth: int = 0) -> bool:
    """Whether an object is text that is never drawn, as that of a searchable scan, or a form of
    nothing else."""
    kind = c.FPDFPageObj_GetType(thing)
    if kind == c.FPDF_PAGEOBJ_TEXT:
        mode = c.FPDFTextObj_GetTextRenderMode(thing)
        return bool(mode == c.FPDF_TEXTRENDERMODE_INVISIBLE)
    if kind != c.FPDF_PAGEOBJ_FORM or depth == MOST_LEVELS:
        return False
    inside = range(c.FPDFFormObj_CountObjects(thing))
    return all(_is_invisible(c.FPDFFormObj_GetObject(thing, n), depth + 1) for n in inside)


def _is_seen(page: Any, layer: list[Any]) -> bool:
    for thing in layer:
        c.FPDFPageObj_SetIsActive(thing, True)
    scale = EDGE / max(*page.get_size(), 1.0)
    width, height = (max(1, round(side * scale)) for side in page.get_size())
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, c.FPDFBitmap_BGR, True)
    try:
        bitmap.fill_rect((*_GROUND, 255), 0, 0, width, height)
        c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, c.FPDF_REVERSE_BYTE_ORDER)
        pixels = bitmap.to_numpy()
        return bool((pixels != pixels[0, 0]).any())
    finally:
        bitmap.close()
        for thing in layer:
            c.FPDFPageObj_SetIsActive(thing, False)
