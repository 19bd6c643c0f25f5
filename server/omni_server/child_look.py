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
