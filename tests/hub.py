"""A stand-in for a model hub and a package index, on this machine, that can misbehave."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40
LFS_FROM = 200
"""Bytes from which a file is one of LFS, as the hub's are from some megabytes."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def wheel(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return held.getvalue()


@dataclass
class StandIn:
    """What it holds, what goes wrong, and what it was asked."""

    url: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    wheels: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Files of each project, by name."""
    faults: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    """For the name of a file what goes wrong in its next answers, one after the other: `cut N`
    (ends after N bytes), `spoil` (other bytes), `long`, `whole` (ignores the range), a status."""
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    """For a repository the status and the hub's own code of every answer."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def sent(self, name: str) -> list[dict[str, str]]:
        """The headers of each request for the bytes of a file."""
        return [headers for path, headers in self.asked if path.endswith(f"/{name}")]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One that answers until the block ends."""
    held = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(200, b"")

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            held.asked.append((path, {k.lower(): v for k, v in self.headers.items()}))
            if found := re.fullmatch(r"/api/models/(.+)/revision/([^/]+)", path):
                self._listing(found[1], found[2])
            elif found := re.fullmatch(r"/simple/([^/]+)/", path):
                self._index(found[1])
            elif found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
                if not self._refuses(found[1]):
                    self._bytes(held.repos[found[1]].get(found[3]), found[3])
            elif found := re.fullmatch(r"/files/([^/]+)/(.+)", path):
                self._bytes(held.wheels[found[1]].get(found[2]), found[2])
            else:
                self._answer(404, b"")

        def _refuses(self, repo: str) -> bool:
            status, code = held.refused.get(repo, (0, ""))
            if repo not in held.repos and not status:
                status, code = 404, "RepoNotFound"
            if status:
                self._answer(status, b"no", {"X-Error-Code": code} if code else {})
            return bool(status)

        def _listing(self, repo: str, revision: str) -> None:
            if self._refuses(repo):
                return
            siblings = [
                {
                    "rfilename": name, "size": len(data), "blobId": blob(data),
                    **({"lfs": {"sha256": sha256(data), "size": len(data)}}
                       if len(data) >= LFS_FROM else {}),
                }
                for name, data in held.repos[repo].items()
            ]  # fmt: skip
            commit = COMMIT if revision == "main" else revision
            self._answer(200, json.dumps({"sha": commit, "siblings": siblings}).encode())

        def _index(self, project: str) -> None:
            files = [
                {
                    "filename": n,
                    "url": f"../../files/{project}/{n}",
                    "hashes": {"sha256": sha256(d)},
                }
                for n, d in held.wheels.get(project, {}).items()
            ]
            self._answer(200, json.dumps({"files": files}).encode())

        def _bytes(self, data: bytes | None, name: str) -> None:
            if data is None:
                return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            fault = held.faults[name].popleft() if held.faults[name] else ""
            if fault.isdecimal():
                return self._answer(int(fault), b"", {"Retry-After": "7"})
            start = 0
            if (wanted := self.headers.get("Range")) and fault != "whole":
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    return self._answer(416, b"")
            body = {"spoil": data[::-1], "long": data + b"more"}.get(fault, data)[start:]
            headers = (
                {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            )
            if fault.startswith("cut "):
                self.close_connection = True
                self._answer(206 if start else 200, body[: int(fault[4:])], headers, len(body))
            else:
                self._answer(206 if start else 200, body, headers)

        def _answer(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, size: int = -1
        ) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body) if size < 0 else size))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join(10)
