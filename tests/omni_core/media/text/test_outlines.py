"""Headings of light markup stand above what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core.media.service import MediaService
from omni_core.media.text.outlines import outline_of

TEXTS = {
    "a.rst": "=======\nHarbour\n=======\n\nWords.\n\nSluice\n------\n\nMore::\n\n    x\n    ===\n\n"
    "Tides\n-----\n",
    "a.adoc": "= Harbour\n:toc:\n\n== Sluice\n\n----\n== code\n----\n\n== Tides\n",
    "a.org": "* Harbour\n** TODO [#A] Sluice :work:\n- item\n*bold* words\n** Tides\n",
    "a.tex": "\\documentclass{book}\n\\chapter{Harbour}\n% \\section{none}\n"
             "\\section[S]{\\emph{Sluice}}\\label{x}\n\\section*{Tides}\n",
    "a.mediawiki": "= Harbour =\n== Sluice ==\n=== no\n== Tides ==\n",
    "a.textile": "h1. Harbour\n\nh2(class). Sluice\n\nh2.no\n\nh2. Tides\n",
    "a.typ": "#set page()\n= Harbour\n== Sluice <sl>\n```\n= code\n```\n== Tides\n",
    "a.md": "# Harbour\n\n## Sluice\n\n## Tides\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_headings_have_their_places_and_levels(name: str) -> None:
    text = TEXTS[name]
    found = outline_of(name, text)

    assert [heading for _, heading in found.headings] == ["Harbour", "Sluice", "Tides"]
    assert [level - found.levels[0] for level in found.levels] == [0, 1, 1]
    places = [at for at, _ in found.headings]
    assert places == sorted(places)
    assert all(heading in text[at:].split("\n")[0] for at, heading in found.headings)


@pytest.mark.parametrize("suffix", ["org", "adoc", "wiki", "textile", "tex", "rst", "md"])
def test_lines_of_spaces_are_read_in_their_length(suffix: str) -> None:
    spaces = " " * 990
    text = f"* a{spaces}x\n= a{spaces}x\nh1. a{spaces}x\n# a{spaces}x\n" * 2_000

    assert outline_of(f"a.{suffix}", text).title == ""


def test_spaces_and_tags_behind_a_heading_are_none_of_it() -> None:
    assert outline_of("a.org", "* Low tide  :sea:work: \n").headings == [(0, "Low tide")]
    assert outline_of("a.wiki", "== Low tide ==\t\n").headings == [(0, "Low tide")]
    assert outline_of("a.adoc", "== Low tide \n").headings == [(0, "Low tide")]


def test_a_sign_that_is_escaped_is_itself_in_a_heading() -> None:
    text = "harbour\\_plan.tides package\n===========================\n\nWords.\n"
    assert outline_of("a.rst", text).headings == [(0, "harbour_plan.tides package")]


def test_text_under_another_suffix_has_none() -> None:
    assert outline_of("a.txt", TEXTS["a.rst"]).headings == []


def test_a_title_that_a_file_states_is_its_title(svc: MediaService, tmp_path: Path) -> None:
    for name, text in (
        ("a.org", "#+TITLE: Garden plan\n#+DATE: <2024-03-01 Fri>\n* Beds\n"),
        ("a.tex", "\\title{Garden \\textbf{plan}}\n\\begin{document}x\\end{document}\n"),
        ("a.rst", "Garden plan\n===========\n\nwords\n"),
    ):
        path = tmp_path / name
        path.write_text(text)
        assert svc.probe(str(path)).title == "Garden plan"
    when = svc.probe(str(tmp_path / "a.org")).recorded_at
    assert when is not None
    assert (when.year, when.month, when.day) == (2024, 3, 1)


@pytest.mark.parametrize(
    "text",
    ["= Harbour\nAnn Lee <a@x.org>\n2024-01-12\n:toc:\n\nWords.\n",
     "= Harbour\nAnn\nv1.2, 2024-01-12\n", "= Harbour\n:revdate: 2024-01-12\n\nWords.\n"],
)  # fmt: skip
def test_asciidoc_has_the_date_of_its_header(text: str) -> None:
    found = outline_of("a.adoc", text)
    assert found.date is not None and found.date.date().isoformat() == "2024-01-12"
    assert outline_of("a.adoc", "= Harbour\n\nWords of\n2024-01-12\n").date is None
