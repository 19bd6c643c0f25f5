"""Asks a program in a child process, for the doctor: imports of a client library may fail there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from omni_core.settings import Settings


def answer_of(program: str, settings: Settings, seconds: float) -> Any:
    """The JSON on the last line that the program prints, which reads the settings that are not the
    defaults as JSON from its input. Raises OSError, ValueError, IndexError or TimeoutExpired where
    it gives no answer."""
    path = os.pathsep.join(filter(None, sys.path))
    given = {k: v for k, v in asdict(settings).items() if v != getattr(Settings(), k)}
    run = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-P", "-c", program], input=json.dumps(given), capture_output=True,
        text=True, timeout=seconds, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return json.loads(run.stdout.strip().splitlines()[-1])


def findings_of(
    program: str, settings: Settings, seconds: float, *, name: str, place: str, get: str
) -> list[tuple[str, Any, str, str, str]]:
    """Name, state, detail, what it adds and what to do, of each finding that the program prints;
    one that `place` cannot be looked at, and `get`, where it gives no answer."""
    try:
        answer = answer_of(program, settings, seconds)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        why = f"{place} cannot be looked at ({type(e).__name__})"
        return [(name, "missing", why, "", get)]
    return [(seen["name"], seen["state"], seen["detail"], "", seen["get"]) for seen in answer]
