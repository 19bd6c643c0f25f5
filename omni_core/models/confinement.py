"""What a process that runs models may do: as little as the models that the settings choose need.

Every one of them reads Python, the system's libraries, and the weights and caches that the settings
name, and writes into the caches alone. The models of the default install are files checked by
their hash, and call nobody: no network, no programs. A model of a hub starts compilers of kernels,
and has the network until it is loaded, where it must be fetched at all. A remote encoder has the
network. So have the encoders and readers of plug-ins, which may be clients of a service: code that
the operator chose. What one of those needs of the disk besides, `model_folders` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from omni_core import plugins
from omni_core.encoders.gemma import files as gemma
from omni_core.sandbox.rules import CAN_WRITE_ANYWHERE, Rules
from omni_core.settings import Settings
from omni_core.weights import cache, wheels

OWN_RERANKERS = ("", "minilm-l12")
_HOME_CACHES = ("~/.triton", "~/.nv")
"""Where kernels compiled for a GPU are kept."""
_GPUS = ("/dev/nvidiactl", "/dev/kfd")
_CACHES = ("huggingface", "torch", "torch_extensions", "flashinfer", "numba")
"""The same, and files fetched from hubs, in the cache folder of the user."""
_VARIABLES = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_MODULES_CACHE", "HF_XET_CACHE",
    "HF_ASSETS_CACHE", "TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME", "TORCH_HOME",
    "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TRITON_HOME",
    "CUDA_CACHE_PATH",
)  # fmt: skip
"""Variables that name other folders for them."""
_LINKS_DEEP = 3
"""Folders below that of the weights in which links to others are looked for."""


def of_models(settings: Settings, *, serves: bool = False) -> Rules:
    """The rules for a process that runs the models of these settings; `serves`: over HTTP."""
    plugs, hub = _plug_ins(settings), _of_hubs(settings)
    fetches = any(_must_be_fetched(name, settings) for name in hub)
    foreign = bool(plugs or hub)
    writes = tuple(_writes(settings, foreign))
    return Rules(
        settings.sandbox,
        network=bool(plugs or settings.encoder_url or fetches),
        fetches=fetches and not plugs and not settings.encoder_url,
        serves=serves,
        programs=foreign,
        reads=tuple(_reads(settings)),
        writes=writes,
        devices=True,
        variables=settings.child_env,
        keeps=CAN_WRITE_ANYWHERE,
    )


def in_words(settings: Settings) -> str:
    """What models may do that those of the default install may not, and why; "" for nothing."""
    rules = of_models(settings)
    if plugs := _plug_ins(settings):
        return f"models may use the network ({', '.join(plugs)})"
    if settings.encoder_url:
        return "models may use the network (encoder_url)"
    if rules.fetches:
        return "models may use the network until they are loaded"
    return ""


def _plug_ins(settings: Settings) -> list[str]:
    """The components of other packages that run with the models."""
    chosen = plugins.is_third_party(plugins.ENCODERS, settings.encoder)
    encoder = [f"encoder {settings.encoder}"] if chosen and not settings.encoder_url else []
    return [*encoder, *plugins.third_party(plugins.READERS)]


def _of_hubs(settings: Settings) -> list[str]:
    """The models that torch and transformers run, by their names in the settings."""
    if settings.encoder_url:
        return []
    known = plugins.names(plugins.ENCODERS)
    encoder = settings.encoder
    found = [] if encoder in known or gemma.serves(encoder, settings) else [encoder]
    return found + [r for r in (settings.reranker,) if r not in OWN_RERANKERS]


def _must_be_fetched(name: str, settings: Settings) -> bool:
    """Whether a hub may have to be asked for a model."""
    if any(os.environ.get(v) for v in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return False
    from omni_core.encoders.transformer import catalogue  # imports a client of HTTP

    return catalogue.folder_of(name, settings.weights_dir) is None


def _reads(settings: Settings) -> Iterator[str]:
    """Weights: in the folders of the settings, of this user and of the store; and where a link in
    one of them leads, since weights often lie on another disk. And the certificates by which remote
    workers are checked."""
    if settings.encoder_ca:
        yield os.path.expanduser(settings.encoder_ca)
    chosen = (settings.encoder, settings.reranker, settings.speech)
    paths = [p for p in chosen if "/" in p or "\\" in p or p.startswith(("~", "."))]
    folders = [settings.weights_dir, *paths, str(settings.store_path / "weights")]
    for folder in (*filter(None, folders), str(wheels.home())):
        place = Path(folder).expanduser()
        yield str(place)
        yield from _linked(place)


def _writes(settings: Settings, foreign: bool) -> Iterator[str]:
    own = [cache.resolved(settings).cache_dir, *map(os.path.expanduser, settings.model_folders)]
    for path in filter(None, own):
        _make(path)  # what is not there cannot be granted
        yield path
    yield str(cache.of_store(settings.store_path))
    if not foreign:
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    of_hubs, *usual = (str(home / name) for name in _CACHES)
    usual += map(os.path.expanduser, _HOME_CACHES)
    named = [os.path.expanduser(path) for path in map(os.environ.get, _VARIABLES) if path]
    if "HF_HOME" not in os.environ:
        named.append(of_hubs)
    for path in named + (usual if any(map(os.path.exists, _GPUS)) else []):
        _make(path)
    yield from (*named, *usual)


def _make(path: str) -> None:
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError:  # it cannot be written: the library that would says so
        return


def _linked(folder: Path) -> Iterator[str]:
    """The folders that links below this one lead to."""
    for here, names, files in os.walk(folder):
        if len(Path(here).relative_to(folder).parts) >= _LINKS_DEEP:
            names.clear()
        for path in (os.path.join(here, name) for name in (*names, *files)):
            if os.path.islink(path):
                target = os.path.realpath(path)
                yield target if os.path.isdir(target) else os.path.dirname(target)
