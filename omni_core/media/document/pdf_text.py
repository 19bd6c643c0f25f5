"""The words of a page with a text layer: reading order, hyphens, headings, notes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from omni_core.media.document.drawing_ml import is_file_name
from omni_core.media.document.engines.base import Field, Line, Note, Page
from omni_core.media.document.odd_letters import typed
from omni_core.media.document.right_to_left import has_right_to_left, ordered_lines
from omni_core.media.document.text_layer import is_readable, unreadable_share
from omni_core.text.places import Place

MAX_TEXT = 2_000_000
"""Characters of one page that are kept."""
HEADING_RATIO = 1.15
"""Ratio of a heading's font size to the most common one of the page."""
MAX_HEADING = 120
MAX_ALTERNATIVE = 2_000
"""Characters that are kept of what is said of a picture."""
FEW_UNREADABLE = 0.02
"""Share of unreadable characters up to which a text is taken as it is."""
LEAST_LEFT = 0.9
"""Share of the characters of a page that are left where the file's own text for some is taken: a
file may give an empty one for whole blocks."""
LEAST_LOST, LOST_SHARE = 8, 0.5
"""Characters of a line from which it is a loss that more than this share of them is unreadable."""
ROWS = 3
"""Rows in which two columns stand side by side, at least, before their order is doubted."""
INDENT = 30.0
"""Points by which the lines of a column may begin further right than others."""
PROSE_WORDS = 4
PROSE_LOWER = 0.3
"""Mean words of a line of prose, and share of its lines that go on in the middle of a sentence;
cells of a table have fewer words and begin anew."""
_HYPHENS = ("-", "\u2010", "\u00ad")
_YES = ("yes", "on", "1", "true", "ja", "oui")
"""States of a check box that say no more than that it is on."""


@dataclass(frozen=True, slots=True)
class PageText:
    """headings: (first character in `text`, heading). usable: False for a text layer whose
    characters mean nothing, which is left out."""

    text: str
    headings: list[tuple[int, str]]
    usable: bool = True
    partly: bool = False
    """Whether lines were left out whose characters mean nothing."""
    covered: float = 0.0
    """Share of the page's area that lines of text cover."""
    places: list[Place] = field(default_factory=list)
    """Where the lines of `text` stand on the page."""
    lines: list[Line] = field(default_factory=list)
    """The lines in reading order."""


def page_text(page: Page) -> PageText:
    """The page's words in reading order.

    Where fonts do not say what their glyphs mean, the text that the file gives for them is tried,
    then the glyphs' numbers, which often are the characters.
    """
    lines = _said(page, _lines(page))
    if unreadable_share("".join(line.text for line in lines)) > FEW_UNREADABLE:
        numbered = _lines(page, numbered=True)
        drawn = {line.text for line in lines}
        changed = " ".join(line.text for line in numbered if line.text not in drawn)
        if is_readable(changed) and is_readable(" ".join(line.text for line in numbered)):
            lines = numbered
    said = " ".join(line.text for line in lines)
    kept = [line for line in lines if not _is_lost(line)] if "\ufffd" in said else lines
    if (lines and not kept) or not is_readable(" ".join(line.text for line in kept)):
        return PageText("", [], usable=False)
    partly, lines = len(kept) < len(lines), in_reading_order(kept)
    text, headings, places = _joined(lines, page)
    covered = sum(max(0.0, x1 - x0) * max(0.0, y1 - y0) for x0, y0, x1, y1 in
                  (line.box for line in lines)) / (page.width * page.height)  # fmt: skip
    return PageText(text, headings, covered=covered, places=places, lines=lines, partly=partly)


def _is_lost(line: Line) -> bool:
    """Whether most of a line means nothing; signs and bullets are shorter."""
    return len(line.text) >= LEAST_LOST and unreadable_share(line.text) > LOST_SHARE


def divided(text: str, following: str) -> str:
    """The part of a word at the end of one page's text, but for its number, that goes on at the
    start of the next one's; "" without one."""
    last = next((x for x in reversed(text.rsplit("\n", 3)[-3:]) if not x.strip().isdigit()), "")
    return last.split()[-1][:-1] if _divides(last, following[:1]) else ""


def remarks(page: Page, text: str, form: Sequence[Field] = ()) -> list[str]:
    """What the page says beside its text layer `text`: what its author says of its pictures, the
    remarks that readers attached, ticked boxes, and values of fields that are not drawn, those of
    a `form` without pages too."""
    words = text.split()
    seen, known = " ".join(words), set(words)
    found = _alternative_texts(page, seen)
    found += [_remark(note) for note in page.notes() if not (note.drawn and note.text in seen)]
    return found + [
        _filled(field)
        for field in (*page.fields(), *form)
        if field.ticked or not _is_drawn(field.value.split(), known, seen)
    ]


def _is_drawn(value: list[str], known: set[str], seen: str) -> bool:
    """Whether a value stands in the text. Most are told by their words alone: a form may have
    thousands of fields."""
    if len(value) == 1 and value[0] in known:
        return True
    return known.issuperset(value[1:-1]) and " ".join(value) in seen


def _alternative_texts(page: Page, seen: str) -> list[str]:
    """`Picture: words`, without names of files and what stands on the page."""
    texts = (" ".join(text.replace("\0", " ").split()) for text in page.alternative_texts())
    said = (text[:MAX_ALTERNATIVE] for text in texts if text and text not in seen)
    return [f"Picture: {text}" for text in dict.fromkeys(said) if not is_file_name(text)]


def _remark(note: Note) -> str:
    return f"Note ({note.author}): {note.text}" if note.author else f"Note: {note.text}"


