"""`bench/corpus.py`: a small folder of every outcome, an interrupted run, two runs compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from bench.corpus import main, read_results
from bench.corpus_files import Result
from bench.corpus_reference import TOOLS, Tool, shared
from bench.corpus_report import comparison, report

SCRIPT = Path(__file__).parents[1] / "bench" / "corpus.py"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "below").mkdir(parents=True)
    (folder / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nThe ferry leaves.\n")
    (folder / "below" / "b.txt").write_text("The harbour opens at nine. " * 400)
    (folder / "c.bin").write_bytes(bytes(range(256)) * 4)
    (folder / "d.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    (folder / ".hidden.txt").write_text("not a file of the corpus")
    (folder / "e.txt").write_text("    \n")
    return folder


@pytest.fixture
def results(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[Result]:
    assert main([str(corpus), "--json", str(tmp_path / "r.jsonl"), "--no-references"]) == 0
    printed = capsys.readouterr().out
    assert "CORRUPT_MEDIA" in printed and "UNSUPPORTED_TYPE" in printed
    return read_results(tmp_path / "r.jsonl")


def test_every_file_has_an_outcome_with_its_words_cues_and_cost(results: list[Result]) -> None:
    by_path = {r.path: r for r in results}
    assert {p: (r.outcome, r.code) for p, r in by_path.items()} == {
        "a.srt": ("opened", ""),
        "below/b.txt": ("opened", ""),
        "c.bin": ("refused", "UNSUPPORTED_TYPE"),
        "d.pdf": ("refused", "CORRUPT_MEDIA"),
        "e.txt": ("empty", ""),
    }
    assert (by_path["a.srt"].cues, by_path["a.srt"].words) == (1, 3)
    assert by_path["below/b.txt"].words >= 2000
    assert by_path["below/b.txt"].seconds > 0


def test_a_run_goes_on_where_it_stopped_and_tries_what_changed(
    corpus: Path, results: list[Result], tmp_path: Path
) -> None:
    kept = tmp_path / "r.jsonl"
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:3]) + '\n{"path": "a.s')  # the machine went off
    marked = replace(Result.of_line(lines[0]), words=77)
    kept.write_text(marked.line() + "\n" + kept.read_text().partition("\n")[2])
    (corpus / "below" / "b.txt").write_text("Short now.")
    main([str(corpus), "--json", str(kept), "--no-references"])
    after = {r.path: r for r in read_results(kept)}
    assert len(after) == 5
    assert after[marked.path].words == 77  # not tried again
    assert after["below/b.txt"].words == 2


def test_ctrl_c_prints_what_is_done_and_keeps_it(corpus: Path, tmp_path: Path) -> None:
    for n in range(3000):
        (corpus / f"n{n}.txt").write_text(f"number {n}")
    kept = tmp_path / "r.jsonl"
    command = [sys.executable, str(SCRIPT), str(corpus), "--json", str(kept), "--no-references"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            _wait_for_lines(kept, process)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert b"stopped after" in err and b"Traceback" not in err
    assert b"opened" in out
    assert 0 < len(read_results(kept)) < 3005


def _wait_for_lines(path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < until and process.poll() is None
        os.sched_yield()


def test_two_runs_are_compared_and_a_worse_file_is_an_error(
    corpus: Path, results: list[Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.jsonl"
    better = [
        replace(r, outcome="opened", code="", segments=9, words=r.words + 500, seconds=0.0)
        for r in results
    ]
    old.write_text("".join(r.line() + "\n" for r in better))
    assert main([str(corpus), "--compare", str(old), "--no-references"]) == 1
    printed = capsys.readouterr().out
    assert "newly refused: 2\n" in printed and "newly empty: 1\n" in printed
    assert "fewer words: 2\n" in printed
    assert comparison(results, results)[1] == 0


def test_what_died_or_was_outside_the_tree_is_listed() -> None:
    died = Result("x/a.pdf", 1, 0.0, "pdf", "died", message="the decoder died (signal 11)")
    odd = Result("b.pdf", 1, 0.0, "pdf", "outside", "ERROR", "KeyError: 'x'")
    printed = report([died, odd, replace(odd, path="c.pdf", outcome="opened", stderr=["Oops: 1"])])
    assert "died: 1\n  x/a.pdf: the decoder died (signal 11)" in printed
    assert "errors outside the tree: 1\n  b.pdf: ERROR KeyError: 'x'" in printed
    assert "tracebacks printed: 1\n  c.pdf: Oops: 1" in printed


def test_a_reference_tool_says_what_is_missing(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "odd.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nA\n\n2\n00:00:05,000 --> 00:00:06,000\nB\n"
    )
    main([str(corpus), "--only", "srt", "--json", str(tmp_path / "s.jsonl")])
    said = {r.path: r.references["pysubs2"] for r in read_results(tmp_path / "s.jsonl")}
    assert said == {"a.srt": {"cues": 1.0, "of": 1}, "odd.srt": {"cues": 1.0, "of": 2}}
    printed = capsys.readouterr().out
    assert "against pysubs2 (2 files):" in printed
    absent = [t.name for t in TOOLS if not t.installed]
    assert not absent or f"not installed, so not compared: {', '.join(absent)}" in printed


@pytest.mark.parametrize(
    ("tool", "ours", "found"),
    [
        ("The o\ufb03ce was closed", "the office WAS closed", (4, 4)),
        ("hydro-\nelectric dam", "hydroelectric dam", (2, 2)),
        ("soft\u00adened \u202bשלום\u202c", "softened שלום", (2, 2)),
        ("H e r e i s text", "Here is text", (7, 7)),
        ("X NP and x 2", "XNP and x2", (5, 5)),
        ("timetime", "first time second", (0, 1)),
        ("north north", "north", (1, 2)),
        ("a lost sentence", "another text", (0, 3)),
    ],
)
def test_words_are_compared_whatever_their_spaces_hyphens_and_forms(
    tool: str, ours: str, found: tuple[int, int]
) -> None:
    assert shared(tool, ours) == found


def test_the_length_of_a_recording_is_the_decoded_one(tmp_path: Path) -> None:
    folder = tmp_path / "sound"
    folder.mkdir()
    with wave.open(str(folder / "a.wav"), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16_000)
        f.writeframes(bytes(range(256)) * 250)
    kept = tmp_path / "r.jsonl"
    assert main([str(folder), "--json", str(kept), "--no-references"]) == 0
    (result,) = read_results(kept)
    assert result.outcome == "opened" and result.duration_s == pytest.approx(2.0, abs=0.01)


def test_a_tool_that_is_not_installed_is_known() -> None:
    tool = Tool("no_such_tool", frozenset({"pdf"}), lambda path: {})
    assert not tool.installed
    assert not replace(tool, command=True).installed


@pytest.mark.parametrize("arguments", [["/no/such/folder"], [".", "--jobs", "0"]])
def test_wrong_arguments_end_with_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_a_decoder_that_cannot_start_is_one_line(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    broken = tmp_path / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: omni-mcp\nVersion: 0.0.1\n")
    (broken / "entry_points.txt").write_text("[omni_mcp.media]\nnone = omni_core.no_such:Medium\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main([str(corpus), "--no-references"]) == 2
    assert capsys.readouterr().err.startswith("the decoder cannot start: ")
