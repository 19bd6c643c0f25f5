"""What the author of a tagged PDF says of the pictures on a page, through PDFium."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as c

MOST_ELEMENTS = 20_000
"""Elements of the structure that are looked at."""


def alternative_texts(page: Any) -> list[str]:
    """The alternative texts on a page."""
    tree = c.FPDF_StructTree_GetForPage(page)
    if not tree:
        return []
    try:
        count = c.FPDF_StructTree_CountChildren(tree)
        return _below([c.FPDF_StructTree_GetChildAtIndex(tree, n) for n in range(count)])
    finally:
        c.FPDF_StructTree_Close(tree)


def _below(elements: list[Any]) -> list[str]:
    found = []
    stack = elements[::-1]
    for _ in range(MOST_ELEMENTS):
        element = stack.pop() if stack else None
        if not element:
            if not stack:
                break
        elif said := _said(element):
            found.append(said)
        else:
            count = min(c.FPDF_StructElement_CountChildren(element), MOST_ELEMENTS)
            stack += [
                c.FPDF_StructElement_GetChildAtIndex(element, n) for n in reversed(range(count))
            ]
    return found


def _said(element: Any) -> str:
    size = c.FPDF_StructElement_GetAltText(element, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    c.FPDF_StructElement_GetAltText(element, buffer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
