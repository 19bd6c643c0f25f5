"""`eval` with --out, --html, --compare and --report, as its user sees it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_server.cli import main
from omni_server.eval_report import charts

VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Notes what is loaded, and that every element is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(autouse=True)
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENCODER": "hashing", "SPEECH": "off", "SCREEN_TEXT": "off"}
    for name, value in settings.items():
        monkeypatch.setenv(f"OMNI_{name}", value)


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    """Questions in two languages, one missed, one without an answer, and their media."""
    media = tmp_path / "media"
    media.mkdir()
    (media / "boats.md").write_text("# Boats\n\nThe launch is <b>postponed</b> to March.\n")
    pixels = np.zeros((90, 120, 3), np.uint8)
    pixels[:, 60:] = (200, 30, 30)
    Image.fromarray(pixels).save(media / "red.png")
    postponed = "launch postponed to March"
    english: list[dict[str, Any]] = [
        {"id": "a", "direction": "text->document", "query": postponed,
         "relevant": [{"item": "boats.md"}]},
        {"id": "b", "direction": "text->image", "query": "launch <script>alert(1)</script>",
         "relevant": [{"item": "red.png"}]},
        {"id": "c", "query": "launch of nothing", "relevant": []},
    ]  # fmt: skip
    spanish = [{**english[0], "id": "a-es", "relevant": [{"item": "gone.md"}]}]
    (tmp_path / "q.en.json").write_text(json.dumps(english))
    (tmp_path / "q.es.json").write_text(json.dumps(spanish))
    return [str(tmp_path / "q.en.json"), str(tmp_path / "q.es.json"), "--media", str(media)]


def run(*argv: object) -> int:
    return main([str(a) for a in argv])


def test_the_page_is_one_file_that_loads_nothing_and_shows_what_was_missed(
    asked: list[str], tmp_path: Path
) -> None:
    page, report = tmp_path / "r.html", tmp_path / "r.json"
    assert run("eval", *asked, "--html", page, "--out", report) == 0
    html = page.read_text()
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert checker.loaded == []
    assert not re.search(r"@import|<script|<link", html)
    pictures = re.findall(r"url\((.{23})", html)
    assert pictures == ["data:image/jpeg;base64,"]  # of red.png, expected and missed
    assert "launch &lt;script&gt;" in html
    assert "light-dark(" in html
    for heading in ("by direction", "by language", "grades are worth", "without an answer"):
        assert heading in html
    assert "gone.md" in html
    assert "not in the library" in html
    assert html.count("<svg") >= 4
    assert json.loads(report.read_text())["languages"].keys() == {"en", "es"}


def test_two_reports_are_compared_without_asking_again(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after, before, page = tmp_path / "after.json", tmp_path / "before.json", tmp_path / "c.html"
    assert run("eval", *asked, "--out", after) == 0
    worse: dict[str, Any] = json.loads(after.read_text())
    row = worse["rows"][0]
    assert row["rank"] == 1
    row |= {"rank": 2, "whole": {**row["whole"], "r1": 0.0, "mrr": 0.5}}
    before.write_text(json.dumps(worse))
    capsys.readouterr()
    assert run("eval", "--report", after, "--compare", before, "--html", page) == 0
    said = capsys.readouterr().out
    assert "a launch postponed to March: rank 2 -> 1" in said
    assert "3 questions in both" in said
    assert "permutation" in said
    assert "Compared with the earlier report" in page.read_text()
    assert run("eval", "--report", after, "--compare", before, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["comparison"]["whole_library"]["text->document"]["mrr"]["better"] == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["eval"], "name files of questions and the folder"),
        (["eval", "q.json", "--report", "x.json", "--media", "m"], "give no questions"),
        (["eval", "--report", "nowhere.json"], "cannot read nowhere.json"),
    ],
)
def test_half_an_instruction_says_what_is_missing(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 1
    assert said in capsys.readouterr().err


def test_a_report_of_an_older_version_is_not_shown_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.json").write_text('{"rows": []}')
    assert run("eval", "--report", tmp_path / "old.json") == 1
    assert "is of an older version" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_still_shown(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("eval", *asked, "--out", tmp_path / "q.en.json" / "r.json") == 1
    said = capsys.readouterr()
    assert "cannot write" in said.err
    assert "R@1" in said.out


def test_an_interval_beyond_the_axis_ends_at_its_edge() -> None:
    svg = charts.intervals("t", [charts.Figure("x", 0.5, -3, 9)])
    numbers = [float(n) for n in re.findall(r'x[12]="([\d.-]+)"', svg)]
    assert min(numbers) == charts.LABEL_W
    assert max(numbers) == charts.LABEL_W + charts.PLOT_W
