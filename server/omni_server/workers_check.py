"""The doctor's look at the model workers; in a child, since imports of readers may fail."""

from __future__ import annotations

import re
from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import findings_of

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
    return findings_of(
        _LOOK,
        settings,
        LOOK_S,
        name="model workers",
        place=re.sub(r"//[^,]*@", "//", settings.encoder_url),  # a name and a password
        get="correct encoder_url",
    )
