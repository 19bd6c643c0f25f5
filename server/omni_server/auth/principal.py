"""The caller of a request: a name, what it may do, and whose library it sees.

The HTTP gate finds out who calls and keeps it where the SDK keeps its users: sessions of the older
handshake and sealed request states are then bound to that caller, too.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from mcp.server.auth.middleware.auth_context import auth_context_var, get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from pydantic import Field

OneScope = Literal["read", "ingest", "delete"]
SCOPES: tuple[OneScope, ...] = get_args(OneScope)
"""`read`: search, open, list and cite. `ingest`: add files, upload. `delete`: remove sources."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. Two principals with different tenants see different libraries, and with different
    collections different parts of one."""

    name: str
    """For logs: `token`, the name of a static token, or the subject of an OAuth token."""
    scopes: frozenset[OneScope]
    tenant: str = ""
    """"" is the main library."""
    by_oauth: bool = False
    """Whether an authorization server vouches for it, and could grant it more scopes."""
    collections: tuple[str, ...] = ()
    """The collections that it sees, as in `CollectionRights.written`; () for the whole library."""

    @property
    def key(self) -> str:
        """The same for every token of this caller, and of no other: for what belongs to it."""
        who: list[object] = ["oauth" if self.by_oauth else "", self.tenant, self.name]
        return json.dumps([*who, self.collections] if self.collections else who)

    @classmethod
    def of_key(cls, key: str, scopes: Iterable[OneScope]) -> Principal:
        """The caller with this key, as one with these scopes."""
        how, tenant, name, *seen = json.loads(key)
        collections = tuple(seen[0]) if seen else ()
        return cls(name, frozenset(scopes), tenant, how == "oauth", collections)

    def may(self, scope: OneScope) -> bool:
        """Whether it has this scope."""
        return scope in self.scopes

    def __str__(self) -> str:
        library = [f"tenant {self.tenant}"] if self.tenant else []
        if self.collections:
            library.append(f"collections {', '.join(self.collections)}")
        return f"{self.name} ({'; '.join(library)})" if library else self.name


LOCAL = Principal("local", frozenset(SCOPES))
"""The user of this machine: the caller over stdio, and on loopback where no token is set."""


Stands = Callable[[], Awaitable[bool]]


class PrincipalToken(AccessToken):
    """The SDK's access token with the principal that it proves. The token itself is not kept."""

    principal: Principal
    stands: Stands | None = Field(default=None, exclude=True, repr=False)


def as_user(principal: Principal, stands: Stands | None = None) -> AuthenticatedUser:
    """The principal as the SDK's user; sessions are bound to its key. `stands` asks whether what it
    proved itself with is accepted still."""
    return AuthenticatedUser(
        PrincipalToken(
            token="",
            client_id=principal.name,
            scopes=sorted(principal.scopes),
            subject=principal.key,
            principal=principal,
            stands=stands,
        )
    )


@contextmanager
def acting_as(user: AuthenticatedUser) -> Iterator[None]:
    """Inside the block, also in the tasks that it starts, `user` is the caller."""
    before = auth_context_var.set(user)
    try:
        yield
    finally:
        auth_context_var.reset(before)


def authenticated() -> Principal | None:
    """The principal of the running request; None where nobody authenticated."""
    token = get_access_token()
    return token.principal if isinstance(token, PrincipalToken) else None


async def still_authenticated() -> bool:
    """Whether the running request would be let in now, as the same caller with the same rights."""
    token = get_access_token()
    stands = token.stands if isinstance(token, PrincipalToken) else None
    return stands is None or await stands()


def scopes_of(names: Iterable[str], prefix: str = "") -> frozenset[OneScope]:
    """Those of the names that are scopes of this server, with or without `prefix`."""
    given = {name.removeprefix(prefix) if prefix else name for name in names}
    return frozenset(scope for scope in SCOPES if scope in given)
