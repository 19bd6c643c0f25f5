"""The doctor's look at the Qdrant server; in a child, since imports of its client may fail."""

from __future__ import annotations

from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import findings_of

LOOK_S = 90

_LOOK = """
import asyncio, json, sys
from omni_core.engine import ownership
from omni_core.settings import Settings
given = json.load(sys.stdin)
answer = asyncio.run(ownership.look(Settings(**given)))
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def lines(settings: Settings) -> list[tuple[str, Any, str, str, str]]:
    """Name, state, detail, what it adds and what to do, of each finding."""
    return findings_of(
        _LOOK,
        settings,
        LOOK_S,
        name="Qdrant",
        place=settings.qdrant_url,
        get="pip install 'omni-mcp[server]'",
    )
