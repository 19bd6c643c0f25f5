"""Headings of Markdown stand outside code; front matter gives title and date."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.markdown import outline


def headings(text: str) -> list[str]:
    found = outline(text).headings
    assert all(text[at:].lstrip(" #").startswith(name) for at, name in found)
    return [name for _, name in found]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_lines_in_fenced_code_are_no_headings(fence: str) -> None:
    text = (
        f"{fence}bash\n# wipe the lock\n```inner\n{fence}\n\n# Starting the pumps #\n## Stopping\n"
    )
    assert headings(text) == ["Starting the pumps", "Stopping"]


def test_a_fence_that_is_never_closed_lasts_to_the_end() -> None:
    assert headings("# One\n```\n# two\n# three") == ["One"]


def test_signs_that_close_a_heading_stand_behind_a_space() -> None:
    text = "# Sluices ##  \n\n## C#\n"
    assert headings(text) == ["Sluices", "C#"]


def test_underlined_headings_count_and_rules_do_not() -> None:
    text = "Valve tables\n------------\n\nwords\n\n---\n\n- item\n---\n\nTitle\n===\n"
    assert headings(text) == ["Valve tables", "Title"]


@pytest.mark.parametrize(
    "front",
    ['---\ntitle: "Pump manual"\ndate: 2023-11-05\n# remark\n---\n',
     "+++\ntitle = 'Pump manual'\ndate = 2023-11-05T08:00:00Z\n+++\n",
     "---\ndate: 2023-11-05\ntitle: Pump manual\n...\n",
     '{\n  "title": "Pump manual",\n  "date": "2023-11-05"\n}\n'],
)  # fmt: skip
def test_front_matter_gives_title_and_date(front: str) -> None:
    found = outline(front + "\n# Starting\n")
    assert found.title == "Pump manual"
    assert found.date is not None
    assert found.date.date() == datetime(2023, 11, 5).date()
    assert headings(front + "\n# Starting\n") == ["Starting"]


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    found = outline("---\n\ntitle: of nothing\n\n# Words\n")
    assert (found.title, found.date) == ("", None)
    assert [name for _, name in found.headings] == ["Words"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (">-\n  Pump station\n  at Trondal", "Pump station at Trondal"),
        ("|\n  Two line\n  title", "Two line title"),
        ('"Pumps: a \\"guide\\"" # draft', 'Pumps: a "guide"'),
        ("'Keeper''s log'", "Keeper's log"),
        ("Pumps # draft", "Pumps"),
        ("Pumps of\n  the harbour", "Pumps of the harbour"),
        ("C#", "C#"),
    ],
)
def test_a_title_may_take_lines_quotes_and_a_remark(written: str, title: str) -> None:
    found = outline(f"---\ntitle: {written}\ndate: 2023-11-05\n---\nwords\n")
    assert found.title == title
    assert found.date is not None


def test_headings_may_be_written_as_html() -> None:
    text = (
        '<h1 align="center">\n  <img alt="Harbour" src="x"><br>\n  &amp; pumps\n</h1>\n---\n'
        "```html\n<h1>code</h1>\n```\n<h2>Install</h2>\n<h3>open\n<hr>\n"
    )
    found = outline(text)
    assert [name for _, name in found.headings] == ["Harbour & pumps", "Install"]
    assert found.levels == [1, 2]
    assert text[found.headings[1][0] :].startswith("<h2>Install")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("README.md", '<h1 align="center">Harbour</h1>\n'),
        ("README.md", '<p align="center"><img src=x></p>\n\n# Harbour\n'),
        ("steps.mdx", "<div>\n\n# Harbour\n"),
    ],
)
def test_markdown_that_begins_with_a_tag_stays_markdown(
    name: str, start: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    path = tmp_path / name
    path.write_text(f"{start}\n```rust\nfn f(x: Option<String>) {{}}\n```\n\n</div>\n")
    info = svc.probe(str(path))
    assert (info.mime, info.title) == ("text/markdown", "Harbour")
    assert "Option<String>" in "".join(s.text for s in cut(path))


@pytest.mark.parametrize(
    ("name", "text", "mime"),
    [
        ("a.txt", "<div> is the tag; <script>KEEP</script> in prose of a text file", "text/plain"),
        ("a.txt", "<p>One of the words.<p>Two", "text/plain"),
        ("a.txt", "<div>One of the words.</div>", "text/html"),
        ("a.txt", "<!doctype html><p>One of the words", "text/html"),
        ("a.md", "<!doctype html><p>One of the words", "text/html"),
    ],
)
def test_a_text_that_speaks_of_a_tag_is_no_page(
    name: str, text: str, mime: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert svc.probe(str(path)).mime == mime


def test_a_brace_that_opens_no_json_is_no_front_matter() -> None:
    found = outline("{\n  title: Pump manual\n}\n\n# Words\n")
    assert (found.title, found.headings[0][1]) == ("", "Words")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('![Harbour](https://example.org/a.svg "Harbour")', "Harbour"),
        ("[![Build](a.svg)](https://example.org/b) Harbour", "Build Harbour"),
        ("[1.2.0](https://example.org/tree_(x)/1.2.0)", "1.2.0"),
        ("[1.2.0] - 2024-01-02", "1.2.0 - 2024-01-02"),
        ("[Unreleased]", "Unreleased"),
        ("Quay [draft]", "Quay [draft]"),
        ("The `my_name*x*` *and* **bold** tide_of_day", "The my_name*x* and bold tide_of_day"),
        ("<a name='x'></a>Set up {#setup}", "Set up"),
        ("Chapter [x] of 2 * 3 * 4 with a\\_b", "Chapter [x] of 2 * 3 * 4 with a_b"),
        ("\\_\\_init\\_\\_ and \\*two\\* \\[x\\](y)", "__init__ and *two* [x](y)"),
        ("\\`one\\` and `a\\_b`", "`one` and a\\_b"),
        ("List<String> and f(*args, **kwargs)", "List<String> and f(*args, **kwargs)"),
    ],
)
def test_a_heading_is_what_its_reader_sees(written: str, read: str) -> None:
    assert [name for _, name in outline(f"# {written}\n\ntext\n").headings] == [read]
    if not written.startswith("<"):
        assert [name for _, name in outline(f"{written}\n===\n\ntext\n").headings] == [read]


def test_a_picture_without_a_name_is_no_heading() -> None:
    found = outline("# ![](logo.png)\n\n## Harbour\n")
    assert (found.headings, found.levels) == ([(17, "Harbour")], [2])


@pytest.mark.parametrize("part", ["[", "*a", "_a ", "[a](", "`", "<a", "{#", "[](("])
def test_a_heading_of_signs_without_end_is_read_in_time(part: str) -> None:
    assert outline(f"# {part * 100_000}").levels == [1]
    assert len(outline(f"# {part * 200}").levels) <= 1
