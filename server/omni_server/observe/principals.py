"""Who a request comes from, for the owner of an upload and for logs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.authentication import BaseUser

OPERATOR = "operator"
"""Who asks where no token is set."""


def principal_of(scope: Mapping[str, Any]) -> str:
    """The name of the sender, from the `user` that the gate put into the ASGI scope: stable over
    the tokens of one person, never a token itself."""
    user = scope.get("user")
    if isinstance(user, AuthenticatedUser):
        return user.access_token.subject or user.display_name
    return user.display_name if isinstance(user, BaseUser) else OPERATOR


def principal_hash(scope: Mapping[str, Any]) -> str:
    """The sender for logs: the same for the same sender, without telling who it is."""
    return short_hash(principal_of(scope))


def short_hash(text: str) -> str:
    """Twelve hexadecimal digits of a sha256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
