"""Diagnosis of this machine: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from omni_core import missing_weights, weights
from omni_core.errors import OmniError
from omni_core.sandbox import allowed
from omni_core.settings import Settings
from omni_server import catalog_check, library_check, qdrant_check, workers_check
from omni_server.store_check import open_in

State = Literal["ok", "warning", "missing", "absent", "damaged"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `absent` is an option that is not installed; that is fine. `damaged`
    is something of a library that is not as it was stored."""

    name: str
    state: State
    detail: str
    adds: str = ""
    get: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Feature:
    """Packages that provide one feature together."""

    name: str
    modules: tuple[str, ...]
    distributions: tuple[str, ...]
    adds: str
    get: str
    needed: bool = True


REINSTALL = "pip install --force-reinstall omni-mcp"
FEATURES = (
    Feature("video and audio", ("av",), ("av",), "video and audio files", REINSTALL),
    Feature("images", ("PIL.Image",), ("pillow",), "image files", REINSTALL),
    Feature("documents", ("pymupdf",), ("pymupdf",), "PDF, EPUB and XPS", REINSTALL),
    Feature("PDF without AGPL", ("pypdfium2",), ("pypdfium2",),
            "OMNI_PDF=pypdfium2, and PDF that pymupdf cannot read", REINSTALL),
    Feature(
        "model runtime",
        ("onnxruntime", "tokenizers", "onnx"),
        ("onnxruntime", "tokenizers", "onnx"),
        "the embedded text and image models",
        REINSTALL,
    ),
    Feature("speech", ("faster_whisper",), ("faster-whisper", "ctranslate2"), "speech recognition",
            REINSTALL),
    Feature("OCR", ("rapidocr",), ("rapidocr",), "words in images and scans",
            REINSTALL),
    Feature("embedded store", ("qdrant_edge",), ("qdrant-edge-py",), "the index on disk",
            REINSTALL),
    Feature("MCP", ("mcp.server",), ("mcp",), "the server itself", REINSTALL),
    Feature("Qdrant server (extra)", ("qdrant_client",), ("qdrant-client",),
            "an index on a Qdrant server or cluster", "pip install 'omni-mcp[server]'", False),
    Feature("omnimodal models (extra)", ("torch", "torchvision", "transformers",
            "sentence_transformers"), ("torch", "transformers", "sentence-transformers"),
            "one model for text, images, audio and video; wants a GPU",
            "omni-mcp setup, or pip install 'omni-mcp[omni]'", False),
)  # fmt: skip

GB = 1e9
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afpfs", "fuse.sshfs", "fuse.rclone")

_PROBE = """
import importlib, json, sys
answer = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        answer[name] = ""
    except BaseException as e:
        answer[name] = f"{type(e).__name__}: {e}".splitlines()[0]
if answer.get("torch") == "":
    torch = sys.modules["torch"]
    answer["gpu"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""

_PLUGINS = """
import json, sys
from omni_core import plugins
broken = {c.label: c.message for c in plugins.broken()}
answer = [[label for label in plugins.third_party() if label not in broken], broken]
sys.__stdout__.write("\\n" + json.dumps(answer) + "\\n")
"""


def examine(settings: Settings) -> list[Finding]:
    """Every finding, the needed ones first. Imports heavy wheels in a child process only."""
    found = [
        _python(), *_store(settings), *_library(settings), *_features(settings.pdf),
        *_weights(settings), *_own_weights(settings), *_plugins(), *_sandbox(settings),
        *_places(settings),
        *_people(settings),
    ]  # fmt: skip
    return sorted(found, key=lambda f: not f.needed)


def _python() -> Finding:
    new_enough = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    cores = f", {os.cpu_count()} cores"
    return Finding(
        "python", "ok" if new_enough else "missing", detail + cores, get="Python 3.11 or newer"
    )


def _store(settings: Settings) -> Iterator[Finding]:
    path = settings.store_path
    there = next(p for p in (path, *path.parents) if p.exists())
    if not os.access(there, os.W_OK):
        yield Finding("store", "missing", f"{path} cannot be written", get="--store DIR")
        return
    free = shutil.disk_usage(there).free / GB
    who, wrong = open_in(path)
    detail = ", ".join(filter(None, (f"{path}, {free:.1f} GB free", who)))
    if wrong:
        yield Finding("store", "warning", detail, get=wrong)
    elif (kind := _mount(there)) in NETWORK:
        yield Finding(
            "store", "warning", f"{detail}, on a network drive ({kind})",
            get="--store DIR on a local disk: locks and crashes are not safe over a network",
        )  # fmt: skip
    elif free < 1:
        yield Finding("store", "warning", detail, get="free some space, or --store DIR elsewhere")
    else:
        yield Finding("store", "ok", detail)


def _library(settings: Settings) -> Iterator[Finding]:
    if settings.store_path.is_dir():
        yield from (Finding(*line) for line in library_check.lines(settings))


def _mount(path: Path) -> str:
    """The kind of file system under `path`; empty where the system does not say."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    where = str(path.resolve())
    best = ("", "")
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def _features(pdf: str = "pymupdf") -> Iterator[Finding]:
    """`pdf`: the engine that reads PDF; the other one may be missing."""
    modules = [m for feature in FEATURES for m in feature.modules]
    answer = _import(modules)
    engines = {"pymupdf", "pypdfium2"} - {pdf}
    for part in FEATURES:
        other = engines.issuperset(part.modules)
        feature = replace(part, needed=False) if other else part
        broken = {m: answer[m] for m in feature.modules if answer.get(m, "not tried")}
        if not broken:
            gpu = f", {answer['gpu']}" if "torch" in feature.modules and answer.get("gpu") else ""
            yield Finding(feature.name, "ok", _versions(feature) + gpu, needed=feature.needed)
            continue
        absent = all(e.startswith("ModuleNotFoundError") for e in broken.values())
        detail = "not installed" if absent else "; ".join(f"{m}: {e}" for m, e in broken.items())
        state: State = "missing" if feature.needed else "absent" if absent else "warning"
        yield Finding(feature.name, state, detail, feature.adds, feature.get, feature.needed)


