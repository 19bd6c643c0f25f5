"""Several model workers as one: the least loaded one gets the next call, a dead one none.

A call whose worker dies goes to another one: every call holds all that it needs (the readers'
buffers too, see `models.remote`), so that the answer is the same whoever gives it. A worker that
does not answer is asked again in the background, after longer and longer pauses.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from omni_core.encoders.remote import client as http
from omni_core.encoders.remote.chances import Chances, given_up, understood
from omni_core.encoders.remote.choosing import least_loaded, note
from omni_core.encoders.remote.hanging import unless_hanging
from omni_core.encoders.remote.member import INFO_S, MARK, Description, Member, ask
from omni_core.encoders.remote.pace import Kind, kind_of
from omni_core.encoders.remote.refusals import BUSY
from omni_core.encoders.remote.roll_call import ask_each, clients_of, difference, may_change
from omni_core.errors import WORKERS_UNREACHABLE, BadRequestError, OmniError, UnavailableError
from omni_core.settings import Settings

log = logging.getLogger(__name__)

LOADING_S = 15.0
"""How long workers are asked again at the start while their models load."""
T = TypeVar("T")


class WorkerPool:
    """The workers of `Settings.encoder_url`. Thread-safe."""

    @classmethod
    def of(cls, settings: Settings) -> WorkerPool:
        """Ask each worker what it runs.

        Raises UnavailableError when none answers, BadRequestError when they run different models.
        """
        pool = cls([Member(client) for client in clients_of(settings)])
        try:
            pool._meet()
        except BaseException:
            pool.close()
            raise
        return pool

    def __init__(self, members: Sequence[Member]) -> None:
        """Use `WorkerPool.of`."""
        self._members = members
        self._changed = threading.Condition()
        self._closed = False
        self._watching = False
        self._began: Description | None = None
        """What served at first, which is what the library is filled with."""

    @property
    def described(self) -> Description:
        """What the workers run, and read with, where one of them does."""
        known = [m.described for m in self._members if m.described is not None]
        return next((d for d in known if d.reading is not None), known[0])

    def post(
        self,
        path: str,
        body: bytes,
        read: Callable[[bytes], T],
        *,
        seconds: float,
        patience_s: float,
        reading: bool = False,
    ) -> T:
        """What `read` makes of the answer of the least loaded worker; with `reading` of one that
        reads. An answer of which it makes BadRequestError is none: another worker is asked.

        `seconds` is the longest deadline of one worker (`Pace.limit`), and for how long busy ones
        are asked again; `patience_s` how long a worker is waited for while none answers. Raises
        UnavailableError when none does; what a worker answers else is raised as it is, what its
        models cannot do once another one has failed likewise.
        """
        chances = Chances(patience_s)
        kind = kind_of(path, body)
        until = time.monotonic() + seconds
        while True:
            member = self._take(reading, until, patience_s, kind)
            began, limit = time.monotonic(), member.pace.limit(kind, seconds)
            mark = member.described.mark if member.described else ""
            marked = {MARK: mark} if mark else {}
            try:
                post = partial(member.client.post_bytes, path, body, seconds=limit, headers=marked)
                answer = unless_hanging(post, member.client.lives, seconds, member.name)
                found = understood(read, answer, member.name)
            except OmniError as e:
                if (now := time.monotonic()) >= began + limit:
                    member.pace.hung(kind, limit, now)
                if (lost := chances.loss(e, len(self._members))) is None:
                    self._done(member)
                    raise
                news = self._fell(member, lost)
                if not chances.another(lost):
                    raise given_up(lost) from None
                log.log(logging.WARNING if news else logging.INFO, "%s; asking again", lost)
            except BaseException:
                self._done(member)
                raise
            else:
                self._done(member, kind, time.monotonic() - began)
                return found

    def close(self) -> None:
        """Close the connections."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for member in self._members:
            member.client.close()

    def _meet(self) -> None:
        """Ask all until one answers, a few times, but not those that let each wait to its end."""
        if not self._members:
            raise BadRequestError("encoder_url names no address")
        started, attempt = time.monotonic(), 1
        while True:
            answers = ask_each([m.client for m in self._members])
            known = [m for m, a in zip(self._members, answers, strict=True) if note(m, a)]
            if known:
                break
            loading = any(isinstance(a, UnavailableError) and a.code == BUSY for a in answers)
            again = any(may_change(a) for a in answers) and attempt < http.MAX_ATTEMPTS
            spent = time.monotonic() - started
            if not ((again and spent < INFO_S) or (loading and spent < LOADING_S)):
                raise self._none_answers()
            time.sleep(min(2.0, 0.25 * 2**attempt))
            attempt += 1
        for member in reversed(known):
            if why := self._odd(member):
                raise BadRequestError(f"the model workers differ: {why}")
        self._began = self.described
        for member in self._members:
            if member.state != "up":
                log.warning("%s; the other workers serve", member.why)
        self._watch()

    def _take(self, reading: bool, until: float, patience_s: float, kind: Kind) -> Member:
        """The least loaded worker that is up, with one more call; waits for one."""
        patient = time.monotonic() + patience_s
        with self._changed:
            while True:
                if self._closed:
                    raise UnavailableError("the connection to the model workers is closed")
                able = [m for m in self._members if m.state in ("up", "busy")]
                able = [m for m in able if m.reads or not reading]
                now = time.monotonic()
                for member in able:
                    if member.state == "busy" and member.due <= now:
                        member.state = "up"
                ready = [m for m in able if m.state == "up"]
                if ready:
                    return least_loaded(ready, kind, now)
                end = until if able else patient
                if now >= end:
                    raise self._none_answers()
                pause = min([m.due for m in able] or [end])
                self._changed.wait(max(0.01, min(pause, end) - now))

    def _fell(self, member: Member, error: UnavailableError) -> bool:
        """Record that a worker failed a call; whether it did not fail the last one likewise."""
        with self._changed:
            member.running -= 1
            news, member.told = member.told != str(error), str(error)
            if error.code == BUSY:
                member.is_busy(error)
            else:
                member.falls(error)
            self._changed.notify_all()
        self._watch()
        return news

    def _done(self, member: Member, kind: Kind | None = None, seconds: float = 0.0) -> None:
        """A call ended; with `kind` it was answered, after so many seconds."""
        with self._changed:
            member.running -= 1
            if kind is not None:
                member.pace.took(kind, seconds)
            if kind is not None and member.state != "refused":
                member.works()
            self._changed.notify_all()

    def _none_answers(self) -> UnavailableError:
        codes = {WORKERS_UNREACHABLE if m.state == "up" else m.code for m in self._members}
        code = codes.pop() if len(codes) == 1 else WORKERS_UNREACHABLE
        if len(self._members) == 1:
            return UnavailableError(self._members[0].why, code=code)
        each = "; ".join(m.why or f"{m.name} only embeds" for m in self._members)
        return UnavailableError(f"none of the model workers answers: {each}", code=code)

    def _watch(self) -> None:
        """Ask those that are down again, in the background, as long as there are any."""
        with self._changed:
            needed = any(m.state in ("down", "refused", "unknown") for m in self._members)
            if self._watching or self._closed or not needed:
                return
            self._watching = True
        threading.Thread(target=self._ask_again, name="model workers", daemon=True).start()

    def _ask_again(self) -> None:
        while (member := self._next_due()) is not None:
            try:
                answer: Description | OmniError = ask(member.client)
            except OmniError as e:
                answer = e
            with self._changed:
                told = member.why if member.state == "refused" else ""
                if note(member, answer) and (why := self._odd(member)):
                    if why != told:
                        log.warning("%s; it gets no work", why)
                    member.is_refused(why)
                elif member.state == "up":
                    log.info("the model worker %s answers again", member.name)
                self._changed.notify_all()

    def _next_due(self) -> Member | None:
        """The next worker to ask again, once it is time; None when there is none."""
        with self._changed:
            while not self._closed:
                waiting = [m for m in self._members if m.state in ("down", "refused", "unknown")]
                if not waiting:
                    break
                member = min(waiting, key=lambda m: m.due)
                left = member.due - time.monotonic()
                if left <= 0:
                    return member
                self._changed.wait(left)
            self._watching = False
            return None

    def _odd(self, member: Member) -> str:
        """How a worker differs from the others that serve, and from what served when this process
        began: all of them may be started again; "" where it does not."""
        began = [] if self._began is None else [("this server", self._began)]
        others = began + [
            (m.name, m.described) for m in self._members
            if m is not member and m.described is not None and m.state != "refused"
        ]  # fmt: skip
        assert member.described is not None  # noqa: S101 - it answered
        return difference(member.name, member.described, others)
