"""`migrate`, `backup` and `restore`, as their user sees them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core.settings import Settings
from omni_server.cli import main, moving
from omni_server.tenants import folder_of, schema_of, settings_of
from tests.omni_core.catalog import postgres_server
from tests.omni_core.index.qdrant_standin import StandIn


@pytest.fixture(autouse=True)
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ENCODER", "hashing"), ("SPEECH", "off"), ("SCREEN_TEXT", "off")):
        monkeypatch.setenv(f"OMNI_{name}", value)
    monkeypatch.setenv("OMNI_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("OMNI_QDRANT_API_KEY", StandIn.key)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boats.md").write_text("# Boats\n\nThe launch is postponed to March.\n")


@pytest.fixture
def server() -> Iterator[StandIn]:
    standin = StandIn()
    yield standin
    standin.close()


def test_after_a_migration_every_command_uses_the_new_index_and_no_key_is_written(
    server: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "boats.md"]) == 0
    capsys.readouterr()
    assert main(["migrate", "--to", server.url]) == 0
    out = capsys.readouterr().out
    assert f"1 source with 2 segments in the collection evidence on {server.url}" in out
    assert "2 segments the same, 100% of the results" in out
    written = (tmp_path / "store" / "omni.toml").read_text()
    assert server.url in written
    assert server.key not in written
    asked = len(server.requests)
    assert main(["search", "launch of the boat"]) == 0
    assert "[Boats chars 0-42]" in capsys.readouterr().out
    assert len(server.requests) > asked
    assert main(["migrate", "--to", "embedded", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["migration"]["written"] == 0
    assert 'index = "edge"' in (tmp_path / "store" / "omni.toml").read_text()


def test_a_variable_that_overrules_the_new_settings_is_named(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMNI_INDEX", "edge")
    assert main(["ingest", "boats.md"]) == 0
    assert main(["migrate", "--to", server.url]) == 0
    assert "OMNI_INDEX=edge in the environment overrules" in capsys.readouterr().err


def test_a_catalog_that_moves_alone_is_told_with_its_sources_and_the_index_is_to_be_kept(
    server: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if why := postgres_server.why_not():
        pytest.skip(why)
    assert main(["ingest", "boats.md"]) == 0
    assert main(["migrate", "--to", server.url]) == 0
    capsys.readouterr()
    with postgres_server.server() as postgres:
        assert main(["migrate", "--to-catalog", postgres]) == 0
        told = capsys.readouterr()
        assert "1 source with 2 segments in the collection evidence" in told.out
        assert "the index is the same as before" in told.out
        assert "delete it" not in told.out
        assert "OMNI_CATALOG must be set" in told.err
        assert main(["ingest", "boats.md"]) == 1
        assert "CATALOG_MOVED: the catalog of this library has moved" in capsys.readouterr().err
        monkeypatch.setenv("OMNI_CATALOG", postgres)
        assert main(["sources"]) == 0


def test_a_migration_killed_before_the_settings_were_written_is_ended_by_the_same_command(
    server: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if why := postgres_server.why_not():
        pytest.skip(why)

    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    assert main(["ingest", "boats.md"]) == 0
    with postgres_server.server() as postgres:
        command = ["migrate", "--to", server.url, "--to-catalog", postgres]
        with monkeypatch.context() as patch:
            patch.setattr(moving, "_switch", killed)
            assert main(command) != 0
        capsys.readouterr()
        assert main(["sources"]) == 1
        assert "the same command ends it" in capsys.readouterr().err
        assert main(command) == 0
        told = capsys.readouterr()
        assert "had moved before" in told.err and "OMNI_CATALOG must be set" in told.err
        assert f"switched: {tmp_path / 'store' / 'omni.toml'}" in told.out
        assert main(command) == 0
        assert "delete it" not in capsys.readouterr().out  # it is the one in use
        monkeypatch.setenv("OMNI_CATALOG", postgres)
        assert main(["sources"]) == 0


@pytest.mark.parametrize("catalog", [False, True])
def test_a_migration_killed_after_the_settings_were_written_has_said_how_tenants_move(
    server: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, catalog: bool,
) -> None:  # fmt: skip
    if why := postgres_server.why_not():
        pytest.skip(why)

    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    def named() -> list[str]:
        return [x for x in capsys.readouterr().err.splitlines() if "omni-mcp migrate" in x]

    theirs = tmp_path / "store" / "tenants" / "acme"
    assert main(["ingest", "boats.md"]) == 0
    assert main(["ingest", "boats.md", "--store", str(theirs)]) == 0
    with postgres_server.server() as postgres:
        command = ["migrate", "--to", server.url, *(["--to-catalog", postgres] if catalog else [])]
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(moving, "_tell", killed)
            assert main(command) != 0
        told = named()
        assert len(told) == 1 and "OMNI_INDEX=edge" in told[0]
        assert server.url in (tmp_path / "store" / "omni.toml").read_text()
        if catalog:  # which the settings do not name: the same command says it again
            assert main(command) == 0
            assert named() == told


def test_a_migration_of_the_index_alone_that_is_run_again_says_that_nothing_is_left_but_tenants(
    server: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "store" / "tenants" / "acme"
    assert main(["ingest", "boats.md"]) == 0
    assert main(["ingest", "boats.md", "--store", str(theirs)]) == 0
    for place, was in ((server.url, "OMNI_INDEX=edge"), ("embedded", "evidence~acme")):
        assert main(["migrate", "--to", place]) == 0
        before = [x for x in capsys.readouterr().err.splitlines() if "omni-mcp migrate" in x]
        assert main(["migrate", "--to", place]) == 1
        said = capsys.readouterr().err
        assert "is there already" in said and "nothing is left to do" in said
        assert [x for x in said.splitlines() if "omni-mcp migrate" in x] == before
        assert was in before[0]


def test_tenants_of_a_library_that_has_moved_with_its_catalog_are_told_to_move_both(
    server: StandIn,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No library has its catalog in PostgreSQL beside an embedded index."""
    tenants = tmp_path / "store" / "tenants"
    assert main(["ingest", "boats.md"]) == 0
    assert main(["ingest", "boats.md", "--store", str(tenants / "acme")]) == 0
    (tenants / "new").mkdir()
    assert main(["migrate", "--to", server.url]) == 0
    capsys.readouterr()
    url = "postgresql://omni@127.0.0.1:9/postgres"
    monkeypatch.setenv("OMNI_CATALOG", url)  # as after its move, and nobody asks it
    assert main(["migrate", "--to", server.url, "--to-catalog", url]) == 1
    said = capsys.readouterr().err
    assert "is there already" in said
    (told,) = [x for x in said.splitlines() if "omni-mcp migrate" in x]
    assert "OMNI_INDEX=edge" in told and "OMNI_CATALOG=''" in told and "tenants/acme" in told
    assert "--to-catalog" in told.split() and "--catalog" not in told.split()


