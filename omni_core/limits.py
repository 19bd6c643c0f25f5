"""How much a caller may say: one table for tools, resources, prompts, HTTP, commands and Python.

Everything is measured before it is parsed, so that what comes after may take its time: no caller
makes the library wait with a document that was pasted into the wrong argument. Text with a NUL or
with half a character (a lone surrogate) is refused: no catalog, model or client can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omni_core.errors import BadRequestError

PATH = 4096
REF = 1000
LENGTHS: Mapping[str, int] = {
    "after": REF,
    "before": REF,
    "collection": 100,
    "cursor": 500,
    "exclude": 100_000,
    "match": 300,
    "name": 200,
    "not_like": REF,
    "path": PATH,
    "query": 100_000,
    "quote": 2000,
    "recorded_at": 64,
    "ref": REF,
    "source": PATH,
    "speaker": 200,
    "state": 20,
    "title": 1000,
    "transcript": PATH,
    "when": 100,
}
"""Most characters of each argument of `Engine`; of a list, of each entry."""
PATHS = frozenset({"path", "source", "transcript"})
"""May hold lone surrogates: so Python writes file names that are not UTF-8."""

OF_TOOLS: Mapping[str, int] = {
    **LENGTHS,
    "exclude": 400,
    "ingest_media.source": PATH,
    "query": 400,
    "similar_to.ref": PATH,
    "source": 300,
    "title": 200,
}
"""The same for tools: a model that writes a longer question has pasted a text into it. `TOOL.NAME`
comes before `NAME`."""

ANY_TEXT = 1000
"""Most characters of an argument that the tables do not name."""
ENTRIES = 20
"""Most entries of a list."""
ARGUMENTS = 40
"""Most arguments of a call."""
NUMBER = 64
"""Most characters of a number, a choice or a list of choices that is written as text."""
GLOB_PART = 512
"""Most characters of a glob between two slashes: no file name is longer than 255 bytes."""
WORDS = 50
"""Most different words that a title is searched for."""

OF_PROTOCOL: Mapping[str, int] = {
    "argument": 300,
    "cursor": 500,
    "method": 200,
    "name": 200,
    "progressToken": 256,
    "requestId": 256,
    "requestState": 100_000,
    "taskId": 200,
    "uri": REF,
}
"""Most characters of what a message names, outside the arguments of a tool."""
PROTOCOL_TEXT = 4096
"""Most characters of any other text there: prompt arguments, what people answer."""
PROTOCOL_ENTRIES = 1000
"""Most entries of a list or object there."""

MESSAGE_BYTES = 4 << 20
"""Most bytes of a message; over HTTP that is the SDK's own limit."""
MESSAGE_PARTS = 50_000
"""Most brackets, commas and colons in a message: what they separate is built one by one."""
MESSAGE_DEPTH = 64
"""Deepest nesting of a message."""
MESSAGE_ID = 256
"""Most characters of the id of a request."""

URL_BYTES = 8192
"""Most bytes of a path or a query string."""
HEADER_BYTES = 16_384
"""Most bytes of one header."""
HEADERS = 100
"""Most headers of a request."""


def check(**given: str | None) -> None:
    """Raise BadRequestError, in one line, for the first text that is longer than its limit or
    cannot be stored. The names are those of `LENGTHS`."""
    for name, text in given.items():
        if text:
            check_text(name, text, LENGTHS[name], whole=name not in PATHS)


def check_refs(name: str, refs: Sequence[str]) -> None:
    """`check` for each of several references, and for their number."""
    check_count(name, len(refs), ENTRIES)
    for ref in refs:
        check_text(name, ref, LENGTHS[name])


def check_text(name: str, text: str, most: int, *, whole: bool = True) -> None:
    """Raise BadRequestError unless `text` has at most `most` characters, none of them NUL and, with
    `whole`, none of them a lone surrogate."""
    if len(text) > most:
        raise BadRequestError(
            f"{name} has {len(text):,} characters; at most {most:,} fit, so give less of it"
        )
    if "\0" in text:
        raise BadRequestError(f"{name} holds a NUL character; leave it out")
    if whole and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequestError(
                f"{name} holds half a character (a lone surrogate); send whole characters"
            ) from None


def check_count(name: str, number: int, most: int, what: str = "entries") -> None:
    """Raise BadRequestError when there are more than `most`."""
    if number > most:
        raise BadRequestError(f"{name} has {number:,} {what}; at most {most:,} fit")
