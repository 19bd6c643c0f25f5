"""Both ends of a connection prove that they can read the store's secret, before anything else.

host -> client   MAGIC, 32 random bytes
client -> host   32 random bytes, HMAC of both under the secret
host -> client   another HMAC of both

All of it has a fixed length, so nothing that a stranger sends is interpreted. Where the system
says whose process is at the other end, it must be one of the same user.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import socket
import struct
import sys

from omni_core.sharing.link import Link

MAGIC = b"omni-mcp engine 1\n"
NONCE = 32
PROOF = 32
HANDSHAKE_S = 5.0
"""How long the other end may take."""


class StrangerError(ConnectionError):
    """The other end is not what it should be; the connection is to be closed."""


async def admit(link: Link, secret: bytes) -> None:
    """The host's side; raises ConnectionError for a peer that is not admitted."""
    require_same_user(link.socket)
    mine = secrets.token_bytes(NONCE)
    link.writer.write(MAGIC + mine)
    theirs = await _exactly(link, NONCE)
    if not hmac.compare_digest(await _exactly(link, PROOF), _proof(secret, "client", mine, theirs)):
        raise StrangerError("it does not know the secret")
    link.writer.write(_proof(secret, "host", mine, theirs))


async def enter(link: Link, secret: bytes) -> None:
    """The client's side; raises ConnectionError when the peer is not the host of this store."""
    require_same_user(link.socket)
    if await _exactly(link, len(MAGIC)) != MAGIC:
        raise StrangerError("no engine of omni-mcp listens there")
    theirs, mine = await _exactly(link, NONCE), secrets.token_bytes(NONCE)
    link.writer.write(mine + _proof(secret, "client", theirs, mine))
    if not hmac.compare_digest(await _exactly(link, PROOF), _proof(secret, "host", theirs, mine)):
        raise StrangerError("another program answers there")


def _proof(secret: bytes, side: str, host: bytes, client: bytes) -> bytes:
    return hmac.digest(secret, side.encode() + b"\0" + host + client, hashlib.sha256)


async def _exactly(link: Link, size: int) -> bytes:
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            return await link.reader.readexactly(size)
    except TimeoutError:
        raise StrangerError(f"it said nothing for {HANDSHAKE_S:g} s") from None
    except asyncio.IncompleteReadError:
        raise StrangerError("it ended the connection") from None


def require_same_user(connected: socket.socket) -> None:
    """Raises StrangerError when the process at the other end belongs to another user."""
    user = _peer_user(connected)
    if sys.platform != "win32" and user is not None and user != os.geteuid():
        raise StrangerError(f"it is a process of another user ({user})")


def _peer_user(connected: socket.socket) -> int | None:
    """The user id of the other end; None where the system does not say."""
    if sys.platform == "win32" or connected.family != socket.AF_UNIX:
        return None
    if sys.platform == "linux":
        size = struct.calcsize("3i")  # pid, uid, gid
        answer = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", answer)[1])
    if sys.platform == "darwin":
        local_level, local_peercred = 0, 1
        answer = connected.getsockopt(local_level, local_peercred, 76)  # struct xucred
        return int(struct.unpack_from("2I", answer)[1])
    return None
