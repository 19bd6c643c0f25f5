"""Letters that LaTeX writes as commands are the letters that it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.tex_letters import with_tex_letters


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            r"Gr\"o{\ss}e, Stra\ss e, \"{U}ber, {\"A}pfel, F\"u\ss{}e",
            "Größe, Straße, Über, Äpfel, Füße",
        ),
        (
            r"\'et\'e, gar\c{c}on, \c cela, na\"{\i}ve, \^{\i}le, \`a",
            "été, garçon, çela, naïve, île, à",
        ),
        (
            r"Erd\H{o}s, \v{C}apek, \v Skoda, \L{}\'od\'z, \r{a}, \k{e}",
            "Erdős, Čapek, Škoda, Łódź, å, ę",
        ),
        (r"K\o benhavn, {\AA}rhus, \O re", "København, Århus, Øre"),
        (r"5\% of R\&D \$ a\_b \\%", r"5% of R&D $ a_b \\%"),
        (r"\section{x} \\\"text\" \url{a} \omega \label{o} \cite{k} \vspace{1cm} \'t", None),
    ],
)
def test_a_command_is_the_letter_that_it_prints(source: str, text: str | None) -> None:
    assert with_tex_letters(source) == (text or source)


def test_titles_headings_and_text_have_the_letters(tmp_path: Path, svc: Any, cut: Any) -> None:
    path = tmp_path / "a.tex"
    path.write_text(
        '\\documentclass{article}\n\\title{Die Gr\\"o\\ss e}\n\\begin{document}\n'
        '\\section{\\"Uber Reiher}\nSie k{\\"o}nnen stehen.\n\\end{document}\n'
    )
    assert svc.probe(str(path)).title == "Die Größe"
    (found,) = cut(path)
    assert "Über Reiher" in found.text and "können" in found.text


def test_braces_that_keep_capitals_in_a_bibliography_are_left_out() -> None:
    source = (
        "@article{mueller2019,\n  title = {{L}ava {F}low on {Mount Sarn}},\n"
        "  author={{\\O}stby, A.},\n  year = {2019},\n  note = {in {NASA}}\n}\n"
    )
    assert with_tex_letters(source, braces=True) == (
        "@article{mueller2019,\n  title = {Lava Flow on Mount Sarn},\n"
        "  author={Østby, A.},\n  year = {2019},\n  note = {in NASA}\n}\n"
    )
