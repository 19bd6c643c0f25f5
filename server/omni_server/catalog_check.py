"""The doctor's look at PostgreSQL; in a child, since imports of its client may fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from omni_core.settings import Settings

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
    path = os.pathsep.join(filter(None, sys.path))
    given = {k: v for k, v in asdict(settings).items() if v != getattr(Settings(), k)}
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-P", "-c", _LOOK], input=json.dumps(given), capture_output=True,
            text=True, timeout=LOOK_S, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        holds, wrong = json.loads(run.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        holds, wrong = "", f"it cannot be looked at ({type(e).__name__})"
    if wrong:
        return [("catalog", "missing", "PostgreSQL gives no answer", "", wrong)]
    return [("catalog", "ok", f"PostgreSQL, {holds}", "", "")]
