"""The three graphs of the model, each loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders.gemma import files
from omni_core.errors import UnavailableError

Array = NDArray[Any]
INT8_ACTIVATIONS = 4
"""`accuracy_level` of MatMulNBits with which ONNX Runtime multiplies in int8."""


class Graph:
    """A graph that is loaded at its first call. Thread-safe: callers run side by side."""

    def __init__(self, path: Path, output: str, threads: int, *, keeps_memory: bool) -> None:
        """`threads` 0 lets ONNX Runtime take the physical cores.

        `keeps_memory`: what a run needed stays for the next one. Without, it is given back: about a
        twelfth slower, and 900 MB less after a picture.
        """
        self._path, self._output, self._threads = path, output, threads
        self._keeps_memory = keeps_memory
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def loaded(self) -> bool:
        """Whether its weights are in memory."""
        return self._session is not None

    def load(self) -> None:
        """Load it now; nothing where it is loaded."""
        with self._lock:
            if self._session is None:
                self._session = _session(self._path, self._threads, self._keeps_memory)

    def width(self, name: str) -> int:
        """The last dimension of an input."""
        self.load()
        return int(next(i for i in self._session.get_inputs() if i.name == name).shape[-1])

    def __call__(self, inputs: Mapping[str, Array]) -> NDArray[np.float32]:
        """The graph's output for the named inputs."""
        self.load()
        (result,) = self._session.run([self._output], dict(inputs))
        return np.asarray(result, np.float32)


class Graphs:
    """Text, vision and audio. The text graph also merges the features of media into the text."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.text = Graph(
            folder / files.TEXT_GRAPH, "sentence_embedding", threads, keeps_memory=True
        )
        self.vision = Graph(
            folder / files.VISION_GRAPH, "image_features", threads, keeps_memory=False
        )
        self.audio = Graph(
            folder / files.AUDIO_GRAPH, "audio_features", threads, keeps_memory=False
        )

    def embed(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64], **features: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(batch, 768): the mean over the tokens of each row.

        `ids` and `mask` are (batch, tokens). `features`: the rows that fill the places of `image`,
        `video` and `audio` in the ids, from the first row of the batch to the last.
        """
        width = self.text.width("image_features")
        none = np.zeros((0, width), np.float32)
        media = {f"{m}_features": features.get(m, none) for m in ("image", "video", "audio")}
        return self.text({"input_ids": ids, "attention_mask": mask, **media})


def _session(path: Path, threads: int, keeps_memory: bool) -> Any:
    """A session on the CPU. Weights beside the graph are mapped, not copied.

    The graphs are published for a browser and say nothing of the precision of activations;
    ONNX Runtime then widens 8-bit weights to float32 at every call: a question takes six times as
    long as with int8 activations. Others measured on the published weights that these move no
    vector by a cosine of more than .0005, and no ranking.

    Raises UnavailableError where ONNX Runtime cannot load the graph.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keeps_memory
    # spin-waiting threads would take the cores that decoding and speech need
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(path.parent)
    )
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(
            _with_int8_activations(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as e:
        reason = (str(e).strip().splitlines() or [type(e).__name__])[0][:200]
        raise UnavailableError(
            f"ONNX Runtime {ort.__version__} cannot load {path} ({reason}): "
            "pip install --upgrade onnxruntime"
        ) from e


def _with_int8_activations(path: Path) -> bytes:
    """The graph, without its weights, with the precision of activations stated where it is not."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    for node in model.graph.node:
        stated = any(a.name == "accuracy_level" for a in node.attribute)
        if node.op_type == "MatMulNBits" and not stated:
            node.attribute.append(onnx.helper.make_attribute("accuracy_level", INT8_ACTIVATIONS))
    data: bytes = model.SerializeToString()
    return data
