"""What `omni-mcp setup` found before anything is chosen, and what it tells a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_core.downloads import Hub
from omni_core.settings import Settings
from omni_core.setup import plan
from omni_core.setup.choices import Choices, Profile
from omni_core.setup.library import Library
from omni_core.setup.machine import Machine
from omni_core.setup.plan import Choice, Plan


@dataclass(frozen=True, slots=True)
class Around:
    """What was found before anything is chosen."""

    settings: Settings
    file: Path
    """The settings file, which need not exist."""
    root: Path
    """The folder of weights."""
    machine: Machine
    hub: Hub
    unreachable: str
    """Why the hub cannot be asked; empty when it answers."""
    library: Library | None
    all: Choices
    now: Choice
    best: Profile


def facts(around: Around, made: Plan, *, done: bool) -> dict[str, Any]:
    """What a program is told."""
    return {
        "machine": around.machine,
        "hub": {"endpoint": around.hub.endpoint, "unreachable": around.unreachable},
        "library": around.library,
        "choices": {
            "profiles": [
                {
                    "name": p.name, "encoder": p.encoder, "gives": p.gives, "costs": p.costs,
                    "licence": p.licence, "warning": p.warning, "memory_gb": p.memory_gb,
                    "gpu": p.gpu, "bytes": p.download.size if p.download else 0,
                    "here": plan.is_here(around.root, p.download),
                    "why_not": around.machine.hosts(p.memory_gb, gpu=p.gpu),
                }
                for p in around.all.profiles.values()
            ],
            "listening": [
                {
                    "name": h.name, "gives": h.gives, "costs": h.costs, "licence": h.licence,
                    "bytes": h.download.size if h.download else 0,
                    "here": plan.is_here(around.root, h.download),
                }
                for h in around.all.listening.values()
            ],
        },
        "now": {"profile": around.now.profile.name, "listening": around.now.listening.name},
        "recommended": around.best.name,
        "plan": {
            "profile": made.choice.profile.name,
            "listening": made.choice.listening.name,
            "extras": [e.name for e in made.choice.extras],
            "weights_dir": str(around.root),
            "settings_file": str(around.file),
            "settings": made.settings,
            "downloads": [
                {
                    "from": s.download.origin, "into": str(s.path), "here": s.here,
                    "bytes": s.missing, "licence": s.download.licence,
                    "files": [
                        {"path": f.path, "bytes": f.size, "digest": f.digest}
                        for f in s.download.files
                    ],
                }
                for s in made.steps
            ],
            "bytes": made.missing,
            "free_bytes": made.free,
            "packages": made.packages,
            "reindex": made.changes_encoder,
        },
        "done": done,
    }  # fmt: skip
