"""Folders and settings of tenants, libraries that open and close, and the processes they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from omni_core import Engine
from omni_core.engine.results import IngestRequest, SearchRequest
from omni_core.errors import RefusedError, StoppedError
from omni_core.settings import Settings, checker
from omni_server.auth.principal import OneScope, Principal, as_user
from omni_server.http.app import create_http
from omni_server.library_check import libraries
from omni_server.state import State
from omni_server.tenants import Tenants, folder_of, settings_of
from tests.omni_server.auth.authorization_server import AuthorizationServer
from tests.omni_server.auth.conftest import address, bound, listening

ODD = [
    "Acme", "ACME", "acme ", "..", ".", "/", "a/b", "../../etc", "a\\b", "con", "nul.txt", "",
    "~", "a~b", "é", "e\u0301", "Globex AG", "globex-ag", "x" * 65, "x" * 300, "-a", "a-", ".a",
    "acme~0123456789abcdef", "com1", "a\0b", "a:b",
]  # fmt: skip


@pytest.mark.parametrize("tenant", ODD)
def test_no_name_of_a_tenant_leads_out_of_its_folder(tenant: str) -> None:
    folder = folder_of(tenant)
    assert Path(folder).name == folder
    assert folder not in (".", "..")
    assert len(folder) <= 64
    assert folder == folder.lower()
    assert folder.isascii()


def test_two_tenants_never_share_a_folder() -> None:
    names = {*ODD, "acme", "acme2", "org_01J8", "0f8f-4c1e"}
    assert len({folder_of(name) for name in names}) == len(names)
    assert all(folder_of(folder_of(name)) != folder_of("Acme") for name in ODD if name != "Acme")


def test_plain_names_are_their_own_folders() -> None:
    for name in ("acme", "org_2", "a", "0f8fad5b-d9cb-469f-a165-70867728950e", "team.one"):
        assert folder_of(name) == name


def test_a_tenant_has_its_own_store_roots_and_collection(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path), roots=(str(tmp_path / "main"),))
    one, other = settings_of(settings, "acme"), settings_of(settings, "Acme")
    assert one.roots == other.roots == ()
    assert one.store_path == tmp_path / "tenants" / "acme"
    with_roots = Settings(store=str(tmp_path), tenant_roots=str(tmp_path / "people"))
    assert settings_of(with_roots, "acme").roots == (str(tmp_path / "people" / "acme"),)
    assert len({s.qdrant_collection for s in (settings, one, other)}) == 3


@pytest.mark.parametrize("schema", ["omni", "x" * 40, "x" * 63, "ы" * 23, "ы" * 31, "库" * 21])
def test_postgresql_keeps_the_schemas_of_tenants_apart(schema: str) -> None:
    made = [
        settings_of(Settings(catalog_schema=of), tenant).catalog_schema
        for of in (schema, f"{schema[:-1]}b") for tenant in ("acme", "globex", "Globex AG")
    ]  # fmt: skip
    assert len({name.encode()[:63] for name in made}) == 6
    assert made[0] == f"{schema}_{made[0].rsplit('_')[-1]}" or len(schema.encode()) > 46


@pytest.mark.parametrize("tenant", ["acme", "Acme AG"])
def test_the_doctor_looks_at_the_index_and_catalog_of_each_tenant(
    tmp_path: Path, tenant: str
) -> None:
    main = Settings(
        store=str(tmp_path), index="server", qdrant_url="http://q:6333", catalog="postgresql://db/o"
    )
    own = settings_of(main, tenant)
    own.store_path.mkdir(parents=True)
    assert libraries(main) == [main, own]
    assert own.qdrant_collection != main.qdrant_collection
    assert own.catalog_schema != main.catalog_schema


def test_no_setting_leads_a_tenant_to_folders_of_the_main_library(tmp_path: Path) -> None:
    """A new setting with folders or lists belongs into `settings_of`, or is named here."""
    shared = {"allowed_hosts", "child_env", "model_folders"}  # hosts, variables, weights
    lists = {name for name, field in checker().fields.items() if field.is_list} - shared
    assert lists == {"roots", "watch"}
    settings = Settings(store=str(tmp_path), roots=(str(tmp_path),))
    assert all(getattr(settings_of(settings, "acme"), name) == () for name in lists)


class Library:
    """Notes when it is opened and closed."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        self.busy = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.log.append(f"+{self.name}")
        yield
        self.log.append(f"-{self.name}")

    async def is_idle(self) -> bool:
        return not self.busy


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def tenants(log: list[str]) -> Tenants[Library]:
    return Tenants(lambda name: Library(name, log), 2)


