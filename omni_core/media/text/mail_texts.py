"""What mail writes into its texts: lines that flow, encoded files, pictures."""

from __future__ import annotations

import re
from email.message import Message

_FLOWED = re.compile(r"\bformat\s*=\s*\"?flowed", re.I)
_DELETED_SPACE = re.compile(r"\bdelsp\s*=\s*\"?yes", re.I)
_QUOTED = re.compile(r"(>*) ?(.*)")
_SIGNATURE = "-- "
_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} ([^\n]+)\n(?:[!-`][ -`]{1,64}\n)+(?:[ `]?[ \t]*\n)?end[ \t]*$", re.M
)
"""A file as lines of the characters up to the grave accent, no lower-case letter among them."""
_ENCRYPTED = re.compile(
    r"^-----BEGIN PGP MESSAGE-----$.*?(?:^-----END PGP MESSAGE-----$|\Z)", re.M | re.S
)
_SIGNATURES = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----$.*?(?:^-----END PGP SIGNATURE-----$|\Z)"
    r"|^-----BEGIN PGP SIGNED MESSAGE-----\n(?:Hash:[^\n]*\n)*",
    re.M | re.S,
)
_DASHES = re.compile(r"^- (?=-)", re.M)
"""What stands before lines of a signed text that begin with a dash."""
_PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]{200}", re.I)


def unwrapped(text: str, part: Message) -> str:
    """The text with its lines joined where the part says that they flow (RFC 3676)."""
    kind = str(part.get("Content-Type", ""))
    if not _FLOWED.search(kind):
        return text
    kept = -1 if _DELETED_SPACE.search(kind) else None
    out: list[str] = []
    open_depth = -1  # of the line that the next one continues
    for line in text.split("\n"):
        found = _QUOTED.match(line)
        quotes, words = (found[1], found[2]) if found else ("", line)
        if words == _SIGNATURE or len(quotes) != open_depth:
            out.append(f"{quotes} {words}" if quotes else words)
        else:
            out[-1] = out[-1][:kept] + words
        flows = words.endswith(" ") and words != _SIGNATURE
        open_depth = len(quotes) if flows else -1
    return "\n".join(out)


def without_files(text: str) -> tuple[str, list[str]]:
    """The text without the files that are uuencoded in it, and their names."""
    if "\nend" not in text:
        return text, []
    return _UUENCODED.sub("", text), [found[1].strip() for found in _UUENCODED.finditer(text)]


def without_armour(text: str) -> tuple[str, bool]:
    """The text without what PGP writes into it, but for the words that it signs; and whether some
    of it is encrypted."""
    if "-----BEGIN PGP " not in text:
        return text, False
    without, encrypted = _ENCRYPTED.subn("", text)
    return _DASHES.sub("", _SIGNATURES.sub("", without)), bool(encrypted)


def has_pictures(markup: str) -> bool:
    """Whether pictures are written into a page."""
    return ";base64," in markup and _PICTURE.search(markup) is not None
