"""Cues as rows of a table."""

from __future__ import annotations

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_subtitles

CUES = [(0.0, 2.5, 'The "tide" is low, now.'), (62.5, 64.0, "Boats wait.")]
TEXTS = {
    "whisper.tsv": 'start\tend\ttext\n0\t2500\tThe "tide" is low, now.\n'
                   "62500\t64000\tBoats wait.\n",
    "whisper.csv": 'start,end,text\n0,2500," The ""tide"" is low, now."\n'
                   '62500,64000," Boats wait."\n',
    "labels.txt": '0.000000\t2.500000\tThe "tide" is low, now.\n\\\t10.0\t20.0\n'
                  "62.500000\t64.000000\tBoats wait.\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_rows_have_their_times(name: str) -> None:
    found = read_subtitles(TEXTS[name], "." + name.partition(".")[2])

    assert (found.kind, found.warnings) == ("rows", ())
    assert [(c.start, c.end, c.text) for c in found.cues] == CUES


def test_a_row_without_times_is_named() -> None:
    found = read_subtitles(TEXTS["whisper.tsv"] + "later\tnever\tLost words.\n", ".tsv")

    assert len(found.cues) == 2
    assert "row 4" in found.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "start\tend\ttext\nLindau\tBregenz\tby boat\n",
        "start,end,text,room\n9,10,Keynote,Hall\n",
        "1.5\t2.5\tflour\n3.0\t4.0\tsalt\n",
    ],
)
def test_other_tables_are_tables(text: str) -> None:
    assert detect_format(text, ".tsv") is None
