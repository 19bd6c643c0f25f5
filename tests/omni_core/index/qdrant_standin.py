"""A Qdrant server's stand-in: real HTTP, strict about every request, the embedded engine."""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema

from omni_core.settings import Settings
from tests.omni_core.index.qdrant_standin_collections import Collections, NotFoundError

READS = ("/points", "/count", "/facet", "/scroll", "/query/batch")
"""Endings of the paths to which a POST only reads."""
OPENAPI = Path(__file__).parents[2] / "data" / "qdrant_openapi.json"


class StandIn:
    """The operations that `ServerIndex` uses, answered by the embedded engine.

    Quantization, payload indexes and filters are the engine's own (`qdrant_standin_engine` says
    what differs from a server). Stricter than a server by default: every body is checked against
    Qdrant's OpenAPI with unknown fields refused, what is not translated is refused, and so is a
    filter on a field without a payload index for it, as in strict mode.
    """

    key = "secret-key"
    read_only_key = "may-only-read"

    def __init__(self, beside: StandIn | None = None) -> None:
        """`beside` makes it another node of that one's cluster, with the same collections."""
        self._owns = beside is None
        self.collections: Collections = beside.collections if beside else Collections()
        self.version = "1.20.0"
        self.violations: list[str] = []
        self.requests: list[tuple[str, str, int]] = []
        self.failures: list[int] = []
        """HTTP statuses to answer the next requests with; 0 hangs up without an answer."""
        self.stall: threading.Event | None = None
        """Answers wait for this."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def settings(self, name: str = "evidence", **more: Any) -> Settings:
        """Settings of a library on this server."""
        return Settings(
            **{
                "index": "server", "qdrant_url": self.url, "qdrant_api_key": self.key,
                "qdrant_collection": name, **more,
            }
        )  # fmt: skip

    @property
    def created(self) -> dict[str, dict[str, Any]]:
        """The bodies that collections were made with; their metadata as it is now."""
        return {name: c.body for name, c in self.collections.made.items()}

    @property
    def indexed(self) -> dict[str, dict[str, Any]]:
        """What the payload indexes of the collections were made with."""
        return {name: c.indexed for name, c in self.collections.made.items()}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        if self._owns:
            self.collections.close()

    def check(self, verb: str, path: str, body: Any) -> None:
        for known, pattern, validator in _validators():
            if known == verb and pattern.fullmatch(path):
                if validator is not None:
                    for e in validator.iter_errors(body):
                        self.violations.append(f"{verb} {path}: {e.json_path}: {e.message[:200]}")
                elif body is not None:
                    self.violations.append(f"{verb} {path}: takes no body")
                return
        self.violations.append(f"{verb} {path}: not an operation of the OpenAPI")

    def answer(self, verb: str, path: str, body: Any) -> Any:
        """The `result` of one operation."""
        return self.collections.answer(verb, path, body)

    def count(self, name: str) -> int:
        """How many points the collection of this name or alias has."""
        return int(self.answer("POST", f"/collections/{name}/points/count", {})["count"])


def _handler(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def handle_any(self) -> None:
            path = self.path.split("?")[0]
            size = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(size)
            standin.requests.append((self.command, path, size))
            is_read = self.command == "GET" or (self.command == "POST" and path.endswith(READS))
            if standin.stall is not None:
                standin.stall.wait(30)
            if standin.failures and (status := standin.failures.pop(0)) != 200:
                if not status:
                    self.close_connection = True
                    return
                self.send(status, {"status": {"error": "injected"}, "time": 0})
            elif self.headers.get("api-key") == standin.read_only_key and not is_read:
                self.send(403, {"status": {"error": "Forbidden: Global manage access is required"}})
            elif self.headers.get("api-key") not in (standin.key, standin.read_only_key):
                error = "Must provide an API key or an Authorization bearer token"
                self.send(401, {"status": {"error": error}, "time": 0})
            elif size > 32 << 20:
                self.send(413, {"status": {"error": "Payload error"}, "time": 0})
            else:
                self.answer(path, json.loads(raw) if raw else None)

        def answer(self, path: str, body: Any) -> None:
            try:
                standin.check(self.command, path, body)
                if path == "/":
                    title = "qdrant - vector search engine"
                    self.send(200, {"title": title, "version": standin.version})
                    return
                result = standin.answer(self.command, path, body)
            except Exception as e:
                status = 404 if isinstance(e, NotFoundError) else 400
                self.send(status, {"status": {"error": str(e)[:300]}, "time": 0})
            else:
                self.send(200, {"result": result, "status": "ok", "time": 0.0})

        def send(self, status: int, answer: Any) -> None:
            data = json.dumps(answer, default=str).encode()
            with suppress(ConnectionError):  # a client that timed out has hung up
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    return Handler


@cache
def _validators() -> list[tuple[str, re.Pattern[str], Any]]:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    found = []
    components = _strict(document["components"])
    for path, operations in document["paths"].items():
        pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
        for verb, operation in operations.items():
            validator = None
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                whole = {**_strict(schema), "components": components}
                validator = jsonschema.Draft7Validator(whole)
            found.append((verb.upper(), pattern, validator))
    return found


def _strict(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable` becomes null, and unknown fields are refused."""
    if isinstance(schema, list):
        return [_strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: _strict(v) for k, v in schema.items() if k != "nullable"}
    if isinstance(out.get("properties"), dict) and "allOf" not in out:
        out.setdefault("additionalProperties", False)
    if schema.get("nullable") is True:
        return {"anyOf": [out, {"type": "null"}]} if out else {"type": "null"}
    return out
