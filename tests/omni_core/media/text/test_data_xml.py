"""XML whose content stands in attributes, and pages that scripts would fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.data_xml import MAX_REFERENCES, attribute_lines, with_entities
from omni_core.media.text.html import page_of_file
from omni_core.media.text.page import Page
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


PNG = "iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAAAAACIM8" * 9


def page(text: str) -> Page:
    return Page(XML + text, "a.xml")


@pytest.mark.parametrize(
    "tag",
    ["object", "annotation", "template", "style", "script", "iframe", "noscript", "textarea"],
)
def test_elements_of_data_are_read_whatever_html_would_hide(tag: str) -> None:
    read = page(f"<all><one>before</one><{tag} kind='a'>in <b>it</b></{tag}><{tag}/>after</all>")
    assert read.text.split() == ["before", "in", "it", "after"]


def test_a_page_within_data_hides_what_pages_hide() -> None:
    read = page("<rss><item><![CDATA[<p>words</p><script>code()</script>]]></item></rss>")
    assert read.text.split() == ["words"]


def test_a_book_has_its_title_its_headings_and_no_base64() -> None:
    lines = "\n".join(PNG[at : at + 76] for at in range(0, len(PNG), 76))
    read = page(
        "<FictionBook><description><annotation><p>About it</p></annotation><book-title>The Weir"
        "</book-title></description><body><title><p>The Weir</p><p>a tale</p></title><section>"
        '<title><p>First</p></title><p>one <style name="x">two</style></p></section></body>'
        f'<binary id="a.jpg">{PNG}</binary><binary id="b.jpg">\n{lines}\n</binary>'
        f"<binary>{'donau' * 20}</binary></FictionBook>"
    )
    assert (read.title, read.left_out) == ("The Weir", 2)
    assert [name for _, name in read.headings] == ["The Weir a tale", "First"]
    assert "About it" in read.text and "one two" in read.text and "donau" in read.text
    assert "<p>" not in read.text and "iVBOR" not in read.text


def test_titles_of_items_are_headings_where_they_stand() -> None:
    read = page("<rss><title>Feed</title><item><id>7</id><title>One</title>words</item></rss>")
    assert (read.title, [name for _, name in read.headings]) == ("Feed", ["One"])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.html", f'<p>words<img src="data:image/png;base64,{PNG}">', "1 embedded picture or"),
        ("a.html", f'<p>words<img src="data:image/png;base64,{PNG}">' * 2, "2 embedded pictures"),
        ("a.html", f'<p>words<source srcset="data:image/png;base64,{PNG} 2x">', "1 embedded"),
        ("a.html", f'<p>words<video poster="data:image/png;base64,{PNG}"></video>', "1 embedded"),
        ("a.html", f'<p>words<object data="data:image/png;base64,{PNG}"></object>', "1 embedded"),
        ("a.html", f'<p>words<img src="data:image/svg+xml,{"%3Cpath/%3E" * 40}">', "1 embedded"),
        ("a.html", f'<p style="background:url(data:image/png;base64,{PNG * 90})">words', "1 emb"),
        ("a.html", f'<p style="background:url(data:image/png;base64,{PNG})">words', ""),
        ("a.html", f'<link rel="icon" href="data:image/png;base64,{PNG}"><p>words', ""),
        ("a.html", '<p>words<img src="data:image/svg+xml,%3Csvg/%3E">', ""),
        ("a.html", '<p>words<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', ""),
        ("a.html", f'<p>words<img hidden src="data:image/png;base64,{PNG}">', ""),
        ("a.fb2", f"{XML}<FictionBook><p>words</p><binary>{PNG}</binary></FictionBook>", "1 emb"),
    ],
)
def test_pictures_written_into_a_page_are_named_once(
    name: str, text: str, said: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / name
    path.write_text(text)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1)
    found = list(svc.decompose(str(path), source, CutOptions()))
    assert any("words" in s.text for s in found if not isinstance(s, FileWarning))
    warnings = [w.message for w in found if isinstance(w, FileWarning)]
    assert [w[: len(said)] for w in warnings] == ([said] if said else [])


@pytest.mark.parametrize("part", [">" + "A" * 70, ">" + "A1" * 40 + " ", "<title>", "<script "])
def test_endless_data_is_read_in_time(part: str) -> None:
    assert "words" in page(f"<r>words {part * 20_000}").text


@pytest.mark.parametrize(
    "said",
    [
        "<description>&lt;p&gt;The &lt;b&gt;he&lt;/b&gt;ron&amp;nbsp;sings&lt;/p&gt;</description>",
        "<content><![CDATA[<p>The <b>he</b>ron&nbsp;sings</p>]]></content>",
        "<summary>The heron sings</summary>",
    ],
)
@pytest.mark.parametrize("root", ["rss", "feed xmlns='http://www.w3.org/2005/Atom'", "kml"])
def test_an_entry_of_a_feed_is_read_as_the_page_that_it_is(said: str, root: str) -> None:
    read = page(f"<{root}><entry><title>A &amp;amp; B</title>{said}<id>7</id></entry></{root}>")
    assert " ".join(read.text.split()).endswith("The heron sings 7")
    assert read.title in ("A & B", "A &amp; B") and "<" not in read.text


def test_tags_that_another_document_speaks_of_stay() -> None:
    assert page("<book><para>Write &lt;b&gt; for bold.</para></book>").text == "Write <b> for bold."


def test_what_a_document_defines_is_read_where_it_refers_to_it() -> None:
    kinds = '<!ENTITY weir "the big weir"><!ENTITY far SYSTEM "x"><!ENTITY all "&weir;&weir;">'
    head = f'<!DOCTYPE book PUBLIC "-//x" "y" [\n{kinds}\n]>'
    read = page(f"{head}<book><para>Open &weir; at dawn, &far; &amp; &all;</para></book>")
    assert read.text == "Open the big weir at dawn, &far; & &all;"


def test_definitions_that_grow_without_end_are_read_in_bounds() -> None:
    head = f'<!DOCTYPE a [<!ENTITY a "{"x" * 1_000}"><!ENTITY b "{"y" * 2_000}">]>'
    assert len(page(f"{head}<a>{'&a;' * 200_000}&b;</a>").text) < 20_000_000


@pytest.mark.parametrize(
    ("attribute", "read"),
    [
        ('title="Heron Rock"', True),
        ('c:label="Landing"', True),
        ('k="only at low tide in summer"', True),
        ('id="n17"', False),
        ('class="- topic/topic"', False),
        ('w:name="heading 1"', False),
    ],
)
def test_attributes_that_people_read_are_read_beside_the_text(
    attribute: str, read: bool, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"{XML}<note><to {attribute}>{'The harbour closes at noon. ' * 20}</to></note>")
    said = cut(path)[0].text
    assert said.startswith("The harbour closes")
    assert (attribute.partition('"')[2].strip('"') in said) is read


@pytest.mark.parametrize("name", ["a.xml", "a.rss", "a.gpx"])
def test_xml_that_is_not_declared_is_read_as_such_under_its_name(
    name: str, tmp_path: Path, cut: Any, svc: Any
) -> None:
    path = tmp_path / name
    feed = (
        "<rss><!-- x --><title>Feed</title><description>&lt;p&gt;noon&lt;/p&gt;</description></rss>"
    )
    path.write_text(feed)
    assert cut(path)[0].text == "noon" and svc.probe(str(path)).title == "Feed"
    path.with_name("a.txt").write_text(feed)
    assert "<description>" in cut(path.with_name("a.txt"))[0].text


JOURNAL = (
    "<front><article-meta><title-group><article-title>Tides of the fjord</article-title>"
    "</title-group></article-meta></front><body><sec><title>Deep <italic>water</italic></title>"
    "<p>It turns at noon.</p></sec></body></article>"
)
MANUAL = (
    "<articleinfo><title>Tides of the fjord</title></articleinfo><section><title>Deep <emphasis>"
    "water</emphasis></title><para>It turns at noon.</para></section></article>"
)
DOCTYPE = '<!DOCTYPE article PUBLIC "-//X//DTD Y V1//EN" "y.dtd"'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xml", f'{XML}<article dtd-version="1.2">{JOURNAL}'),
        ("a.nxml", f"{DOCTYPE}>\n<article>{JOURNAL}"),
        ("a.xml", f'{XML}<article xmlns="http://docbook.org/ns/docbook">{MANUAL}'),
        ("a.docbook", f'{DOCTYPE} [\n<!ENTITY x "y">\n]>\n<article>{MANUAL}'),
    ],
)
def test_an_article_of_a_journal_or_a_manual_is_no_page_of_html(
    name: str, text: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert svc.probe(str(path)).title == "Tides of the fjord"
    (segment,) = cut(path)
    assert "Deep water" in segment.text.splitlines()
    assert "It turns at noon." in segment.text
    assert not set("<>[]") & set(segment.text)


def test_an_article_of_html_stays_a_page(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.html"
    path.write_text(f"{XML}<article><script>hidden()</script><p>The harbour.</p></article>")
    assert [s.text for s in cut(path)] == ["The harbour."]


@pytest.mark.parametrize("declaration", ["", XML])
def test_what_a_page_defines_in_its_doctype_is_no_text_of_it(declaration: str) -> None:
    page = Page(
        f'{declaration}<!DOCTYPE html [\n<!ENTITY quay "the old quay">\n]>\n<html><body>'
        "<p>Meet at &quay;.</p></body></html>",
        "a.xhtml",
    )
    assert page.text.strip() == "Meet at the old quay."


def test_of_a_workbook_in_xml_the_cells_are_read_and_no_colours() -> None:
    page = Page(
        f'{XML}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><OfficeDocument'
        'Settings xmlns="urn:o"><Colors><Color><RGB>#9999FF</RGB></Color></Colors></OfficeDocument'
        'Settings><ExcelWorkbook xmlns="urn:x"><WindowTopX>480</WindowTopX></ExcelWorkbook>'
        "<Worksheet><Table><Row><Cell><Data>Havn</Data></Cell></Row></Table><WorksheetOptions "
        'xmlns="urn:x"><Selected/><PaneNumber>32767</PaneNumber></WorksheetOptions></Worksheet>'
        "</Workbook>",
        "a.xml",
    )
    assert page.text.strip() == "Havn"


@pytest.mark.parametrize("name", ["WorksheetOptions", "ConditionalFormatting", "ExcelWorkbook"])
@pytest.mark.parametrize("settings", ['<{} xmlns="urn:x"/>', '<{} xmlns="urn:x" />', '<{} x="y">'])
def test_settings_of_a_workbook_that_nothing_ends_cost_no_cells(name: str, settings: str) -> None:
    sheet = "<Worksheet><Table><Row><Cell><Data>{}</Data></Cell></Row></Table>{}</Worksheet>"
    ended = f'<{name} xmlns="urn:x"><PaneNumber>3</PaneNumber></{name}>'
    sheets = [("Havn", ended), ("Fangst", settings.format(name)), ("Vær", "")]
    if settings.endswith("/>"):
        sheets.append(("Lag", ended))
    page = Page(
        f'{XML}<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
        f"{''.join(sheet.format(*one) for one in sheets)}</Workbook>",
        "a.xml",
    )
    assert page.text.split() == [name for name, _ in sheets]


@pytest.mark.parametrize("tag", ["xmp", "textarea"])
def test_a_doctype_that_a_page_speaks_of_stays_and_hides_nothing(tag: str) -> None:
    page = Page(
        f"<!DOCTYPE html><html><body><{tag}><!DOCTYPE note [<!ENTITY quay 'pier'></{tag}><p>One"
        " &quay;</p><script>if (a[0]> b) {}</script><p>Two</p></body></html>",
        "a.html",
    )
    assert "<!DOCTYPE note" in page.text
    assert page.text.splitlines()[-2:] == ["One &quay;", "Two"]


@pytest.mark.parametrize("page", ["html", "book"])
def test_declarations_may_have_brackets_tags_and_remarks(page: str) -> None:
    text = (
        f"{XML}<!-- it's [1]> --><!DOCTYPE {page} [<!-- ]> isn't read -->\n<!ENTITY quay "
        f"'<b>old [1]></b> quay'><!ELEMENT p (#PCDATA)>]>\n<{page}><p>At the &quay;.</p>"
        f"<script>hidden</script></{page}>"
    )
    found = Page(text, "a.xml").text
    assert "At the old [1]> quay." in found
    assert "isn't" not in found and "#PCDATA" not in found
    assert ("hidden" in found) == (page == "book")


def test_a_drawing_whose_doctype_declares_names_is_a_drawing() -> None:
    page = Page(
        f'{XML}<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY of "urn:x">]>'
        '<svg xmlns="&of;"><metadata>no words</metadata><text>Havn</text></svg>',
        "a.svg",
    )
    assert (page.svg, page.text.strip()) == (True, "Havn")


def test_what_a_document_declares_is_read_so_many_times() -> None:
    text = f'<!DOCTYPE html [<!ENTITY quay "pier">]><p>{"&amp;" * 9}{"&quay; " * MAX_REFERENCES}'
    found = with_entities(text + "&quay;")
    assert found.count("pier") == MAX_REFERENCES and found.endswith("&quay;")


@pytest.mark.parametrize(
    ("text", "title", "lines"),
    [
        ('<fcpxml><title name="a"><text>Dr. Vera Stahl</text></title><title name="b"><text>Ben Roth'
         "</text></title></fcpxml>", "Dr. Vera Stahl", ["Dr. Vera Stahl", "Ben Roth"]),
        ("<article><front><article-title>On silt</article-title></front><sec><title>Method</title>"
         "<p>Probes of <mml:math><mml:mi>a</mml:mi><mml:mo>+</mml:mo><mml:mi>b</mml:mi></mml:math>."
         "</p></sec></article>", "On silt", ["On silt", "Method", "Probes of a+b."]),
    ],
)  # fmt: skip
def test_a_title_within_data_is_read_where_it_stands(
    text: str, title: str, lines: list[str]
) -> None:
    read = page(text)
    assert read.title == title
    assert read.text.split("\n")[: len(lines)] == lines


def test_values_of_data_with_short_names_are_no_single_word() -> None:
    read = page("<day><name>Mon</name><hi>72</hi><low>50</low><hi>73</hi></day>")
    assert read.text.split("\n") == ["Mon", "72", "50", "73"]


@pytest.mark.parametrize(
    ("element", "read"),
    [
        ('<cbc:PayableAmount currencyID="EUR">1190.00</cbc:PayableAmount>', "1190.00 EUR"),
        ('<ram:BilledQuantity unitCode="KGM"> 12 </ram:BilledQuantity>', "12 KGM"),
        ('<depth uom="m">-3.5</depth>', "-3.5 m"),
        ('<name unit="kg">Ann</name>', "Ann"),
        ('<count unit="">4</count>', "4"),
        ('<count unit="1">4</count>', "4"),
        ('<count unitCode="C62">4</count>', "4"),
        ('<depth uom="#m">4</depth>', "4"),
        ('<depth uom="urn:ogc:def:uom:UCUM::m">4</depth>', "4"),
        ('<share unit="%">4</share>', "4 %"),
        ('<dose><n unit="mg">4</n>mg</dose>', "4mg"),
        ('<count>4<note currency="EUR"/></count>', "4"),
    ],
)
def test_a_number_of_data_is_read_with_its_unit(element: str, read: str) -> None:
    lines = page(f"<Invoice><ID>R-1</ID>{element}<Note>thanks</Note></Invoice>").text.split("\n")
    assert [" ".join(line.split()) for line in lines if line.strip()] == ["R-1", read, "thanks"]


def test_the_notes_of_a_book_are_read_without_the_name_of_their_part(
    tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.fb2"
    path.write_text(
        '<?xml version="1.0"?><FictionBook><body><p>Words of the book</p></body><body name="notes">'
        "<section><p>Words of a note</p></section></body></FictionBook>"
    )
    (segment,) = cut(path)
    assert segment.text == "Words of the book\nWords of a note"


def test_an_xmp_file_is_read_as_its_words(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.xmp"
    path.write_text(
        "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
        "crs:Temperature='5000'><dc:subject><rdf:Bag><rdf:li>heron</rdf:li><rdf:li>lake</rdf:li>"
        "</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    )
    (found,) = cut(path)
    assert found.text.split() == ["heron", "lake"]


def test_a_body_of_other_data_keeps_its_name(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<?xml version="1.0"?><system><body name="Mars" moons="2"/></system>')
    (segment,) = cut(path)
    assert "name: Mars" in segment.text


def test_values_of_attributes_are_read_as_people_see_them() -> None:
    markup = (
        '<?xml version="1.0"?><mxfile><mxCell value="Bilge pump&lt;br&gt;R&amp;amp;D" '
        'style="rounded=0;html=1;"/><sms subject="null" body="Boat at nine"/></mxfile>'
    )
    text = page_of_file("a.drawio", markup).text

    assert text.split("\n") == ["mxCell value: Bilge pump R&D", "sms body: Boat at nine"]


def test_a_style_by_its_name_is_read_and_the_looks_of_a_drawing_are_not() -> None:
    markup = '<?xml version="1.0"?><a><beer style="India Pale Ale"/><box style="fill:red;w=2"/></a>'
    assert attribute_lines(markup, "") == ["beer style: India Pale Ale"]
