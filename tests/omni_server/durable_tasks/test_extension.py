"""Tasks of the product's own tools, over HTTP and over the SDK's client, with a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from omni_core.settings import Settings
from omni_server.auth.token_edit import add, revoke
from omni_server.durable_tasks.context import TASKS
from omni_server.http.app import create_http
from tests.conformance.wire import Reply, call, meta

BASE = "http://127.0.0.1:8000"
KNOWS = meta(extensions={TASKS: {}})
ENDED = {"completed", "failed", "cancelled"}
WAIT_S = 60.0
ALICE, BOB, EVE = (name * 5 for name in ("-alice", "-bob", "-eve"))


@pytest.fixture
def web(settings: Settings, engine: Any) -> Any:
    """An HTTP client of a running application with this token."""

    @asynccontextmanager
    async def serve(token: str = "", **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
        async def opener(_: Settings) -> Any:
            return engine

        base: dict[str, Any] = {"store": settings.store, "roots": settings.roots}
        if token:
            base["tokens_file"] = await asyncio.to_thread(_tokens, settings.store_path)
        app = await asyncio.to_thread(create_http, Settings(**(base | options)), opener=opener)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with app.running():
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(
                transport=transport, base_url=BASE, headers=headers
            ) as client:
                yield client

    return serve


def _tokens(folder: Path) -> str:
    """A file with the tokens of these people, the last of whom has a library of her own."""
    path = folder.parent / "tokens.toml"
    if not path.exists():
        for name, token, tenant in (("alice", ALICE, ""), ("bob", BOB, ""), ("eve", EVE, "media")):
            add(path, token, name=name, scopes=["read", "ingest"], tenant=tenant)
    return str(path)


@pytest.fixture
def talk(root: Path, engine: Any) -> str:
    """A file whose ingest takes until `engine.hold` is set."""
    (root / "talk.mp4").write_bytes(b"not looked at")
    engine.hold = asyncio.Event()
    return "talk.mp4"


async def ask(http: httpx2.AsyncClient, method: str, **params: Any) -> Reply:
    return await call(http, method, {"_meta": KNOWS, **params})


async def ingest(http: httpx2.AsyncClient, source: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": "ingest_media", "arguments": {"source": source, **arguments}}
    return (await ask(http, "tools/call", **params)).result


async def until(http: httpx2.AsyncClient, id: str, status: str = "", message: str = "") -> Any:
    async with asyncio.timeout(WAIT_S):
        while True:
            task = (await ask(http, "tasks/get", taskId=id)).result
            if task["status"] == status or (message and task.get("statusMessage") == message):
                return task
            assert task["status"] not in ENDED, task


async def test_a_long_ingest_is_a_task_that_waits_for_its_end_whatever_wait_s_says(
    web: Any, engine: Any, talk: str
) -> None:
    engine.steps = 2
    async with web() as http:
        made = await ingest(http, talk, wait_s=0)
        assert (made["resultType"], made["status"]) == ("task", "working")
        await until(http, made["taskId"], message="50%, cutting, 1 segments")
        engine.hold.set()
        task = await until(http, made["taskId"], "completed")
    assert task["result"]["structuredContent"]["state"] == "ready"
    assert task["result"]["content"][0]["text"] == task["statusMessage"]
    ((request, wait_s),) = engine.asked
    assert (Path(request.path).name, wait_s) == ("talk.mp4", None)


async def test_cancelling_a_task_stops_its_ingest(web: Any, engine: Any, talk: str) -> None:
    async with web() as http:
        made = await ingest(http, talk)
        await ask(http, "tasks/cancel", taskId=made["taskId"])
        await until(http, made["taskId"], "cancelled")
        async with asyncio.timeout(WAIT_S):
            while not engine.cancelled:
                await ask(http, "tasks/get", taskId=made["taskId"])
    assert engine.cancelled == 1


async def test_a_path_that_may_not_be_read_is_refused_at_once(web: Any, engine: Any) -> None:
    async with web() as http:
        refused = await ingest(http, "/etc/passwd")
    assert refused["isError"]
    assert refused["content"][0]["text"].startswith("PATH_NOT_ALLOWED: ")
    assert engine.asked == []


async def test_a_task_is_its_principals_alone(web: Any, talk: str, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    for name, token in (("alice", ALICE), ("bob", BOB)):
        await asyncio.to_thread(add, tokens, token, name=name, scopes=["read", "ingest"])
    web = partial(web, tokens_file=str(tokens))
    async with web(ALICE) as http:
        made = await ingest(http, talk)
    async with web(BOB) as http:
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            reply = await ask(http, method, taskId=made["taskId"], inputResponses={})
            assert reply.code == INVALID_PARAMS
    async with web(ALICE) as http:
        assert (await ask(http, "tasks/get", taskId=made["taskId"])).result["status"] == "working"


@pytest.mark.parametrize("token", [ALICE, EVE])
async def test_a_task_goes_on_for_its_principal_in_the_next_server(
    web: Any, engine: Any, talk: str, root: Path, token: str
) -> None:
    async with web(token, tenant_roots=str(root.parent)) as http:
        made = await ingest(http, talk)
    engine.hold.set()
    async with web(token, tenant_roots=str(root.parent)) as http:
        task = await until(http, made["taskId"], "completed")
    assert task["result"]["structuredContent"]["state"] == "ready"


async def test_a_new_token_of_the_same_person_sees_the_task(
    web: Any, talk: str, settings: Settings
) -> None:
    path = settings.store_path.parent / "tokens.toml"
    async with web(ALICE) as http:
        made = await ingest(http, talk)
    await asyncio.to_thread(revoke, path, "alice")
    await asyncio.to_thread(lambda: add(path, "another", name="alice", scopes=["read", "ingest"]))
    async with web("another") as http:
        assert (await ask(http, "tasks/get", taskId=made["taskId"])).result["status"] == "working"


async def test_the_next_server_checks_anew_what_may_be_read(
    web: Any, engine: Any, talk: str, tmp_path: Path
) -> None:
    async with web() as http:
        made = await ingest(http, talk)
    other = tmp_path / "other"
    await asyncio.to_thread(other.mkdir)
    async with web(roots=(str(other.resolve()),)) as http:
        task = await until(http, made["taskId"], "completed")
    assert task["result"]["isError"]
    said = task["result"]["content"][0]["text"]
    assert said.startswith("NOT_FOUND: no file [1]") and "[1] talk.mp4" in said
    assert len(engine.asked) == 1


async def test_a_token_is_not_kept_with_its_tasks(web: Any, talk: str, settings: Settings) -> None:
    async with web(ALICE) as http:
        await ingest(http, talk)
    folder = settings.store_path / "tasks"
    kept = b"".join(await asyncio.to_thread(lambda: [f.read_bytes() for f in folder.iterdir()]))
    assert b"talk.mp4" in kept
    assert ALICE.encode() not in kept


async def test_with_a_damaged_file_the_server_works_and_says_why_there_are_no_tasks(
    web: Any, engine: Any, talk: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    folder = settings.store_path / "tasks"
    await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((folder / "tasks.sqlite3").write_bytes, b"no database" * 900)
    engine.hold.set()
    async with web() as http:
        direct = await ingest(http, talk)
        asked = await ask(http, "tasks/get", taskId="task_x")
    assert direct["structuredContent"]["state"] == "ready"
    assert asked.code == INTERNAL_ERROR
    assert "the file is damaged: move it away" in asked.body["error"]["message"]
    lines = [r.getMessage() for r in caplog.records if "tasks.sqlite3" in r.getMessage()]
    assert lines
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_a_request_without_a_task_id_is_an_invalid_parameter(web: Any, method: str) -> None:
    async with web() as http:
        assert (await ask(http, method)).code == INVALID_PARAMS
        assert (await ask(http, method, taskId=7, inputResponses={})).code == INVALID_PARAMS
