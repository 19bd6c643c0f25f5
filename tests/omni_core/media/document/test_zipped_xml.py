"""The caps under which the XML of office files is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from omni_core.errors import TooLargeError, UnreadableError
from omni_core.media.document import zipped_xml
from omni_core.media.document.xml_bytes import parseable
from omni_core.media.document.zipped_xml import MAX_DEPTH, Package

Opened = Callable[..., Package]


@pytest.fixture
def opened(zipped: Callable[..., Path]) -> Iterator[Opened]:
    """A package with these parts: `opened(**{"a.xml": "<a/>"})`."""
    kept = []

    def write(**parts: str | bytes) -> Package:
        context = zipped_xml.package(str(zipped("a.zip", parts)))
        kept.append(context)
        return context.__enter__()

    yield write
    for context in kept:
        context.__exit__(None, None, None)


def _tree(p: Package) -> None:
    p.xml("a")


def _stream(p: Package) -> None:
    for _ in p.stream("a", ET.TreeBuilder()):
        pass


READ = pytest.mark.parametrize("read", [_tree, _stream])


@READ
def test_elements_are_nested_as_deep_as_the_limit_and_no_deeper(
    read: Callable[[Package], None], opened: Opened
) -> None:
    read(opened(a="<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH))
    with pytest.raises(UnreadableError, match="nested beyond reason"):
        read(opened(a="<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1)))


@READ
def test_many_elements_beside_one_another_are_not_deep(
    read: Callable[[Package], None], opened: Opened
) -> None:
    read(opened(a="<a>" + "<b></b>" * (2 * MAX_DEPTH) + "</a>"))


@READ
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_in_any_encoding(
    encoding: str, read: Callable[[Package], None], opened: Opened
) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    with pytest.raises(UnreadableError, match="entities"):
        read(opened(a=text.encode(encoding)))


def test_what_all_parts_unpack_to_is_limited(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipped_xml, "MAX_TOTAL_BYTES", 3 << 20)
    part = b"<a>" + b" " * (2 << 20) + b"</a>"
    p = opened(a=part, b=part)
    assert p.xml("a") is not None
    with pytest.raises(TooLargeError, match="unpacks to more than 3 MB"):
        p.xml("b")


def test_a_part_that_is_not_there_is_none(opened: Opened) -> None:
    assert opened(a="<a/>").xml("b") is None


def test_what_stands_as_it_is_stays_so_wherever_a_part_is_divided() -> None:
    written = b"<a><b>R & D<![CDATA[ x & y <i> ]] > &amp; ]]> p & q &eacute;</b><c>&#38;</c></a>"
    whole = b"".join(parseable(iter([written])))
    assert ET.fromstring(whole)[0].text == "R & D x & y <i> ]] > &amp;  p & q é"  # noqa: S314
    for at in range(1, len(written)):
        for more in (at, min(at + 3, len(written) - 1)):
            pieces = (written[:at], written[at:more], written[more:])
            assert b"".join(parseable(iter(pieces))) == whole, (at, more)
