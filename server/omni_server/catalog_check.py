"""The doctor's look at PostgreSQL; in a child, since imports of its client may fail."""

from __future__ import annotations

import subprocess
from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import answer_of

LOOK_S = 60

_LOOK = """
import json, sys
from omni_core.engine.store import look
from omni_core.settings import Settings
answer = look(Settings(**json.load(sys.stdin)))
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def lines(settings: Settings) -> list[tuple[str, Any, str, str, str]]:
    """Name, state, detail, what it adds and what to do, of the one finding."""
    try:
        holds, wrong, only_read, later = answer_of(_LOOK, settings, LOOK_S)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        holds, wrong = "", f"it cannot be looked at ({type(e).__name__})"
        only_read = later = ""
    if wrong:
        return [("catalog", "missing", "the library in PostgreSQL cannot be used", "", wrong)]
    if only_read:
        detail = f"PostgreSQL, {holds}, of which nothing can be changed"
        return [("catalog", "warning", detail, "", only_read)]
    if later:
        detail = f"PostgreSQL, {holds}, which this user cannot bring up to date"
        return [("catalog", "warning", detail, "", later)]
    return [("catalog", "ok", f"PostgreSQL, {holds}", "", "")]
