"""XML whose content stands in attributes, and pages that scripts would fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.types import CutOptions, FileWarning, Source

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<opml><head><title>Feeds</title></head><body><outline text="Harbour news" xmlUrl="x"/>'
         '<outline text="Tides &amp; winds"/></body></opml>', ["Harbour news", "Tides & winds"]),
        ("<Configuration status='warn'><!-- a note --><Logger name='root' level='info'/>"
         "</Configuration>", ["level: info", "status: warn"]),
        ('<a:b xmlns:a="urn:x"><a:c a:title="Deep water"/></a:b>', ["title: Deep water"]),
    ],
)  # fmt: skip
def test_attributes_are_read_where_they_hold_the_content(
    text: str, found: list[str], tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(XML + text)
    said = " ".join(s.text for s in cut(path))
    assert all(words in said for words in found)
    assert "urn:x" not in said and "a note" not in said


@pytest.mark.parametrize(
    "text",
    [
        '<rss><item id="n1" kind="x"><p>The harbour closes at noon.</p></item></rss>',
        '<html><body class="wide"><p>The harbour.</p></body></html>',
        '<svg width="10" id="drawing"><text fill="red">The harbour</text></svg>',
    ],
)
def test_attributes_are_left_out_where_the_text_is_the_content(
    text: str, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(XML + text)
    said = " ".join(s.text for s in cut(path))
    assert "harbour" in said
    assert not any(word in said for word in ("kind", "wide", "red", "drawing"))


def test_a_page_that_scripts_would_fill_says_so_and_what_it_is(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "app.html"
    path.write_text(
        '<html><head><title>Tides</title><meta property="og:description" content="Water levels of '
        'the harbour"></head><body><div id=app></div><script>x()</script></body></html>'
    )
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1)
    segment, warning = svc.decompose(str(path), source, CutOptions())
    assert segment.text == "Water levels of the harbour"
    assert isinstance(warning, FileWarning) and "no visible words" in warning.message


def test_json_of_nothing_but_names_is_read_as_text(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"detectors": [{"container-detector": {}}]}')
    assert "container-detector" in cut(path)[0].text


@pytest.mark.parametrize("part", ["<!--", "<a ", "<a b='", "<![CDATA[", '<a b="x" '])
def test_broken_data_is_read_in_time(part: str, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"{XML}<r x='words'/>{part * 100_000}")
    assert "words" in cut(path)[0].text