async def until(log: list[str], wanted: list[str]) -> None:
    """Wait until the log has these lines in any order, for a minute at most."""
    with anyio.move_on_after(60):
        while sorted(log) != sorted(wanted):  # noqa: ASYNC110 - the end is what other tasks do, one by one
            await anyio.sleep(0.01)
    assert sorted(log) == sorted(wanted)


async def use(tenants: Tenants[Library], name: str) -> None:
    async with tenants.serving(name) as library:
        assert library.name == name
        assert tenants.of(name) is library


async def test_the_least_recently_used_library_is_closed_first(
    tenants: Tenants[Library], log: list[str]
) -> None:
    for name in ("a", "b", "a", "c"):
        await use(tenants, name)
    await until(log, ["+a", "+b", "+c", "-b"])
    with pytest.raises(StoppedError):
        tenants.of("b")
    await tenants.close()
    assert sorted(log) == ["+a", "+b", "+c", "-a", "-b", "-c"]


async def test_a_library_in_use_or_at_work_is_not_closed(
    tenants: Tenants[Library], log: list[str]
) -> None:
    async with tenants.serving("busy") as library:
        library.busy = True
    async with tenants.serving("used"):
        await use(tenants, "c")
        await until(log, ["+busy", "+used", "+c"])
        await use(tenants, "d")
        await until(log, ["+busy", "+used", "+c", "+d", "-c"])
        library.busy = False
        await use(tenants, "e")
        await until(log, ["+busy", "+used", "+c", "+d", "-c", "+e", "-busy", "-d"])


async def test_a_library_that_is_being_closed_is_waited_for_and_opened_again(
    tenants: Tenants[Library], log: list[str]
) -> None:
    for _ in range(5):
        await asyncio.gather(*(use(tenants, name) for name in "abcabc"))
    for name in "abc":
        opened = [entry[0] for entry in log if entry[1] == name]
        assert opened[::2] == ["+"] * len(opened[::2])
        assert opened[1::2] == ["-"] * len(opened[1::2])


async def test_a_library_that_cannot_be_opened_is_tried_again(log: list[str]) -> None:
    failures = [OSError("full")]

    def make(name: str) -> Library:
        if failures:
            raise failures.pop()
        return Library(name, log)

    tenants = Tenants(make, 2)
    with pytest.raises(OSError, match="full"):
        await use(tenants, "a")
    await use(tenants, "a")
    assert log == ["+a"]


async def test_many_first_requests_open_a_library_once(
    tenants: Tenants[Library], log: list[str]
) -> None:
    async def ask() -> None:
        async with tenants.serving("a"):
            await asyncio.sleep(0)

    await asyncio.gather(*(ask() for _ in range(20)))
    assert log == ["+a"]


def settings_for(tmp_path: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), encoder="hashing", index="memory",
                    speech="off", screen_text="off")  # fmt: skip


