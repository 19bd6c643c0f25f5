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


def test_a_number_of_no_time_costs_its_row() -> None:
    row = "9" * 5_000 + "\t1\tLost words.\n"
    found = read_subtitles(TEXTS["whisper.tsv"] + row, ".tsv")

    assert len(found.cues) == 2
    assert "row 4" in found.warnings[0]


def test_words_on_several_lines_of_a_row_stay_apart() -> None:
    found = read_subtitles('start,end,text\n0,2500,"The tide\nis low."\n', ".csv")

    assert " ".join(found.cues[0].text.split()) == "The tide is low."


@pytest.mark.parametrize(
    "text",
    [
        "start\tend\ttext\nLindau\tBregenz\tby boat\n",
        "start,end,text,room\n9,10,Keynote,Hall\n",
        "1.5\t2.5\tflour\n3.0\t4.0\tsalt\n",
        "52.520008\t13.404954\tBerlin\n48.137154\t11.576124\tMunich\n",
        "9.181332\t48.782321\tStuttgart\n13.404954\t52.520008\tBerlin\n",
        "start,end,text\n1914,1918,The Great War\n1939,1945,The Second World War\n",
        "start\tend\ttext\n0\t4\tJohn\n9\t15\tLondon\n",
    ],
)
def test_other_tables_are_tables(text: str) -> None:
    assert detect_format(text, ".tsv") is None
