"""Spans of a real engine's stages under the span of the call, in the caller's trace."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from omni_core.settings import Settings
from omni_server.app import create
from omni_server.http.app import create_http

BASE = "http://127.0.0.1:8000"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
SEARCH = {"search", "search.scope", "search.question", "search.retrieve", "search.fuse",
          "search.moments", "search.answer", "model_worker.encode_questions"}  # fmt: skip
WORDS = "The launch of the boat is postponed to March."


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # there is one a process
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return kept


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    exporter.clear()
    yield exporter


@pytest.fixture
def plain(tmp_path: Path, root: Path) -> Settings:
    (root / "notes.md").write_text(f"# Boats\n\n{WORDS}\n")
    return Settings(
        store=str(tmp_path / "store"), roots=(str(root),), encoder="hashing", index="memory",
        speech="off", screen_text="off",
    )  # fmt: skip


async def use(client: Client, **meta: Any) -> None:
    await client.call_tool("ingest_media", {"source": "notes.md", "wait_s": 45}, **meta)
    found = await client.call_tool("search", {"query": "launch of the boat"}, **meta)
    assert found.structured_content["hits"], found


def under(span: ReadableSpan, spans: tuple[ReadableSpan, ...]) -> set[str]:
    """The names of all spans below this one."""
    ids = {span.context.span_id}
    names: set[str] = set()
    for _ in range(5):
        for s in spans:
            if s.parent is not None and s.parent.span_id in ids:
                ids.add(s.context.span_id)
                names.add(s.name)
    return names


async def test_the_stages_of_a_call_are_spans_under_it(
    plain: Settings, spans: InMemorySpanExporter
) -> None:
    async with Client(create(plain)) as client:
        await use(client)
    made = spans.get_finished_spans()
    (search,) = [s for s in made if s.name == "tools/call search" and s.kind.name == "SERVER"]
    assert under(search, made) >= SEARCH
    (ingest,) = [s for s in made if s.name == "tools/call ingest_media" and s.kind.name == "SERVER"]
    assert under(ingest, made) >= {"ingest.file", "decoder.probe", "model_worker.process"}


async def test_no_span_has_words_of_a_question_or_of_a_file_or_its_path(
    plain: Settings, spans: InMemorySpanExporter
) -> None:
    async with Client(create(plain)) as client:
        await use(client)
        await client.call_tool("ingest_media", {"source": "missing-secret.md"})
        await client.call_tool("get_segment", {"ref": "[missing-secret p.2]"})
    told = " ".join(s.to_json() for s in spans.get_finished_spans())
    for word in ("boat", "Boats", "launch", "notes.md", "secret", str(plain.store)):
        assert word not in told
    failed = [s for s in spans.get_finished_spans() if s.name == "open"]
    assert [s.attributes["error.type"] for s in failed if s.attributes] == ["UNKNOWN_REF"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_parent_of_the_http_request_is_the_parent_of_the_call(
    plain: Settings, spans: InMemorySpanExporter, mode: Any
) -> None:
    app = create_http(plain)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.running(),
        httpx2.AsyncClient(transport=transport, base_url=BASE, headers=PARENT) as http,
    ):
        # As a client without OpenTelemetry sends it: its own span would be in `_meta` and win.
        answer = await http.post(
            "/mcp",
            json={
                "jsonrpc": "2.0", "id": 1, "method": "tools/list",
                "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                                     "io.modelcontextprotocol/clientCapabilities": {}}},
            } if mode == "auto" else {
                "jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                           "clientInfo": {"name": "x", "version": "1"}},
            },
            headers={"accept": "application/json, text/event-stream"} | (
                {"mcp-method": "tools/list", "mcp-protocol-version": "2026-07-28"}
                if mode == "auto" else {}
            ),
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    served = [s for s in spans.get_finished_spans() if s.kind.name == "SERVER"]
    assert [f"{s.context.trace_id:032x}" for s in served] == [TRACE]


async def test_the_parent_in_meta_wins(plain: Settings, spans: InMemorySpanExporter) -> None:
    app = create_http(plain)
    transport = httpx2.ASGITransport(app=app)
    tracer = trace.get_tracer("the client")
    async with (
        app.running(),
        httpx2.AsyncClient(transport=transport, base_url=BASE, headers=PARENT) as http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http)) as client,
    ):
        with tracer.start_as_current_span("outside") as outside:
            await client.call_tool("list_sources", {})
    (served,) = [s for s in spans.get_finished_spans()
                 if s.kind.name == "SERVER" and s.name == "tools/call list_sources"]  # fmt: skip
    assert served.context.trace_id == outside.get_span_context().trace_id


async def test_health_checks_begin_no_traces(plain: Settings, spans: InMemorySpanExporter) -> None:
    app = create_http(plain)
    transport = httpx2.ASGITransport(app=app)
    async with app.running(), httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        assert (await http.get("/ready")).status_code in (200, 503)
        assert (await http.get("/metrics")).status_code == 200
    assert spans.get_finished_spans() == ()


def exported(**variables: str) -> subprocess.CompletedProcess[str]:
    code = """
from omni_server.observe import traces
from omni_core.stages import stage
traces.set_up()
with stage("search"):
    pass
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True,
        env={"PYTHONPATH": ":".join(sys.path), **variables},
    )  # fmt: skip


def test_variables_choose_where_spans_go_and_never_stdout() -> None:
    done = exported(OTEL_TRACES_EXPORTER="console")
    span = json.loads(done.stderr)
    assert (span["name"], span["resource"]["attributes"]["service.name"]) == ("search", "omni-mcp")
    assert done.stdout == ""
    named = json.loads(exported(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="mine").stderr)
    assert named["resource"]["attributes"]["service.name"] == "mine"


@pytest.mark.parametrize(
    "variables",
    [{}, {"OTEL_TRACES_EXPORTER": "none"},
     {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}],
)  # fmt: skip
def test_without_a_wish_nothing_is_exported(variables: dict[str, str]) -> None:
    assert exported(**variables).stderr == ""


def test_an_unknown_exporter_is_said() -> None:
    assert "expected otlp, console or none" in exported(OTEL_TRACES_EXPORTER="jaeger").stderr
