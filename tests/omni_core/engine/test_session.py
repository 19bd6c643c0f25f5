"""The calls that read one source, in one process of the models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from omni_core import Engine
from omni_core.models.answers import ReadOptions
from omni_core.types import AudioContent, Channel, Modality, Segment, Span
from tests.omni_core.engine.ingest.talk import LISTENER

pytestmark = pytest.mark.timeout(120)


async def test_an_abandoned_source_leaves_nothing_in_the_readers(
    install: Callable[..., None], opened: Callable[..., AbstractAsyncContextManager[Engine]]
) -> None:
    install("a-listener", LISTENER, {"readers": "listener = a_listener:Listener"})
    span, sound = Span("second", 0, 5), AudioContent(np.zeros(5 * 16_000, np.float32))
    async with asyncio.timeout(100), opened() as engine:
        session = await engine._context.models.session("src_given_up")
        heard = Segment("src_given_up", Modality.AUDIO, Channel.SOUND, span, sound)
        await session.process([heard], ReadOptions())
        assert (await session.save()).state
        await session.abandon()
        assert not (await session.save()).state
