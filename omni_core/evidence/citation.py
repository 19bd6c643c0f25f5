"""The grammar of references: `cite` prints it, `parse` reads it.

    [Title @ 12:04.3-12:19.3]    seconds of a video or audio; one time is an instant
    [Title p.12]                 a page
    [Title chars 120-480]        plain text
    [Title]                      an image, or a whole source
    seg_...                      a segment        src_...@83.5   src_...@80-95   src_...#p12
    omni://source/src_...        and the same with #t=80,95 or #page=12; omni://segment/seg_...
    [Title p.12] "the words"     any of these, and a quote that stands there (`with_quote`)

A title that would be parsed as something else (`Report p.3`) is printed in double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from omni_core import limits
from omni_core.errors import BadRequestError, NotFoundError, OmniError
from omni_core.ids import parse_segment_ref
from omni_core.text.clean import clean
from omni_core.text.clock import clock
from omni_core.types import Span

GRAMMAR = (
    "write seg_…, src_…@83.5, src_…@80-95, src_…#p12 or a citation such as [Title @ 1:05-1:20]"
)


@dataclass(frozen=True, slots=True)
class Ref:
    """A parsed reference: a segment, or a source and a span of it."""

    segment: str | None = None
    """uuid, for a reference to a segment."""
    source: str = ""
    """Id (`src_...`) or title as printed; compare titles with `same_title`."""
    span: Span | None = None
    """None is the whole source. An instant starts and ends at the same second."""


def place(span: Span | None) -> str:
    """A span as text: `12:04.3-12:19.3`, `p.12`, `chars 120-480`; "" for None (an image)."""
    if span is None:
        return ""
    if span.axis == "page":
        first, last = round(span.start), max(round(span.start), round(span.end) - 1)
        return f"p.{first}" if first == last else f"p.{first}-{last}"
    if span.axis == "char":
        return f"chars {round(span.start)}-{round(span.end)}"
    first_s, last_s = clock(span.start), clock(span.end)
    return first_s if first_s == last_s else f"{first_s}-{last_s}"


def cite(title: str, span: Span | None, *, source_id: str = "") -> str:
    """The citation to paste. `span` None for images and whole sources.

    Pass `source_id` where two sources have this title: it is printed after it.
    """
    name = clean_title(title)
    if source_id:
        name = f"{name} ({source_id})"
    elif not _reads_back(name):
        name = f'"{name}"'
    where = place(span)
    if not where:
        return f"[{name}]"
    at = "@ " if span is not None and span.axis == "second" else ""
    return f"[{name} {at}{where}]"


def clean_title(title: str) -> str:
    """The title as citations print it: one line, no control characters, no square brackets."""
    name = clean(title).replace("[", "(").replace("]", ")").replace('"', "”")
    return name or "untitled"


def with_quote(ref: str) -> tuple[str, str]:
    """A reference, and the quote that follows it in double quotes: `[Report p.3] "the words"`;
    the quote is "" where none follows."""
    match = re.fullmatch(
        r"\s*(\[[^\[\]]+\]|(?:seg_|src_|omni://)[^\s\"“”]+?)[\s:,]*[\"“”](.+)[\"“”][\s.]*",
        ref,
        re.S,
    )
    return (match[1], match[2].strip()) if match else (ref, "")


def same_title(title: str, cited: str) -> bool:
    """Whether `cited` (from a Ref) names a source with this title."""
    return clean_title(title).casefold() == clean_title(cited).casefold()


def parse(ref: str) -> Ref:
    """Read any form of the grammar, with or without brackets, with any dash, `p. 12`, `83.5s`.

    Raises NotFoundError UNKNOWN_REF for a malformed id, BadRequestError for an impossible place.
    """
    if len(ref) > limits.REF:
        raise _unknown(ref)
    text = clean(ref)
    bracketed = re.search(r"\[([^\[\]]+)\]", text)
    if bracketed:
        text = bracketed[1].strip()
    else:
        # Without brackets, surrounding punctuation belongs to the text it was copied from.
        text = text if text.startswith('"') else text.strip(" \"'`“”<>()[]")
        text = text.rstrip(".,;") or text
    if not text:
        raise _unknown(ref)
    if text.startswith("omni://"):
        text = _from_uri(text, ref)
    if text.startswith("seg_"):
        uuid = parse_segment_ref(text)
        if uuid is None:
            raise _unknown(ref)
        return Ref(segment=uuid)
    name, span = _split(text)
    id_ = re.fullmatch(rf"(?:.*\()?({_SOURCE_ID})\)?", name)
    if id_:
        return Ref(source=id_[1], span=span)
    if name.startswith("src_") and " " not in name:
        raise _unknown(ref)
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    if not name.strip():
        raise _unknown(ref)
    return Ref(source=name.strip(), span=span)


def _unknown(ref: str) -> NotFoundError:
    shown = clean(ref[: limits.REF])[:60]
    return NotFoundError(f"{shown!r} is not a reference; {GRAMMAR}", code="UNKNOWN_REF")


_SOURCE_ID = r"src_[a-z2-7]{16}"
MOST_DIGITS = 24
"""Characters of a time, a page or a place in a text; a float has no room for some hundreds."""
_DASH = r"\s*(?:-|–|—|−|‑|\.\.|,|\bto\b)\s*"
_TIME = (
    r"(?:\d+:)?\d{1,3}:\d{1,2}(?:\.\d+)?"  # 1:02:03.5, 12:04
    r"|(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?s|\d+h(?:\d+m)?|\d+m"  # 1h02m03s, 83.5s, 12m
    r"|\d+(?:\.\d+)?"  # 83.5
)
_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<name>.*?)\s*(?:@|#t=)\s*(?P<t0>{_TIME})(?:{_DASH}(?P<t1>{_TIME}))?",
        rf"(?P<name>.*?)(?:\s+|\s*[#@])(?:pp?\.?|pages?[ =])\s*(?P<p0>\d+)(?:{_DASH}(?P<p1>\d+))?",
        rf"(?P<name>.*?)(?:\s+|\s*[#@])chars?[ =]\s*(?P<c0>\d+)(?:{_DASH}(?P<c1>\d+))?",
    )
)


@lru_cache(maxsize=1 << 12)
def _reads_back(name: str) -> bool:
    """Whether the unquoted name parses as itself, not as a span, an id or a quotation."""
    try:
        return parse(f"[{name}]") == Ref(source=name) and parse(f"[{name} p.1]").source == name
    except OmniError:
        return False


def _split(text: str) -> tuple[str, Span | None]:
    """The source's name and the span; a quoted name is not searched for one."""
    quoted = re.match(r'"([^"]*)"', text)
    if quoted:
        name, rest = quoted[0], text[quoted.end() :]
        if not rest.strip():
            return name, None
        text = "x" + rest
    for pattern in _PLACES:
        # The last match in the text wins: a title may contain an @.
        match = pattern.fullmatch(text)
        if match:
            return (name if quoted else match["name"].strip(" ,;:")), _span(match)
    return (name if quoted else text), None


