"""ONNX Runtime sessions, and a builder for ONNX graphs, which are cached on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from omni_core.settings import Settings
from omni_core.weights import cache

if TYPE_CHECKING:
    import onnx

OPSET = 20


class Session:
    """A graph ready to run on the CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        """`threads` 0 lets ONNX Runtime take the physical cores."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # spin-waiting threads would take the cores that decoding and speech need
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = frozenset(i.name for i in self._session.get_inputs())

    def __call__(self, outputs: Sequence[str], **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """The named outputs for the named inputs."""
        return list(self._session.run(list(outputs), inputs))


def cached(settings: Settings, name: str, build: Callable[[], onnx.ModelProto]) -> Path:
    """Path of the cached graph `name`; it is built, checked and written when it is missing or not
    the bytes that were written.

    `name` must change with the weights and with the builder.
    """
    path = cache.folder(settings) / "graphs" / f"{name}.onnx"
    if not cache.is_intact(path):
        import onnx

        model = build()
        onnx.checker.check_model(model)
        cache.keep(path, model.SerializeToString())
    return path


class Graph:
    """Collects nodes and constants; each operator returns the name of its output."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any] | float) -> str:
        """A constant tensor; the same name is stored once."""
        if name not in self._constants:
            array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value, np.float32)
            self._constants[name] = self._numpy.from_array(array, name)
        return name

    def integers(self, *values: int) -> str:
        """A constant vector of int64, as shapes and axes are."""
        return self.constant("i_" + "_".join(map(str, values)), np.array(values, np.int64))

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator; returns the name of its output, `output` or a generated one."""
        output = output or f"n{len(self._nodes)}"
        self.node(kind, inputs, (output,), **attributes)
        return output

    def node(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> None:
        """Add an operator with several outputs, whose names are given."""
        self._nodes.append(self._helper.make_node(kind, inputs, outputs, **attributes))

    def model(
        self,
        name: str,
        inputs: Mapping[str, tuple[type, Sequence[str | int]]],
        outputs: Mapping[str, Sequence[str | int]],
    ) -> onnx.ModelProto:
        """The finished model; outputs are float32."""
        info, dtype = self._helper.make_tensor_value_info, self._helper.np_dtype_to_tensor_dtype
        graph = self._helper.make_graph(
            self._nodes,
            name,
            [info(n, dtype(np.dtype(t)), list(shape)) for n, (t, shape) in inputs.items()],
            [info(n, dtype(np.dtype(np.float32)), list(s)) for n, s in outputs.items()],
            list(self._constants.values()),
        )
        opset = self._helper.make_opsetid("", OPSET)
        return self._helper.make_model(graph, opset_imports=[opset], ir_version=10)