async def test_engines_beside_one_another_share_children_and_nothing_else(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    file = anyio.Path(tmp_path / "a.md")
    await file.write_text("# Title\n\nA lighthouse at dusk.\n")
    async with await Engine.open(settings) as main:
        beside = await Engine.open(settings_of(settings, "acme"), beside=main)
        try:
            assert (await beside.ingest(IngestRequest(str(file)))).state == "ready"
            assert (await main.sources()).total == 0
            pids = (await main.status())["pids"]
            assert pids["models"]
            assert (await beside.status())["pids"] == pids
        finally:
            await beside.close()
        assert (await main.ingest(IngestRequest(str(file)))).state == "ready"
        assert (await main.search(SearchRequest("lighthouse"))).hits
        assert (await main.status())["pids"]["models"] == pids["models"]


async def test_a_tenants_engine_uses_the_models_of_the_servers_own(tmp_path: Path) -> None:
    state = await asyncio.to_thread(State, settings_for(tmp_path))
    async with state.running():
        main = await (await state.engine()).status()
        async with state.tenants.serving("acme") as tenant:
            beside = await (await tenant.engine()).status()
    assert main["pids"]["models"]
    assert beside["pids"]["models"] == main["pids"]["models"]


async def test_the_same_bytes_are_ingested_one_after_another(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    file = anyio.Path(tmp_path / "a.md")
    await file.write_text("\n\n".join(f"# Part {n}\n\nWords of part {n}." for n in range(200)))
    async with (
        await Engine.open(settings) as main,
        await Engine.open(settings_of(settings, "a"), beside=main) as beside,
    ):
        one, two = await asyncio.gather(
            main.ingest(IngestRequest(str(file))), beside.ingest(IngestRequest(str(file)))
        )
    assert one.state == two.state == "ready"
    assert one.segments == two.segments
    assert not two.already
    assert not one.already


async def test_a_guarded_state_has_no_caller_without_a_principal(tmp_path: Path) -> None:
    state = await asyncio.to_thread(State, Settings(store=str(tmp_path)))
    assert state.caller().name == "local"
    assert state.of_caller() is state
    state.guarded = True
    with pytest.raises(RefusedError, match="nobody"):
        state.caller()
    with pytest.raises(RefusedError):
        state.of_caller()


def test_sessions_tell_the_tenants_of_one_person_apart() -> None:
    first, second = (
        as_user(Principal("alice", frozenset({"read"}), tenant)).access_token
        for tenant in ("a", "b")
    )
    assert first.subject != second.subject


def test_the_owner_of_a_static_token_is_nobody_at_the_issuer() -> None:
    scopes: frozenset[OneScope] = frozenset({"read"})
    assert Principal("alice", scopes).key != Principal("alice", scopes, by_oauth=True).key
    assert Principal("alice", scopes).key == Principal("alice", frozenset()).key
    some = Principal("alice", scopes, collections=("hr", "public:read"))
    assert some.key != Principal("alice", scopes).key
    assert Principal.of_key(some.key, scopes) == some


async def test_the_claim_of_a_token_decides_whose_library_it_is(
    tmp_path: Path, engine: Any
) -> None:
    stores: list[str] = []

    async def opener(settings: Settings) -> Any:
        stores.append(settings.store)
        return engine

    with bound() as here, bound() as there:
        issuer = AuthorizationServer(address(there))
        url = f"{address(here)}/mcp"
        settings = Settings(
            store=str(tmp_path / "store"), oauth_issuer=issuer.issuer, oauth_audience=url,
            tenant_claim="org",
        )  # fmt: skip
        app = await asyncio.to_thread(create_http, settings, opener=opener)
        async with listening(issuer.app, there), listening(app, here):
            statuses = {}
            for org in ("acme", "globex", None, ["acme", "globex"]):
                statuses[str(org)] = await _search(url, issuer.token(url, org=org))
    assert statuses == {"acme": 200, "globex": 200, "None": 403, "['acme', 'globex']": 403}
    tenants = tmp_path / "store" / "tenants"
    assert {str(tenants / "acme"), str(tenants / "globex")} <= set(stores)


async def _search(url: str, token: str) -> int:
    message = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": "x"},
                   "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                             "io.modelcontextprotocol/clientCapabilities": {}}},
    }  # fmt: skip
    headers = {
        "accept": "application/json, text/event-stream", "mcp-method": "tools/call",
        "mcp-name": "search", "mcp-protocol-version": "2026-07-28",
        "authorization": f"Bearer {token}",
    }  # fmt: skip
    async with httpx2.AsyncClient() as http:
        return (await http.post(url, json=message, headers=headers)).status_code
