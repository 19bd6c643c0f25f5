"""docs/tasks.md: its client runs as it is written, and its exchange crosses a restart."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
PAGE = (REPO / "docs" / "tasks.md").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="the command is a shell script here")
@pytest.mark.timeout(240)
def test_the_client_of_the_page_follows_a_task_to_its_result(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
    os.symlink(REPO / "samples", tmp_path / "samples")
    command = tmp_path / "omni-mcp"
    path = os.pathsep.join([str(REPO), str(REPO / "server")])
    command.write_text(
        "#!/bin/sh\nexec env OMNI_ENCODER=hashing OMNI_INDEX=memory OMNI_SPEECH=off"
        f" OMNI_SCREEN_TEXT=off OMNI_STORE='{tmp_path / 'store'}' PYTHONPATH='{path}'"
        f" '{sys.executable}' -m omni_server \"$@\"\n"
    )
    command.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path, capture_output=True, text=True, timeout=220,
        env={**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])},
    )  # fmt: skip
    assert re.fullmatch(r"ready: 6 of 6 files, \d+ segments\.\n", ran.stdout), ran
    *polls, last = ran.stderr.splitlines()
    assert all(line.startswith("working") for line in polls)  # none on a fast machine
    assert last.startswith("completed ready: 6 of 6 files")


def test_the_exchange_of_the_page_goes_on_after_the_server_was_killed() -> None:
    recorded = PAGE.split("<!-- exchange: start -->")[1].split("<!-- exchange: end -->")[0]
    before, after = recorded.split("the server was killed")
    told = [
        [json.loads(line[4:])["result"] for line in part.splitlines() if line.startswith("<-- ")]
        for part in (before, after)
    ]
    assert told[0][0]["resultType"] == "task"
    assert {task["taskId"] for part in told for task in part} == {told[0][0]["taskId"]}
    assert [task["status"] for task in told[0]] == ["working"] * len(told[0])
    assert told[1][-1]["status"] == "completed"
    assert told[1][-1]["result"]["structuredContent"]["state"] == "ready"
