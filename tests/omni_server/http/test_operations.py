"""What operators ask: is it alive, is it ready, what does it do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from omni_core.errors import StoreError
from omni_core.settings import Settings
from omni_server.http.app import create_http
from omni_server.observe import ready
from tests.omni_server.http.conftest import AUTH, BASE, TOKEN, Web


def connect(http: httpx2.AsyncClient, mode: Any = "auto") -> Client:
    return Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode)


async def values(http: httpx2.AsyncClient) -> dict[str, float]:
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_readiness_is_503_with_the_reason_until_questions_can_be_answered(
    web: Web, engine: Any
) -> None:
    engine.waits_for = "the models are loading"
    async with web() as http:
        http.headers.pop("authorization")
        assert (await http.get("/health")).status_code == 200
        loading = await http.get("/ready")
        engine.waits_for = ""
        opened = await http.get("/ready")
    assert (loading.status_code, loading.json()) == (
        503, {"ready": False, "why": "the models are loading"},
    )  # fmt: skip
    assert (opened.status_code, opened.json()) == (200, {"ready": True, "why": ""})


@pytest.mark.parametrize("fails", [False, True])
async def test_a_library_that_does_not_open_is_not_ready_and_its_path_is_not_told(
    settings: Settings, fails: bool
) -> None:
    async def opener(_: Settings) -> Any:
        if fails:
            raise StoreError(f"{settings.store} is held by another process", code="STORE_BUSY")
        await asyncio.Event().wait()

    app = create_http(Settings(store=settings.store), opener=opener)
    transport = httpx2.ASGITransport(app=app)
    async with app.running(), httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        answer = await http.get("/ready")
        metrics = await values(http)
    assert answer.status_code == 503
    assert answer.json()["why"] == (
        "the library cannot be opened: STORE_BUSY (another process holds the store)"
        if fails
        else "the library is opening"
    )
    assert metrics["omni_ready"] == 0


async def test_a_database_that_hangs_or_fails_is_not_ready_and_is_asked_once_at_a_time(
    web: Web, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, hangs = [], asyncio.Event()

    async def status() -> Any:
        asked.append("status")
        await hangs.wait()
        raise StoreError("the catalog at db.internal/omni gave no connection within 10 s")

    monkeypatch.setattr(engine, "status", status)
    async with web() as http:
        with monkeypatch.context() as soon:
            soon.setattr(ready, "ANSWER_S", 0.01)
            answers = [await http.get("/ready") for _ in range(3)]
            assert (await values(http))["omni_ready"] == 0
        assert {(a.status_code, a.json()["why"]) for a in answers} == {
            (503, "the library gave no answer within 0.01 s: is its database up?")
        }
        assert asked == ["status"]
        hangs.set()
        failed = await http.get("/ready")
        assert (await values(http))["omni_ready"] == 0
    assert (failed.status_code, failed.json()["ready"]) == (503, False)
    assert failed.json()["why"].startswith("the library cannot be used: STORE_FAILED")
    assert "db.internal" not in failed.text


async def test_metrics_are_behind_the_token_unless_a_setting_opens_them(web: Web) -> None:
    async with web() as http:
        assert (await http.get("/metrics", headers={"authorization": "x"})).status_code == 401
    async with web(metrics_public=True) as http:
        http.headers.pop("authorization")
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/metrics", headers={"host": "evil.example"})).status_code == 421


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_metrics_count_tools_by_outcome_and_what_the_engine_says(web: Web, mode: Any) -> None:
    async with web() as http:
        async with connect(http, mode) as mcp:
            await mcp.call_tool("search", {"query": "launch"})
            await mcp.call_tool("search", {"query": "launch", "modalities": ["video"]})
            await mcp.call_tool("get_segment", {"ref": "seg_unknown"})
            for n in range(3):
                with contextlib.suppress(MCPError):
                    await mcp.call_tool(f"made_up_{n}", {})
        found = await values(http)
    assert found['omni_tool_calls_total{outcome="ok",tool="search"}'] == 1
    assert found['omni_tool_calls_total{outcome="BAD_ARGUMENT",tool="search"}'] == 1
    assert found['omni_tool_calls_total{outcome="UNKNOWN_REF",tool="get_segment"}'] == 1
    unknown = [v for name, v in found.items() if 'tool="unknown"' in name and "calls" in name]
    assert sum(v for v in unknown if v < 1e6) == 3
    assert not [name for name in found if "made_up" in name]
    assert found['omni_tool_seconds_count{tool="search"}'] == 2
    assert (found["omni_sources"], found["omni_segments"], found["omni_ready"]) == (3, 31, 1)
    assert (found["omni_files_pending"], found["omni_files_queued"]) == (2, 1)
    assert found['omni_worker_restarts_total{worker="models"}'] == 1
    assert found['omni_worker_resident_memory_bytes{worker="models"}'] > 1_000_000
    assert found["process_resident_memory_bytes"] > 1_000_000


async def test_metrics_count_uploads_and_requests_by_route_and_never_by_path(web: Web) -> None:
    async with web() as http:
        await http.post("/upload?name=secret.mp4", content=b"film")
        for n in range(5):
            await http.get(f"/media/{n}")
            await http.get(f"/nothing/{n}")
        await http.request("BREW", "/upload")
        found = await values(http)
    assert found["omni_uploads_received_bytes_total"] == 4
    assert found['omni_uploads_ended_total{how="completed"}'] == 1
    assert found['omni_http_requests_total{method="GET",route="/media/{token}",status="403"}'] == 5
    assert found['omni_http_requests_total{method="GET",route="other",status="404"}'] == 5
    assert not re.search(r"secret|nothing|upload_|BREW", "".join(found))


async def test_each_server_counts_for_itself(web: Web) -> None:
    async with web() as one, web() as other:
        async with connect(one) as mcp:
            await mcp.call_tool("search", {"query": "launch"})
        assert 'omni_tool_calls_total{outcome="ok",tool="search"}' in await values(one)
        assert 'omni_tool_calls_total{outcome="ok",tool="search"}' not in await values(other)


async def test_the_access_log_has_no_token_no_query_and_no_path_below_a_route(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    async with web(access_log=True) as http:
        await http.post("/upload?name=secret.mp4", content=b"film")
        await http.get("/media/signedtoken")
    lines = [r.getMessage() for r in caplog.records if r.name == "omni_server.access"]
    assert len(lines) == 2
    assert lines[0].startswith("POST /upload 201 ")
    assert lines[1].startswith("GET /media/{token} 403 ")
    assert not re.search(f"secret|signedtoken|{TOKEN}", caplog.text)


async def test_there_is_no_access_log_by_default(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with web() as http:
        await http.get("/health")
    assert not [r for r in caplog.records if r.name == "omni_server.access"]


async def test_a_request_keeps_the_id_that_the_client_gave_it_and_gets_one_otherwise(
    web: Web,
) -> None:
    async with web() as http:
        given = await http.get("/health", headers={"x-request-id": "abc-1"})
        made = await http.get("/health")
        false = await http.get("/health", headers={"x-request-id": "a b\x7f"})
    assert given.headers["x-request-id"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{16}", made.headers["x-request-id"])
    assert re.fullmatch("[0-9a-f]{16}", false.headers["x-request-id"])
    assert AUTH["authorization"] not in str(given.headers)
