"""What of an office file is not read, as one warning for each kind of loss."""

from __future__ import annotations

from collections.abc import Iterator

DAMAGED = "damaged, read only in part: {}"
MISSING = "parts that the file refers to are not in it: {}"
UNLINKED = (
    "the list of what belongs to a part is lost, so that its pictures, notes, headers or drawings "
    "may be missing: {}"
)
EMBEDDED = "embedded files are not read: {}; save and ingest them by themselves"
LINKED = "pictures that lie outside the file are not seen: {}"
LINKED_FILE = "films, sounds and files that lie outside the file are not read: {}"
UNDRAWN = "drawings that cannot be drawn are not seen, only their words are read: {}"
UNDECODED = "pictures that are damaged or of an unknown format are not seen: {}"
IN_CELLS = "pictures placed in cells, not above them, are not seen: {}"
MORE_PICTURES = "a page has more pictures than are seen (64): {}"
HIDDEN = "hidden text is left out: {}"
UNCOUNTED = "formulas without a stored result are not read; open the file and save it again: {}"
CUT = "cut, since longer than any program shows: {}"
CUT_OFF = "cut short or damaged, read only as far as it goes: {}"
LINKS = "links to other files are not followed: {}"
_COUNTED = (HIDDEN, UNCOUNTED, CUT)
"""Kinds whose number at a place means something; a part that is read twice is noted twice."""
_NAMED = 5
"""Places that one warning names."""


class Unread:
    """Losses of one file, collected while it is read."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, int]] = {}

    def add(self, kind: str, place: str) -> None:
        """Note a loss of a kind (a text with `{}` for its places)."""
        places = self._places.setdefault(kind, {})
        places[place] = places.get(place, 0) + 1 if kind in _COUNTED else 1

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._places)

    def lines(self) -> Iterator[str]:
        """One line for each kind: what is not read, and where."""
        for kind, places in self._places.items():
            named = [f"{p} ({n})" if n > 1 else p for p, n in list(places.items())[:_NAMED]]
            more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
            yield kind.format(", ".join(named) + more)
