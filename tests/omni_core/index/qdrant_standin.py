"""A Qdrant server's stand-in: real HTTP, strict about every request, no second process."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models

from omni_core.settings import Settings

READS = ("/points", "/count", "/facet", "/scroll", "/query/batch")
"""Endings of the paths to which a POST only reads."""
OPENAPI = Path(__file__).parents[2] / "data" / "qdrant_openapi.json"


class StandIn:
    """The operations that `Server` uses, answered by qdrant-client's local mode.

    Stricter than a server by default: every body is checked against Qdrant's OpenAPI with unknown
    fields refused, and a filter on a field without a payload index is refused as in strict mode.
    """

    key = "secret-key"
    read_only_key = "may-only-read"

    def __init__(self) -> None:
        self.client = QdrantClient(":memory:", force_disable_check_same_thread=True)
        self.version = "1.20.0"
        self.violations: list[str] = []
        self.requests: list[tuple[str, str, int]] = []
        self.failures: list[int] = []
        """HTTP statuses to answer the next requests with; 0 hangs up without an answer."""
        self.stall: threading.Event | None = None
        """Answers wait for this."""
        self.created: dict[str, dict[str, Any]] = {}
        """The bodies that collections were made with."""
        self.indexed: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self._validators = _validators(json.loads(OPENAPI.read_text(encoding="utf-8")))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def settings(self, name: str = "evidence", **more: Any) -> Settings:
        """Settings of a library on this server."""
        return Settings(
            **{
                "index": "server", "qdrant_url": self.url, "qdrant_api_key": self.key,
                "qdrant_collection": name, **more,
            }
        )  # fmt: skip

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self.client.close()

    def check(self, verb: str, path: str, body: Any) -> None:
        for known, pattern, validator in self._validators:
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
        q, parts = self.client, path.strip("/").split("/")
        if parts == ["cluster"]:
            return {"status": "disabled"}
        if parts == ["aliases"]:
            return _plain(q.get_aliases())
        if parts == ["collections", "aliases"]:
            return q.update_collection_aliases(_parse(models.ChangeAliasesOperation, body).actions)
        name, what = parts[1], "/".join(parts[2:])
        if what == "exists":
            return {"exists": q.collection_exists(name)}
        if (verb, what) == ("PUT", ""):
            r = _parse(models.CreateCollection, body)
            self.created[name], self.indexed[name] = body, {}
            return q.create_collection(
                name, vectors_config=r.vectors, sparse_vectors_config=r.sparse_vectors
            )
        if (verb, what) == ("GET", ""):
            return self._described(name)
        if (verb, what) == ("PATCH", ""):
            self.created[name].setdefault("metadata", {}).update(body["metadata"])
            return True
        if what == "cluster":
            shard = {"shard_id": 0, "points_count": q.count(name).count, "state": "Active"}
            return {
                "peer_id": 1, "shard_count": 1, "local_shards": [shard], "remote_shards": [],
                "shard_transfers": [],
            }  # fmt: skip
        if (verb, what) == ("PUT", "index"):
            self.indexed[name][body["field_name"]] = body["field_schema"]
            return {"operation_id": 0, "status": "completed"}
        return self._points(verb, what, name, body)

    def _described(self, name: str) -> Any:
        info = self.client.get_collection(name)
        made = self.created.get(name, {})
        config = _plain(info.config)
        config["metadata"] = made.get("metadata")
        config["params"] |= {"vectors": made.get("vectors") or config["params"].get("vectors")}
        schema = {
            key: {"data_type": field["type"], "params": field, "points": 0}
            for key, field in self.indexed.get(name, {}).items()
        }
        return {**_plain(info), "config": config, "payload_schema": schema}

    def _points(self, verb: str, what: str, name: str, body: Any) -> Any:
        q = self.client
        done = {"operation_id": 0, "status": "completed"}
        for filter_ in _filters(body):
            self._require_indexes(name, filter_)
        if (verb, what) == ("PUT", "points"):
            q.upsert(name, _parse(models.PointsList, body).points)
            return done
        if what == "points":
            r = _parse(models.PointRequest, body)
            found = q.retrieve(name, r.ids, with_payload=True, with_vectors=bool(r.with_vector))
            return [_plain(p) for p in found]
        if what == "points/delete":
            kind = models.PointIdsList if "points" in body else models.FilterSelector
            q.delete(name, _parse(kind, body))
            return done
        if what == "points/payload":
            r = _parse(models.SetPayload, body)
            q.set_payload(name, r.payload, points=r.filter)
            return done
        if what == "points/count":
            r = _parse(models.CountRequest, body)
            return _plain(q.count(name, count_filter=r.filter, exact=True))
        if what == "facet":
            r = _parse(models.FacetRequest, body)
            return _plain(q.facet(name, r.key, limit=r.limit, exact=bool(r.exact)))
        if what == "points/scroll":
            r = _parse(models.ScrollRequest, body)
            page, following = q.scroll(
                name, scroll_filter=r.filter, limit=r.limit, offset=r.offset, with_payload=True
            )
            return {"points": [_plain(p) for p in page], "next_page_offset": following}
        if what == "points/query/batch":
            requests = _parse(models.QueryRequestBatch, body).searches
            for r in requests:
                r.params = None  # local mode is exact, and warns of what it ignores
            return [_plain(x) for x in q.query_batch_points(name, requests)]
        raise ValueError(f"the stand-in does not know {verb} {what}")

    def _require_indexes(self, name: str, filter_: Any) -> None:
        for condition in [*(filter_.get("must") or []), *(filter_.get("must_not") or [])]:
            key = condition.get("key")
            if key is not None and key not in self.indexed[name]:
                raise ValueError(f"Index required but not found for {key!r}")


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
                with standin.lock:
                    standin.check(self.command, path, body)
                    if path == "/":
                        title = "qdrant - vector search engine"
                        self.send(200, {"title": title, "version": standin.version})
                        return
                    result = standin.answer(self.command, path, body)
            except Exception as e:
                status = 404 if "not found" in str(e) else 400
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


def _filters(body: Any) -> Iterator[Any]:
    for request in (body or {}).get("searches", [body]):
        if request and request.get("filter"):
            yield request["filter"]


def _parse(kind: Any, body: Any) -> Any:
    return TypeAdapter(kind).validate_python(body)


def _plain(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_none=True)


def _validators(document: Any) -> list[tuple[str, re.Pattern[str], Any]]:
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
