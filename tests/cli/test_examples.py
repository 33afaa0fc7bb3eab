"""Each example in help is run by a shell, on a cloud that has what the examples speak of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.front import SECONDS, Vdictl, until
from tests.test_reference import examples

#: What is done before, for an example that needs more than the cloud has; by how the example begins.
BEFORE = {
    "vdictl cp report.pdf": "vdictl exec desktop mkdir Documents",
    "vdictl cp desktop:Downloads/.": "vdictl exec desktop -- sh -c 'mkdir Downloads; touch Downloads/a'",
    "vdictl snapshot create desktop": "vdictl snapshot delete desktop before-upgrade",
    "vdictl volume delete work": "vdictl volume create work",
    "vdictl volume attach work desktop": "vdictl volume create work; vdictl stop desktop",
    "vdictl volume detach desktop": "vdictl stop desktop",
    "vdictl volume export work": "vdictl volume create work",
    "vdictl volume import work work.tar": (
        "vdictl volume create work; vdictl volume export work work.tar; vdictl volume delete work"
    ),
    "zcat work.tar.gz | vdictl volume import": (
        "vdictl volume create work; vdictl volume export work - | gzip >work.tar.gz"
    ),
    "vdictl images load xfce.tar": "vdictl images save xfce xfce.tar",
    "vdictl journal show": "vdictl stop web",
    'tail -f "$(vdictl journal path)"': "vdictl stop web",
}
#: With which codes an example may end here, where that is not 0, and why; by how it begins.
ENDS = {
    "vdictl create web --plan local": ({4}, "only the local provider has this plan"),
    "vdictl share desktop": ({6}, "a desktop of the reference provider has no page"),
    "vdictl images list -p local": ({5}, "there is no engine here"),
    "vdictl doctor -p local": ({5}, "there is no engine here, and the doctor says so"),
    "vdictl config init": ({9}, "there is a config already"),
    "vdictl gc --install-timer": ({0, 6}, "not every machine has systemd or cron"),
}
#: These go on until Ctrl-C. They get TERM, which means the same, when they have said something: where the tests run in
#: the background, a program that is not ours would be deaf to the other one.
LASTING = (
    "vdictl list --watch",
    "vdictl connect desktop",
    "vdictl port-forward",
    "vdictl logs desktop --tail 50 -f",
    "tail -f",
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a cloud with desktops and a snapshot."""
    vdictl = Vdictl(tmp_path_factory.mktemp("cloud"))
    for name in ("desktop", "web", "db", "ci-1", "ci-2"):
        vdictl.ok("create", name, "--no-wait")
    vdictl.ok("snapshot", "create", "desktop", "before-upgrade")
    return vdictl.folder / "cloud"


@pytest.fixture
def vdictl(tmp_path: Path, cloud: Path) -> Vdictl:
    """A home with that cloud, the command on the path, and files that examples read."""
    shutil.copytree(cloud, tmp_path / "cloud")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "vdictl").write_text(f'#!/bin/sh\nexec {sys.executable} -m vdictl "$@"\n', encoding="utf-8")
    (programs / "vdictl").chmod(0o755)
    made = Vdictl(tmp_path, env={"EDITOR": "true"})
    made.env["PATH"] = f"{programs}{os.pathsep}{made.env['PATH']}"
    (made.work / "report.pdf").write_bytes(b"%PDF-")
    (made.work / "src").mkdir()
    (made.work / "desktops.yaml").write_text("name: desktop\n---\nname: new\n", encoding="utf-8")
    return made


def of(line: str, table: dict[str, str]) -> str:
    """What the table has for the line."""
    return next((value for begin, value in table.items() if line.startswith(begin)), "")


def run(vdictl: Vdictl, line: str, *, lasting: bool = False) -> tuple[int, str]:
    """The line in a shell: its exit code, and what it said."""
    said = vdictl.folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=vdictl.work,
            env=vdictl.env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if lasting:
                until(lambda: said.stat().st_size > 0 or process.poll() is not None, seconds=SECONDS)
                os.killpg(process.pid, signal.SIGTERM)
            code = process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
    return code, said.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("line", examples())
def test_an_example_does_what_it_says(line: str, vdictl: Vdictl) -> None:
    if before := of(line, BEFORE):
        code, said = run(vdictl, f"set -e; {before}")
        assert code == 0, f"{before}\n{said}"
    lasting = line.startswith(LASTING)
    code, said = run(vdictl, line, lasting=lasting)
    wanted = {0, 130, 128 + signal.SIGTERM, -signal.SIGTERM} if lasting else {0}
    wanted = next((codes for begin, (codes, _) in ENDS.items() if line.startswith(begin)), wanted)
    assert code in wanted, f"{line}: {code}; see BEFORE and ENDS\n{said}"