def _import(modules: list[str]) -> dict[str, str]:
    """For each module its error, "" when it imports; in a child, since one may crash."""
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter and names
            [sys.executable, "-c", _PROBE, *modules], capture_output=True, text=True, timeout=180,
            env=allowed(os.environ, models=True),
        )  # fmt: skip
        answer: dict[str, str] = json.loads(run.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        return dict.fromkeys(modules, f"the imports were not answered ({type(e).__name__})")
    return answer


def _versions(feature: Feature) -> str:
    return ", ".join(f"{d} {importlib.metadata.version(d)}" for d in feature.distributions)


def _weights(settings: Settings) -> Iterator[Finding]:
    for row in weights.PAYLOADS:
        needed = not row.optional and _needed(row.role, settings)
        size = sum(f.size for f in row.files) / 1e6
        name = f"weights {row.name}"
        try:
            weights.find(row.role, settings)
        except OmniError as e:
            state: State = "absent" if row.optional else "missing"
            detail = "not installed" if isinstance(e, weights.NotInstalledError) else str(e)
            yield Finding(name, state, detail, row.adds, row.get, needed)
        else:
            detail = f"{row.adds} ({size:.0f} MB, sha256 verified, {row.licence})"
            yield Finding(name, "ok", detail, needed=needed)


def _own_weights(settings: Settings) -> Iterator[Finding]:
    """The weights of an encoder that `omni-mcp setup` brings, where the settings choose one."""
    from omni_core.engine import known_models

    name, adds = f"weights {settings.encoder}", "text, pictures, sound and film by one model"
    try:
        folder = known_models.own_weights(settings)
    except OmniError as e:
        yield Finding(name, "missing", str(e), adds, "omni-mcp setup --profile laptop")
    else:
        if folder is not None:
            yield Finding(name, "ok", f"{adds} ({folder}, sha256 verified, Apache-2.0)")


def _plugins() -> Iterator[Finding]:
    """The plug-ins that are installed, and those that cannot be used."""
    try:
        run = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-P", "-c", _PLUGINS], capture_output=True, text=True, timeout=180,
            env=allowed(os.environ, models=True) | _python_path(),
        )  # fmt: skip
        added, broken = json.loads(run.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
        yield Finding(
            "plug-ins", "warning", f"they cannot be imported ({type(e).__name__})", needed=False
        )
        return
    if added:
        yield Finding("plug-ins", "ok", ", ".join(added), needed=False)
    for label, message in broken.items():
        yield Finding(label, "warning", message, needed=False)


def _sandbox(settings: Settings) -> Iterator[Finding]:
    """What confines the child processes: one of each kind is started and asked."""
    from omni_core.engine import confinement
    from omni_core.sandbox.kernel import kernel

    if settings.sandbox == "off":
        yield Finding("sandbox", "warning", "off", get='sandbox = "auto"', needed=False)
        return
    try:
        held = asyncio.run(confinement.in_force(settings))
    except OmniError as e:
        yield Finding("sandbox", "missing", str(e), get='sandbox = "auto"')
        return
    same = set(held.values())
    detail = same.pop() if len(same) == 1 else "; ".join(f"{k}: {w}" for k, w in held.items())
    if more := confinement.in_words(settings):
        detail += f"; {more}"
    lacks = kernel().lacks
    state: State = "warning" if lacks and sys.platform == "linux" else "ok"
    yield Finding(
        "sandbox", state, f"child processes: {detail}" + (f" (no {lacks})" if lacks else ""),
        "decoders and models that cannot reach the network, other processes or other files",
        "a kernel or a container that allows it (docs/how-it-works.md)", needed=False,
    )  # fmt: skip


def _python_path() -> dict[str, str]:
    """Where children look for parts, too."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _needed(role: str, settings: Settings) -> bool:
    """Whether nothing works without a payload: one of the two text models must be there."""
    other = {"text": "multilingual", "multilingual": "text"}.get(role)
    if other is None or not missing_weights.used(role, settings):
        return False
    try:
        weights.find(other, settings)
    except OmniError:
        return True
    return False


def _places(settings: Settings) -> Iterator[Finding]:
    if settings.roots:
        bad = [r for r in settings.roots if not Path(r).expanduser().is_dir()]
        detail = ", ".join(settings.roots)
        if bad:
            detail = f"not a folder: {', '.join(bad)}"
        yield Finding("roots", "warning" if bad else "ok", detail, needed=False)
    else:
        yield Finding(
            "roots", "absent", "none: agents may ingest no file (this command line may)",
            "files that agents can ingest", "serve --root DIR, or OMNI_ROOTS", needed=False,
        )  # fmt: skip
    if settings.index == "server":
        yield from (Finding(*line) for line in qdrant_check.lines(settings))
    if settings.encoder_url and "vllm+" not in settings.encoder_url:
        yield from (Finding(*line) for line in workers_check.lines(settings))
    if settings.catalog:
        yield from (Finding(*line) for line in catalog_check.lines(settings))


def _people(settings: Settings) -> Iterator[Finding]:
    """Several people on one server: only what is set up."""
    if settings.oauth_issuer or settings.tokens_file or settings.tenant_roots:
        from omni_server.auth.diagnosis import examine as examine_people

        for c in examine_people(settings):
            yield Finding(c.name, c.state, c.detail, get=c.fix)
