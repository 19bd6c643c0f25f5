"""Defaults < file < environment < caller, and one check for all of them."""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from omni_core.config.environment import _warn_unused
from omni_core.config.values import Bounds
from omni_core.errors import BadRequestError
from omni_core.settings import Settings, load

PLAIN = get_type_hints(Settings)
ANNOTATED = get_type_hints(Settings, include_extras=True)
DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Settings)}
SECRETS = [f.name for f in fields(Settings) if not f.repr]
MARK = "s3cret-of-mine"
ON, OFF = ("1", "true", "yes", "on", "True"), ("0", "false", "no", "off", "FALSE")

Load = Callable[[], Settings]


def kind(name: str) -> Any:
    """bool, int, float, str, tuple or Literal."""
    return get_origin(PLAIN[name]) or PLAIN[name]


def toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (str, bool)) else repr(value)


def from_file(name: str, value: object, folder: Path) -> tuple[Load, str]:
    config = folder / "omni.toml"
    config.write_text(f"# a comment\n\n{name} = {toml(value)}\n", encoding="utf-8")
    return lambda: load(config=str(config), environ={}), f"{config}, line 3"


def from_environment(name: str, value: object, folder: Path) -> tuple[Load, str]:
    variable = f"OMNI_{name.upper()}"
    return lambda: load(environ={variable: str(value)}), f"environment variable {variable}"


def from_option(name: str, value: object, folder: Path) -> tuple[Load, str]:
    option = f"option --{name}"
    return lambda: load({name: value}, environ={}, origins={name: option}), option


def from_caller(name: str, value: object, folder: Path) -> tuple[Load, str]:
    return lambda: load({name: value}, environ={}), "settings of the caller"


def from_constructor(name: str, value: Any, folder: Path) -> tuple[Load, str]:
    return lambda: Settings(**{name: value}), "Settings()"


def from_replace(name: str, value: Any, folder: Path) -> tuple[Load, str]:
    return lambda: replace(Settings(), **{name: value}), "Settings()"


TYPED = (from_file, from_caller, from_constructor, from_replace)
SOURCES = (*TYPED, from_environment, from_option)
TABLE, DAY = {"a": 1}, date(2026, 5, 27)
NO_NUMBER: tuple[object, ...] = (
    True, False, "many", "true", "", " ", "nan", "inf", math.nan, math.inf, -math.inf, [], [1],
    ["1"], TABLE, DAY,
)  # fmt: skip
NO_TEXT: tuple[object, ...] = (
    7, 1.5, True, [], ["a"], TABLE, DAY, "a\nb", "a\0", "\x7f", " ", "\u00a0",
)  # fmt: skip
WRONG: dict[Any, tuple[object, ...]] = {
    bool: (0, 1, 7, 1.0, "perhaps", "", "2", [], [True], TABLE, DAY),
    int: (*NO_NUMBER, 1.5, "1.5"),
    float: NO_NUMBER,
    str: NO_TEXT,
    Literal: (*NO_TEXT, "nonsense", ""),
    tuple: (7, True, [7], [["/a"]], ["/a", ["/b"]], [""], [" "], "", TABLE, [TABLE], DAY, "/a\n"),
}
"""What no field of a kind can have meant."""


