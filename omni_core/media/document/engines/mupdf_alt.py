"""What the author of a tagged PDF says of its pictures, through MuPDF."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import pymupdf

from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)

MOST_ELEMENTS, MOST_OF_PAGE = 20_000, 1_000
"""Elements of the structure that are looked at, in all and for each page: extracts of a long file
often keep the structure of all its pages."""
MOST_LEVELS = 60
_M = pymupdf.mupdf
"""Its functions that begin with `ll_` take and give plain pointers, which costs a third."""


def alternative_texts(doc: Any) -> dict[int, list[str]]:
    """The alternative texts of each page (from 1) that has any."""
    try:
        return _by_page(doc)
    except FAILURES as e:
        log.debug("what is said of pictures cannot be read: %s", e)
        return {}


def _by_page(doc: Any) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    trailer = _M.pdf_trailer(pymupdf._as_pdf_document(doc))
    top = _M.pdf_dict_gets(_M.pdf_dict_gets(trailer, "Root"), "StructTreeRoot")
    if not _M.pdf_is_dict(top):
        return found
    numbers = {doc.page_xref(n): n + 1 for n in range(len(doc))}
    stack, left = [(_value(top.m_internal, "K"), 0, 0)], min(MOST_ELEMENTS, MOST_OF_PAGE * len(doc))
    while stack and left:
        element, page, level = stack.pop()
        left -= 1
        if _M.ll_pdf_is_dict(element):
            page = numbers.get(_M.ll_pdf_to_num(_value(element, "Pg")), page)
            said = _value(element, "Alt")
            if _M.ll_pdf_is_string(said):
                page = page or _first_page(element, numbers)
                found[page].append(_M.ll_pdf_to_text_string(said))
            elif level < MOST_LEVELS:
                stack.append((_value(element, "K"), page, level + 1))
        elif level < MOST_LEVELS:
            count = min(_M.ll_pdf_array_len(element), left)  # 0 for what is no array
            for n in range(count - 1, -1, -1):
                child = _M.ll_pdf_array_get(element, n)
                if not _M.ll_pdf_is_int(child):
                    stack.append((child, page, level + 1))
    return found


def _first_page(element: Any, numbers: dict[int, int]) -> int:
    """The page of an element that only its content names; 0 without one."""
    inside = _value(element, "K")
    first = _M.ll_pdf_array_get(inside, 0) if _M.ll_pdf_is_array(inside) else inside
    return numbers.get(_M.ll_pdf_to_num(_value(first, "Pg")), 0)


def _value(element: Any, key: str) -> Any:
    return _M.ll_pdf_dict_gets(element, key)
