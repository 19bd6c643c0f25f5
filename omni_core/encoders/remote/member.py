"""One model worker of a pool: what it runs, whether it is up, and what it has to do."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Literal

from omni_core.encoders.remote.client import ModelServerClient
from omni_core.encoders.remote.description import unpack_info
from omni_core.encoders.remote.offer import ReadingOffer, unpack_offer
from omni_core.encoders.remote.pace import Pace
from omni_core.encoders.remote.refusals import BUSY, FOR_GOOD
from omni_core.errors import WORKERS_UNREACHABLE, OmniError, UnavailableError
from omni_core.types import EncoderInfo

INFO_S = 10.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""A worker that does not answer is asked again after 0.5, 1, 2 ... 30 s."""
BUSY_PAUSE_S = 4.0
FAILING_PAUSE_S = 1.0
"""The longest pause of one that says what it runs but fails calls: each is sent four times."""
MAX_MARK = 64
MARK = "x-omni-models"
"""Header of a call: the `Description.mark` that the caller counts on."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a worker says of itself."""

    info: EncoderInfo
    reading: ReadingOffer | None = None
    """What it hears and reads with; None where it only embeds."""

    mark: str = ""
    """The worker's own short name for all of this, sent back with every call, so that one that was
    started again with other models says so; empty for older versions, which do not look at it."""


def mark_of(info: EncoderInfo, offer: ReadingOffer) -> str:
    """A mark that is equal for workers whose results are."""
    reads = sorted(offer.readers.items()), offer.pipeline, offer.format
    return hashlib.sha256(repr((info.fingerprint, reads)).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Member:
    """A worker, and its state as this process sees it. Guarded by the pool's lock."""

    client: ModelServerClient
    state: Literal["unknown", "up", "busy", "down", "refused"] = "unknown"
    """busy: it answers, but takes no more work for now. refused: it runs other models."""
    why: str = ""
    """Why it is not up, in one line."""
    code: str = WORKERS_UNREACHABLE
    """Of the error that says so, where it is the only one."""
    told: str = ""
    """How it failed its last call; "" where it did not."""
    described: Description | None = None
    running: int = 0
    """Calls of this process that it works on."""
    last: float = field(default_factory=time.monotonic)
    """When it was last given one."""
    due: float = 0.0
    """When it is asked again, by the monotonic clock."""
    pace: Pace = field(default_factory=Pace)
    """How long it took lately."""
    _pause: float = FIRST_PAUSE_S

    @property
    def name(self) -> str:
        """Host and port."""
        return self.client.name

    @property
    def reads(self) -> bool:
        """Whether it hears and reads too."""
        return self.described is not None and self.described.reading is not None

    def rises(self, described: Description) -> None:
        """It answers, and runs these models."""
        self.state, self.why, self.described = "up", "", described
        self._pause = min(self._pause, FAILING_PAUSE_S)

    def falls(self, error: UnavailableError) -> None:
        """It gave no answer, or none that is of use; a pause before it is asked again."""
        self.state, self.why = "down", str(error)
        self.code = error.code if error.code in FOR_GOOD else WORKERS_UNREACHABLE
        self._wait(LONGEST_PAUSE_S)

    def is_busy(self, error: UnavailableError) -> None:
        """It has as many calls as it takes; a pause before the next."""
        self.state, self.why, self.code = "busy", str(error), BUSY
        self._wait(BUSY_PAUSE_S)

    def is_refused(self, why: str) -> None:
        """It runs other models than the rest."""
        self.state, self.why, self.code = "refused", why, "MODEL_MISMATCH"
        self._wait(LONGEST_PAUSE_S)

    def works(self) -> None:
        """It answered a call."""
        self.state, self.why, self.told, self._pause = "up", "", "", FIRST_PAUSE_S

    def _wait(self, longest: float) -> None:
        self.due = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, longest)


def ask(client: ModelServerClient) -> Description:
    """What the worker at this address runs.

    Raises UnavailableError when it cannot be reached, refuses the token, is still loading, or uses
    another wire format; BadRequestError when its answer is no description.
    """
    data = client.get_json("/info", seconds=INFO_S)
    try:
        info = unpack_info(data)
    except OmniError as e:
        raise type(e)(f"the model server {client.name} cannot be used: {e}", code=e.code) from e
    mark = str(data.get("mark", ""))
    known = mark.isascii() and mark.isalnum() and len(mark) <= MAX_MARK
    return Description(info, unpack_offer(data.get("reading")), mark if known else "")