def wrong_for(source: Callable[..., Any], name: str) -> list[object]:
    wrong = list(WRONG[kind(name)])
    if kind(name) is str and DEFAULTS[name] != "":
        wrong += [""]
    if source in TYPED:
        return wrong
    if source is from_environment and kind(name) is tuple:
        return ["/a\nb"]  # empty means none there, as in PATH
    return [w for w in wrong if isinstance(w, str)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_wrong_value_is_one_line_naming_source_key_and_expectation(
    source: Callable[..., tuple[Load, str]], name: str, tmp_path: Path
) -> None:
    wrong = wrong_for(source, name)
    assert wrong
    for value in wrong:
        read, where = source(name, value, tmp_path)
        with pytest.raises(BadRequestError) as caught:
            read()
        pattern = rf"{re.escape(where)}: {name} is .+, expected [^\n]+"
        assert re.fullmatch(pattern, str(caught.value)), value


def right_for(name: str) -> list[tuple[object, object]]:
    """Pairs of what is written and what it means."""
    default = DEFAULTS[name]
    of = kind(name)
    if of is bool:
        return [(True, True), (False, False), *((t, True) for t in ON), *((t, False) for t in OFF)]
    if of is int:
        return [(default, default), (float(default), default), (f" {default} ", default)]
    if of is float:
        return [(default, default), (int(default), default), (str(default), default), ("2.5", 2.5)]
    if of is tuple:
        return [(["a", "b"], ("a", "b")), (("a", "b"), ("a", "b")), ("a", ("a",)), ([], ())]
    if of is Literal:
        return [(choice, choice) for choice in get_args(PLAIN[name])]
    return [(default, default)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_plainly_meant_becomes_the_type_of_the_field(
    source: Callable[..., tuple[Load, str]], name: str, tmp_path: Path
) -> None:
    for written, meant in right_for(name):
        if source is from_environment and isinstance(written, (list, tuple)):
            continue
        found = getattr(source(name, written, tmp_path)[0](), name)
        assert found == meant
        assert type(found) is type(meant) or kind(name) is float


@pytest.mark.parametrize("name", [n for n in DEFAULTS if kind(n) in (int, float)])
def test_numbers_end_at_their_bounds(name: str, tmp_path: Path) -> None:
    (bounds,) = (e for e in ANNOTATED[name].__metadata__ if isinstance(e, Bounds))
    ends: list[Any] = [bounds.low] if bounds.high == math.inf else [bounds.low, bounds.high]
    inside: list[Any] = [] if bounds.open else ends
    outside: list[Any] = [bounds.low if bounds.open else bounds.low - 1, *(e + 1 for e in ends[1:])]
    for source in SOURCES:
        for value in inside:
            assert getattr(source(name, value, tmp_path)[0](), name) == value
        for value in [*outside, -7]:
            with pytest.raises(BadRequestError, match=f"{name} is '?{value}'?, expected"):
                source(name, value, tmp_path)[0]()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("device", "cuda:x", "cuda:1"),
        ("device", "GPU 0", "cuda:1"),
        ("timezone", "Mars/Base", "Europe/Lisbon"),
        ("timezone", "../etc/passwd", "Europe/Lisbon"),
        ("timezone", "Europe", "Europe/Lisbon"),
        ("allowed_hosts", ["https://omni.example"], "omni.example"),
        ("allowed_hosts", ["*"], "omni.example"),
        ("roots", ["~nobody-of-that-name/films"], "/media/films"),
        ("store", "~nobody-of-that-name", "a folder"),
        ("catalog_schema", "x" * 64, "63 bytes"),
        ("catalog_schema", "ы" * 32, "63 bytes"),
        ("catalog_schema", "pg_mine", "not PostgreSQL's own"),
        ("catalog_schema", "information_schema", "not PostgreSQL's own"),
        ("qdrant_shards", 1_000_000, "from 0 to 1000"),
        *(
            (key, f"{MARK}{sign}", "of ASCII, without spaces")
            for key in ("qdrant_api_key", "encoder_token")
            for sign in ("ü", " ", "\u00a0", "→")
        ),
    ],
)
def test_a_text_that_could_never_work_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(BadRequestError, match=f"{name} is .*, expected .*{expected}") as caught:
        load({name: value}, environ={})
    assert not leaks(caught.value, MARK)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps", "xpu:0"])
def test_devices_that_an_encoder_may_know_pass(device: str) -> None:
    assert load(environ={"OMNI_DEVICE": device}).device == device


def test_one_text_of_hosts_is_parted_by_commas_in_every_source(tmp_path: Path) -> None:
    for source in SOURCES:
        read, _ = source("allowed_hosts", "omni.example:8000, other", tmp_path)
        assert read().allowed_hosts == ("omni.example:8000", "other")


def test_a_folder_whose_name_holds_the_separator_of_path_is_one_folder_in_a_file(
    tmp_path: Path,
) -> None:
    name = f"/media/a{os.pathsep}b"
    assert from_file("roots", name, tmp_path)[0]().roots == (name,)


def test_paths_are_taken_as_text(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path, roots=[tmp_path])  # type: ignore[arg-type]
    assert (settings.store, settings.roots) == (str(tmp_path), (str(tmp_path),))
    assert Settings(roots=tmp_path).roots == (str(tmp_path),)  # type: ignore[arg-type]


def leaks(error: BaseException, secret: str) -> bool:
    return secret in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", SECRETS)
