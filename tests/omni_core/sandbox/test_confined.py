"""What a child that was taken over can do to the machine: nothing, where the kernel can help."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core.sandbox import Rules
from omni_core.sandbox.folders import PREFIX, TemporaryFolder
from omni_core.sandbox.kernel import kernel
from omni_core.sandbox.rules import of_index
from omni_core.worker import Worker, WorkerDied

HERE = Path(__file__).parent.parent / "services"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such sandbox")
LANDLOCK = pytest.mark.skipif(not kernel().landlock, reason="this kernel has no Landlock")
SECCOMP = pytest.mark.skipif(not kernel().seccomp, reason="this kernel has no seccomp")
Start = Callable[[Rules], Awaitable[Worker]]
ANSWERS = {"environ": dict[str, str], "descriptors": list[str]}


@pytest.fixture
async def start(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Starts a child that is ended with the test."""
    monkeypatch.syspath_prepend(str(HERE))
    async with AsyncExitStack() as children:

        async def _start(rules: Rules) -> Worker:
            worker = Worker("probe", "sandbox_probe:service", answers=ANSWERS, rules=rules)
            children.push_async_callback(asyncio.to_thread, worker.close, 5.0)
            return worker

        yield _start


FORBIDDEN = [
    "internet socket", "unix socket", "datagram socket", "program", "shell", "fork",
    "signal to the parent", "parent's memory", "parent traced", "parent's limits", "namespace",
    "mount", "kernel keys",
]  # fmt: skip


@SECCOMP
@pytest.mark.parametrize("what", FORBIDDEN)
async def test_a_decoder_cannot_reach_out(start: Start, what: str) -> None:
    child = await start(Rules())
    assert await child.call("attempt", what, deadline_s=30) == "PermissionError"


@pytest.mark.parametrize(
    "what", ["temporary file", "thread", "signal to itself", "link to an open file"]
)
@LINUX
async def test_a_decoder_can_do_what_it_needs(start: Start, what: str) -> None:
    child = await start(Rules())
    assert await child.call("attempt", what, deadline_s=30) == ""