def test_tenants_that_cannot_be_listed_are_told_before_anything_is_moved(
    server: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = Path.iterdir

    def refused(folder: Path) -> Iterator[Path]:
        if folder.name == "tenants":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    (tmp_path / "store" / "tenants" / "acme").mkdir(parents=True)
    assert main(["ingest", "boats.md"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refused)  # root may list everything
        assert main(["migrate", "--to", server.url]) == 1
    said = capsys.readouterr().err.strip()
    assert "tenants cannot be read (Permission denied)" in said and "\n" not in said
    assert not server.requests
    assert main(["migrate", "--to", server.url]) == 0


def test_a_settings_file_that_cannot_be_written_is_told_with_what_to_write_there(
    server: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "server.toml"
    file.write_text('speech = "off"\n')
    (tmp_path / "server.toml.bak").symlink_to(tmp_path / "gone" / "file")  # no copy can be made
    monkeypatch.setenv("OMNI_CONFIG", str(file))
    assert main(["ingest", "boats.md"]) == 0
    capsys.readouterr()

    assert main(["migrate", "--to", server.url]) == 1

    told = capsys.readouterr()
    assert "1 source with 2 segments in the collection evidence" in told.out
    assert "switched" not in told.out
    assert f"{file} cannot be written: " in told.err
    assert f'index = "server" and qdrant_url = "{server.url}"' in told.err


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("elsewhere", "--to elsewhere is no place for an index"),
        ("embedded", "the library is there already"),
        ("http://127.0.0.1:9", "cannot reach Qdrant at http://127.0.0.1:9"),
    ],
)
def test_a_place_that_is_none_is_refused_in_one_line_and_nothing_is_switched(
    to: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "boats.md"]) == 0
    capsys.readouterr()
    assert main(["migrate", "--to", to]) == 1
    err = capsys.readouterr().err.strip()
    assert said in err
    assert "\n" not in err
    assert not (tmp_path / "store" / "omni.toml").exists()


@pytest.mark.parametrize("verb", ["backup", "export"])
def test_a_store_that_holds_no_library_is_not_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main([verb, str(tmp_path / "copy"), "--store", str(tmp_path / "misspelt")]) == 1
    assert "there is no library in" in capsys.readouterr().err
    assert [*tmp_path.glob("copy*")] == [*tmp_path.glob("misspelt*")] == []


