"""JSON edited in place: one member changes, every other character stays."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from omni_core.errors import BadRequestError
from omni_server.clients import jsonc_edit, jsonc_tree

ENTRY = {"command": "/x", "args": ["serve"]}
TEXTS = {
    "four spaces": '{\n    "servers": {\n        "a": {"b": 1}\n    },\n    "z": [1, 2]\n}\n',
    "tabs": '{\n\t"servers": {\n\t\t"a": {\n\t\t\t"b": 1\n\t\t}\n\t}\n}',
    "one line": '{"servers": {"a": {"b": 1}}, "z": 1}',
    "one line, empty": '{"servers":{}}',
    "windows": '{\r\n  "servers": {\r\n    "a": 1\r\n  }\r\n}\r\n',
    "comments": '// c1\n{\n  /* c2 */\n  "servers": {\n    // c3\n    "a": 1 // c4\n  } // c5\n}\n',
    "trailing commas": '{\n  "servers": {\n    "a": {\n      "b": 1,\n    },\n  },\n}\n',
    "nothing inside": '{\n  "servers": {}\n}\n',
    "a comment inside": '{\n  "servers": {\n    // none yet\n  }\n}\n',
    "an inline object": '{\n  "servers": {"a": 1},\n  "z": {"servers": 2}\n}\n',
    "escapes": '{\n  "servers": {\n    "a": "\\u00e9 // \\" } é 日本"\n  }\n}\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_member_put_and_dropped_leaves_the_text_byte_for_byte(text: str) -> None:
    more = jsonc_edit.put(text, ["servers", "omni"], ENTRY)
    before, after = jsonc_edit.load(text), jsonc_edit.load(more)
    assert after == before | {"servers": before["servers"] | {"omni": ENTRY}}
    assert list(after["servers"])[-1] == "omni"
    assert jsonc_edit.put(more, ["servers", "omni"], ENTRY) == more
    assert jsonc_edit.drop(more, ["servers", "omni"]) == text
    assert jsonc_edit.drop(text, ["servers", "omni"]) == text


def test_new_lines_are_indented_and_ended_as_the_file_does_it() -> None:
    tabs = jsonc_edit.put(TEXTS["tabs"], ["servers", "omni"], ENTRY)
    assert '\n\t\t"omni": {\n\t\t\t"command": "/x",\n\t\t\t"args": [\n\t\t\t\t"serve"' in tabs
    windows = jsonc_edit.put(TEXTS["windows"], ["servers", "omni"], ENTRY)
    assert windows.count("\n") == windows.count("\r\n")


@pytest.mark.parametrize("text", ["", "  \n", "{}", "{}\n", "{\n}\n"])
def test_an_empty_file_becomes_one_with_the_entry(text: str) -> None:
    made = jsonc_edit.put(text, ["servers", "omni"], ENTRY)
    assert made.strip() == json.dumps({"servers": {"omni": ENTRY}}, indent=2)


def test_of_an_entry_only_what_differs_is_rewritten() -> None:
    text = (
        '{\n  "s": {\n    "o": {\n      "command": "old", // mine\n      "args": ["a"],\n'
        '      "gone": 1,\n      "x": {"k":1}\n    }\n  }\n}\n'
    )
    made = jsonc_edit.put(text, ["s", "o"], {"command": "new", "args": ["a"], "x": {"k": 1}})
    assert made == text.replace('"old"', '"new"').replace('      "gone": 1,\n', "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3), ('{\n  "a" 1\n}', 2), ("{\n\n", 3), ('{"a": tru}', 1),
        ('{"a": "\n"}', 1), ("{}\n{}", 2), ('{"a": 01}', 1), ('{"a": 1,,}', 1), ("[1 2]", 1),
        ('{"a": "\\x"}', 1), ("[" * 300, 1), ("{'a': 1}", 1), ("[\n" + "9" * 5000 + "]", 2),
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadRequestError, match=f"^line {line}: "):
        jsonc_tree.parse(text)


@pytest.mark.parametrize("text", ["{} // c", '{"a": 1,}', "[1,]", "/* c */ {}"])
def test_a_strict_reader_refuses_comments_and_trailing_commas(text: str) -> None:
    jsonc_tree.parse(text)
    with pytest.raises(BadRequestError, match=r"^line 1: a com"):
        jsonc_tree.parse(text, comments=False)


def test_a_duplicate_name_is_refused_with_both_lines() -> None:
    text = '{\n  "s": {\n    "o": 1,\n    "o": 2\n  }\n}'
    with pytest.raises(BadRequestError, match="twice, on lines 3 and 4"):
        jsonc_edit.put(text, ["s", "o"], 3)
    with pytest.raises(BadRequestError, match="twice, on lines 3 and 4"):
        jsonc_edit.drop(text, ["s", "o"])


def test_a_value_in_the_way_is_refused() -> None:
    with pytest.raises(BadRequestError, match=r"^s is not an object"):
        jsonc_edit.put('{"s": 1}', ["s", "o"], 3)


class Writer:
    """Writes values as people do: some on one line, comments and commas anywhere."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - test data
        self.comments = 0

    def gap(self, depth: int) -> str:
        self.comments += 1
        inside = f"/* {self.comments} */" if self.dice.random() < 0.2 else ""
        line = f" // {self.comments}, {{\n" if self.dice.random() < 0.1 else ""
        return self.dice.choice(["", " ", "\n" + "  " * depth]) + inside + line

    def value(self, depth: int = 0) -> str:
        kind = self.dice.randrange(5 if depth < 4 else 3)
        if depth and kind < 3:
            return self.dice.choice(['"a // \\" b"', "-1.5e3", "null", "true", '"é}"'])
        count = self.dice.randrange(4)
        parts = [self.member(i, depth, named=kind != 4 or not depth) for i in range(count)]
        comma = "," if count and self.dice.random() < 0.2 else ""
        opening, closing = "[]" if kind == 4 and depth else "{}"
        return f"{opening}{','.join(parts)}{comma}{self.gap(depth)}{closing}"

    def member(self, index: int, depth: int, *, named: bool) -> str:
        name = f'"k{index}"{self.gap(depth)}:' if named else ""
        return f"{self.gap(depth + 1)}{name}{self.gap(depth)}{self.value(depth + 1)}"


def paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [at, *(p for k, v in value.items() for p in paths(v, (*at, k)))]


@pytest.mark.parametrize("seed", range(80))
def test_random_texts_keep_their_values_and_comments_through_every_edit(seed: int) -> None:
    writer = Writer(seed)
    text = writer.value()
    before = jsonc_edit.load(text)
    comments = Counter(text[a:b] for a, b in jsonc_tree.comment_spans(text))
    for path in paths(before):
        made = jsonc_edit.put(text, [*path, "omni"], ENTRY)
        wanted = json.loads(json.dumps(before))
        node = wanted
        for key in path:
            node = node[key]
        node["omni"] = ENTRY
        assert jsonc_edit.load(made) == wanted
        assert Counter(made[a:b] for a, b in jsonc_tree.comment_spans(made)) == comments
        assert jsonc_edit.load(jsonc_edit.drop(made, [*path, "omni"])) == before
    for path in paths(before)[1:]:
        wanted = json.loads(json.dumps(before))
        node = wanted
        for key in path[:-1]:
            node = node[key]
        del node[path[-1]]
        assert jsonc_edit.load(jsonc_edit.drop(text, path)) == wanted