def _span(match: re.Match[str]) -> Span:
    got = match.groupdict()
    if any(len(value or "") > MOST_DIGITS for key, value in got.items() if key != "name"):
        raise NotFoundError("no source is as long as that", code="OUT_OF_RANGE")
    if "t0" in got:
        start = _seconds(match["t0"])
        end = start if match["t1"] is None else _seconds(match["t1"])
        axis: Literal["second", "page", "char"] = "second"
    elif "p0" in got:
        start = int(match["p0"])
        end = 1 + (start if match["p1"] is None else int(match["p1"]))
        axis = "page"
        if start < 1:
            raise NotFoundError("pages count from 1; ask for #p1", code="OUT_OF_RANGE")
    else:
        start = int(match["c0"])
        end = start + 1 if match["c1"] is None else int(match["c1"])
        axis = "char"
    if end < start:
        raise BadRequestError(f"{place(Span(axis, start, start))} comes after the end; swap them")
    return Span(axis, float(start), float(end))


def _seconds(text: str) -> float:
    if ":" in text:
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + float(part)
        return total
    units = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", text.lower())
    if units and any(units.groups()):
        hours, minutes, seconds = (float(g or 0) for g in units.groups())
        return hours * 3600 + minutes * 60 + seconds
    return float(text)


def _from_uri(text: str, ref: str) -> str:
    match = re.fullmatch(
        r"omni://(?:source|segment)/([^/#?]+)(?:/[a-z0-9.]+)?(#.*)?", unquote(text)
    )
    if match is None:
        raise _unknown(ref)
    return match[1] + (match[2] or "")