def test_no_error_holds_a_secret(
    source: Callable[..., tuple[Load, str]], name: str, tmp_path: Path
) -> None:
    shapes: list[object] = [f"{MARK}\n", f"\0{MARK}"]
    if source in TYPED:
        shapes += [[MARK], {"a": MARK}, [[MARK]], {MARK: 1}]
    for shape in shapes:
        read, where = source(name, shape, tmp_path)
        with pytest.raises(BadRequestError, match=re.escape(f"{where}: {name} is ")) as caught:
            read()
        assert not leaks(caught.value, MARK)
    if source in (from_file, from_option, from_caller):  # a misspelt key
        with pytest.raises(BadRequestError, match=f"did you mean {name}") as caught:
            source(f"{name}s", MARK, tmp_path)[0]()
        assert not leaks(caught.value, MARK)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "line",
    ["{} = {}", '{} = "{}', '{} "{}"', "[{}]\na = 1\n[{}]\nport = 1", '{} = "{}"\nport = 0'],
)
def test_no_error_of_a_broken_file_holds_a_secret(name: str, line: str, tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text(line.format(name, MARK), encoding="utf-8")
    with pytest.raises(BadRequestError) as caught:
        load(config=str(config), environ={})
    assert "\n" not in str(caught.value)
    if "[" not in line:  # a key or the name of a table is no secret
        assert not leaks(caught.value, MARK)


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({"OMNI_QDRANT_URL": "http://one:1"}, {}, "qdrant_url is not used, since index is 'edge'"),
        ({"OMNI_QDRANT_URL": "http://two:1", "OMNI_INDEX": "memory"}, {}, "index is 'memory'"),
        ({"OMNI_RAY_GPUS": "0.25"}, {}, "ray_gpus is not used, since ray is ''"),
        ({"OMNI_RAY_ACTORS": "3"}, {}, "ray_actors is not used"),
        ({"OMNI_RAY_ACTORS": "3", "OMNI_RAY_GPUS": "1"}, {"ray": "local"}, ""),
        ({"OMNI_QDRANT_URL": "http://three:1"}, {"index": "server"}, ""),
        ({"OMNI_QDRANT_URL": ""}, {}, ""),
    ],
)
def test_a_variable_that_nothing_reads_is_named(
    given: dict[str, str], more: dict[str, object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    _warn_unused.cache_clear()
    load(more, environ=given)
    assert len(caplog.messages) == bool(said)
    assert all(said in line and "OMNI_" in line and "\n" not in line for line in caplog.messages)


def test_a_file_that_names_the_index_in_use_beside_another_one_is_not_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "omni.toml"
    file.write_text('index = "edge"\nqdrant_url = "http://former:1"\n')
    load(config=str(file), environ={})
    assert caplog.messages == []
    file.write_text('qdrant_url = "http://former:2"\n')
    load(config=str(file), environ={})
    (line,) = caplog.messages
    assert f"{file}, line 1: qdrant_url is not used" in line


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(BadRequestError) as caught:
        load(environ={"OMNI_QDRANT_URL": f"http://me:{MARK}@host\n"})
    assert MARK not in str(caught.value) and "@host" in str(caught.value)


def test_what_sounds_like_a_secret_is_one_and_stays_out_of_repr() -> None:
    sounding = [n for n in DEFAULTS if re.search(r"(token|key|secret|password)$|^catalog$", n)]
    assert sounding == SECRETS
    settings = Settings(**dict.fromkeys(SECRETS, MARK))  # type: ignore[arg-type]
    assert MARK not in repr(settings)
    assert {getattr(settings, n) for n in SECRETS} == {MARK}


def test_settings_are_frozen_hashable_and_travel_by_pickle() -> None:
    settings = Settings(roots=["/a"], port="9")  # type: ignore[arg-type]
    assert {settings: 1}[replace(settings)] == 1
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]


def test_a_child_process_that_receives_settings_does_not_import_the_checker() -> None:
    settings = pickle.dumps(Settings(roots=("/a",), threads=2))
    code = (
        "import pickle, sys\n"
        f"settings = pickle.loads({settings!r})\n"
        "assert settings.roots == ('/a',) and 'omni_core.settings' in sys.modules\n"
        "assert 'pydantic' not in sys.modules"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environ)


def test_the_defaults_pass_their_own_check() -> None:
    assert load(DEFAULTS, environ={}) == Settings()


def test_defaults_allow_nothing_outside() -> None:
    settings = load(environ={})
    assert settings.roots == () and not settings.allow_urls and settings.host == "127.0.0.1"


def test_each_layer_overrides_the_one_below(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text('store = "file"\nencoder = "file"\nport = 1\nroots = ["/a", "/b"]\n')
    settings = load(
        {"store": "caller"},
        config=str(config),
        environ={"OMNI_STORE": "env", "OMNI_ENCODER": "env"},
    )
    assert (settings.store, settings.encoder, settings.port) == ("caller", "env", 1)
    assert settings.roots == ("/a", "/b")


def test_a_wrong_value_is_an_error_also_where_a_later_source_wins(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text("port = 0\n")
    with pytest.raises(BadRequestError, match="line 1: port is 0"):
        load({"port": 2}, config=str(config), environ={"OMNI_PORT": "1"})


def test_the_environment_is_read_as_the_fields_type() -> None:
    environ = {"OMNI_PORT": "9000", "OMNI_ALLOW_URLS": "yes", "OMNI_ROOTS": "/a:/b"}
    settings = load(environ=environ)
    assert (settings.port, settings.allow_urls, settings.roots) == (9000, True, ("/a", "/b"))


def test_hosts_are_parted_by_commas_since_they_may_carry_a_port() -> None:
    settings = load(environ={"OMNI_ALLOWED_HOSTS": "omni.example:8000, other"})
    assert settings.allowed_hosts == ("omni.example:8000", "other")


@pytest.mark.parametrize(("name", "value"), [("OMNI_PORT", "many"), ("OMNI_ALLOW_URLS", "perhaps")])
def test_a_wrong_type_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(BadRequestError, match=name):
        load(environ={name: value})


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text("prot = 1\n")
    with pytest.raises(BadRequestError, match=r"'prot'; known: .*port"):
        load(config=str(config), environ={})


@pytest.mark.parametrize(
    ("key", "near"), [("prot", "port"), ("max-pages", "max_pages"), ("Roots", "roots")]
)
def test_an_unknown_key_names_the_nearest_and_its_line(key: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match=rf"line 3: .*; did you mean {near}\?$"):
        from_file(key, 1, tmp_path)[0]()


def test_settings_inside_a_table_are_an_error_that_says_where_they_belong(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text("port = 1\n\n[omni]\nroots = []\n")
    with pytest.raises(BadRequestError, match=r"line 3: unknown setting 'omni'.*outside any"):
        load(config=str(config), environ={})


@pytest.mark.parametrize(
    ("variable", "near"), [("OMNI_PORTS", "OMNI_PORT"), ("OMNI_ALLOW_URL", "OMNI_ALLOW_URLS")]
)
def test_a_variable_that_is_nearly_a_setting_is_warned_about_once(
    variable: str, near: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert load(environ={variable: MARK}) == Settings()
    (line,) = caplog.messages
    assert variable in line and line.endswith(f"did you mean {near}?") and MARK not in line


def test_variables_of_ours_and_of_others_are_not_warned_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = {"OMNI_LOG": "INFO", "OMNI_DEBUG": "1", "OMNI_CONFIG": ""}
    load(environ={**ours, "OMNI_KIT_APP_PATH": "x", "HOME": "/", "OMNI_PORT": "1"})
    assert not caplog.messages


@pytest.mark.parametrize("content", [None, "not toml [", b"store = '\xff'"])
def test_a_config_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: str | bytes | None
) -> None:
    config = tmp_path / "omni.toml"
    if content is not None:
        config.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadRequestError) as caught:
        load(config=str(config), environ={})
    assert "\n" not in str(caught.value) and str(config) in str(caught.value)


def test_paths_with_a_tilde_are_expanded() -> None:
    assert Settings(store="~/x").store_path.is_absolute()


def test_the_file_of_the_store_is_read_where_no_other_is_named(tmp_path: Path) -> None:
    store, other = tmp_path / "store", tmp_path / "other.toml"
    store.mkdir()
    (store / "omni.toml").write_text('encoder = "hashing"\nthreads = 3\n')
    other.write_text("threads = 5\n")
    named = {"OMNI_STORE": str(store)}
    assert load(environ=named).encoder == "hashing"
    assert load({"store": str(store)}, environ={}).threads == 3
    assert load(environ={**named, "OMNI_THREADS": "7"}).threads == 7
    instead = load(environ={**named, "OMNI_CONFIG": str(other)})
    assert (instead.encoder, instead.threads) == ("embedded", 5)


def test_the_file_of_a_store_cannot_name_another(tmp_path: Path) -> None:
    (tmp_path / "omni.toml").write_text('threads = 3\nstore = "/elsewhere"\n')
    with pytest.raises(BadRequestError, match=r"omni.toml, line 2: .*give --store"):
        load({"store": str(tmp_path)}, environ={})
