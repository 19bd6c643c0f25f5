"""The repository keeps its word: licences, samples, scripts, images, and what the docs say."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import omni_core
from omni_server.cli import parser

REPO = Path(__file__).parents[1]
PAGES = sorted(
    [*REPO.glob("*.md"), *(REPO / "docs").glob("*.md"), *(REPO / "examples").glob("*/README.md")]
)
SCRIPTS = (
    ".ci/run",
    *(
        f"scripts/{n}"
        for n in (
            "check",
            "conformance",
            "demo",
            "lock",
            "mcpb",
            "mutate",
            "record_task",
            "sbom",
            "test",
        )
    ),
)
GITHUB = REPO / ".github"
IMAGES = ("docker/Dockerfile", "docker/Dockerfile.cuda")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def test_the_licence_is_apache_2_and_the_versions_agree() -> None:
    assert "Apache License" in (REPO / "LICENSE").read_text(encoding="utf-8")
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["version"] == omni_core.__version__
    for name in project["license-files"]:
        assert (REPO / name).is_file()


def test_the_citation_and_the_changelog_name_the_version_and_its_date() -> None:
    citation = yaml.safe_load((REPO / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (REPO / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{citation['version']}] - {citation['date-released']}\n" in changes
    assert changes.index("## [Unreleased]") < changes.index(f"## [{citation['version']}]")
    assert citation["license"] == "Apache-2.0"


def test_the_urls_of_the_project_are_of_one_home() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    home = project["urls"]["Homepage"]
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} <= set(project["urls"])
    assert all(project["urls"][k].startswith(home) for k in ("Source", "Issues", "Changelog"))
    site = yaml.safe_load((REPO / "mkdocs.yml").read_text(encoding="utf-8"))
    assert (site["repo_url"], site["site_url"]) == (home, project["urls"]["Documentation"])


def test_the_workflow_runs_the_scripts_on_every_declared_python_and_system() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    declared = {c.removeprefix(prefix[:-2]) for c in project["classifiers"] if prefix in c}
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert set(matrix["python"]) == declared
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["defaults"]["run"]["shell"] == "bash"
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    for step in steps:
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
        else:
            assert os.access(REPO / step["run"].split()[0], os.X_OK), step["run"]
    assert {"./scripts/check", "./scripts/test"} <= {s["run"] for s in steps if "run" in s}


@pytest.mark.parametrize("form", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")), ids=str)
def test_issue_forms_ask_in_the_fields_that_github_knows(form: Path) -> None:
    loaded = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.name == "config.yml":
        assert all({"name", "url", "about"} == set(link) for link in loaded["contact_links"])
        return
    assert {"name", "description", "body"} <= set(loaded)
    kinds = {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert all(field["type"] in kinds and field["attributes"] for field in loaded["body"])
    ids = [field["id"] for field in loaded["body"] if "id" in field]
    assert len(ids) == len(set(ids))


def test_the_site_is_built_strictly_and_aloud() -> None:
    lines = (REPO / "scripts" / "check").read_text(encoding="utf-8").splitlines()
    (build,) = [line for line in lines if " mkdocs build " in line]
    assert "--strict" in build
    assert not {"-q", "--quiet"} & set(build.split())  # it would swallow what strict counts


def test_the_site_shows_every_page_of_docs() -> None:
    site = (REPO / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (REPO / "docs").glob("*.md"):
        assert f": {page.name}\n" in site, f"{page.name} is not in the nav of mkdocs.yml"


def test_every_sample_names_its_origin_and_licence() -> None:
    rows = (REPO / "samples" / "LICENCES.md").read_text(encoding="utf-8")
    patterns = re.findall(r"`([^`]+)`", "\n".join(r.split("|")[1] for r in rows.splitlines()
                                                  if r.startswith("| `")))  # fmt: skip
    files = [
        p for p in (REPO / "samples").rglob("*") if p.is_file() and "__pycache__" not in p.parts
    ]
    for path in files:
        name = path.relative_to(REPO / "samples").as_posix()
        if name in ("LICENCES.md", "make.py"):
            continue
        assert any(Path(name).match(p) for p in patterns), f"{name} has no row in LICENCES.md"
    assert sum(p.stat().st_size for p in files) < 6_000_000


def test_the_sample_questions_point_at_sample_files() -> None:
    queries = json.loads((REPO / "samples" / "queries.json").read_text(encoding="utf-8"))
    assert len({q["id"] for q in queries}) == len(queries)
    for query in queries:
        for answer in query["relevant"]:
            assert (REPO / "samples" / "library" / answer["item"]).is_file()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_executable_and_parse(name: str) -> None:
    path = REPO / name
    assert os.access(path, os.X_OK)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(path)], check=True, timeout=30)


def test_ci_ends_with_the_tests() -> None:
    last = (REPO / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()[-1]
    assert last == "./scripts/test"


def test_the_page_of_settings_is_what_the_code_says() -> None:
    subprocess.run(
        [sys.executable, "scripts/settings_doc.py", "--check"], cwd=REPO, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(REPO).as_posix())
def test_every_command_on_a_page_can_be_typed(page: Path) -> None:
    for block in blocks(page, "bash"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if "omni-mcp" in words[:1]:
                parser.build().parse_args(words[1:])
            elif words and words[0].startswith("./"):
                assert os.access(REPO / words[0], os.X_OK)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(REPO).as_posix())
def test_snippets_parse_and_links_lead_somewhere(page: Path) -> None:
    for block in blocks(page, "json"):
        json.loads(block)
    for block in blocks(page, "toml"):
        tomllib.loads(block)
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_client_snippets_start_the_server() -> None:
    started: list[list[str]] = []
    for page in (REPO / "README.md", REPO / "docs" / "clients.md"):
        servers: list[dict[str, Any]] = []
        for block in blocks(page, "json"):
            data = json.loads(block)
            servers += (data.get("mcpServers") or data.get("servers") or {}).values()
        for block in blocks(page, "toml"):
            servers += tomllib.loads(block).get("mcp_servers", {}).values()
        started += [s["args"] for s in servers if "args" in s]
    assert len(started) >= 2
    for words in started:
        assert parser.build().parse_args(words).verb == "serve"


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_small_rootless_and_watched(name: str) -> None:
    text = (REPO / name).read_text(encoding="utf-8")
    lines = [x for x in text.replace("\\\n", " ").splitlines() if x and not x.startswith("#")]
    words = [x.split(None, 1) for x in lines]
    bases = [rest for key, rest in words if key == "FROM"]
    assert all(re.match(r"python:3\.\d+-slim", b) for b in bases)  # pinned, never latest
    final = words[max(i for i, (key, _) in enumerate(words) if key == "FROM") :]
    users = [rest for key, rest in final if key == "USER"]
    assert users and users[-1] not in ("root", "0")
    assert any(key == "HEALTHCHECK" for key, _ in final)
    assert "PIP_NO_CACHE_DIR=1" in text
    for key, rest in words:
        if key == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (REPO / source).exists(), source
        if key in ("ENTRYPOINT", "CMD"):
            json.loads(rest)  # exec form: signals reach the server
        assert key != "ADD"
    (command,) = [json.loads(rest) for key, rest in final if key == "CMD"]
    assert parser.build().parse_args(command).http


def test_what_an_image_copies_is_not_ignored() -> None:
    allowed = {
        x[1:] for x in (REPO / ".dockerignore").read_text().splitlines() if x.startswith("!")
    }
    for name in IMAGES:
        for line in (REPO / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert source in allowed


def compose() -> dict[str, Any]:
    text = (REPO / "docker" / "compose.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def test_compose_binds_loopback_and_waits_for_a_healthy_store() -> None:
    services = compose()["services"]
    assert set(services) == {"omni", "qdrant"}
    for service in services.values():
        assert all(p.startswith("127.0.0.1:") for p in service["ports"])
    assert services["omni"]["depends_on"] == {"qdrant": {"condition": "service_healthy"}}
    assert (REPO / "docker" / services["omni"]["build"]["context"]).resolve() == REPO
    assert (REPO / services["omni"]["build"]["dockerfile"]).is_file()
    for volume in compose()["volumes"]:
        assert any(volume in str(s["volumes"]) for s in services.values())


def test_compose_speaks_the_settings_of_the_server() -> None:
    from omni_core.settings import Settings, load

    environment = compose()["services"]["omni"]["environment"]
    plain = {k: re.sub(r"\$\{[^}]*\}", "x" * 16, v) for k, v in environment.items()}
    settings = load(environ=plain)
    assert (settings.index, settings.qdrant_url) == ("server", "http://qdrant:6333")
    assert settings.qdrant_api_key and settings.token
    known = {f"OMNI_{f.upper()}" for f in Settings.__dataclass_fields__}
    assert set(environment) <= known


def test_the_health_check_of_qdrant_tells_up_from_down() -> None:
    """The command runs in bash against a port that answers 200, 503, or not at all."""
    import socket
    import threading

    command = compose()["services"]["qdrant"]["healthcheck"]["test"][3].replace("$$", "$")

    def ask(status: str | None) -> int:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
            if status is not None:
                server.listen(1)

                def answer() -> None:
                    client, _ = server.accept()
                    with client:
                        request = b""
                        while b"\r\n\r\n" not in request:
                            request += client.recv(1024)
                        client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

                thread = threading.Thread(target=answer)
                thread.start()
            here = command.replace("127.0.0.1/6333", f"127.0.0.1/{port}")
            done = subprocess.run(["bash", "-c", here], capture_output=True, timeout=30)
            if status is not None:
                thread.join(timeout=10)
            return done.returncode

    assert ask("200 OK") == 0
    assert ask("503 Service Unavailable") != 0
    assert ask(None) != 0
