"""The stages of the engine's work: each is a span of a trace, and is reported to who listens.

Spans are OpenTelemetry's: without its SDK they do nothing. They carry the stage's name and, where
it failed, the error's code; never words of a question, paths or titles. A span that outlives the
call which started it (an ingest in the background) stays in that call's trace.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from opentelemetry.trace import INVALID_SPAN, StatusCode, get_current_span, get_tracer

from omni_core.errors import OmniError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

Listener = Callable[[str, float], None]
"""Called with the name of a stage and the seconds that it took, also when it failed."""

listener: ContextVar[Listener | None] = ContextVar("omni_stage_listener", default=None)
"""Who hears of stages. Tasks inherit it from the code that starts them: no engine knows of it."""

_tracer = get_tracer("omni_mcp")


@contextmanager
def stage(name: str, *, alone: bool = True) -> Iterator[None]:
    """One stage, from its first step to its last. Not `alone`: a span only inside another one, so
    that health checks begin no traces."""
    started = time.perf_counter()
    with (
        _tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)
        if alone or get_current_span().get_span_context().is_valid
        else nullcontext(INVALID_SPAN)
    ) as span:
        try:
            yield
        except BaseException as e:
            span.set_attribute(
                "error.type", e.code if isinstance(e, OmniError) else type(e).__name__
            )
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            _report(name, time.perf_counter() - started)


def staged(
    name: str,
) -> Callable[[Callable[Given, Awaitable[Answer]]], Callable[Given, Awaitable[Answer]]]:
    """A coroutine function whose calls are stages of this name."""

    def decorate(work: Callable[Given, Awaitable[Answer]]) -> Callable[Given, Awaitable[Answer]]:
        @wraps(work)
        async def run(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            with stage(name):
                return await work(*args, **kwargs)

        return run

    return decorate


def report_each(prefix: str, seconds: Mapping[str, float]) -> None:
    """Report stages that were timed in many small parts, such as the decoding of a long file."""
    for name, spent in seconds.items():
        _report(f"{prefix}.{name}", spent)


def _report(name: str, seconds: float) -> None:
    told = listener.get()
    if told is not None:
        told(name, seconds)
