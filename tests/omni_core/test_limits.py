"""The limits of what a caller may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omni_core import limits
from omni_core.engine import Engine
from omni_core.errors import BadRequestError


def test_a_text_at_its_limit_passes_and_one_more_character_does_not() -> None:
    limits.check(when="x" * 100, quote="ж" * 2000)
    with pytest.raises(BadRequestError, match=r"^when has 101 characters; at most 100 fit"):
        limits.check(when="x" * 101)


@pytest.mark.parametrize(
    ("text", "why"), [("a\0b", "NUL"), ("a\ud800b", "surrogate"), ("\udfff", "surrogate")]
)
def test_text_that_no_catalog_can_hold_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(BadRequestError, match=f"^title holds .*{why}"):
        limits.check(title=text)


def test_a_file_name_that_is_not_utf_8_is_a_path_all_the_same() -> None:
    limits.check(path="caf\udce9.md", source="caf\udce9.md", transcript="caf\udce9.srt")


def test_a_list_of_references_is_counted_and_each_is_measured() -> None:
    limits.check_refs("not_like", ["a"] * limits.ENTRIES)
    with pytest.raises(BadRequestError, match="not_like has 21 entries"):
        limits.check_refs("not_like", ["a"] * (limits.ENTRIES + 1))
    with pytest.raises(BadRequestError, match="not_like has 1,001 characters"):
        limits.check_refs("not_like", ["a" * 1001])


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("read", "source"), ("forget", "source"), ("speakers", "source"),
        ("find_speakers", "source"), ("forget_voices", "name"),
    ],
)  # fmt: skip
async def test_the_engine_itself_measures_before_it_looks_anything_up(
    method: str, argument: str
) -> None:
    engine = Engine.__new__(Engine)  # without a store: nothing may be asked of one
    with pytest.raises(BadRequestError, match=f"^{argument} has"):
        await getattr(engine, method)("x" * (limits.LENGTHS[argument] + 1))


def test_the_documentation_has_the_limits_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
    table = page.partition("## How much fits")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+) \| ([\d,]+)[^|]*\|$", table, re.M)
    said = {
        name: int(most.replace(",", ""))
        for names, most in rows
        for name in re.findall(r"`(\w+)`", names)
        if name not in ("source", "ingest_media", "similar_to")
    }
    assert said
    assert said == {name: limits.OF_TOOLS[name] for name in said}
    for name in limits.OF_TOOLS.keys() - said.keys():
        assert (
            name in ("path", "name", "speaker", "recorded_at", "state")
            or "source" in name
            or (name == "similar_to.ref")
        )
    assert f"A list has {limits.ENTRIES} entries" in table
    assert f"{limits.WORDS} different words" in table
    assert f"{limits.MESSAGE_PARTS:,} values and {limits.MESSAGE_DEPTH} levels" in table
    assert limits.OF_TOOLS["ingest_media.source"] == limits.OF_TOOLS["similar_to.ref"] == 4096
    assert limits.OF_TOOLS["source"] == 300
