"""What the doctor says of the model workers: each with its state, and where files are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from omni_core import readers
from omni_core.encoders.remote.roll_call import WorkerState, look
from omni_core.errors import OmniError
from omni_core.models.remote.reading import why_here
from omni_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the doctor."""

    name: str
    state: Literal["ok", "warning", "missing"]
    detail: str
    get: str = ""


def findings(settings: Settings) -> list[Seen]:
    """A line for each worker, and one on reading; all are asked once."""
    try:
        workers = look(settings)
    except OmniError as e:
        return [Seen("model workers", "missing", str(e), "correct that setting")]
    up = [w for w in workers if w.state == "up"]
    return [*(_worker(w, bool(up)) for w in workers), *_reading(settings, up)]


def _worker(worker: WorkerState, others: bool) -> Seen:
    name = f"model worker {worker.name}"
    if worker.state == "up":
        reads = "only embeds" if worker.offer is None else f"hears and reads: {worker.offer}"
        return Seen(name, "ok", f"up, embeds with {worker.model}, {reads}")
    get = "start it, or take it out of encoder_url" if worker.state == "down" else ""
    return Seen(name, "warning" if others else "missing", f"{worker.state}: {worker.why}", get)


def _reading(settings: Settings, up: Sequence[WorkerState]) -> list[Seen]:
    if not up:
        return []
    offer = next((w.offer for w in up if w.offer is not None), None)
    if why := why_here(offer, readers.describe(settings)):
        get = "start the workers with the same omni-mcp, with these readers, to read there"
        return [Seen("reading", "warning", f"by this machine: {why}", get)]
    found = [Seen("reading", "ok", "speech and words on screen are read by the workers")]
    if settings.decoders < len(up):
        files = "1 file is" if settings.decoders == 1 else f"{settings.decoders} files are"
        detail = f"{len(up)} workers, but {files} read at a time"
        found.append(Seen("decoders", "warning", detail, f"OMNI_DECODERS={len(up)}"))
    return found
