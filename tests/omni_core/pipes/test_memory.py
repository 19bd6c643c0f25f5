"""Sealed memory: what its maker can no longer do, and what is not taken for it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.pipes import calls, memory
from omni_core.pipes.descriptors import MOST, Descriptors, MissingError
from omni_core.pipes.memory import Sealed, UnsealedError
from omni_core.worker_child import _Arguments

needs_memory = pytest.mark.skipif(not memory.available(), reason="no sealed memory on this system")


@pytest.fixture(autouse=True)
def every_descriptor_is_closed() -> Iterator[None]:
    gc.collect()  # what an earlier test left open is closed before it is counted
    before = opened()
    yield
    assert opened() <= before
    assert not len(Sealed.held)


def opened() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


def array_in(held: memoryview) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.ndarray((held.nbytes,), np.uint8, buffer=held)


@needs_memory
def test_its_maker_can_neither_write_nor_shrink_nor_grow_it() -> None:
    descriptor = memory.sealed([b"one", memoryview(b"two")])
    for change in (
        lambda: os.pwrite(descriptor, b"x", 0),
        lambda: os.ftruncate(descriptor, 1),
        lambda: os.ftruncate(descriptor, 1 << 20),
    ):
        with pytest.raises(PermissionError):
            change()
    assert bytes(memory.opened(descriptor)) == b"onetwo"


@needs_memory
def test_its_arrays_cannot_be_written_and_it_is_closed_with_the_last_of_them() -> None:
    before = opened()
    whole = array_in(memory.opened(memory.sealed([bytes(range(200))])))
    part = whole[50:][::2]
    assert not whole.flags.writeable
    del whole
    assert part[0] == 50
    assert len(Sealed.held) == 1
    assert memory.behind(part) is next(iter(Sealed.held))
    del part
    assert opened() == before


@needs_memory
def test_what_no_longer_may_be_held_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_HELD", 2)
    held = [array_in(memory.opened(memory.sealed([bytes([i]) * 5000]))) for i in range(4)]
    assert [int(each.sum()) for each in held] == [0, 5000, 10000, 15000]
    assert len(Sealed.held) == 2
    assert [memory.behind(each) is None for each in held] == [False, False, True, True]
    held.clear()


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Whether there is sealed memory is asked once in a process."""
    memory.available.cache_clear()
    yield
    memory.available.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_where_a_system_has_none_the_pipes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.delattr(os, "memfd_create", raising=False)
        assert Descriptors.pair() == (None, None)


@needs_memory
@pytest.mark.usefixtures("asked_anew")
def test_where_the_system_forbids_it_the_pipes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as without:
        without.setattr(os, "memfd_create", forbidden)
        assert Descriptors.pair() == (None, None)


@needs_memory
@pytest.mark.parametrize("kind", ["file", "folder", "unsealed", "empty", "holes"])
def test_what_is_no_sealed_memory_is_refused_and_closed(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    if kind in ("file", "folder"):
        descriptor = os.open(tmp_path / kind if kind == "file" else tmp_path, os.O_RDONLY)
    elif kind == "empty":
        descriptor = memory.sealed([])
    else:
        import fcntl

        descriptor = os.memfd_create("omni", os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, 1 << 20)
        if kind == "holes":
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, memory._seals())
    with pytest.raises(UnsealedError):
        memory.opened(descriptor)


@needs_memory
def test_as_many_descriptors_come_as_belong_to_a_frame_or_none_stays_open() -> None:
    ours, theirs = Descriptors.pair()
    assert ours is not None
    assert theirs is not None
    there = Descriptors(theirs)
    one = memory.sealed([b"x"])
    for sent, expected in ((1, 2), (3, 2), (3, 1), (253, 1)):
        assert there.send([one] * sent)
        before = opened()
        with pytest.raises(MissingError):
            ours.receive(expected)
        assert opened() == before
    with pytest.raises(MissingError):
        ours.receive(1)
    assert there.send([one] * 3)
    found = ours.receive(3)
    for descriptor in found:
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)
    assert there.send([one])  # and nobody asks for it
    os.close(one)
    ours.close()
    there.close()


def sent(args: tuple[Any, ...], *, share: bool) -> tuple[Any, calls.Packed]:
    """The arguments as the other side has them."""
    packed = calls.pack(7, "look", args, share=share)
    frame = memoryview(bytearray(b"".join(packed.parts)))
    assert calls.number_of(frame) == 7
    assert calls.count_of_descriptors(frame) == len(packed.shared)
    there = memory.changeable([os.dup(each.descriptor) for each in packed.shared])
    method, loaded = _Arguments(calls.unpack(frame, there)).load()
    assert method == "look"
    return loaded, packed


@needs_memory
@pytest.mark.parametrize("share", [True, False])
def test_arguments_arrive_as_they_were_wherever_their_arrays_lie(share: bool) -> None:
    numbers = np.arange(100_000, dtype=np.float32)
    held = memory.opened(memory.sealed([numbers.tobytes()]))
    lying = np.ndarray((100, 1000), np.float32, buffer=held)
    arrays = [
        lying[2:40], lying, lying[::2], lying, lying[0, :3], lying[:0], numbers[5:], np.arange(3),
        np.asfortranarray(lying),
    ]  # fmt: skip
    (words, found), packed = sent(({"words": ["a"]}, arrays), share=share)
    assert words == {"words": ["a"]}
    assert len(packed.shared) == (1 if share else 0)
    for one, other in zip(found, arrays, strict=True):
        assert np.array_equal(one, other)
        assert one.flags.writeable
        assert one.flags.aligned
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
    del found, one, other, packed, arrays, lying, held


@needs_memory
def test_a_call_takes_so_many_descriptors_and_the_other_arrays_lie_in_its_frame() -> None:
    size = calls.BESIDE_FROM
    arrays = [array_in(memory.opened(memory.sealed([bytes([i]) * size]))) for i in range(MOST + 5)]
    loaded, packed = sent((arrays, arrays[0]), share=True)
    assert len(packed.shared) == MOST
    assert [int(a[0]) for a in loaded[0]] == list(range(MOST + 5))
    del loaded, packed
    arrays.clear()


@needs_memory
def test_what_a_child_writes_into_an_array_is_seen_by_that_child_alone() -> None:
    array = array_in(memory.opened(memory.sealed([b"a" * 50_000])))
    (there,), packed = sent((array,), share=True)
    there[:] = 0
    assert array[0] == ord("a")
    del there, packed, array
