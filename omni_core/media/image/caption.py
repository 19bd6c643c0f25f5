"""What people wrote into a picture: titles, captions, keywords, names, places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import iTXt

from omni_core.media.image import iptc, xmp
from omni_core.media.image.tags import Tags
from omni_core.media.titles import plain
from omni_core.text.charset import decode

_DOCUMENT_NAME, _DESCRIPTION, _PAGE_NAME, _ARTIST, _COPYRIGHT = (
    0x010D, 0x010E, 0x011D, 0x013B, 0x8298,
)  # fmt: skip
_USER_COMMENT, _EXIF3_TITLE = 0x9286, 0xA436
_XP_TITLE, _XP_COMMENT, _XP_AUTHOR, _XP_KEYWORDS, _XP_SUBJECT = range(0x9C9B, 0x9CA0)
_PNG_TEXTS = ("Title", "Headline", "Description", "Caption", "Subject", "Comment", "comment")
_PROMPTS = re.compile(r"\n?(?:Negative prompt|Steps): .*", re.S)
"""What follows the description that a picture was generated from: settings."""
_XMP_TEXTS = (
    "dc:title", "photoshop:Headline", "dc:description", "tiff:ImageDescription",
    "exif:UserComment", "core:AltTextAccessibility", "core:ExtDescrAccessibility", "ext:Event",
    "ext:AOTitle", "photoshop:Instructions",
)  # fmt: skip
_XMP_PEOPLE = (
    "ext:PersonInImage", "ext:PersonName", "regions:Name", "people:PersonDisplayName",
    "ext:OrganisationInImageName",
)  # fmt: skip
_XMP_PLACES = (
    "core:Location", "photoshop:City", "photoshop:State", "photoshop:Country", "ext:Sublocation",
    "ext:LocationName", "ext:City", "ext:ProvinceState", "ext:CountryName",
)  # fmt: skip
_LEVELS = re.compile(r"[|/]")
"""Between the levels of a keyword: `Places|Japan|Nara`."""
_DEFAULT = re.compile(
    r"(?i).*\bdigital (still )?camera|sony dsc|dcim|default|untitled|screenshot|image|picture|"
    r"<?(kodak|minolta|samsung|maginon|casio|jenoptik|vivitar|polaroid)\b.{0,20}|"
    r"(exif|jfif|ascii|unicode)[_ ]?\w*|charset=\w+|"
    r"(created|generated|optimi[sz]ed|compressed|processed|converted) (with|using|via)\b.{0,80}|"
    r"(file )?(created|made|edited|written|saved|generated|\w+ed) (with|by|in|from) .{0,40}"
    r"(\d\.\d|adobe|photoshop|gimp|paint|magick|acdsee|irfan|jpegmini|tinypng|canva|corel).{0,40}|"
    r"(file source|software|creator): ?.{0,80}|creator.{0,80}\bquality = \d+|lavc[\d.]+|\*+|"
    r".{0,60}\bversion [\d.]+|lead technologies.{0,40}|intel\(r\).{0,60}|jpeg encoder.{0,60}|"
    r"(copyright|\(c\)).{0,20}hewlett.{0,60}|ac?dsee.{0,40}|gimp.{0,20}|xv version.{0,60}|"
    r"handmade software.{0,80}|u-lead systems.{0,40}|"
    r"(\w:)?\S*[/\\]\S+\.\w{2,5}|[^.]{1,60}\.(jpe?g|tiff?|png|psd|gif|bmp|webp|heic|pdf|eps|ai)|"
    r"(camera|type|manufacturer)?[ :]*(n/a|none|null|unknown)"
)
"""What cameras and programs write by themselves; names of files."""
_DEFAULT_CHARACTERS = 300
"""Longer texts are of people, even if they end with a word of a program."""
_CODE = re.compile(r"\s*[{\[<]|[\w-]+=[^ ]*;|[0-9a-fA-F+/=]{60}")
"""Texts of programs for programs: JSON, XML, settings, bytes as digits."""


def lines(image: Image.Image, tags: Tags) -> list[str]:
    """Titles and descriptions, a line each without repeats; then lines that name the keywords, the
    people, the place, the creator, the credit, the source and the copyright."""
    fields, properties = iptc.iptc_of(image), xmp.xmp_of(image)
    texts = [
        *(
            t
            for number in (iptc.OBJECT_NAME, iptc.HEADLINE, iptc.CAPTION, iptc.INSTRUCTIONS)
            for t in fields.get(number, ())
        ),
        *(t for name in _XMP_TEXTS for t in properties.get(name, ())),
        *_exif_texts(tags),
        *_own_texts(image),
    ]
    found = _distinct(texts)
    for label, values in (
        ("keywords", [*fields.get(iptc.KEYWORDS, ()), *properties.get("dc:subject", ()),
                      *_wide(tags, _XP_KEYWORDS).split(";"),
                      *(level for name in ("lr:hierarchicalSubject", "digikam:TagsList")
                        for t in properties.get(name, ()) for level in _LEVELS.split(t))]),
        ("people", [t for name in _XMP_PEOPLE for t in properties.get(name, ())]),
        ("place", [*(t for number in (iptc.PLACE, iptc.CITY, iptc.STATE, iptc.COUNTRY)
                     for t in fields.get(number, ())),
                   *(t for name in _XMP_PLACES for t in properties.get(name, ()))]),
        ("creator", [*fields.get(iptc.CREATOR, ()), *properties.get("dc:creator", ()),
                     _text(tags.main.get(_ARTIST)), _wide(tags, _XP_AUTHOR),
                     _chunk(image.info.get("Author"))]),
        ("credit", [*fields.get(iptc.CREDIT, ()), *properties.get("photoshop:Credit", ())]),
        ("source", [*fields.get(iptc.SOURCE, ()), *properties.get("photoshop:Source", ()),
                    _chunk(image.info.get("Source"))]),
        ("copyright", [*fields.get(iptc.COPYRIGHT, ()), *properties.get("dc:rights", ()),
                       *properties.get("rights:UsageTerms", ()),
                       _text(tags.main.get(_COPYRIGHT)).replace("\0", " "),
                       _chunk(image.info.get("Copyright"))]),
    ):  # fmt: skip
        if kept := _distinct(values):
            found.append(f"{label}: {', '.join(kept)}")
    return found


def _distinct(texts: Iterable[str]) -> list[str]:
    """Texts of people, on one line each; one that is part of another is not repeated."""
    found: list[str] = []
    for text in texts:
        line = plain(text)
        if not _is_prose(line, text) or any(line.lower() in other.lower() for other in found):
            continue
        found = [other for other in found if other.lower() not in line.lower()]
        found.append(line)
    return found


def _is_prose(line: str, text: str) -> bool:
    if not any(c.isalpha() for c in line) or _CODE.match(line):
        return False
    if len(line) <= _DEFAULT_CHARACTERS and _DEFAULT.fullmatch(line):
        return False
    return line.count("\ufffd") * 10 <= len(line) and text.count("\0") * 2 <= len(text)


def _exif_texts(tags: Tags) -> Iterator[str]:
    yield _text(tags.inner.get(_EXIF3_TITLE))
    for tag in (_DOCUMENT_NAME, _PAGE_NAME, _DESCRIPTION):
        yield _text(tags.main.get(tag))
    yield _wide(tags, _XP_TITLE)
    yield _wide(tags, _XP_SUBJECT)
    yield _wide(tags, _XP_COMMENT)
    yield _without_settings(_user_comment(tags.inner.get(_USER_COMMENT)))


def _own_texts(image: Image.Image) -> Iterator[str]:
    """Text chunks of PNG; comments of GIF and JPEG."""
    for name in _PNG_TEXTS:
        yield _chunk(image.info.get(name))
    yield _without_settings(_chunk(image.info.get("parameters")))


def _without_settings(prompt: str) -> str:
    return _PROMPTS.sub("", prompt) if "\nSteps: " in f"\n{prompt}" else prompt


def _text(value: Any) -> str:
    """Pillow reads ASCII fields as Latin-1; their bytes are mostly UTF-8 or a code page."""
    if isinstance(value, tuple):
        return " ".join(_text(v) for v in value)
    if isinstance(value, str):
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            return str(value)
    return decode(value.split(b"\0\0")[0]) if isinstance(value, bytes) else ""


def _chunk(value: Any) -> str:
    """A text of a PNG: iTXt is Unicode, tEXt Latin-1, in which many programs write UTF-8."""
    if isinstance(value, str) and not isinstance(value, iTXt):
        try:
            return value.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return value
    return str(value) if isinstance(value, str) else _text(value)


def _wide(tags: Tags, tag: int) -> str:
    """A field of Windows, in UTF-16."""
    value = tags.main.get(tag)
    if isinstance(value, tuple):
        value = bytes(v & 255 for v in value if isinstance(v, int))
    return _until_nul(value, "utf-16-le") if isinstance(value, bytes) else ""


def _until_nul(value: bytes, encoding: str) -> str:
    return value.decode(encoding, "replace").split("\0")[0]


def _user_comment(value: Any) -> str:
    """A text after eight bytes that name its character set (EXIF 2.3, 4.6.5)."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not isinstance(value, bytes):
        return ""
    charset, text = value[:8], value[8:]
    if charset == b"UNICODE\0":
        return text.decode("ascii").strip("\0 ") if _is_ascii(text) else _utf16(text)
    if charset.startswith(b"JIS"):
        return text.decode("iso2022_jp", "replace").rstrip("\0")
    if charset in (b"ASCII\0\0\0", b"\0" * 8, b" " * 8):
        return text.strip(b"\0 ").decode("ascii") if _is_ascii(text) else _unnamed(text)
    return decode(value.strip(b"\0 ")) if charset[:5].isalnum() else ""


def _is_ascii(text: bytes) -> bool:
    return all(32 <= c < 127 or c in b"\t\n\r" for c in text.strip(b"\0 "))


def _unnamed(text: bytes) -> str:
    """Text in an encoding that is not the one named: UTF-16 by its zero bytes, UTF-8, or else."""
    even = text[: len(text) & ~1]
    if 4 * even.count(0) > len(even) and (not any(even[1::2]) or not any(even[::2])):
        return _utf16(even)
    return decode(text.strip(b"\0 "))


def _utf16(text: bytes) -> str:
    """By its mark, else in the byte order in which more characters are common ones, or in which
    they come from fewer rows of Unicode: those of one text stand close together."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace").strip("\0")
    if not any(text[1::2]) or not any(text[::2]):
        return text.replace(b"\0", b"").decode("latin-1")
    readings = [text.decode(f"utf-16-{order}", "replace").split("\0")[0] for order in ("le", "be")]
    return max(readings, key=lambda t: (sum(map(_is_common, t)), -len({ord(c) >> 8 for c in t})))


def _is_common(c: str) -> bool:
    return c < "\u0600" or "\u3000" <= c < "\u3100" or "\uff00" <= c < "\uffee"
