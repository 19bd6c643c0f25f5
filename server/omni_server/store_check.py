"""The doctor's look at who has the store open; in a child, since imports of the engine may fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_LOOK = """
import asyncio, json, sys
from pathlib import Path
from omni_core.sharing.look import open_in
answer = asyncio.run(open_in(Path(sys.argv[1])))
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def open_in(store: Path) -> tuple[str, str]:
    """Which process has the store open, and what is wrong with that; "" for nothing."""
    if not (store / "shared" / "notice.json").exists():
        return "", ""
    path = os.pathsep.join(filter(None, sys.path))
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-P", "-c", _LOOK, str(store)], capture_output=True, text=True,
            timeout=60, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        who, wrong = json.loads(run.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        return "", f"who has it open cannot be found out ({type(e).__name__})"
    return who, wrong
