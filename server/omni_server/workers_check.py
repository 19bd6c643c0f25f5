"""The doctor's look at the model workers; in a child, since imports of readers may fail."""

from __future__ import annotations

import subprocess
from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import answer_of

LOOK_S = 90

_LOOK = """
import json, sys
from dataclasses import asdict
from omni_core.models.remote import look
from omni_core.settings import Settings
answer = [asdict(seen) for seen in look.findings(Settings(**json.load(sys.stdin)))]
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def lines(settings: Settings) -> list[tuple[str, Any, str, str, str]]:
    """Name, state, detail, what it adds and what to do, of each finding."""
    try:
        answer = answer_of(_LOOK, settings, LOOK_S)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        why = f"{settings.encoder_url} cannot be looked at ({type(e).__name__})"
        return [("model workers", "missing", why, "", "correct encoder_url")]
    return [(seen["name"], seen["state"], seen["detail"], "", seen["get"]) for seen in answer]
