"""Pack the server as an MCP bundle: manifest, icon, source and the wheel's own pyproject.toml.

    python scripts/mcpb_bundle.py [--out dist]

`uv` resolves the dependencies on the user's machine, so the bundle is small. Two runs over the same
tree give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import tomlkit

from omni_core.settings import Settings
from omni_server.app import tools_of

REPO = Path(__file__).resolve().parent.parent
FILES = ("README.md", "LICENSE", "NOTICE")
PACKAGES = ("omni_core", "server/omni_server")
OPTIONAL = ("optional-dependencies",)
"""Left out of the bundle's pyproject.toml: uv would resolve torch on every machine."""
TIMESTAMP = (2026, 1, 1, 0, 0, 0)


def manifest() -> dict[str, Any]:
    """The manifest with the version of the project and the tools of the default settings.

    Raises jsonschema.ValidationError where it does not keep to the format.
    """
    folder = REPO / "packaging" / "mcpb"
    made: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    made["version"] = project["version"]
    made["tools"] = [
        {"name": tool.name, "description": tool.description} for tool in tools_of(Settings())
    ]
    schema = json.loads((folder / "manifest.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(made, schema)
    return made


def pyproject() -> str:
    """The project's pyproject.toml, without extras, dependency groups and tool settings."""
    document = tomlkit.parse((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    for name in OPTIONAL:
        del document["project"][name]
    for name in ("dependency-groups",):
        del document[name]
    document["tool"] = {"hatch": document["tool"]["hatch"]}
    return tomlkit.dumps(document)


def contents() -> Iterator[tuple[str, bytes]]:
    """Name in the bundle and bytes, in a fixed order."""
    yield "manifest.json", (json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n").encode()
    yield "pyproject.toml", pyproject().encode()
    yield "icon.png", (REPO / "packaging" / "mcpb" / "icon.png").read_bytes()
    for name in FILES:
        yield name, (REPO / name).read_bytes()
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(REPO).as_posix(), path.read_bytes()


def build(folder: Path) -> Path:
    """Write the bundle into `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"omni-mcp-{manifest()['version']}.mcpb"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in contents():
            info = zipfile.ZipInfo(name, TIMESTAMP)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(info, data)
    return target


def main() -> None:
    """Build, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="dist", help="folder of the bundle (dist)")
    target = build(Path(parser.parse_args().out))
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB), its manifest is valid")


if __name__ == "__main__":
    main()
