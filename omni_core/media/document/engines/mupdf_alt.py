"""What the author of a tagged PDF says of its pictures, through MuPDF."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import pymupdf

from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)

MOST_ELEMENTS = 20_000
"""Elements of the structure that are looked at: a third of a second."""
MOST_LEVELS = 60


def alternative_texts(doc: Any) -> dict[int, list[str]]:
    """The alternative texts of each page (from 1) that has any."""
    try:
        return _by_page(doc)
    except FAILURES as e:
        log.debug("what is said of pictures cannot be read: %s", e)
        return {}


def _by_page(doc: Any) -> dict[int, list[str]]:
    pdf = pymupdf.mupdf
    found: dict[int, list[str]] = defaultdict(list)
    root = pdf.pdf_dict_gets(pdf.pdf_trailer(pymupdf._as_pdf_document(doc)), "Root")
    top = pdf.pdf_dict_gets(root, "StructTreeRoot")
    if not pdf.pdf_is_dict(top):
        return found
    numbers = {doc.page_xref(n): n + 1 for n in range(len(doc))}
    stack, left = [(pdf.pdf_dict_gets(top, "K"), 0, 0)], MOST_ELEMENTS
    while stack and left:
        element, page, level = stack.pop()
        left -= 1
        if pdf.pdf_is_array(element):
            count = min(pdf.pdf_array_len(element), left)
            inside = [pdf.pdf_array_get(element, n) for n in reversed(range(count))]
            stack += [(child, page, level + 1) for child in inside if level < MOST_LEVELS]
        elif pdf.pdf_is_dict(element):
            page = numbers.get(pdf.pdf_to_num(pdf.pdf_dict_gets(element, "Pg")), page)
            said = pdf.pdf_dict_gets(element, "Alt")
            if pdf.pdf_is_string(said):
                found[page or _first_page(element, numbers)].append(pdf.pdf_to_text_string(said))
            elif level < MOST_LEVELS:
                stack.append((pdf.pdf_dict_gets(element, "K"), page, level + 1))
    return found


def _first_page(element: Any, numbers: dict[int, int]) -> int:
    """The page of an element that only its content names; 0 without one."""
    pdf = pymupdf.mupdf
    inside = pdf.pdf_dict_gets(element, "K")
    if pdf.pdf_is_array(inside):
        inside = pdf.pdf_array_get(inside, 0)
    return numbers.get(pdf.pdf_to_num(pdf.pdf_dict_gets(inside, "Pg")), 0)
