"""The bytes of an XML part as a parser takes them: in UTF-8, without the small faults that would
cost all that follows.

Programs that put XML together from strings leave such faults: a bare `&`, an entity of HTML, a
control character, a byte of another encoding, a declaration of one that the bytes are not in.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html import escape
from html.entities import html5

_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_CONTROL = re.compile(rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bceBCEfF]|1[\da-fA-F]));")
"""A reference to such a character."""
_PAIR = re.compile(
    rb"&#(?:x0*(d[89ab][\da-f]{2})|0*(5[56]\d{3}));&#(?:x0*(d[c-f][\da-f]{2})|0*(5[67]\d{3}));",
    re.IGNORECASE,
)
"""References to the two halves of one character."""
_ALONE = re.compile(
    rb"&#(?:x0*(?:d[89a-f][\da-f]{2}|fff[ef])|0*(?:5529[6-9]|55[3-9]\d{2}|56\d{3}|57[0-2]\d{2}"
    rb"|573[0-3]\d|5734[0-3]|6553[45]));",
    re.IGNORECASE,
)
"""A reference to one half alone, or to what is no character."""
_BARE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,8}|#x[\da-fA-F]{1,8});)([A-Za-z]\w{0,30};)?")
_AS_IT_IS = re.compile(rb"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
"""Where `&` stands for itself."""
_BEGIN, _END = b"<![CDATA[", b"]]>"
_BEGUN = tuple(mark[:n] for mark in (_BEGIN, _END) for n in range(len(mark) - 1, 0, -1))
_NO_CHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_DECLARATION = re.compile(rb"\A\s*<\?xml\s[^<>]*?\?>\s*")
_DECLARED = re.compile(rb"encoding\s*=\s*[\"']([\w.:-]+)[\"']")
_LONGEST_REFERENCE = 40
_WIDE = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"<\0", "utf-16-le"),
         (b"\0<", "utf-16-be"))  # fmt: skip
_OTHER_BYTES = "omni-other-bytes"


def _other_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 as Windows-1252, which they are most often."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_OTHER_BYTES, _other_bytes)


def parseable(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """An XML part without its declaration, in UTF-8, its small faults mended."""
    held, as_it_is = b"", False
    for chunk in _utf8(chunks):
        clean = held + chunk.translate(None, _CONTROLS)
        cut = _complete(clean)
        mended, as_it_is = _mended(clean[:cut], as_it_is)
        held = clean[cut:]
        yield mended
    if held:
        yield _mended(held, as_it_is)[0]


def _complete(chunk: bytes) -> int:
    """Where a reference or a mark of CDATA begins that the chunk may break off; else its end."""
    cut = chunk.rfind(b"&", -_LONGEST_REFERENCE)
    cut = cut if cut >= 0 and b";" not in chunk[cut:] else len(chunk)
    if not chunk.endswith(_BEGUN):
        return cut
    return min(cut, *(len(chunk) - len(part) for part in _BEGUN if chunk.endswith(part)))


def _mended(chunk: bytes, as_it_is: bool) -> tuple[bytes, bool]:
    """The chunk mended, and whether it ends within CDATA; `as_it_is`: whether it begins there."""
    if as_it_is:
        end = chunk.find(_END) + len(_END)
        if end < len(_END):
            return chunk, True
        rest, as_it_is = _mended(chunk[end:], False)
        return chunk[:end] + rest, as_it_is
    if b"&#" in chunk:
        chunk = _ALONE.sub(b"", _PAIR.sub(_whole, _CONTROL.sub(b"", chunk)))
    if _BEGIN not in chunk:
        return (_BARE.sub(_escaped, chunk) if b"&" in chunk else chunk), False
    parts = _AS_IT_IS.split(chunk)
    parts[::2] = (_BARE.sub(_escaped, part) for part in parts[::2])
    return b"".join(parts), chunk.rfind(_BEGIN) > chunk.rfind(_END)


def _whole(pair: re.Match[bytes]) -> bytes:
    high, low = (
        int(hexadecimal, 16) if hexadecimal else int(decimal)
        for hexadecimal, decimal in (pair.group(1, 2), pair.group(3, 4))
    )
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return b"&#%d;" % (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _escaped(found: re.Match[bytes]) -> bytes:
    """An entity of HTML as its characters; any other `&` as itself."""
    name = found[1] or b""
    known = html5.get(name.decode("ascii", "replace"), "")
    return escape(known).encode() if known else b"&amp;" + name


def _utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder: codecs.IncrementalDecoder | None = None
    plain = False
    for chunk in chunks:
        if decoder is None:
            encoding = _encoding(chunk)
            plain = encoding == "utf-8"
            decoder = codecs.getincrementaldecoder(encoding)(_OTHER_BYTES)
            first = _encoded(decoder.decode(chunk).removeprefix("\ufeff"))
            yield _DECLARATION.sub(b"", first, count=1)
        elif plain and chunk.isascii() and not decoder.getstate()[0]:
            yield chunk
        else:
            yield _encoded(decoder.decode(chunk))
    if decoder is not None and (rest := decoder.decode(b"", final=True)):
        yield _encoded(rest)


def _encoded(text: str) -> bytes:
    return _NO_CHARACTERS.sub(b"", text.encode("utf-8", "replace"))


def _encoding(head: bytes) -> str:
    """The encoding of a part by its first bytes; what it declares counts where the bytes are no
    UTF-8 and can be in it."""
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), "")
    if wide:
        return wide
    declaration = _DECLARATION.match(head)
    declared = _DECLARED.search(declaration[0]) if declaration else None
    if declared is None or declared[1].lower() in (b"utf-8", b"utf8"):
        return "utf-8"
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
        if name.startswith(("utf", "ucs")) or not _is_text_codec(name):
            return "utf-8"
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return name
    except LookupError:
        return "utf-8"
    return "utf-8" if not head.isascii() else name


def _is_text_codec(name: str) -> bool:
    try:
        return isinstance(b"<".decode(name), str)
    except (LookupError, UnicodeError):
        return False
