"""A fault is one line without its message in the log, and a traceback in a file of the store."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omni_server.observe import faults
from omni_server.observe.logs import JsonLines, PlainLines
from tests.omni_server.conftest import Connect, Scripted
from tests.results import text

PRIVATE = "/home/ann/secret/plan.md"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """What the file holds, once it is written."""
    end = faults.keep(tmp_path)

    def read() -> str:
        end()
        return (tmp_path / faults.FILE).read_text()

    yield read
    end()


def failed() -> logging.LogRecord:
    try:
        raise ValueError(f"cannot read {PRIVATE}")
    except ValueError:
        info: Any = sys.exc_info()
        return logging.LogRecord("a", logging.ERROR, "x.py", 1, "failed", (), info)


@pytest.mark.parametrize("lines", [PlainLines(whole=False), JsonLines()], ids=["plain", "json"])
def test_the_log_names_the_fault_and_no_path(lines: logging.Formatter) -> None:
    line = lines.format(failed())
    assert "ValueError in " in line and "line " in line and "f-" in line
    assert PRIVATE not in line and "Traceback" not in line and "\n" not in line


def test_at_the_level_debug_the_traceback_is_in_the_log() -> None:
    assert PRIVATE in PlainLines(whole=True).format(failed())


async def test_an_internal_fault_is_found_by_what_the_agent_was_told(
    connect: Connect,
    engine: Scripted,
    written: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def crash(_: Any) -> Any:
        raise RuntimeError(f"cannot read {PRIVATE}")

    monkeypatch.setattr(engine, "search", crash)
    async with connect() as client:
        told = text(await client.call_tool("search", {"query": "x"}))
    assert PRIVATE not in told
    reference = told.split("under ")[1].split(";")[0]
    held = await asyncio.to_thread(written)
    assert held.startswith(reference) and PRIVATE in held


def test_the_file_of_tracebacks_is_its_users_alone(
    written: Callable[[], str], tmp_path: Path
) -> None:
    logging.getLogger().handle(failed())
    assert PRIVATE in written()
    assert os.name != "posix" or (tmp_path / faults.FILE).stat().st_mode & 0o077 == 0


def test_a_store_that_cannot_be_written_costs_no_more_than_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    notes = faults.Faults(tmp_path / "file")
    notes.handle(failed())
    notes.close()