def test_a_backup_is_restored_into_another_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "boats.md"]) == 0
    capsys.readouterr()
    assert main(["backup", "copy"]) == 0
    assert "1 source with 2 segments backed up in" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "copy").glob("catalog*")) == ["catalog.sqlite"]
    assert main(["backup", "copy"]) == 1
    assert "exists; name a new folder" in capsys.readouterr().err
    other = str(tmp_path / "other")
    assert main(["restore", "copy", "--store", other, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"] == 1
    assert main(["search", "launch of the boat", "--store", other]) == 0
    assert "[Boats chars 0-42]" in capsys.readouterr().out


def test_a_restored_library_that_settings_do_not_lead_to_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "boats.md"]) == 0
    assert main(["backup", "copy"]) == 0
    assert main(["restore", "copy", "--store", "plain"]) == 0
    assert "not what commands use" not in capsys.readouterr().err
    monkeypatch.setenv("OMNI_INDEX", "server")
    monkeypatch.setenv("OMNI_QDRANT_URL", "http://qdrant:6333")
    assert main(["restore", "copy", "--store", "other"]) == 0
    said = capsys.readouterr().err
    assert "which name the collection evidence on http://qdrant:6333" in said
    assert "without OMNI_INDEX" in said


def test_settings_of_a_backup_that_cannot_be_used_are_told_beside_what_was_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", "boats.md"]) == 0
    (tmp_path / "store" / "omni.toml").write_text("no_such_setting = 1\n")  # of a newer version
    (tmp_path / "own.toml").write_text("decoders = 1\n")
    assert main(["backup", "copy", "--config", str(tmp_path / "own.toml")]) == 0
    capsys.readouterr()
    assert main(["restore", "copy", "--store", str(tmp_path / "other"), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["sources"] == 1
    assert said.err.startswith("BAD_ARGUMENT: ") and "no_such_setting" in said.err


def test_the_command_that_is_named_moves_the_library_of_a_tenant_to_where_the_server_looks_for_it(
    server: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "store"
    theirs = str(store / "tenants" / folder_of("Globex AG"))
    assert main(["ingest", "boats.md"]) == 0
    assert main(["ingest", "boats.md", "--store", theirs]) == 0
    capsys.readouterr()
    assert main(["migrate", "--to", server.url]) == 0
    assert run_named(capsys, monkeypatch) == 0
    moved = Settings(store=str(store), index="server", qdrant_url=server.url)
    name = settings_of(moved, "Globex AG").qdrant_collection
    assert f"2 segments in the collection {name} on {server.url}" in capsys.readouterr().out

    assert main(["migrate", "--to", "embedded"]) == 0
    assert run_named(capsys, monkeypatch) == 0
    assert "2 segments in the embedded index" in capsys.readouterr().out


@pytest.mark.parametrize("named", [False, True])
def test_that_command_has_the_servers_settings_and_leaves_its_file_as_it_is(
    server: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: bool,
) -> None:
    store = tmp_path / "store"
    file = tmp_path / "server.toml" if named else store / "omni.toml"
    store.mkdir()
    file.write_text('encoder = "hashing"\nspeech = "off"\n')
    if named:
        monkeypatch.setenv("OMNI_CONFIG", str(file))
    assert main(["ingest", "boats.md"]) == 0
    assert main(["ingest", "boats.md", "--store", str(store / "tenants" / "acme")]) == 0
    monkeypatch.delenv("OMNI_ENCODER")
    for place in (server.url, "embedded"):
        assert main(["migrate", "--to", place]) == 0
        switched = file.read_text()
        assert run_named(capsys, monkeypatch) == 0
        assert file.read_text() == switched
        assert "1 source with 2 segments" in capsys.readouterr().out
        assert main(["search", "launch of the boat"]) == 0


def run_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the one command that a migration named for a tenant, as a shell would."""
    told = capsys.readouterr().err.splitlines()
    (line,) = [x.strip() for x in told if "omni-mcp migrate" in x]
    words = shlex.split(line)
    begin = words.index("omni-mcp")
    with monkeypatch.context() as shell:
        for variable in words[:begin]:
            shell.setenv(*variable.split("=", 1))
        return main(words[begin + 1 :])


def test_the_schema_of_a_tenant_is_known_by_its_folder() -> None:
    elsewhere = replace(Settings(), index="server", qdrant_url="http://q", catalog="postgresql://h")
    for tenant in ("acme", "Globex AG"):
        folder = folder_of(tenant)
        assert schema_of(elsewhere, folder) == settings_of(elsewhere, tenant).catalog_schema
