"""The doctor's look at the Qdrant server; in a child, since imports of its client may fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from omni_core.settings import Settings

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
    path = os.pathsep.join(filter(None, sys.path))
    given = {k: v for k, v in asdict(settings).items() if v != getattr(Settings(), k)}
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-P", "-c", _LOOK], input=json.dumps(given), capture_output=True,
            text=True, timeout=LOOK_S, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        answer = json.loads(run.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        why = f"{settings.qdrant_url} cannot be looked at ({type(e).__name__})"
        return [("Qdrant", "missing", why, "", "pip install 'omni-mcp[server]'")]
    return [(seen["name"], seen["state"], seen["detail"], "", seen["get"]) for seen in answer]
