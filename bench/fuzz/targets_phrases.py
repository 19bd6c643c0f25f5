"""What callers write: citations, periods, questions, cursors, patterns, settings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.fuzz.table import Target, of_text
from omni_core import cursors
from omni_core.config import edit
from omni_core.evidence import citation
from omni_core.media import dates
from omni_core.retrieval import when
from omni_core.retrieval.ordering import naming, reading
from omni_core.text import bm25, charset, clean, places, tokens
from omni_server.clients import jsonc_edit, jsonc_tree, toml_sections
from omni_server.globs import Glob

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")
CURSOR = cursors.encode("7", "request")
JSONC = b'{ // servers\n "mcpServers": {"a": {"command": "x", "args": [1, 2.5e3, null,],},},\n}\n'
TOML = b'# mine\nencoder = "embedded"\nroots = ["/media", "/b"]\n[mcp.a]\ncommand = "x"\n'


def _when(text: str) -> None:
    when.parse(text, NOW, LISBON)


def _question(text: str) -> None:
    reading.read(text)
    reading.sought(text)
    list(naming.named_sources(text))
    bm25.question(text)
    tokens.words(text)


def _glob(text: str) -> None:
    pattern, _, path = text.partition("\n")
    if pattern:
        Glob(pattern).matches(tuple(path.split("/")))


def _jsonc(text: str) -> None:
    """What was put is there, and what was dropped is not; the rest reads as before."""
    tree: Any = jsonc_edit.load(text)
    if isinstance(tree, dict):
        changed = jsonc_edit.put(text, ("x y", "z"), {"a": [1]})
        if jsonc_edit.load(changed)["x y"]["z"] != {"a": [1]}:
            raise AssertionError("what was put is not there")
        jsonc_edit.load(jsonc_edit.drop(changed, ("x y", "z")))
    list(jsonc_tree.comment_spans(text))


def _toml(text: str) -> None:
    edit.changed(text, {"encoder": "hashing", "port": 8001})
    toml_sections.drop(text, ("mcp", "a"))


def _citation(text: str) -> None:
    citation.with_quote(text)
    citation.parse(text)


def _decoded(data: bytes) -> None:
    charset.decode(data)
    charset.decoded(data, markup=True)
    charset.is_text(data)


def _cleaned(text: str) -> None:
    """Cleaning twice is cleaning once."""
    once = clean.clean(text, lines=True)
    if clean.clean(once, lines=True) != once:
        raise AssertionError("cleaned twice it is another text")


def _places(text: str) -> None:
    found = places.unpack(text)
    places.within("some words of it", found, 0, 10)
    json.dumps(found)


def targets() -> list[Target]:
    """The targets of this table."""
    return [
        Target("phrase citation", of_text(_citation), (
            b"src_pymajtlc4gnb3nbd#t=1:02,1:09", b'[Field trip @ 0:12.0-0:15.5] "the weir"',
            b"omni://source/src_pymajtlc4gnb3nbd#page=3", b"seg_evwo2z4bnjlwrfds53ccntyg5q",
            "[Ärger, p. 3–4]".encode(),
        )),
        Target("phrase when", of_text(_when), (
            b"last tuesday", b"2024-03-05T10:00+02:00/2024-03-06", b"past 7 days",
            b"between 5 march 2024 and today", b"since 2 weeks ago", b"q3 2025", b"2024-W05",
        )),
        Target("phrase question", of_text(_question), (
            b"what is said right after the boat leaves", b'the last time "Ann" spoke in a.mp3',
            "что было между лодкой и плотиной".encode(), "船离开之后说了什么".encode(),
            b"how often is a red door shown before 0:30", b"wann zuletzt, nach dem Wehr?",
        )),
        Target("phrase cursor", of_text(lambda t: cursors.decode(t, "request")), (
            CURSOR.encode(), cursors.encode("a b", "request").encode(),
        )),
        Target("phrase glob", of_text(_glob), (
            b"**/*.md\na/b/c.md", b"a[!b]?/**/[a-z]*\nax/y/z", b"**/**/x\na/b/x", b"[[:x]/{a,b}\nq",
        )),
        Target("settings jsonc", of_text(_jsonc), (
            JSONC, b"[1, /* c */ 2]", b'{"a":"\\u00e9\\n"}',
        )),
        Target("settings toml", of_text(_toml), (TOML, b'a.b = 1\n"c d" = """\nx"""\n')),
        Target("text dates", of_text(dates.parse), (
            b"2024:03:05 10:00:00", b"2024-03-05T10:00:00.123Z", b"20240305T1000+0200",
            b"2082844800",
            b"Tue, 5 Mar 2024 10:00:00 -0500",
        )),
        Target("text dates in names", of_text(dates.in_name), (
            b"IMG_20240305_101112.jpg", b"2024-03-05 10.11.12.mp4", b"WhatsApp Video 05.03.2024",
        )),
        Target("text charset", _decoded, (
            "Ärger über Größe".encode("cp1252"), "日本語の文".encode("shift_jis"),
            "тест строки".encode("koi8-r"), "a\0b\0".encode("utf-16"), b'<meta charset="x">' * 3,
        )),
        Target("text clean", of_text(_cleaned), (
            "a\u202eb\u200bc \x1b[31m red \U000e0041".encode(), b"plain\r\n\r\n\tlines \x00",
        )),
        Target("text places", of_text(_places), (
            places.pack([places.Place(0, 4, (0.1, 0.1, 0.2, 0.2)),
                         places.Place(5, 9, (0.3, 0.1, 0.4, 0.2), 90)]).encode(),
        ), (ValueError,)),
    ]  # fmt: skip
