"""HTML as a reader sees it: omitted end tags, what is hidden, XML, nesting without end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from omni_core.decoder import Decoder
from omni_core.errors import TooLargeError
from omni_core.media.text.markup import MAX_ATTRIBUTES
from omni_core.media.text.page import Page


def words(markup: str) -> str:
    return " ".join(Page(markup, "a.html").text.split())


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<p hidden>a<p>b</p><p>c</p>", "b c"),
        ("<ul><li>a<li hidden>b<li>c</ul>d", "a c d"),
        ("<ol><li hidden>a<ul><li>b</ul><li>c</ol>", "c"),
        ("<dl><dt hidden>a<dd>b<dt>c<dd>d</dl>", "b c d"),
        ("<table><tr hidden><td>a<td>b<tr><td>c<td>d</table>", "c | d"),
        ("<table><tr><td hidden>a<td>b<tr><td>c</table>", "b c"),
        ("<select><option hidden>a<option>b</select>", "b"),
        ("<div hidden>a<p>b<div>c</div></div>d", "d"),
        ("<p><b hidden>a<i>b</b>c</i> d", "c d"),
        ("<p style='display : none'>a<p>b", "b"),
        ("<p style='color:red; VISIBILITY: hidden'>a<p>b", "b"),
        ("<body><p>a</p></body>b", "a b"),
        ("a <script language=x>b</script language>c", "a c"),
        ("a <style>b</style><template>c</template><noscript>d</noscript>e", "a e"),
        ("a <svg><text>b</text></svg><iframe>c</iframe>d", "a b d"),
        ("a<svg><title>b</title><defs><text>c</text></defs><style>d</style></svg>e", "ae"),
        ("a<svg><g><text>b</text><text x=9>c <tspan>d</tspan></text></g></svg>", "a b c d"),
        ("a<svg visibility=hidden><text>b</text></svg>", "a"),
        ("a<iframe srcdoc='&lt;p&gt;b &lt;iframe srcdoc=c&gt;&lt;/iframe&gt;'></iframe>d", "a b d"),
        ("a<iframe hidden srcdoc=b></iframe>", "a"),
        ("<math><mi>E</mi><mo>=</mo><mi>m</mi><annotation>x</annotation></math>", "E=m"),
        ("<span class=katex-mathml><math><mi>E</mi></math></span><span>E</span>", "E"),
        ("a<input value=b><input type=submit value=c><input type=password value=d>", "a b c"),
        ("<textarea>a</textarea><button>b</button><select><option>c</select>", "a b c"),
        ("a<img alt='b'><img hidden alt='c'><input type=hidden value=d>", "a b"),
        ("<frameset><frame src=x><noframes><p>a <b>b</b></noframes></frameset>", "a b"),
        ("<ruby>a<rt>b</rt>c<rt>d</rt></ruby>e", "a(b)c(d)e"),
        ("<ruby>a<rp>[</rp><rt>b</rt><rp>]</rp></ruby>c<ruby><rb>d<rt>e</ruby>f", "a[b]cd(e)f"),
        ("<ruby>a<rt hidden>b</rt></ruby>c<rt></rt>", "ac"),
        ("<!-- <p hidden> -->a <![CDATA[b]]>c", "a c"),
    ],
)
def test_only_what_a_reader_sees_is_read(markup: str, seen: str) -> None:
    assert words(f"<!doctype html>{markup}") == seen


def test_xml_ends_empty_elements_and_keeps_its_text() -> None:
    feed = Page(
        '<?xml version="1.0"?><rss><title>Feed</title><script/><a hidden="hidden"/>'
        "<item><title>One</title><b/>two<text><![CDATA[<i>three</i>]]></text></item></rss>",
        "a.xml",
    )
    assert (feed.title, feed.text.split()) == ("Feed", ["One", "two", "three"])


def test_a_drawing_by_itself_is_read_label_by_label() -> None:
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg'><text>Evaporation</text><text>Condensation</text>"
    )
    assert words(svg) == "Evaporation Condensation"


def test_headings_stand_where_their_words_are() -> None:
    read = Page("<h1>One <i>two</i><h2></h2><p>x<h2 hidden>y</h2><h3>Three", "a.html")
    assert [(read.text[at : at + len(name)], name) for at, name in read.headings] == [
        ("One two", "One two"),
        ("Three", "Three"),
    ]


def test_title_and_text_are_in_the_declared_encoding(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(
        '<html><head><meta charset="windows-1251"><title>Привет</title></head>'
        "<body><p>Погода</p></body></html>".encode("cp1251")
    )
    assert svc.probe(str(path)).title == "Привет"
    assert [s.text for s in cut(path)] == ["Погода"]


@pytest.mark.parametrize(
    "deep",
    [
        "<div>x" * 20_000 + "</div>" * 20_000,
        "<div></span>x" * 20_000,
        "<div><table></div></table>x" * 20_000,
        "<ul><li>x" * 20_000,
        "<p><b>x" * 20_000,
        "".join(f"<p><font size={n}>x" for n in range(20_000)),
    ],
    ids=["div", "unmatched", "table", "list", "bold", "font"],
)
def test_endless_nesting_costs_tags_but_no_words(deep: str) -> None:
    read = words(f"<body>{deep} end")
    assert (read.count("x"), read.split()[-1]) == (20_000, "end")


def test_nesting_that_pages_have_is_kept() -> None:
    shallow = "<div>" * 400 + "a<p hidden>b</p>" + "</div>" * 400 + "<p>c"
    assert words(shallow) == "a c"


@pytest.mark.parametrize("one", ["<p>x", "<div>x</div>", "<div><font>x</div>", "<b>x</b> "])
def test_elements_side_by_side_are_no_depth(one: str) -> None:
    hidden = one.replace(">", " hidden>", 1)
    assert words("<body>" + one * 3_000 + hidden + "<p>end").split()[-2:] == ["x", "end"]
    assert words("<body>" + one * 3_000 + hidden).count("x") == 3_000


def test_a_tag_of_endless_attributes_loses_them() -> None:
    attributes = " ".join(f"a{n}=1" for n in range(MAX_ATTRIBUTES + 1))
    assert words(f"a<div {attributes} hidden>b</div>c") == "a b c"
    assert words(f"<img src='data:{'A b ' * 50_000}' alt='x'>y") == "x y"


async def test_a_page_whose_tree_needs_too_much_memory_is_refused_by_the_child(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.html"
    path.write_text("<html>" + "<b>a</b>" * 1_200_000)
    worker = Decoder("decoder", memory_mb=512)
    try:
        with pytest.raises(TooLargeError, match="memory"):
            await worker.call("probe", str(path), deadline_s=120)
        info = await worker.call("probe", __file__, deadline_s=60)
        assert info.mime == "text/plain"
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("<people><p1><name>Ada</name><born>1815</born></p1><p1><name>Bo</name></p1></people>",
         ["Ada", "1815", "Bo"]),
        ("<a>one <b>bo</b>ld</a>", ["one bold"]),
        ('<w:wordDocument><w:p><w:r><w:t>Fir</w:t></w:r><w:r><w:t>st</w:t></w:r></w:p><w:p><w:r>'
         "<w:t>Second</w:t></w:r></w:p></w:wordDocument>", ["First", "Second"]),
        ("<Workbook><Row><Cell><Data>Havn</Data></Cell><Cell><Data>Fangst</Data></Cell></Row><Row>"
         "<Cell><Data>Bergen</Data></Cell><Cell><Data>312</Data></Cell></Row></Workbook>",
         ["Havn | Fangst", "Bergen | 312"]),
    ],
)  # fmt: skip
def test_elements_of_xml_do_not_run_together(markup: str, lines: list[str]) -> None:
    assert Page(f'<?xml version="1.0"?>{markup}', "a.xml").text.split("\n")[: len(lines)] == lines


@pytest.mark.parametrize("name", ["shadowrootmode", "shadowmode", "shadowroot"])
def test_shadow_roots_are_part_of_the_page_and_templates_are_not(name: str) -> None:
    page = Page(
        f'<body><my-el><template {name}="open"><p>Shadow heron</p><template>not</template>'
        "<slot></slot></template>and light</my-el><template><p>nor this</p></template></body>",
        "a",
    )
    assert page.text.split() == ["Shadow", "heron", "and", "light"]


def test_readings_within_readings_take_little_time() -> None:
    started = time.process_time()
    assert "a" in Page("<html><body>" + "<rt>a" * 4_000, "a").text
    assert time.process_time() - started < 3
