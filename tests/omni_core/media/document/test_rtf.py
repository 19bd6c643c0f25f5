"""RTF: words in any code page, headings, tables, notes; what is hidden, damaged or nested."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import OmniError
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

FONTS = (
    r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial CYR;}{\f2\fcharset128 MS Mincho;}"
    r"{\f3\fcharset2 Symbol;}{\f4\fcharset2 Wingdings;}{\f5\fcharset1\cpg1253 Greek;}}"
)


@pytest.fixture
def rtf(tmp_path: Path) -> Callable[..., Path]:
    def write(body: str, head: str = r"\ansi\ansicpg1252\deff0", name: str = "a.rtf") -> Path:
        path = tmp_path / name
        path.write_bytes(f"{{\\rtf1{head}{FONTS}{body}}}".encode("latin-1"))
        return path

    return write


@pytest.fixture
def lines(rtf: Callable[..., Path], cut: Any) -> Callable[..., list[str]]:
    """The lines that a body is read as."""

    def read(body: str, head: str = r"\ansi\ansicpg1252\deff0") -> list[str]:
        return "\n".join(s.text for s in cut(rtf(body, head))).split("\n")

    return read


def _everything(svc: Any, path: Path) -> list[Segment | FileWarning]:
    info = svc.probe(str(path))
    source = Source("ab" * 32, str(path), info.title, info.modality, info.mime, 1)
    return list(svc.decompose(str(path), source, CutOptions()))


def _warnings(svc: Any, path: Path) -> list[str]:
    return [i.message for i in _everything(svc, path) if isinstance(i, FileWarning)]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"caf\'e9 and \'80 5", "café and € 5"),
        (r"\f1 \'cf\'ee\'e3\'ee\'e4\'e0 \f0 caf\'e9", "Погода café"),
        (r"{\f2 \'82\'b1\'82\'f1\'82\'c9\'82\'bf\'82\'cd}!", "こんにちは!"),
        (r"\f2 \'83A\'83\\", "アソ"),
        (r"\f5 \'c1\'e8\'de\'ed\'e1", "Αθήνα"),
        (r"\u1055?\u1086\'ee\u1075 ", "Пог"),
        (r"{\uc2\u8364 \'80\'80}{\uc0\u8364}x", "€€x"),
        (r"\u-10188?\u-8930?!", "𝄞!"),
        (r"{\f3 \'b7} item {\f3 abg} {\f4 J}", "• item αβγ"),
        (r"{\f3\u61623 ?} item", "• item"),
        (r"so\emdash\ldblquote yes\rdblquote\~E\_1042 wa\-ter \{a\}", "so—“yes” E-1042 water {a}"),
        (r"{\upr{was ?}{\*\ud{is \u1071?}}}", "is Я"),
        (r"{\field{\*\fldinst{HYPERLINK "'"x.org"'r"}}{\fldrslt{the archive}}} here",
         "the archive here"),
        (r"{\*\bkmkstart a}kept{\*\unknown dropped}{\xe index}{\pict\wmetafile8 0102}", "kept"),
        (r"kept {\v hidden {still}} words\v  no\v0 !", "kept words!"),
        (r"{\deleted struck}{\revised new}", "new"),
        (r"{\listtext 1.\tab}first", "first"),
        (r"a\u8232?b\line c\tab d", "a b c d"),
    ],
)  # fmt: skip
def test_words_are_read_in_their_code_page(body: str, text: str, lines: Any) -> None:
    assert lines(body + r"\par") == [text]


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (r"\ansi\ansicpg1251", r"\'cf\'ee\'e3\'ee\'e4\'e0", "Погода"),
        (r"\ansi\ansicpg1250\deff0", r"za\'bf\'f3\'b3\'e6", "zażółć"),
        (r"\ansi\ansicpg65001", "caf\\'c3\\'a9", "café"),
        (r"\ansi\ansicpg932", "\\'83\\'65", "テ"),
        (r"\mac", r"caf\'8e", "café"),
        (r"\pc", r"caf\'82", "café"),
        (r"\ansi", "caf\xe9", "café"),
        (r"\ansi\ansicpg99999", r"caf\'e9", "café"),
    ],
)
def test_the_document_names_its_code_page(head: str, body: str, text: str, lines: Any) -> None:
    assert lines(body, head) == [text]


def test_headings_are_known_by_their_style_or_outline(rtf: Any, cut: Any) -> None:
    path = rtf(
        r"{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s7\outlinelevel1 Kop;}}"
        r"\pard\s1 Pilots\par\pard\s0 Board early.\par"
    )
    (segment,) = cut(path)
    assert (segment.text, segment.extra) == ("Pilots\nBoard early.", {"heading": "Pilots"})
    assert (segment.origin, segment.span.axis) == ("document text", "char")
    for mark in (r"\s7", r"\outlinelevel0"):
        (segment,) = cut(rtf(rf"{{\stylesheet{{\s7\outlinelevel1 Kop;}}}}\pard{mark} Havn\par x"))
        assert segment.extra == {"heading": "Havn"}


def test_cells_stay_in_their_columns(lines: Any) -> None:
    row = r"\trowd\cellx100\cellx200\cellx300\pard\intbl {}\cell {}\cell {}\cell\row"
    body = "before\\par" + "".join(
        row.format(*cells) for cells in (("Item", "Year", "Cost"), ("Lamp\\par brass", "", "5,200"))
    )
    assert lines(body + r"\pard after\par") == [
        "before", "Item | Year | Cost", "Lamp brass |  | 5,200", "after"
    ]  # fmt: skip


def test_a_table_in_a_cell_is_read_once(lines: Any) -> None:
    inner = (
        r"\pard\intbl\itap2 x\nestcell{\nonesttables\par}y\nestcell"
        r"{\*\nesttableprops\trowd\nestrow}"
    )
    assert lines(rf"\trowd\pard\intbl a\cell {inner}\pard\intbl z\cell\row") == ["a | x y z"]


def test_notes_comments_boxes_and_margins_have_their_places(lines: Any) -> None:
    body = (
        r"{\header\pard Coast Office\par}{\footerf\pard Draft\par}"
        r"Tide{\footnote\pard\plain {\chftn} At low water.} turned"
        r"{\*\footnote\chftn\~\plain\pard Said by the pilot.}"
        r"{\footnote\ftnalt See the archive.}"
        r"{\*\atnid AB}{\*\atnauthor Ada}\chatn{\*\annotation{\*\atndate 1}\pard Check this}"
        r"{\shp{\*\shpinst{\sp{\sn wzDescription}{\sv A brass lamp}}{\shptxt\pard Boxed once\par}}"
        r"{\shprslt{\*\do{\dptxbxtext\pard Boxed once\par}}}}.\par Next\par"
    )
    assert lines(body) == [
        "Tide turned.", "Footnote: At low water.", "Footnote: Said by the pilot.",
        "Comment by Ada: Check this", "A brass lamp",
        "Boxed once", "Next", "Endnote: See the archive.", "Coast Office", "Draft",
    ]  # fmt: skip


def test_title_date_and_description_come_from_the_information_group(rtf: Any, svc: Any) -> None:
    path = rtf(
        r"{\info{\title Bees at \'abwork\'bb}{\author Ada}{\doccomm On hives}"
        r"{\creatim\yr2019\mo2\dy3\hr4\min5}{\revtim\yr2021\mo1\dy1}}Body\par"
    )
    info = svc.probe(str(path))
    assert (info.title, info.mime) == ("Bees at «work»", "application/rtf")
    assert (f"{info.recorded_at:%Y-%m-%d %H:%M}", info.recorded_at_from) == (
        "2019-02-03 04:05", "container"
    )  # fmt: skip
    (segment,) = _everything(svc, path)
    assert isinstance(segment, Segment)
    assert segment.text == "Body\nDescription: On hives"


@pytest.mark.parametrize("name", ["a.doc", "a.txt", "a.docx", "a"])
def test_a_wrong_name_does_not_matter(name: str, rtf: Any, svc: Any) -> None:
    assert svc.probe(str(rtf("words", name=name))).mime == "application/rtf"


def _picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (240, 120), colour).save(out, "PNG")
    return out.getvalue()


def _pictures() -> tuple[str, str]:
    """One as digits, one as binary data."""
    digits, data = _picture("red").hex(), _picture("blue")
    digits = "\n".join(digits[i : i + 128] for i in range(0, len(digits), 128))
    return (
        rf"{{\pict{{\*\picprop{{\sp{{\sn a}}{{\sv 1}}}}}}\pngblip\picw240\pich120 {digits}}}",
        rf"{{\*\shppict{{\pict\pngblip\bin{len(data)} {data.decode('latin-1')}}}}}",
    )


def test_pictures_are_pages_of_a_file_without_text(rtf: Any, svc: Any) -> None:
    path = rtf("".join(_pictures()))
    assert svc.probe(str(path)).pages == 2
    items = _everything(svc, path)
    assert [(i.channel, i.span.start) for i in items if isinstance(i, Segment)] == [
        (Channel.VISUAL, 1), (Channel.VISUAL, 2)
    ]  # fmt: skip
    assert len(items) == 2
    assert svc.page(str(path), 2, 60).shape == (30, 60, 3)
    with pytest.raises(OmniError, match="no page 3"):
        svc.page(str(path), 3, 60)


def test_pictures_have_their_place_in_a_text(rtf: Any, svc: Any) -> None:
    hexed, binary = _pictures()
    path = rtf(rf"One{hexed}\par Two{binary}{hexed}\par")
    items = [i for i in _everything(svc, path) if isinstance(i, Segment)]
    assert items[0].text == "One\nPicture 1\nTwo\nPicture 2"
    assert [(i.channel, i.span.start, i.span.end) for i in items[1:]] == [
        (Channel.VISUAL, 4, 13), (Channel.VISUAL, 18, 27)
    ]  # fmt: skip


def test_what_cannot_be_drawn_or_is_hidden_gives_a_warning(rtf: Any, svc: Any) -> None:
    path = rtf(r"words{\v secret}{\pict\pngblip 8950}\par")
    assert _warnings(svc, path) == [
        "hidden text is left out: passages",
        "pictures that are damaged or of an unknown format are not seen: picture 1",
    ]
    with pytest.raises(OmniError, match="read its text"):
        svc.page(str(path), 1, 60)


def test_an_object_of_another_program_gives_a_warning(rtf: Any, svc: Any) -> None:
    path = rtf(r"{\object\objemb{\*\objclass Equation.3}{\*\objdata 01}{\result shown}}\par")
    assert _warnings(svc, path) == [
        "embedded files are not read: object; save and ingest them by themselves"
    ]


def test_a_file_cut_short_keeps_its_words_and_says_so(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1\ansi{\b kept words")
    items = _everything(svc, path)
    assert [i.text for i in items if isinstance(i, Segment)] == ["kept words"]
    assert _warnings(svc, path) == ["cut short or damaged, read only as far as it goes: a.rtf"]


def test_groups_nested_beyond_reason_cost_themselves(rtf: Any, svc: Any) -> None:
    path = rtf("before " + "{" * 200_000 + "deep" + "}" * 200_000 + "after")
    items = _everything(svc, path)
    assert [i.text for i in items if isinstance(i, Segment)] == ["before after"]
    assert _warnings(svc, path) == ["damaged, read only in part: groups nested beyond reason"]


def test_any_damage_ends_in_words_or_an_error_of_the_tree(rtf: Any, svc: Any) -> None:
    path = rtf(
        r"{\info{\title T}{\creatim\yr2019\mo2\dy3}}{\footnote n}\trowd a\cell\row"
        r"{\shp{\*\shpinst{\shptxt x}}}\u8364?\'e9{\pict\pngblip 89504e47}\bin4 abcd\par"
    )
    whole = path.read_bytes()
    for at in range(8, len(whole), 3):
        for data in (
            whole[:at],
            whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :],
            whole[:at] + b"}" + whole[at:],
            whole[:at] + b"\\u99999999 \\bin9999999999 \\fcharset-5\\cpg0" + whole[at:],
        ):
            path.write_bytes(data)
            try:
                _everything(svc, path)
            except OmniError:
                continue