@LANDLOCK
async def test_a_decoder_reads_and_writes_below_the_folders_that_it_was_given(
    start: Start, tmp_path: Path
) -> None:
    for folder in ("films", "clips", "secret"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_text("a")
    films, clips = str(tmp_path / "films"), str(tmp_path / "clips")
    child = await start(Rules(reads=(films,), writes=(clips,)))
    (tmp_path / "films" / "out").symlink_to(tmp_path / "secret" / "a")

    async def tried(what: str, name: str) -> str:
        return str(await child.call("attempt", what, str(tmp_path / name), deadline_s=30))

    assert await tried("read", "films/a") == ""
    assert await tried("write", "films/a") == "PermissionError"
    assert await tried("write", "clips/b") == ""
    assert await tried("read", "secret/a") == "PermissionError"
    assert await tried("write", "secret/a") == "PermissionError"
    assert await tried("read", "films/out") == "PermissionError"  # a link that leaves its folder
    assert await child.call("attempt", "parent's environment", deadline_s=30) == "PermissionError"
    assert await child.call("attempt", "read", "/etc/hosts", deadline_s=30) == "PermissionError"


@LANDLOCK
async def test_a_child_that_may_use_the_network_still_cannot_look_into_its_parent(
    start: Start,
) -> None:
    child = await start(Rules(network=True, programs=True, reads=None, writes=None))
    for what in ("internet socket", "program"):
        assert await child.call("attempt", what, deadline_s=30) == ""
    for what in ("parent's memory", "parent traced", "parent's environment", "parent's limits"):
        assert await child.call("attempt", what, deadline_s=30) == "PermissionError"


@SECCOMP
async def test_what_fetches_a_model_has_no_network_once_it_is_loaded(start: Start) -> None:
    rules = Rules(network=True, fetches=True, programs=True, reads=None, writes=None)
    child = await start(rules)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await child.call("connect", listening.getsockname()[1], deadline_s=30)
        assert await child.call("in_thread", "internet socket", deadline_s=30) == ""
        assert await child.call("say", deadline_s=30) == ""
        await child.call("loaded", deadline_s=30)
        assert await child.call("say", deadline_s=30) == "BrokenPipeError"
    for how in ("attempt", "in_thread"):
        for what in ("internet socket", "unix socket", "datagram socket"):
            assert await child.call(how, what, deadline_s=30) == "PermissionError"
    assert await child.call("attempt", "program", deadline_s=30) == ""


@SECCOMP
async def test_a_network_that_cannot_be_given_up_is_told_and_ends_a_strict_child(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    rules = Rules(network=True, fetches=True, programs=True, reads=None, writes=None)
    child = await start(rules)
    await child.call("filter_of_one_thread", deadline_s=30)
    await child.call("loaded", deadline_s=30)
    assert "the network cannot be given up" in capfd.readouterr().err
    assert await child.call("attempt", "internet socket", deadline_s=30) == ""
    if not kernel().lacks:
        strict = await start(replace(rules, mode="strict"))
        await strict.call("filter_of_one_thread", deadline_s=30)
        with pytest.raises(WorkerDied):
            await strict.call("loaded", deadline_s=30)


@SECCOMP
async def test_a_child_that_never_fetches_keeps_what_it_has_when_it_is_loaded(start: Start) -> None:
    child = await start(Rules(network=True, reads=None, writes=None))
    await child.call("loaded", deadline_s=30)
    assert await child.call("attempt", "internet socket", deadline_s=30) == ""


@LANDLOCK
async def test_programs_are_those_of_the_system_and_of_python(start: Start, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    child = await start(Rules(programs=True, reads=(str(tmp_path),), writes=(str(tmp_path),)))
    assert await child.call("attempt", "program", deadline_s=30) == ""
    assert await child.call("attempt", "run", str(own), deadline_s=30) == "PermissionError"


@LANDLOCK
async def test_the_process_of_the_index_knows_its_own_folder_alone(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "secret").write_text("a")
    child = await start(of_index("auto", str(tmp_path / "index")))
    own = str(tmp_path / "index" / "a")
    assert await child.call("attempt", "write", own, deadline_s=30) == ""
    assert await child.call("attempt", "read", own, deadline_s=30) == ""
    for what in ("read", "write"):
        for path in (str(tmp_path / "secret"), "/etc/hosts"):
            assert await child.call("attempt", what, path, deadline_s=30) == "PermissionError"
    assert await child.call("attempt", "unix socket", deadline_s=30) == "PermissionError"


async def test_no_secret_is_in_the_environment_of_a_child(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = (
        "OMNI_TOKEN", "OMNI_QDRANT_API_KEY", "OMNI_CATALOG", "OMNI_ENCODER_TOKEN", "OMNI_STORE",
        "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "DATABASE_URL", "GITHUB_TOKEN", "HF_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS", "ANTHROPIC_API_KEY", "SSH_AUTH_SOCK", "HTTPS_PROXY",
        "PYTHON_KEYRING_SECRET", "ORT_TOKEN", "CUDA_API_KEY", "PGPASSWORD",
    )  # fmt: skip
    for name in (*secret, "MY_PLUGIN_KEY"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for rules in (Rules(), Rules("off"), Rules(devices=True), Rules(variables=("MY_PLUGIN_KEY",))):
        child = await start(rules)
        seen = await child.call("environ", deadline_s=30)
        assert [n for n, v in seen.items() if "hunter2" in v] == list(rules.variables)
        assert seen["OMP_NUM_THREADS"] == "1"
        assert seen["ORT_DISABLE_TELEMETRY"] == "1"
        assert seen["MALLOC_ARENA_MAX"] == "2"


@LINUX
async def test_a_child_holds_none_of_the_files_that_its_parent_has_open(
    start: Start, tmp_path: Path
) -> None:
    with (tmp_path / "held").open("wb") as held:
        os.set_inheritable(held.fileno(), True)
        child = await start(Rules(reads=None))
        names = await child.call("descriptors", deadline_s=30)
    assert names
    assert str(tmp_path / "held") not in names


@LINUX
async def test_a_child_can_gain_no_privileges_and_root_has_few_left(start: Start) -> None:
    for mode in ("auto", "off"):
        child = await start(Rules(mode, reads=None))
        assert await child.call("status", "NoNewPrivs", deadline_s=30) == "1"
    child = await start(Rules(reads=None))
    assert int(await child.call("status", "CapEff", deadline_s=30), 16) in (0, 4)


GIVEN = """
import ctypes, os, struct, sys
from omni_core.sandbox import Rules
from omni_core.sandbox.entering import enter
libc = ctypes.CDLL(None)
libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
os.setgroups([]); os.setgid(65534); os.setuid(65534)
low = (1 << 2) | (1 << 1)  # CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE
header = struct.pack("Ii", 0x20080522, 0)
libc.capset(header, struct.pack("IIIIII", low, low, 0, 0, 0, 0))
enter(Rules())
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")))
"""


@LINUX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root gives the right")
async def test_a_decoder_keeps_the_right_to_read_everything_that_the_service_was_given() -> None:
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", GIVEN],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert int(run.stdout, 16) == 1 << 2


LACKING = """
import json, sys
from omni_core.sandbox import Rules, entering
from omni_core.sandbox.kernel import Kernel
entering.kernel = lambda: Kernel(seccomp=True, landlock=0)
try:
    print(entering.enter(Rules(sys.argv[1])).lacks)
except Exception as e:
    print(type(e).__name__, e)
"""


@LINUX
@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("auto", "Landlock (Linux 5.13)"),
        ("strict", "UnavailableError no child process is started: sandbox is strict, and here"),
    ],
)
async def test_where_the_kernel_lacks_something_strict_refuses_and_auto_goes_on(
    mode: str, said: str
) -> None:
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", LACKING, mode],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert run.stdout.startswith(said)


FIRST_LANDLOCK = """
import sys
from pathlib import Path
from omni_core.sandbox import entering
from omni_core.sandbox.kernel import Kernel
from omni_core.sandbox.rules import of_index
entering.kernel = lambda: Kernel(seccomp=True, landlock=1)
try:
    print(entering.enter(of_index(sys.argv[1], sys.argv[2])).lacks)
except Exception as e:
    sys.exit(print(type(e).__name__, e))
from omni_core.index.edge_shard import Shard
shard = Shard(Path(sys.argv[2]), 8, False)
shard.flush()
print(shard.count(None))
"""


@LINUX
@LANDLOCK
@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("auto", "Landlock 2 (Linux 5.19)\n0\n"),
        ("strict", "UnavailableError no child process is started: sandbox is strict, and here"),
    ],
)
async def test_the_index_works_where_landlock_lets_no_file_move(
    tmp_path: Path, mode: str, said: str
) -> None:
    """Linux 5.13 to 5.18, as Ubuntu 22.04 has it: Edge writes a file beside its folder, then moves
    it there."""
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", FIRST_LANDLOCK, mode, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert run.stdout.startswith(said)


async def test_the_temporary_folder_of_a_child_goes_with_it(start: Start) -> None:
    child = await start(Rules())
    folder = Path((await child.call("environ", deadline_s=30))["TMPDIR"])
    assert folder.is_dir()
    assert folder.parent.name.startswith(PREFIX)
    await asyncio.to_thread(child.kill)
    assert not folder.parent.exists()


@LINUX
def test_the_temporary_folder_is_left_alone_by_those_who_clean_up() -> None:
    import fcntl  # systemd-tmpfiles passes over a folder that it cannot lock

    folder = TemporaryFolder()
    descriptor = os.open(Path(folder.path).parent, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.remove()
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
