"""Deterministic ids of sources and segments: derived from content, the same on every machine."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid

PIPELINE = "2"
"""Version of how files are cut and read, raised when older sources should be read again: 2 reads
parts of files that 1 left out."""
_ID_SHAPED = re.compile(r"(?:src|seg|upload)_[a-z0-9]{10,64}|[0-9a-f]{64}", re.IGNORECASE)
_NAMESPACE = uuid.UUID("6f6d6e69-2d6d-6370-8000-65766964656e")


def source_id(sha256: str) -> str:
    """The public id of the file with this hash."""
    return "src_" + base64.b32encode(bytes.fromhex(sha256)[:10]).decode().lower()


def hash_apart(sha256: str, collection: str) -> str:
    """Names the copy of a file (by the sha256 of its bytes) that is kept for one collection alone:
    it says nothing of whether another collection has the same file."""
    return hashlib.sha256(f"{collection}\0{sha256}".encode()).hexdigest()


def is_id_shaped(text: str) -> bool:
    """Whether a word is meant as an id or a sha256, well-formed or not: it is never looked for in
    titles, so that one mistyped, or of a source that is gone, names no other."""
    return _ID_SHAPED.fullmatch(text.strip()) is not None


def segment_uuid(source_id: str, channel: str, fragment: str, part: int) -> str:
    """The uuid5 under which a segment is stored. It does not depend on the model, so that a second
    ingest replaces the point of the first.

    `fragment` is the segment's span as a media fragment (`Span.fragment`).
    """
    suffix = f"#{part}" if part else ""
    return str(uuid.uuid5(_NAMESPACE, f"{source_id}/{channel}/{fragment}{suffix}"))


def segment_ref(segment_uuid: str) -> str:
    """The public id of a segment: `seg_` and 26 base32 characters."""
    raw = base64.b32encode(uuid.UUID(segment_uuid).bytes).decode().lower()
    return "seg_" + raw.rstrip("=")


def parse_segment_ref(ref: str) -> str | None:
    """The uuid that `segment_ref` encoded; None when `ref` is not one."""
    body = ref.removeprefix("seg_").upper()
    if not ref.startswith("seg_") or len(body) != 26:
        return None
    try:
        return str(uuid.UUID(bytes=base64.b32decode(body + "======")))
    except ValueError:
        return None
