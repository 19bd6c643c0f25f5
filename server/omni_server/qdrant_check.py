"""The doctor's look at the Qdrant server; in a child, since imports of its client may fail."""

from __future__ import annotations

import subprocess
from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import answer_of

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
    try:
        answer = answer_of(_LOOK, settings, LOOK_S)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        why = f"{settings.qdrant_url} cannot be looked at ({type(e).__name__})"
        return [("Qdrant", "missing", why, "", "pip install 'omni-mcp[server]'")]
    return [(seen["name"], seen["state"], seen["detail"], "", seen["get"]) for seen in answer]