def _filled(field: Field) -> str:
    """`Ticked: label` or `Ticked: label: state`; `label: value`."""
    value = " ".join(field.value.split())
    if field.ticked:
        value = "" if value.lower() in _YES else value
        return "Ticked: " + ": ".join(part for part in (field.label, value) if part)
    return f"{field.label}: {value}" if field.label else value


def _said(page: Page, lines: list[Line]) -> list[Line]:
    """Lines as the file says what they mean, where it does: those of unreadable characters, and
    those in which glyphs alone, as of `ft`, lack a meaning, where nothing is lost by it."""
    drawn = "".join(line.text for line in lines)
    share = unreadable_share(drawn)
    unreadable = share > FEW_UNREADABLE
    if not (unreadable or page.has_replacements()):
        return lines
    replaced = page.lines(replaced=True)
    text = "".join(line.text for line in replaced)
    if not text or has_right_to_left(text):
        return lines
    better = unreadable_share(text) < share
    if not unreadable:
        whole = len(replaced) == len(lines) and len(text) >= LEAST_LEFT * len(drawn)
        better = whole and unreadable_share(text) <= share
    return typed(replaced, text) if better else lines


def _lines(page: Page, *, numbered: bool = False) -> list[Line]:
    lines = page.lines(numbered=numbered)
    text = "".join(line.text for line in lines)
    if has_right_to_left(text):
        return ordered_lines(page, numbered=numbered)
    return typed(lines, text)


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines as they are drawn, except where columns of prose are drawn row by row: there the
    left one comes first."""
    jumps = [
        (a.box[2], b.box[0])
        for a, b in pairwise(lines)
        if b.box[0] >= a.box[2] - 1 and _same_row(a, b)
    ]
    gutters = _gutters(jumps)
    if not gutters:
        return list(lines)
    out: list[Line] = []
    band: list[Line] = []
    for line in lines:
        if any(line.box[0] < gutter < line.box[2] for gutter in gutters):  # across columns
            out += [*_columns(band, gutters), line]
            band = []
        else:
            band.append(line)
    return out + _columns(band, gutters)


def _gutters(jumps: Sequence[tuple[float, float]]) -> list[float]:
    """For each column but the first an x that lies within nearly all of the gaps before it."""
    columns: list[list[tuple[float, float]]] = []
    for jump in sorted(jumps, key=lambda jump: jump[1]):
        if columns and jump[1] - columns[-1][-1][1] <= INDENT:
            columns[-1].append(jump)
        else:
            columns.append([jump])
    found = []
    for gaps in columns:
        left = sorted(a for a, _ in gaps)[int(0.9 * (len(gaps) - 1))]
        right = sorted(b for _, b in gaps)[int(0.1 * (len(gaps) - 1))]
        if len(gaps) >= ROWS and left < right:
            found.append((left + right) / 2)
    return found


def _columns(band: list[Line], gutters: list[float]) -> list[Line]:
    columns: list[list[Line]] = [[] for _ in range(len(gutters) + 1)]
    for line in band:
        columns[sum(line.box[2] > gutter for gutter in gutters)].append(line)
    columns = [column for column in columns if column]
    side_by_side = all(
        sum(any(_same_row(a, b) for b in right) for a in left) >= ROWS
        for left, right in pairwise(columns)
    )
    if side_by_side and all(_is_prose(column) for column in columns):
        return [line for column in columns for line in column]
    return band


def _is_prose(lines: Sequence[Line]) -> bool:
    words = sum(len(line.text.split()) for line in lines) / max(1, len(lines))
    cased = [line.text[0] for line in lines[1:] if line.text[0].lower() != line.text[0].upper()]
    lower = sum(c.islower() for c in cased) / max(1, len(cased))
    return len(lines) >= ROWS and words >= PROSE_WORDS and lower >= PROSE_LOWER


def _same_row(a: Line, b: Line) -> bool:
    top, bottom = max(a.box[1], b.box[1]), min(a.box[3], b.box[3])
    return bottom - top > 0.5 * min(a.box[3] - a.box[1], b.box[3] - b.box[1])


def _joined(lines: Sequence[Line], page: Page) -> tuple[str, list[tuple[int, str]], list[Place]]:
    """The text, a line each, words that a hyphen divides over two lines made whole; the headings,
    short lines in a larger font than most of the page; and the places of the lines."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    out: list[str] = []
    headings: list[tuple[int, str]] = []
    places: list[Place] = []
    wide, high = page.width, page.height
    at = 0
    for n, line in enumerate(lines):
        if at > MAX_TEXT:
            break
        if (
            line.size >= body * HEADING_RATIO
            and len(line.text) <= MAX_HEADING
            and re.search(r"[^\W\d]", line.text)
        ):
            headings.append((at, line.text))
        following = lines[n + 1].text if n + 1 < len(lines) else ""
        text = f"{line.text[:-1]}" if _divides(line.text, following) else f"{line.text}\n"
        out.append(text)
        x0, y0, x1, y1 = line.box
        end = at + len(text) - text.endswith("\n")
        rect = (x0 / wide, y0 / high, x1 / wide, y1 / high)
        places.append(Place(at, end, rect, line.turn))
        at += len(text)
    return "".join(out).rstrip("\n"), headings, places


def _divides(line: str, following: str) -> bool:
    """Whether the hyphen at the end of a line divides a word that goes on in the next."""
    if not line.endswith(_HYPHENS) or len(line) < 3 or not line[-2].isalpha():
        return False
    return following[:1].isalpha() and (following[0].islower() or line[-1] == "\u00ad")
