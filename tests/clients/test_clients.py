"""The list of clients and the table of what they did, without installing any."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients import run
from tests.clients.install import Client, clients
from tests.clients.matrix import Outcome


def outcome(transport: str, **steps: str) -> Outcome:
    client = Client("toy", "Toy", Path("toy.py"), (), ("toy==1.2", "mcp<2"), True)
    said = {name.replace("_", " "): what for name, what in steps.items()}
    return Outcome(client, transport, said, {"ingest pdf": "3 calls, 1 timed out, 9 s"}, 12.0)


def test_every_client_has_a_driver_and_one_version() -> None:
    found = clients()
    assert len(found) == len({c.name for c in found}) == 12
    for client in found:
        assert client.driver.is_file(), client.driver
        assert re.fullmatch(r"\d+(\.\d+)+", client.version), client.packages


def test_the_table_says_what_worked_and_what_did_not() -> None:
    assert run.rows(
        [outcome("stdio", list="ok", ingest_pdf="ok"), outcome("http", list="refused")]
    ) == [
        "| Toy | 1.2 | stdio | yes | – | yes (3 calls, 1 timed out) | – | – | – |",
        "| Toy | 1.2 | http | **no** | – | – | – | – | – |",
    ]


def test_some_rows_can_be_renewed_on_the_day_and_with_the_settings_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "clients.md"
    page.write_text(f"before\n\n{run.BEGIN}\n{run.END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr(run, "PAGE", page)
    both = [outcome("stdio", list="refused"), outcome("http", list="ok")]
    assert run._write(both, whole=True)
    assert run._write([outcome("stdio", list="ok")], whole=False)
    text = page.read_text(encoding="utf-8")
    assert (
        text.count("| Toy | 1.2 | stdio | yes |") == text.count("| Toy | 1.2 | http | yes |") == 1
    )
    assert text.startswith("before\n\n") and text.endswith("\n\nafter\n")
    monkeypatch.setenv("OMNI_ENCODER", "another")
    assert not run._write([outcome("stdio", list="ok")], whole=False)


def test_a_client_is_green_when_every_step_was() -> None:
    assert outcome("stdio", list="ok").green
    assert not outcome("stdio", list="ok", search="no hit").green
    assert not outcome("stdio").green


def test_the_page_has_a_place_for_the_table() -> None:
    text = run.PAGE.read_text(encoding="utf-8")
    assert text.count(run.BEGIN) == text.count(run.END) == 1
