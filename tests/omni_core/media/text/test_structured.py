"""JSON, lines of JSON and notebooks are read as words, without escapes, braces and base64."""

from __future__ import annotations

import json

import pytest

from omni_core.media.text import structured
from omni_core.media.text.structured import readable

PNG = "iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAAAAACIM" * 9


def text_of(source: str) -> str:
    found = readable(source)
    assert found is not None
    return found.text


def test_escapes_are_letters_and_names_stand_before_values() -> None:
    lines = [{"from": "Мария", "text": "Паром отменён"}, {"from": "李雷", "tags": ["a", "b"]}]
    source = "\n".join(json.dumps(line) for line in lines)
    assert text_of(source) == "from: Мария; text: Паром отменён\nfrom: 李雷; tags: a, b"


def test_nested_values_carry_the_names_above_them() -> None:
    value = {"ship": {"name": "Blue Heron", "legs": [{"to": "Trondal"}, {"to": "Elvran"}]}, "n": 0}
    assert text_of(json.dumps(value)) == (
        "ship.name: Blue Heron\nship.legs.to: Trondal\nship.legs.to: Elvran\nn: 0"
    )


def test_binary_values_are_left_out_and_counted() -> None:
    found = readable(json.dumps({"picture": f"data:image/png;base64,{PNG}", "caption": "a weir"}))
    assert found is not None
    assert (found.text, found.left_out) == ("caption: a weir", 1)


def test_a_long_word_without_digits_is_no_binary_value() -> None:
    assert text_of(json.dumps({"w": "donau" * 20})) == "w: " + "donau" * 20


@pytest.mark.parametrize(
    "source", ["{not json", "[1, 2", "{}\nprose follows\nand more", '"x"', "7"]
)
def test_what_is_not_json_is_left_to_others(source: str) -> None:
    assert readable(source) is None


def test_one_bad_line_costs_itself() -> None:
    lines = [json.dumps({"n": i}) for i in range(30)]
    lines[20] = '{"n": "caf\\u00e9" broken'
    text = text_of("\n".join(lines)).split("\n")
    assert text[19:22] == ["n: 19", '{"n": "café" broken', "n: 21"]


def test_nesting_without_end_is_read_as_text() -> None:
    assert readable("[" * 100_000) is None


def test_a_text_too_long_to_parse_loses_its_escapes_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(structured, "MAX_PARSED", 10)
    assert text_of('{"a": "caf\\u00e9 \\ud83d\\ude00"}') == '{"a": "café 😀"}'


def test_every_value_of_a_name_that_stands_twice_is_read() -> None:
    text = text_of('{"note": "ALPHA", "at": 1, "note": {"is": "BETA"}}')
    assert text == "note: ALPHA\nnote.is: BETA\nat: 1"
    assert text_of('{"a": "x", "a": "y"}\n{"a": "z"}') == "a: x, y\na: z"


@pytest.mark.parametrize("between", ["", "\n", ",\n", "\n\x1e"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_values_one_after_the_other_are_read(between: str, indent: int | None) -> None:
    values = [{"name": "first quail"}, {"name": "second \u00fc"}, {"note": ["a", {"b": "c"}]}]
    text = between.join(json.dumps(value, indent=indent) for value in values)
    found = readable(text)
    assert found is not None and not found.bad_lines
    assert found.text == "name: first quail\nname: second \u00fc\nnote: a; note.b: c"
    broken = readable(text[:-3])
    assert broken is None or broken.bad_lines
