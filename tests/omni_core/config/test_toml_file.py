"""A key of a TOML file knows its line."""

from __future__ import annotations

import tomllib
from itertools import permutations
from pathlib import Path

import pytest

from omni_core.config import toml_file

STATEMENTS = {
    "plain": "plain = 1 # not fake = 2",
    "lines": 'lines = """\nfake = 1\n[fake]\n"""',
    "raw": "raw = '''\n\\\"\nfake = 1'''",
    "list": 'list = [\n  "fake = 1", # ]\n  [2,\n3],\n]',
    "dotted": "dotted . a = 1",
    "a quoted.key": '"a quoted.key" = """ \\\n  fake = 1"""',
    "inline": "inline = { fake = 1 }",
}
TABLES = {
    "table": "[ table ]\nplain = 1\nfake = 2\nlist = [\n1]",
    "rows": "[[rows]]\nraw = 1\n\n[[rows]]\nlines = 2",
    "deep": "[deep.table]\nlines = 3",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", ["", "\n# fake = 1\n"])
def test_every_statement_is_found_at_its_first_line(newline: str, gap: str) -> None:
    keys = list(STATEMENTS)
    orders = [keys[n:] + keys[:n] for n in range(len(keys))]
    for order in orders:
        for tables in permutations(TABLES):
            text, lines = "", {}
            for key in (*order, *tables):
                text += gap
                lines[key] = text.count("\n") + 1
                text += (STATEMENTS | TABLES)[key] + "\n"
            text = text.replace("\n", newline)
            assert set(tomllib.loads(text)) == set(lines)
            assert {key: toml_file.line_of(text, key) for key in lines} == lines


def test_a_key_of_a_table_is_no_key_of_the_file() -> None:
    with pytest.raises(KeyError):
        toml_file.line_of("[table]\nport = 1\n", "port")


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "omni.toml"
    path.write_bytes(b"\xef\xbb\xbfport = 1\r\nhost = 'h'\r\n")
    file = toml_file.read(path)
    assert file.values == {"port": 1, "host": "h"}
    assert file.where("host") == f"{path}, line 2"
