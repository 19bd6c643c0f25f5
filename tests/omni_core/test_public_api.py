"""`from omni_core import ...` reaches everything a program or a plug-in needs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import omni_core
from omni_core import errors, protocols
from omni_core.engine import results

REPO = Path(__file__).parents[2]


def public_classes(module: ModuleType) -> Iterator[str]:
    """The classes that a module or the files of a package define and do not hide."""
    for name, value in vars(module).items():
        own = inspect.isclass(value) and f"{value.__module__}.".startswith(f"{module.__name__}.")
        if own and name[0] != "_":
            yield name


@pytest.mark.parametrize("module", [results, errors, protocols], ids=lambda m: m.__name__)
def test_every_request_result_error_and_base_class_is_importable_from_the_top(
    module: ModuleType,
) -> None:
    missing = set(public_classes(module)) - set(omni_core.__all__)
    assert not missing


def named(hint: object) -> Iterator[type]:
    """The classes of ours in a type hint, at any depth."""
    for inner in typing.get_args(hint):
        yield from named(inner)
    if inspect.isclass(hint) and hint.__module__.startswith("omni_core."):
        yield hint


def hints(value: type) -> Iterator[object]:
    """The types of a class's public fields and of what its public methods take and give."""
    yield from typing.get_type_hints(value).values()
    for name, member in vars(value).items():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and not name.startswith("_"):
            yield from typing.get_type_hints(function).values()


@pytest.mark.parametrize(
    "name", [n for n in omni_core.__all__ if inspect.isclass(getattr(omni_core, n))]
)
def test_what_an_exported_class_takes_and_gives_is_importable_from_the_top_as_well(
    name: str,
) -> None:
    used = {kind.__name__ for hint in hints(getattr(omni_core, name)) for kind in named(hint)}
    assert used <= set(omni_core.__all__)


def test_every_exported_name_exists_and_has_a_docstring_of_its_own() -> None:
    for name in omni_core.__all__:
        value = getattr(omni_core, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_type_checkers_see_the_names_that_are_loaded_when_first_used() -> None:
    tree = ast.parse(Path(omni_core.__file__).read_text(encoding="utf-8"))
    (guarded,) = (n for n in tree.body if isinstance(n, ast.If))
    seen = {
        (node.module, alias.name)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {(m, name) for m, names in omni_core._LAZY.items() for name in names}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Engin'"):
        omni_core.Engin  # noqa: B018


def test_importing_the_package_loads_no_heavy_module() -> None:
    code = (
        "import sys, omni_core\n"
        "heavy = {'numpy', 'av', 'PIL', 'onnxruntime', 'torch', 'pymupdf', 'mcp'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO,
        timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_the_engine_is_imported_without_the_http_client_that_fetches_weights() -> None:
    code = "import sys, omni_core.engine; print('httpx2' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO,
        timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "False"
