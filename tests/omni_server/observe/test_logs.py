"""Log lines as JSON, with the call that they belong to."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from omni_core.settings import Settings
from omni_server.observe.logs import JsonLines, PlainLines
from tests.omni_server.conftest import Connect, Scripted


def record(message: str, *args: Any, **more: Any) -> logging.LogRecord:
    return logging.LogRecord("omni.x", logging.WARNING, "x.py", 1, message, args, None, **more)


def test_a_record_is_one_line_of_json() -> None:
    line = JsonLines().format(record("two\nlines of %s", "wörds"))
    assert "\n" not in line
    held = json.loads(line)
    assert held.pop("time").endswith("Z")
    assert held == {"level": "WARNING", "logger": "omni.x", "message": "two\nlines of wörds"}


def test_an_error_has_its_traceback() -> None:
    try:
        raise ValueError("wrong")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    held = json.loads(JsonLines(whole=True).format(made))
    assert held["error"].startswith("Traceback")
    assert "ValueError: wrong" in held["error"]


async def test_a_line_of_a_call_names_its_tool_and_its_request(
    connect: Connect, engine: Scripted, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            made.append(json.loads(JsonLines(whole=True).format(record)))

    def broken(request: Any) -> Any:
        raise RuntimeError("a fault")

    monkeypatch.setattr(engine, "search", broken)
    handler, logger = Kept(), logging.getLogger("omni_server.app")
    logger.addHandler(handler)
    try:
        async with connect() as client:
            await client.call_tool("search", {"query": "launch"})
    finally:
        logger.removeHandler(handler)
    (line,) = made
    assert (line["tool"], line["level"]) == ("search", "ERROR")
    assert line["request_id"]
    assert "a fault" in line["error"]
    assert "launch" not in json.dumps({k: v for k, v in line.items() if k != "error"})


@pytest.mark.parametrize(("wanted", "is_json"), [("json", True), ("JSON", True), ("", False)])
def test_the_format_of_the_log_is_a_variable(wanted: str, is_json: bool) -> None:
    code = "from omni_server.observe import logs; import logging; logs.set_up(); "
    code += "logging.getLogger('a').error('words')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": ":".join(sys.path), "OMNI_LOG_FORMAT": wanted, "PATH": ""},
    )  # fmt: skip
    assert (done.stderr == "ERROR a: words\n") is not is_json
    if is_json:
        assert json.loads(done.stderr)["message"] == "words"


def test_an_unknown_format_is_said() -> None:
    code = "from omni_server.observe import logs; logs.set_up()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": ":".join(sys.path), "OMNI_LOG_FORMAT": "xml", "PATH": ""},
    )  # fmt: skip
    assert "OMNI_LOG_FORMAT is 'xml', expected json or text" in done.stderr


@pytest.mark.parametrize("lines", [PlainLines(whole=False), JsonLines()])
def test_no_line_at_the_default_level_shows_where_a_file_lies(lines: logging.Formatter) -> None:
    record = logging.makeLogRecord(
        {"name": "omni_server.auth", "levelname": "ERROR", "levelno": logging.ERROR,
         "msg": "the tokens file %s is gone: see %s and http://127.0.0.1:8000/mcp",
         "args": ("/etc/secret place/tokens.toml", "'/home/ann/my files/a b.txt'")}
    )  # fmt: skip
    line = lines.format(record)
    assert "/home" not in line and "ann" not in line
    assert "a b.txt" in line and "tokens.toml" in line and "http://127.0.0.1:8000/mcp" in line


def test_at_the_level_info_paths_are_shown() -> None:
    record = logging.makeLogRecord({"msg": "looked at %s", "args": ("/srv/media/notes",)})
    assert "/srv/media/notes" in PlainLines(whole=False, paths=True).format(record)
    assert "/srv/media/notes" in JsonLines(paths=True).format(record)
