"""One file from an address to the disk: resumed where it broke off, checked by its digest."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from omni_core.config.values import URL_CREDENTIALS
from omni_core.downloads.pins import Pin
from omni_core.errors import UnavailableError
from omni_core.files import put_in_place

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""Attempts in a row that bring no byte, until it is given up."""
WAITS_S = (1.0, 2.0, 4.0, 8.0)
"""Before the second to the fifth of them."""
LONGEST_WAIT_S = 60.0
"""Of what a busy server asks for (Retry-After)."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
TIMEOUT = httpx2.Timeout(60.0, connect=15.0)
PART = ".part"
"""Ends the name of a file that is not whole."""

Advance = Callable[[int], None]
"""Told of bytes that are here, and of bytes that were thrown away as a negative number."""


class UnreachableError(UnavailableError):
    """Nobody answered, or the connection broke off again and again."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where bytes are, how to ask for them, and what a refusal means."""

    url: str
    refusal: Callable[[httpx2.Response, str], UnavailableError]
    """The error of an answer that is final; the text is the address as it may be shown."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The address for a message, without credentials and query."""
        return show(self.url)


def show(url: str) -> str:
    """An address for a message, without credentials and query."""
    return URL_CREDENTIALS.sub("//", url.partition("?")[0])


class Transfer:
    """Fetches files, one at a time. A context manager; closes its connections."""

    def __init__(
        self, client: httpx2.Client | None = None, *, wait: Callable[[float], None] = time.sleep
    ) -> None:
        """`wait` is called with the seconds to wait before an attempt."""
        self._client = client or httpx2.Client(timeout=TIMEOUT, follow_redirects=True)
        self._wait = wait

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def get(self, source: Source) -> httpx2.Response:
        """A small answer, read whole. Raises UnavailableError: refused, unreachable."""
        answer, why = None, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._wait(_pause(attempt, answer))
            answer = None
            try:
                answer = self._client.get(source.url, headers=dict(source.headers))
            except httpx2.HTTPError as e:
                why = _reason(e)
                continue
            except httpx2.InvalidURL:
                raise UnavailableError(f"{source.shown} is no address") from None
            if answer.is_success:
                return answer
            if answer.status_code not in BUSY:
                raise source.refusal(answer, source.shown)
            why = f"it answers {answer.status_code}"
        raise UnreachableError(f"{source.shown} cannot be read ({why}); try again later")

    def fetch(self, source: Source, target: Path, pin: Pin, advance: Advance) -> None:
        """Make `target` the pinned file. `target` appears when it is whole and checked.

        Bytes that an earlier run left in `target.part` are kept; where the result then differs
        from the pin, the file is fetched once more from its start. Raises UnavailableError: the
        server refuses, gives other bytes, or cannot be reached; the disk is full.
        """
        part = _Part(target.with_name(target.name + PART), pin.size, advance)
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.size > 0
        advance(part.size)
        self._complete(source, part)
        if resumed and not pin.matches(part.path):
            log.info("%s: what an earlier run left is not part of it; fetched again", pin.path)
            part.discard()
            self._complete(source, part)
        if not pin.matches(part.path):
            part.discard()
            raise UnavailableError(
                f"{source.shown} gives other bytes than {pin.digest[:19]}... ({pin.size:,} bytes): "
                "it was replaced, or damaged on its way; nothing was installed"
            )
        put_in_place(part.path, target)

    def _complete(self, source: Source, part: _Part) -> None:
        """Fetch until the part has the pinned size."""
        if part.size > part.whole:
            part.discard()
        failed, why, answer = 0, "", None
        while part.size < part.whole or not part.path.exists():
            if failed == ATTEMPTS:
                raise UnreachableError(
                    f"{source.shown} broke off ({why}); what is here is kept, the same command "
                    "goes on there"
                )
            if failed:
                self._wait(_pause(failed, answer))
            before, answer = part.size, None
            try:
                answer = self._attempt(source, part)
                why = f"it answers {answer.status_code}" if answer is not None else "it ended early"
            except httpx2.HTTPError as e:
                why = _reason(e)
            except httpx2.InvalidURL:
                raise UnavailableError(f"{source.shown} is no address") from None
            except OSError as e:
                raise _disk_error(part.path, e) from e
            failed = 1 if part.size > before else failed + 1

    def _attempt(self, source: Source, part: _Part) -> httpx2.Response | None:
        """One request; returns the answer of a busy server, and None where bytes came."""
        at = part.size
        headers = {**source.headers, "Accept-Encoding": "identity"}
        if at:
            headers["Range"] = f"bytes={at}-"
        with self._client.stream("GET", source.url, headers=headers) as answer:
            if answer.status_code in BUSY:
                return answer
            if answer.status_code == 416:  # no byte is left: what is here belongs to another file
                part.discard()
                return None
            if not answer.is_success:
                answer.read()
                raise source.refusal(answer, source.shown)
            if at and not _continues(answer, at):
                part.discard()  # it begins at the start again
            if not part.append(answer.iter_raw()):
                raise UnavailableError(
                    f"{source.shown} is longer than the {part.whole:,} bytes it should have: "
                    "nothing was installed"
                )
        return None


class _Part:
    """The file that is not whole yet."""

    def __init__(self, path: Path, whole: int, advance: Advance) -> None:
        self.path, self.whole, self._advance = path, whole, advance

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def discard(self) -> None:
        self._advance(-self.size)
        self.path.unlink(missing_ok=True)

    def append(self, blocks: Iterable[bytes]) -> bool:
        """Whether they fit; where they do not, nothing of the file is left."""
        size = self.size
        with self.path.open("ab") as f:
            for block in blocks:
                size += len(block)
                if size > self.whole:
                    break
                f.write(block)
                self._advance(len(block))
        if size > self.whole:
            self.discard()
        return size <= self.whole


def _continues(answer: httpx2.Response, at: int) -> bool:
    """Whether the answer is the rest of the file from byte `at`."""
    stated = answer.headers.get("Content-Range", "")
    return answer.status_code == 206 and stated.startswith(f"bytes {at}-")


def _pause(attempt: int, answer: httpx2.Response | None) -> float:
    """Seconds before the next attempt: what a busy server asks for, else twice as many each."""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT_S)
    return WAITS_S[min(attempt, len(WAITS_S)) - 1]


def _reason(error: httpx2.HTTPError) -> str:
    return str(error) or type(error).__name__


def _disk_error(part: Path, error: OSError) -> UnavailableError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UnavailableError(
            f"the disk of {part.parent} is full: free some space, the same command goes on where "
            "this one was"
        )
    return UnavailableError(f"{part.parent} cannot be written: {error.strerror or error}")
