"""Cursors of paged answers: where the next page begins, signed with the request it belongs to.

A cursor is lower-case base32 without padding: 8 bytes of BLAKE2b over request and position, then
the position in UTF-8. The signature catches mistakes, not attackers: whoever may ask for one page
may ask for any.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from omni_core.errors import BadRequestError

_SIGNATURE_BYTES = 8


def encode(position: str, request: str) -> str:
    """A cursor for `position`, valid only with the request that the string `request` describes."""
    raw = _signature(position, request) + position.encode()
    return base64.b32encode(raw).decode().lower().rstrip("=")


def decode(cursor: str, request: str) -> str:
    """The position in a cursor; "" for an empty one, the first page.

    Raises BadRequestError BAD_CURSOR when it is malformed or of another request.
    """
    if not cursor:
        return ""
    try:
        raw = base64.b32decode(cursor.upper() + "=" * (-len(cursor) % 8))
        position = raw[_SIGNATURE_BYTES:].decode()
    except (binascii.Error, ValueError):
        raw, position = b"", ""
    if not position or raw[:_SIGNATURE_BYTES] != _signature(position, request):
        raise BadRequestError(
            "that cursor is not of this request; repeat the arguments of the answer that gave it, "
            "or start again without it",
            code="BAD_CURSOR",
        )
    return position


def decode_offset(cursor: str, request: str) -> int:
    """`decode` for cursors whose position is a number of results; 0 for an empty cursor."""
    return int(decode(cursor, request) or 0)


def _signature(position: str, request: str) -> bytes:
    text = f"{position}\0{request}".encode()
    return hashlib.blake2b(text, digest_size=_SIGNATURE_BYTES).digest()
