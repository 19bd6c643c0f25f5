from __future__ import annotations

import collections
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.errors import UnavailableError
from omni_core.weights.checkpoints import read_safetensors, read_torch


class Global:
    """Pickles as a call of `module.name` with `args`."""

    def __init__(self, module: str, name: str, args: tuple[Any, ...] | None) -> None:
        self.module, self.name, self.args = module, name, args


class Storage:
    def __init__(self, key: str, size: int) -> None:
        self.key, self.size = key, size


Pickler: Any = vars(pickle)["_Pickler"]  # the one in Python: its methods can be replaced


class Writer(Pickler):  # type: ignore[misc]
    """Writes references to torch's names without torch."""

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return (
                "storage",
                Global("torch", "FloatStorage", None),
                obj.key,
                "cpu",
                obj.size,
                None,
            )
        return None

    def save_global_name(self, obj: Any) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Global):
            self.save_global_name(obj)
            if obj.args is not None:
                super().save(obj.args)
                self.write(pickle.REDUCE)
            return
        super().save(obj, save_persistent_id)


def checkpoint(path: Path, views: dict[str, Any], storages: dict[str, NDArray[np.float32]]) -> None:
    with path.open("wb") as f:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            Writer(f, 2).dump(head)
        Writer(f, 2).dump(collections.OrderedDict(views))
        Writer(f, 2).dump(list(storages))
        for values in storages.values():
            f.write(struct.pack("<q", len(values)) + values.tobytes())


def tensor(
    key: str, size: int, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]
) -> Global:
    args: tuple[Any, ...] = (
        Storage(key, size),
        offset,
        shape,
        stride,
        False,
        collections.OrderedDict(),
    )
    return Global("torch._utils", "_rebuild_tensor_v2", args)


def test_tensors_come_back_with_their_shape_stride_and_offset(tmp_path: Path) -> None:
    numbers = np.arange(8, dtype=np.float32)
    views = {
        "plain": tensor("0", 8, 0, (2, 4), (4, 1)),
        "transposed": tensor("0", 8, 0, (4, 2), (1, 4)),
        "part": tensor("0", 8, 6, (2,), (1,)),
        "number": tensor("0", 8, 3, (), ()),
    }
    checkpoint(tmp_path / "w.pth", views, {"0": numbers})
    out = read_torch(tmp_path / "w.pth")
    assert np.array_equal(out["plain"], numbers.reshape(2, 4))
    assert np.array_equal(out["transposed"], numbers.reshape(2, 4).T)
    assert out["part"].tolist() == [6, 7]
    assert out["number"] == 3


def test_the_tensors_of_one_entry_are_read_from_a_training_state(tmp_path: Path) -> None:
    numbers, momenta = np.arange(4, dtype=np.float32), np.ones(2, np.float32)
    state: dict[str, Any] = {
        "step": 7,
        "model": collections.OrderedDict(w=tensor("0", 4, 0, (2, 2), (2, 1))),
        "optimizer": {"state": [{"momentum": tensor("1", 2, 0, (2,), (1,))}]},
    }
    checkpoint(tmp_path / "w.pt", state, {"0": numbers, "1": momenta})
    out = read_torch(tmp_path / "w.pt", entry="model")
    assert list(out) == ["w"] and out["w"].tolist() == [[0, 1], [2, 3]]
    for entry in ("step", "nothing", "optimizer"):
        with pytest.raises(UnavailableError, match="not a plain tensor file"):
            read_torch(tmp_path / "w.pt", entry=entry)


def test_a_training_state_that_calls_anything_is_refused_before_it_runs(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    state: dict[str, Any] = {
        "model": collections.OrderedDict(w=tensor("0", 4, 0, (4,), (1,))),
        "optimizer": Global("pathlib", "Path.touch", (str(target),)),
    }
    checkpoint(tmp_path / "w.pt", state, {"0": np.arange(4, dtype=np.float32)})
    with pytest.raises(UnavailableError, match="not a plain tensor file"):
        read_torch(tmp_path / "w.pt", entry="model")
    assert not target.exists()


def test_a_checkpoint_that_calls_anything_else_is_refused_before_it_runs(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    views = {"w": Global("pathlib", "Path.touch", (str(target),))}
    checkpoint(tmp_path / "w.pth", views, {})
    with pytest.raises(UnavailableError, match="not a plain tensor file"):
        read_torch(tmp_path / "w.pth")
    assert not target.exists()


@pytest.mark.parametrize(
    "view",
    [
        tensor("0", 8, 0, (9,), (1,)),
        tensor("0", 8, 4, (2, 4), (4, 1)),
        tensor("0", 8, -1, (1,), (1,)),
        tensor("0", 8, 7, (2,), (-1,)),
        tensor("1", 8, 0, (1,), (1,)),
    ],
    ids=["past the end", "offset past the end", "before the start", "backwards", "no storage"],
)
def test_a_view_outside_its_storage_is_refused(tmp_path: Path, view: Global) -> None:
    checkpoint(tmp_path / "w.pth", {"w": view}, {"0": np.arange(8, dtype=np.float32)})
    with pytest.raises(UnavailableError):
        read_torch(tmp_path / "w.pth")


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickle.dumps([1, 2])])
def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(data)
    with pytest.raises(UnavailableError):
        read_torch(tmp_path / "w.pth")


def safetensors(header: dict[str, Any], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body


def test_safetensors_come_back_by_name(tmp_path: Path) -> None:
    body = np.arange(6, dtype=np.float32).tobytes()
    rows: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    rows["w"] = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    (tmp_path / "w.safetensors").write_bytes(safetensors(rows, body))
    out = read_safetensors(tmp_path / "w.safetensors")
    assert list(out) == ["w"]
    assert out["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        safetensors({"w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"ab"),
        safetensors({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}, b"abcd"),
        safetensors({"w": {}}),
    ],
    ids=["empty", "length past the end", "another type", "shape and size differ", "no offsets"],
)
def test_broken_safetensors_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(UnavailableError):
        read_safetensors(tmp_path / "w.safetensors")
