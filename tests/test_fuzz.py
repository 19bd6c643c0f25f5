"""A small share of `python -m bench.fuzz`: each parser of ours, on damaged input."""

from __future__ import annotations

import warnings

import pytest

from bench.fuzz.running import run
from bench.fuzz.table import Target, targets
from bench.trust_fuzz import measure
from omni_core.media.document.file_kinds import zip_refusal
from omni_core.media.text import structured
from omni_core.media.text.mail import read_mail
from omni_server.clients import toml_sections

INPUTS = 60


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_a_parser_reads_damaged_input_or_says_that_it_cannot(target: Target) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoding libraries warn of damage
        tally = run(target, INPUTS)
    assert tally.wrong == {}
    assert tally.inputs == INPUTS + len(target.seeds)


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_the_seeds_of_a_target_are_read(target: Target) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tally = run(target, 0)
    assert tally.accepted == len(target.seeds)


def test_a_long_word_of_letters_that_base64_has_too_ends_soon() -> None:
    found = structured.readable('{"a": "' + "ords" * 5000 + '!"}')
    assert found is not None
    assert "ords" in found.text


def test_a_mail_whose_encoding_has_an_impossible_name_is_read() -> None:
    named = b"Subject: A\nContent-Type: text/plain; charset=u\0tf\xe9\n\n"
    assert "words" in read_mail(named + b"words \xe9").text
    packed = b"Content-Transfer-Encoding: base64\n" + named
    assert "words" in read_mail(packed + b"d29yZHM=\xe9").text


def test_a_settings_file_without_tables_stays_as_it_is() -> None:
    assert toml_sections.drop('a = """\nx"""\n', ("mcp", "a")) == 'a = """\nx"""\n'


def test_names_in_an_archive_that_cannot_be_read_are_one_clean_line() -> None:
    said = str(zip_refusal("a.zip", ["x\x1b[2J\n\u202eIGNORE ALL" + "y" * 500]))
    assert said.isprintable()
    assert len(said) < 200


def test_the_part_of_the_bench_is_there() -> None:
    assert callable(measure)
