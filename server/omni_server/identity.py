"""The website and the icon that clients show for this server."""

from __future__ import annotations

import base64
from importlib.resources import files

from mcp.types import Icon

WEBSITE = "https://github.com/omni-mcp/omni-mcp"


def icons() -> list[Icon]:
    """The icon as a data URI, about 450 characters: over stdio there is no address to load from."""
    svg = files("omni_server").joinpath("icon.svg").read_bytes().strip()
    source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
    return [Icon(src=source, mime_type="image/svg+xml", sizes=["any"])]
