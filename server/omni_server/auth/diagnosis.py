"""Checks of the settings for several people: tokens file, authorization server, own address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from omni_core.errors import BadRequestError, OmniError, UnavailableError
from omni_core.settings import Settings
from omni_server.auth import tokens_file
from omni_server.auth.access_token import FAMILIES
from omni_server.auth.credentials import check, tokens_path
from omni_server.auth.issuer import Fetcher, discover, jwks_url
from omni_server.auth.resource import Resource
from omni_server.text import one_line


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found; `fix` is what to do where it is not ok."""

    name: str
    state: Literal["ok", "warning", "missing"]
    detail: str
    fix: str = ""


def examine(settings: Settings, fetcher: Fetcher | None = None) -> list[Check]:
    """The checks of what is set up; none where nothing is."""

    async def all_of_them() -> list[Check]:
        return [found async for found in _checks(settings, fetcher or Fetcher())]

    return asyncio.run(all_of_them())


async def _checks(settings: Settings, fetcher: Fetcher) -> AsyncIterator[Check]:
    path = tokens_path(settings)
    if path is not None:
        yield await asyncio.to_thread(_tokens, path)
    if settings.tenant_roots:
        yield await asyncio.to_thread(_tenant_roots, settings.tenant_roots)
    try:
        check(settings)
    except BadRequestError as e:
        yield Check("OAuth", "missing", str(e), "docs/several-people.md")
        return
    if settings.oauth_issuer:
        yield await _issuer(settings, fetcher)
        yield await _keys(settings, fetcher)
        yield await _own_address(settings, fetcher)


def _tokens(path: Path) -> Check:
    try:
        found = tokens_file.read(path)
    except BadRequestError as e:
        return Check("tokens file", "missing", str(e), "omni-mcp token new --name NAME")
    return Check("tokens file", "ok", f"{path}, {len(found)} tokens")


def _tenant_roots(folder: str) -> Check:
    path = Path(folder).expanduser()
    if path.is_dir():
        return Check("tenant roots", "ok", str(path))
    return Check("tenant roots", "warning", f"{path} is not a folder", f"mkdir {path}")


async def _issuer(settings: Settings, fetcher: Fetcher) -> Check:
    name = "authorization server"
    try:
        found = await discover(settings.oauth_issuer, fetcher)
    except UnavailableError as e:
        return Check(name, "missing", str(e), "set oauth_issuer as its metadata says, or start it")
    if "S256" not in (found.get("code_challenge_methods_supported") or ()):
        return Check(
            name, "warning", f"{settings.oauth_issuer} does not say that it supports PKCE",
            "switch on PKCE (S256) there: MCP clients refuse to log in without it",
        )  # fmt: skip
    if not (
        found.get("registration_endpoint") or found.get("client_id_metadata_document_supported")
    ):
        return Check(
            name, "ok",
            f"{settings.oauth_issuer}; clients cannot register themselves: give them a client id",
        )  # fmt: skip
    return Check(name, "ok", settings.oauth_issuer)


async def _keys(settings: Settings, fetcher: Fetcher) -> Check:
    name = "signing keys"
    try:
        url = settings.oauth_jwks or await jwks_url(settings.oauth_issuer, fetcher)
        held = (await fetcher.get(url) or {}).get("keys")
    except OmniError as e:
        return Check(name, "missing", str(e), "set oauth_jwks to the address of its keys")
    keys = [k for k in held if isinstance(k, dict)] if isinstance(held, list) else []
    fit = [k for k in keys if k.get("kty") in FAMILIES.values() and k.get("use", "sig") == "sig"]
    if not fit:
        return Check(name, "missing", f"{url} has no RSA, EC or OKP key for signatures")
    return Check(name, "ok", f"{url}, {len(fit)} keys")


async def _own_address(settings: Settings, fetcher: Fetcher) -> Check:
    name = "own address"
    url = Resource(settings).metadata_url
    fix = "start the server, and let its proxy pass /.well-known/ on; or correct oauth_audience"
    try:
        found = await fetcher.get(url)
    except UnavailableError as e:
        return Check(name, "warning", str(e), fix)
    said = None if found is None else found.get("resource")
    if said != settings.oauth_audience.rstrip("/"):
        what = "nothing" if said is None else one_line(repr(said), 100)
        return Check(name, "warning", f"{url} says {what}, not {settings.oauth_audience}", fix)
    return Check(name, "ok", settings.oauth_audience)
