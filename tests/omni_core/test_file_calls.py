"""Calls of the file system that may hang."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from omni_core import file_calls
from omni_core.errors import UnavailableError
from omni_core.file_calls import FileCalls, GivenUpError, go_on

REPO = Path(__file__).parents[2]
HANGS = """
import asyncio, threading
from omni_core import file_calls
from omni_core.errors import UnavailableError

async def main():
    calls = file_calls.FileCalls()
    try:
        await calls.run(threading.Event().wait, deadline_s=0.05)
    except UnavailableError as e:
        print(e.code)

asyncio.run(main())
"""


async def test_the_result_or_the_error_of_the_call_comes_back() -> None:
    assert await file_calls.run(lambda: 7) == 7
    with pytest.raises(FileNotFoundError):
        await file_calls.run(Path("/not-there").stat)


async def test_a_call_that_hangs_is_answered_and_lets_others_through() -> None:
    released = threading.Event()
    calls = FileCalls(at_once=2)
    try:
        for _ in range(3):  # more than run at once
            with pytest.raises(UnavailableError, match="no answer within") as failed:
                await calls.run(released.wait, deadline_s=0.05)
            assert failed.value.code == "FILES_SLOW"
        assert calls.stuck == 3
        assert await calls.run(lambda: "here") == "here"
    finally:
        released.set()


async def test_when_too_many_hang_the_next_is_told_so_at_once() -> None:
    released = threading.Event()
    calls = FileCalls(stuck=1)
    try:
        with pytest.raises(UnavailableError):
            await calls.run(released.wait, deadline_s=0.05)
        with pytest.raises(UnavailableError, match=r"1 look-ups .* hang"):
            await calls.run(lambda: 1)
    finally:
        released.set()
    async with asyncio.timeout(5):
        while calls.stuck:  # noqa: ASYNC110 - of a thread, which sets no event
            await asyncio.sleep(0)
    assert await calls.run(lambda: 1) == 1


async def test_a_cancelled_call_stops_at_its_next_file() -> None:
    loop = asyncio.get_running_loop()
    began, ended = asyncio.Event(), asyncio.Event()

    def walk() -> None:
        loop.call_soon_threadsafe(began.set)
        try:
            while True:
                go_on()
        except GivenUpError:
            loop.call_soon_threadsafe(ended.set)
            raise

    call = asyncio.create_task(FileCalls().run(walk))
    async with asyncio.timeout(5):
        await began.wait()
        call.cancel()
        await ended.wait()
    assert call.cancelling()


def test_a_loop_over_files_outside_of_a_call_just_goes_on() -> None:
    go_on()


def test_no_process_waits_for_a_thread_that_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, cwd=REPO
    )
    assert (done.returncode, done.stdout.strip()) == (0, "FILES_SLOW"), done.stderr


async def test_a_call_that_goes_on_may_take_longer_than_its_deadline() -> None:
    def work() -> str:
        for _ in range(20):
            threading.Event().wait(0.05)
            go_on()
        return "all read"

    assert await FileCalls().run_long(work, stall_s=0.5) == "all read"


async def test_a_call_that_stops_going_on_is_answered_and_the_next_on_the_same_is_not_begun() -> (
    None
):
    released, began = threading.Event(), []
    calls = FileCalls()

    def work() -> None:
        began.append(1)
        go_on()
        released.wait()

    try:
        with pytest.raises(UnavailableError, match=r"gave nothing for 0\.05 s"):
            await calls.run_long(work, stall_s=0.05, on="/mnt/nas")
        for call in (calls.run, calls.run_long):
            with pytest.raises(UnavailableError, match="an earlier look-up in the same folder"):
                await call(work, 0.05, on="/mnt/nas")
        assert (len(began), calls.stuck) == (1, 1)
        assert await calls.run(lambda: "here", on="/home") == "here"
    finally:
        released.set()


async def test_what_was_merely_cancelled_does_not_stand_in_the_way() -> None:
    calls, began, released = FileCalls(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        released.wait()

    call = asyncio.create_task(calls.run_long(work, on="/m"))
    await asyncio.to_thread(began.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    try:
        assert await calls.run(lambda: "here", on="/m") == "here"
    finally:
        released.set()
