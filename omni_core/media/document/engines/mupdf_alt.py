"""What the author of a tagged PDF says of its pictures, through MuPDF."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pymupdf

from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)

MOST_ELEMENTS, MOST_OF_PAGE = 500_000, 1_000
"""Elements of the structure that are looked at, in all and for each page: extracts of a long file
often keep the structure of all its pages. A page of a book has 50 to 200, so that the longest, of
2,000 pages, is read whole; each costs 20 us."""
MOST_LEVELS = 60
_END = object()
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
    left = min(MOST_ELEMENTS, MOST_OF_PAGE * len(doc))
    stack = [(_items(_value(top.m_internal, "K")), 0)]
    while stack and left:
        elements, page = stack[-1]
        element = next(elements, _END)
        if element is _END:
            stack.pop()
            continue
        left -= 1
        if not _M.ll_pdf_is_dict(element):
            inside = _items(element)
        else:
            page = numbers.get(_M.ll_pdf_to_num(_value(element, "Pg")), page)
            said = _value(element, "Alt")
            if _M.ll_pdf_is_string(said):
                page = page or _first_page(element, numbers)
                found[page].append(_M.ll_pdf_to_text_string(said))
                continue
            inside = _items(_value(element, "K"))
        if len(stack) <= MOST_LEVELS:
            stack.append((inside, page))
    return found


def _items(inside: Any) -> Iterator[Any]:
    """What an element or an array holds beside numbers, which stand for content."""
    if _M.ll_pdf_is_dict(inside):
        yield inside
    for n in range(min(_M.ll_pdf_array_len(inside), MOST_ELEMENTS)):  # 0 for what is no array
        item = _M.ll_pdf_array_get(inside, n)
        if not _M.ll_pdf_is_int(item):
            yield item


def _first_page(element: Any, numbers: dict[int, int]) -> int:
    """The page of an element that only its content names; 0 without one."""
    inside = _value(element, "K")
    first = _M.ll_pdf_array_get(inside, 0) if _M.ll_pdf_is_array(inside) else inside
    return numbers.get(_M.ll_pdf_to_num(_value(first, "Pg")), 0)


def _value(element: Any, key: str) -> Any:
    return _M.ll_pdf_dict_gets(element, key)
