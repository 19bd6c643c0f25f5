"""The bill of materials of an environment: cyclonedx-bom's, with hashes and licences added.

    python scripts/sbom.py PYTHON FILE

cyclonedx-bom names what is installed. From the locks comes the sha256 of each file that may have
been installed (a version has one for each platform), from scripts/licences.toml the licence where
the package states none that has a name. Fails where something that is installed has no row.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).parents[1]
sys.path.insert(0, str(REPO))

from scripts.licences import NOT_STATED, Rules  # noqa: E402

LOCKS = ("demo", "weights", "build")
PROJECT = "omni-mcp"

Component = dict[str, Any]


def listed(python: str, *, validate: bool = True) -> dict[str, Any]:
    """What cyclonedx-bom says of the environment of this Python; `validate`: against the schema."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", python, "--output-reproducible",
               "--pyproject", str(REPO / "pyproject.toml"), "--output-format", "JSON",
               "--validate" if validate else "--no-validate"]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def locked_hashes(names: Iterable[str] = LOCKS) -> dict[tuple[str, str], list[str]]:
    """By name and version the sha256 of each file in the locks."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        text = (REPO / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        for row in text.replace("\\\n", " ").splitlines():
            if row and not row.startswith("#"):
                what, *hashes = row.split(" --hash=sha256:")
                asked = Requirement(what.strip())
                (pin,) = asked.specifier
                found[canonicalize_name(asked.name), pin.version] = [h.strip() for h in hashes]
    return found


def complete(
    bill: dict[str, Any],
    distributions: Iterable[metadata.Distribution],
    hashes: Mapping[tuple[str, str], list[str]],
    rules: Rules,
) -> list[str]:
    """Add hashes and licences; returns a line for each distribution that is not as it must be."""
    by_name: dict[str, Component] = {
        canonicalize_name(str(c["name"])): c for c in bill.get("components", ())
    }
    wrong = []
    for distribution in distributions:
        name = canonicalize_name(distribution.metadata["Name"])
        if name == PROJECT:
            continue  # the subject of the bill
        component = by_name.get(name)
        if component is None or component.get("version") != distribution.version:
            wrong.append(f"{name} {distribution.version} is installed and has no row")
            continue
        if not any(_is_named(said) for said in component.get("licenses", ())):
            row = rules.judge(name, distribution.metadata)
            component["licenses"] = [_licence(row.licence)]
            if row.licence == NOT_STATED:
                wrong.append(f"{name} {distribution.version} states no licence")
        files = hashes.get((name, distribution.version), [])
        if files:
            component.setdefault("externalReferences", []).append(
                {
                    "type": "distribution",
                    "url": f"https://pypi.org/project/{name}/{distribution.version}/#files",
                    "comment": "the files of this version that the lock allows, one a platform",
                    "hashes": [{"alg": "SHA-256", "content": h} for h in files],
                }
            )
    return wrong


def _is_named(said: Mapping[str, Any]) -> bool:
    return "expression" in said or "id" in said.get("license", {})


def _licence(words: str) -> dict[str, Any]:
    """As CycloneDX has it: an expression of SPDX, or a name."""
    known = " " not in words.replace(" AND ", "").replace(" OR ", "").replace(" WITH ", "")
    return {"expression": words} if known else {"license": {"name": words}}


def _distributions(python: str) -> list[metadata.Distribution]:
    """What is installed beside a Python."""
    done = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib')); "
         "print(sysconfig.get_path('platlib'))"], check=True, capture_output=True, text=True,
    )  # fmt: skip
    paths = list(dict.fromkeys(done.stdout.split("\n")[:2]))
    return list(metadata.distributions(path=paths))


def main(python: str, out: str) -> int:
    """Write the bill; 1 where it is not complete."""
    bill = listed(python)
    installed = _distributions(python)
    wrong = complete(bill, installed, locked_hashes(), Rules.read())
    for line in wrong:
        print(line, file=sys.stderr)
    Path(out).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    components = bill["components"]
    hashed = sum(any("hashes" in r for r in c.get("externalReferences", ())) for c in components)
    print(f"{out}: {len(components)} packages, {hashed} with hashes, all with licences")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
