"""The bundle for Claude Desktop, the registry's server.json, and the icon."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from PIL import Image

import omni_core
from omni_core.settings import Settings
from omni_server.app import create, tools_of
from omni_server.cli import parser
from omni_server.identity import WEBSITE, icons

REPO = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPO / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    path = script("mcpb_bundle").build(tmp_path_factory.mktemp("dist"))
    assert path.name == f"omni-mcp-{omni_core.__version__}.mcpb"
    return zipfile.ZipFile(io.BytesIO(path.read_bytes()))


@pytest.fixture
def manifest(bundle: zipfile.ZipFile) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(bundle.read("manifest.json"))
    return loaded


def test_the_bundle_holds_what_a_build_of_the_wheel_needs(bundle: zipfile.ZipFile) -> None:
    names = set(bundle.namelist())
    assert len(names) == len(bundle.namelist())
    assert not [n for n in names if "__pycache__" in n or n.startswith(("tests", "samples"))]
    data = tomllib.loads(bundle.read("pyproject.toml").decode())
    project = data["project"]
    assert {project["readme"], *project["license-files"]} <= names
    ours = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["dependencies"] == ours["project"]["dependencies"]
    assert project["scripts"] == ours["project"]["scripts"]
    assert "optional-dependencies" not in project  # uv would resolve torch with them
    for package in data["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        held = {n for n in names if n.startswith(f"{package}/")}
        there = {
            p.relative_to(REPO).as_posix()
            for p in (REPO / package).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        }
        assert held == there


def test_the_manifest_names_files_tools_and_versions_that_exist(
    bundle: zipfile.ZipFile, manifest: dict[str, Any]
) -> None:
    assert manifest["version"] == omni_core.__version__
    assert {manifest["icon"], manifest["server"]["entry_point"]} <= set(bundle.namelist())
    assert [t["name"] for t in manifest["tools"]] == [t.name for t in tools_of(Settings())]
    assert manifest["server"]["type"] == "uv"


def test_what_the_host_starts_can_be_typed_with_one_folder_and_with_several(
    manifest: dict[str, Any],
) -> None:
    """Hosts put each chosen folder into an argument of its own."""
    args = manifest["server"]["mcp_config"]["args"]
    for roots in (["/a"], ["/a", "/b c"]):
        values = {"${__dirname}": ["/x"], "${user_config.store}": ["~/.omni-mcp"],
                  "${user_config.roots}": roots}  # fmt: skip
        argv = [word for arg in args for word in values.get(arg, [arg])]
        assert not [word for word in argv if "${" in word]
        parsed = parser.build().parse_args(argv[argv.index("omni-mcp") + 1 :])
        assert (parsed.verb, parsed.root, parsed.store) == ("serve", roots, "~/.omni-mcp")
    assert manifest["user_config"]["store"]["default"] == Settings().store


def test_a_manifest_that_breaks_the_format_is_not_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packer = script("mcpb_bundle")
    for name in ("manifest.json", "manifest.schema.json"):
        text = (REPO / "packaging" / "mcpb" / name).read_text(encoding="utf-8")
        (tmp_path / "packaging" / "mcpb").mkdir(parents=True, exist_ok=True)
        (tmp_path / "packaging" / "mcpb" / name).write_text(
            text.replace('"uv",\n    "e', '"zip",\n    "e')
        )
    (tmp_path / "pyproject.toml").write_text((REPO / "pyproject.toml").read_text())
    monkeypatch.setattr(packer, "REPO", tmp_path)
    with pytest.raises(jsonschema.ValidationError, match="'zip' is not one of"):
        packer.manifest()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    packer = script("mcpb_bundle")
    first, second = (packer.build(tmp_path / n).read_bytes() for n in "ab")
    assert first == second


def registry() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REPO / "server.json").read_text(encoding="utf-8"))
    return loaded


def test_the_registry_entry_keeps_to_the_documented_limits() -> None:
    entry = registry()
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["description"]) <= 100
    assert 1 <= len(entry["title"]) <= 100
    for icon in entry["icons"]:
        assert icon["src"].startswith("https://") and len(icon["src"]) <= 255
        assert icon["mimeType"] in ("image/png", "image/svg+xml")
        assert (REPO / icon["src"].split("/main/")[1]).is_file()
    assert entry["websiteUrl"] == WEBSITE == entry["repository"]["url"]


def test_the_registry_entry_names_this_version_and_the_readme_owns_it() -> None:
    entry = registry()
    (package,) = entry["packages"]
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert entry["version"] == package["version"] == project["version"]
    assert package["identifier"] == project["name"]
    marks = re.findall(r"<!-- mcp-name: (\S+) -->", (REPO / "README.md").read_text("utf-8"))
    assert marks == [entry["name"]]


def test_the_registrys_arguments_can_be_typed_and_its_variables_are_settings() -> None:
    (package,) = registry()["packages"]
    argv: list[str] = []
    for argument in package["packageArguments"]:
        named = argument["type"] == "named"
        argv += [argument["name"], "/x"] if named else [argument["value"]]
    assert parser.build().parse_args(argv).root == ["/x"]
    known = {f"OMNI_{f.upper()}" for f in Settings.__dataclass_fields__}
    assert {v["name"] for v in package["environmentVariables"]} <= known


def test_the_server_tells_its_page_and_a_small_icon() -> None:
    server = create(Settings())
    assert server.website_url == WEBSITE
    assert server.icons == icons()
    (icon,) = icons()
    assert len(icon.src) < 1000
    head, _, data = icon.src.partition(",")
    assert head == "data:image/svg+xml;base64"
    text = base64.b64decode(data).decode()
    assert text.startswith("<svg ") and "script" not in text and "href" not in text


def test_the_icons_are_what_their_script_draws() -> None:
    drawn = script("make_icon")
    path = REPO / "server" / "omni_server" / "icon.svg"
    assert path.read_text(encoding="utf-8") == drawn.svg()
    with Image.open(REPO / "packaging" / "mcpb" / "icon.png") as held:
        assert (held.size, held.format) == ((512, 512), "PNG")
        assert colour(held, (0, 0))[3] == 0
        for at in ((256, 480), (220, 220), (120, 220)):
            pairs = zip(colour(drawn.png(), at), colour(held, at), strict=True)
            assert all(abs(a - b) <= 8 for a, b in pairs)


def colour(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    value = image.convert("RGBA").getpixel(at)
    assert isinstance(value, tuple)
    return value


def test_the_script_is_executable_and_says_what_it_built(tmp_path: Path) -> None:
    assert os.access(REPO / "scripts" / "mcpb", os.X_OK)
    subprocess.run(["bash", "-n", str(REPO / "scripts" / "mcpb")], check=True, timeout=30)
    path = os.pathsep.join([str(REPO), str(REPO / "server")])
    done = subprocess.run(
        [sys.executable, "scripts/mcpb_bundle.py", "--out", str(tmp_path)], cwd=REPO, check=True,
        timeout=60, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.stdout.endswith("its manifest is valid\n")
