"""Values of JSON that are not what people read: text in pieces with their looks (Telegram, Slack,
Notion), seconds since 1970, pages as text, and the positions of a line on a map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from omni_core.media.text.page import Page
from omni_core.media.text.tracks import MANY

_LOOKS = {
    "plain", "text", "bold", "italic", "underline", "strikethrough", "code", "pre", "link",
    "text_link", "mention", "mention_name", "hashtag", "cashtag", "bot_command", "email", "phone",
    "bank_card", "spoiler", "custom_emoji", "blockquote", "emoji", "user", "channel", "usergroup",
    "broadcast", "expandable_blockquote",
}  # fmt: skip
"""Kinds of pieces of one text."""
_TOUCHING = tuple(" \n\t,.;:!?)]}'\"’”»…")
"""What stands close to the piece before it."""
_OF_TIME = re.compile(r"time|date|created|edited|modified|sent|(?:^|_)(?:ts|at)$", re.I)
_SINCE_1970 = re.compile(r"([1-4][0-9]{9})(?:\.[0-9]{1,9}|[0-9]{3}|[0-9]{6}|[0-9]{9})?")
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800  # 1990, 2100
_PAGE = re.compile(
    r"\s*<(?:p|div|span|h[1-6]|[uo]l|table|b|i|a|strong|em|blockquote)\b[^<>]*>", re.I
)
_PROGRAM = re.compile(r"<(?:script|style|!doctype|html|\?)", re.I)
_EPOCH = datetime(1970, 1, 1)
SHORTEST = 10
"""Digits of such a number."""


def as_pieces(value: Sequence[Any]) -> str | None:
    """The text of which a list holds the pieces; None for any other list."""
    text = ""
    for one in value:
        if isinstance(one, str):
            piece = one
        elif isinstance(one, dict) and (whole := _whole_piece(one)) is not None:
            text += whole
            continue
        elif isinstance(one, dict) and _is_piece(one):
            piece = one.get("text") or one.get("url") or ""
            link = one.get("href") or one.get("url")
            piece += f" ({link})" if isinstance(link, str) and link not in ("", piece) else ""
        else:
            return None
        close = not text or text[-1].isspace() or text[-1] in "([\"'“‘«" or not piece
        text += piece if close or piece.startswith(_TOUCHING) else f" {piece}"
    return text


def _whole_piece(one: dict[str, Any]) -> str | None:
    """A piece with its spaces, of Notion or of Quill."""
    said = one.get("plain_text")
    if said is None and one.keys() <= {"insert", "attributes"}:
        said = one.get("insert")
    return said if isinstance(said, str) else None


def _is_piece(one: dict[str, Any]) -> bool:
    text = one.get("text", one.get("url"))
    kind = one.get("type")
    return isinstance(text, str) and isinstance(kind, str) and kind in _LOOKS


def with_date(name: str, said: str) -> str:
    """A number of seconds since 1970, or of their parts, with the date that it is."""
    if not _is_of_time(name) or not _SINCE_1970.fullmatch(said):
        return said
    at = int(said[:SHORTEST])
    if not _EARLIEST <= at < _LATEST:
        return said
    return f"{said} ({_EPOCH + timedelta(seconds=at)} UTC)"


@lru_cache(maxsize=1 << 10)
def _is_of_time(name: str) -> bool:
    return _OF_TIME.search(name.rpartition(".")[2]) is not None


def as_read(text: str) -> str:
    """A page that is written as a value, as it is read; other text as it is."""
    if not _PAGE.match(text) or _PROGRAM.search(text):
        return text
    return Page(text, "").text.strip() or text


def positions(name: str, value: Sequence[Any]) -> int:
    """How many positions on a map a list holds, where these are too many to be read; else 0."""
    if not name.endswith("coordinates"):
        return 0
    count, rest = 0, list(value)
    while rest:
        one = rest.pop()
        if not isinstance(one, list) or not one:
            return 0
        if all(isinstance(n, int | float) for n in one):
            count += 1
        else:
            rest.extend(one)
    return count if count > MANY else 0
