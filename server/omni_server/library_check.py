"""The doctor's look at the library; in a child, since a damaged file may take a process with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

from omni_core.settings import Settings
from omni_server.child_look import answer_of
from omni_server.tenants import FOLDER, settings_of_folder
from omni_server.text import counted

LOOK_S = 900

_LOOK = """
import json, sys
from omni_core.engine.checking.looking import look_plainly
from omni_core.settings import Settings
answer = look_plainly(Settings(**json.load(sys.stdin)))
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def libraries(settings: Settings) -> list[Settings]:
    """The settings of the main library and of every tenant's."""
    folder = settings.store_path / FOLDER
    tenants = sorted(p for p in folder.glob("*") if p.is_dir())
    return [settings, *(settings_of_folder(settings, p.name) for p in tenants)]


def lines(settings: Settings) -> Iterator[tuple[str, Any, str, str, str]]:
    """Name, state, detail, what it adds and what to do, of each finding in every library."""
    for library in libraries(settings):
        own = "" if library is settings else f"{library.store_path.name}: "
        try:
            seen = answer_of(_LOOK, library, LOOK_S)
        except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
            why = f"{own}it cannot be looked at ({type(e).__name__})"
            yield "library", "damaged", why, "", "omni-mcp doctor --repair"
            continue
        for fault in seen["faults"]:
            state = "warning" if fault["harmless"] else "damaged"
            yield fault["where"], state, f"{own}{fault['detail']}", "", fault["get"]
        for note in seen["notes"]:
            yield "library", "warning", f"{own}{note}", "", ""
        if seen["full"]:
            yield "library", "missing", f"{own}{seen['full']}", "", "free some space there"
        elif not any(not fault["harmless"] for fault in seen["faults"]):
            what = f"{counted(seen['sources'], 'source')}, {counted(seen['segments'], 'segment')}"
            yield "library", "ok", f"{own}{what}, nothing damaged", "", ""
