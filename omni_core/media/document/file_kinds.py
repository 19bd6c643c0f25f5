"""What files are that cannot be read, by their contents: OLE files by their streams, zips by their
parts. Each message says what the file is and what to do."""

from __future__ import annotations

from collections.abc import Collection

from omni_core.errors import UnreadableError
from omni_core.text.clean import clean

_OLE = (
    ("WordDocument", "a Word document from before 2007 (DOC)", "DOCX or PDF"),
    ("PowerPoint Document", "a PowerPoint presentation from before 2007 (PPT)", "PPTX or PDF"),
    ("VisioDocument", "a Visio drawing (VSD)", "PDF"),
    ("Quill", "a Publisher file (PUB)", "PDF"),
    ("Envelope", "a Publisher file (PUB)", "PDF"),
    ("Props9", "a Microsoft Project plan (MPP)", "XLSX or PDF"),
    ("Props12", "a Microsoft Project plan (MPP)", "XLSX or PDF"),
    ("Props14", "a Microsoft Project plan (MPP)", "XLSX or PDF"),
    ("MatOST", "a Microsoft Works document (WPS)", "DOCX or PDF"),
    ("MM", "a Microsoft Works document (WPS)", "DOCX or PDF"),
    ("SPELLING", "a Microsoft Works document (WPS)", "DOCX or PDF"),
    ("StarWriterDocument", "a StarOffice document (SDW)", "ODT or PDF"),
    ("StarCalcDocument", "a StarOffice spreadsheet (SDC)", "ODS or PDF"),
    ("StarDrawDocument3", "a StarOffice presentation or drawing (SDD, SDA)", "ODP or PDF"),
    ("HwpSummaryInformation", "a Hangul document (HWP)", "DOCX or PDF"),
    ("Catalog", "a cache of preview pictures (Thumbs.db)", "pictures of their own"),
    ("CONTENTS", "a document of Microsoft Works or another old program", "DOCX or PDF"),
)  # fmt: skip
"""A stream, the kind of file that has it, and what to save it as."""
_ZIP = (
    ("xl/workbook.bin", "a binary workbook (XLSB)", "save it as XLSX"),
    ("visio/document.xml", "a Visio drawing (VSDX)", "save it as PDF"),
    ("FixedDocSeq.fdseq", "an XPS document", "give it the suffix .xps"),
    ("FixedDocumentSequence.fdseq", "an XPS document", "give it the suffix .xps"),
    ("AndroidManifest.xml", "an Android app (APK)", "unpack it and ingest the documents inside"),
    ("META-INF/MANIFEST.MF", "a Java archive (JAR)", "unpack it and ingest the documents inside"),
    ("Contents/section0.xml", "a Hangul document (HWPX)", "save it as DOCX or PDF"),
    ("content.json", "a mind map (XMind)", "export it as Markdown, text or PDF"),
)
_IWORK = (
    ("/Slide", "a Keynote presentation", "PPTX or PDF"),
    (".key/", "a Keynote presentation", "PPTX or PDF"),
    ("/index.apxl", "a Keynote presentation", "PPTX or PDF"),
    (".numbers/", "a Numbers spreadsheet", "XLSX or PDF"),
    (".pages/", "a Pages document", "DOCX or PDF"),
    ("/Document.iwa", "a Pages or Numbers document", "DOCX, XLSX or PDF"),
    ("/buildVersionHistory.plist", "a Pages or Numbers document", "DOCX, XLSX or PDF"),
)  # fmt: skip
"""A piece of the name of a part; the first one that occurs decides."""
NAMED = 3
"""Files of an archive that a message names."""
LONGEST = 60
"""Characters of such a name."""


def ole_refusal(name: str, streams: Collection[str]) -> UnreadableError:
    """The error for an OLE file with these streams (their first names)."""
    plain = {stream.lstrip("\1\3\5\x06").lower() for stream in streams}
    kind, into = next(
        ((kind, into) for stream, kind, into in _OLE if stream.lower() in plain),
        ("a file of an old program (OLE)", "PDF or another current format"),
    )
    return UnreadableError(f"{name!r} is {kind}; save it as {into}", code="UNSUPPORTED_TYPE")


def encrypted(name: str) -> UnreadableError:
    """The error for a file with a password."""
    return UnreadableError(
        f"{name!r} is encrypted with a password; save a copy without password", code="ENCRYPTED"
    )


def zip_refusal(name: str, names: Collection[str]) -> UnreadableError:
    """The error for a zip of these parts that is no office file or book that can be read."""
    kind, advice = _zip_kind(names)
    return UnreadableError(f"{name!r} is {kind}; {advice}", code="UNSUPPORTED_TYPE")


def _zip_kind(names: Collection[str]) -> tuple[str, str]:
    """What a zip is, and what to do with it."""
    for mark, kind, into in _IWORK:
        if any(mark in f"/{name}" for name in names):
            return kind, f"export it as {into}"
    for part, kind, advice in _ZIP:
        if part in names:
            return kind, advice
    files = sorted(name for name in names if not name.endswith("/"))
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    shown = ", ".join(clean(name)[:LONGEST] for name in files[:NAMED])
    what = f" of {shown}{more}" if files else " without files"
    return f"a ZIP archive{what}", "unpack it and ingest what is inside"
