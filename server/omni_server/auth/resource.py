"""This server as a protected resource: its metadata (RFC 9728) and its challenges (RFC 6750)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from omni_core.settings import Settings
from omni_server.auth.principal import SCOPES, OneScope
from omni_server.identity import WEBSITE

WELL_KNOWN = "/.well-known/oauth-protected-resource"
FIRST_SCOPES: tuple[OneScope, ...] = ("read",)
"""What a client is told to ask for at first. It is told the others when it needs them; an
authorization server that does not know them would refuse a request that names them all."""


class Resource:
    """What clients are told about how to get in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.oauth_audience.rstrip("/")
        parts = urlsplit(self._url)
        self._path = f"{WELL_KNOWN}{parts.path}"
        self.metadata_url = f"{parts.scheme}://{parts.netloc}{self._path}"
        """Where clients find the metadata."""
        self._open = bool(settings.oauth_issuer)

    def metadata(self, path: str) -> dict[str, Any] | None:
        """The metadata document at this path; None where there is none."""
        if not self._open or path not in (WELL_KNOWN, f"{WELL_KNOWN}/mcp", self._path):
            return None
        offered = [s for s in SCOPES if s != "delete" or self._settings.allow_delete]
        return {
            "resource": self._url,
            "authorization_servers": [self._settings.oauth_issuer],
            "scopes_supported": [self._full(s) for s in offered],
            "bearer_methods_supported": ["header"],
            "resource_name": "Omni evidence",
            "resource_documentation": WEBSITE,
        }

    def challenge(
        self, *, error: str = "", description: str = "", scopes: tuple[OneScope, ...] = FIRST_SCOPES
    ) -> str:
        """The value of WWW-Authenticate."""
        fields = {"realm": "omni"}
        if error:
            fields |= {"error": error, "error_description": description}
        if self._open:
            fields |= {
                "scope": " ".join(self._full(s) for s in scopes),
                "resource_metadata": self.metadata_url,
            }
        return "Bearer " + ", ".join(f'{k}="{_quotable(v)}"' for k, v in fields.items())

    def _full(self, scope: OneScope) -> str:
        return f"{self._settings.oauth_scope_prefix}{scope}"


def _quotable(text: str) -> str:
    """The text without what would end a quoted string of a header."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\')
