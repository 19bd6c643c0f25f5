"""Notebooks of both formats are their words, code and outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omni_core.media.text.readable import Readable
from omni_core.media.text.structured import readable

PNG = "iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAAAAACIM" * 9
OBJECT = "<IPython.core.display.HTML object>"


def of_output(output: dict[str, Any]) -> Readable:
    cell = {"cell_type": "code", "source": "show()", "outputs": [output]}
    found = readable(json.dumps({"nbformat": 4, "cells": [cell]}))
    assert found is not None
    found.text = found.text.removeprefix("show()").strip()
    return found


def test_a_notebook_is_its_words_code_and_outputs() -> None:
    notebook = {
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": ["# Salmon counts\n", "1,204 in June."]},
            {"cell_type": "code", "source": "plot(counts)", "outputs": [
                {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "<F>"}},
                {"output_type": "stream", "text": ["done\n"]},
                {"output_type": "error", "ename": "ValueError", "evalue": "no weir"},
                {"output_type": "execute_result", "data": {"text/html": "<b>9</b> days"}},
            ]},
            {"cell_type": "markdown", "source": "## Turbine"},
            "damaged",
        ],
    }  # fmt: skip
    found = readable(json.dumps(notebook))
    assert found is not None
    assert found.title == "Salmon counts"
    assert found.left_out == 1
    assert [found.text[at:].split("\n")[0] for at, _ in found.headings] == [
        "# Salmon counts", "## Turbine",
    ]  # fmt: skip
    for words in ("1,204 in June.", "plot(counts)", "done", "ValueError: no weir", "9 days"):
        assert words in found.text
    assert "iVBOR" not in found.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"text/html": "<b>nine</b> days", "text/plain": OBJECT}, "nine days"),
        ({"text/html": ["<b>nine</b>", " days"], "text/plain": [OBJECT]}, "nine days"),
        ({"text/html": "<table><tr><td>9</table>", "text/plain": "   n\n0  9"}, "n\n0  9"),
        ({"text/html": "<img src=x>", "text/plain": OBJECT}, OBJECT),
    ],
)
def test_an_output_that_only_names_an_object_is_read_as_its_html(
    data: dict[str, Any], words: str
) -> None:
    assert of_output({"output_type": "display_data", "data": data}).text == words


def test_an_error_is_read_with_its_trace_and_without_colours() -> None:
    error = {
        "output_type": "error", "ename": "ValueError", "evalue": "bad gate",
        "traceback": ["\x1b[0;31mTraceback\x1b[0m", "line 7 of weir.py"],
    }  # fmt: skip
    assert of_output(error).text == "Traceback\nline 7 of weir.py\nValueError: bad gate"
    error["traceback"] = ["line 7", "\x1b[0;31mValueError\x1b[0m: bad gate"]
    assert of_output(error).text == "line 7\nValueError: bad gate"


def test_a_notebook_of_format_3_is_read_as_one_of_format_4() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": ["Salmon count"]},
        {"cell_type": "markdown", "source": ["The turbine ", "stopped.\n", "# Second"]},
        {"cell_type": "code", "input": ["print(", "'hi')"], "outputs": [
            {"output_type": "stream", "text": ["hello\n"]},
            {"output_type": "pyout", "text": ["42"], "png": PNG},
            {"output_type": "pyout", "html": "<b>nine</b>", "text": [OBJECT]},
        ]},
    ]  # fmt: skip
    found = readable(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}, 7]}))
    assert found is not None
    assert found.text.split("\n\n") == [
        "Salmon count", "The turbine stopped.\n# Second", "print('hi')", "hello", "42", "nine", "",
    ]  # fmt: skip
    assert [name for _, name in found.headings] == ["Salmon count", "Second"]
    assert (found.title, found.left_out, found.bad_cells) == ("Salmon count", 1, [4])
