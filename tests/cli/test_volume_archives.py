"""`vdictl volume export` and `import`: a home as a file, there and back."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.cli.front import Vdictl, until


@pytest.fixture
def made(vdictl: Vdictl) -> Vdictl:
    """With a volume `desktop` whose desktop is gone, and its archive `home.tar`."""
    vdictl.ok("create", "desktop", "--no-wait")
    vdictl.ok("exec", "desktop", "sh", "-c", "echo first > note; chmod 640 note; ln -s note link")
    vdictl.ok("destroy", "desktop")
    vdictl.ok("volume", "export", "desktop", "home.tar")
    return vdictl


def volumes(vdictl: Vdictl) -> list[str]:
    return vdictl.ok("volume", "list", "-o", "name").out.split()


def note(vdictl: Vdictl, volume: str) -> str:
    vdictl.ok("volume", "export", volume, "look.tar", "-q")
    with tarfile.open(vdictl.work / "look.tar") as tar:
        file = tar.extractfile("./note")
        assert file is not None
        return file.read().decode().strip()


def rooms(vdictl: Vdictl) -> list[str]:
    """Disks of the cloud that are no homes."""
    state = json.loads((vdictl.folder / "cloud/state.json").read_text())
    return [each["role"] for each in state["volumes"].values() if each["role"] != "home"]


def test_there_and_back(made: Vdictl) -> None:
    file = made.work / "home.tar"
    assert file.stat().st_mode & 0o777 == 0o600 and list(made.work.iterdir()) == [file]
    done = made.ok("volume", "import", "other", "home.tar", "-o", "json").data
    assert (done["name"], done["files"], done["attached_to"]) == ("other", 1, "")
    made.ok("create", "second", "--home", "other", "--no-wait")
    assert made.ok("exec", "second", "sh", "-c", "cat link; stat -c %a note").out == "first\n640\n"
    told = made.ok("volume", "export", "other", "again.tar", "-o", "json")
    assert told.data["size_bytes"] == (made.work / "again.tar").stat().st_size
    assert "second runs" in told.err


def test_through_pipes(made: Vdictl) -> None:
    out, into = made.argv("volume", "export", "desktop", "-"), made.argv("volume", "import", "other", "-")
    whole = subprocess.run(out, cwd=made.work, env=made.env, timeout=60, check=True, capture_output=True)
    assert whole.stdout == (made.work / "home.tar").read_bytes() and b"exported" in whole.stderr
    subprocess.run(into, cwd=made.work, env=made.env, timeout=60, check=True, input=whole.stdout)
    assert note(made, "other") == "first"
    assert made("volume", "export", "desktop", "-", tty=True).code == 2


def test_what_is_there_is_replaced_only_when_told(made: Vdictl) -> None:
    made.ok("create", "desktop", "--no-wait")
    assert made("volume", "import", "desktop", "home.tar", "--replace", "--yes").code == 9  # a desktop uses it
    made.ok("exec", "desktop", "sh", "-c", "echo second > note")
    made.ok("destroy", "desktop")
    refused = made("volume", "import", "desktop", "home.tar")
    assert refused.code == 9 and "--replace" in refused.err
    asked = made("volume", "import", "desktop", "home.tar", "--replace")
    assert asked.code == 2 and "--yes" in asked.err
    assert note(made, "desktop") == "second"
    made.ok("volume", "import", "desktop", "home.tar", "--replace", "--yes")
    assert note(made, "desktop") == "first" and volumes(made) == ["desktop"] and rooms(made) == []


def test_hostile_and_broken_archives_change_nothing(made: Vdictl) -> None:
    whole = (made.work / "home.tar").read_bytes()
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../escape"))
    for name, content in (("bad", into.getvalue()), ("cut", whole[:1300]), ("empty", b""), ("text", b"hello" * 500)):
        (made.work / name).write_bytes(content)
        for words in ((name, "other"), (name, "desktop", "--replace", "--yes")):
            done = made("volume", "import", words[1], f"{words[0]}", *words[2:])
            assert done.code == 2 and "Traceback" not in done.err, (words, done)
    assert volumes(made) == ["desktop"] and rooms(made) == [] and note(made, "desktop") == "first"


def test_killed_it_leaves_nothing_that_counts_and_the_next_one_cleans(made: Vdictl) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        reader, writer = os.pipe()
        argv = made.argv("volume", "import", "other", "-")
        process = subprocess.Popen(argv, cwd=made.work, env=made.env, stdin=reader, stderr=subprocess.PIPE)
        os.close(reader)
        os.write(writer, (made.work / "home.tar").read_bytes()[:1000])
        until(lambda: rooms(made) == ["incoming"], seconds=60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        os.close(writer)
        assert process.returncode == (130 if number == signal.SIGINT else -9), said
        assert volumes(made) == ["desktop"]
        assert rooms(made) == ([] if number == signal.SIGINT else ["incoming"])
    made.ok("volume", "import", "other", "home.tar")
    assert note(made, "other") == "first" and rooms(made) == []


def test_files_that_are_not_there(made: Vdictl) -> None:
    assert made("volume", "import", "other", "nothing.tar").code == 4
    assert made("volume", "import", "other", ".").code == 2
    assert made("volume", "export", "desktop", "no/such/folder.tar").code == 4
    assert made("volume", "export", "desktop", ".").code == 2
    assert made("volume", "export", "nothing", "x.tar").code == 4
    assert made("volume", "import", "A B", "home.tar").code == 2
    assert made("volume", "export", "desktop", "x.tar", "-p", "local").code == 5
    assert volumes(made) == ["desktop"] and sorted(p.name for p in made.work.iterdir()) == ["home.tar"]


def test_a_full_disk_leaves_no_half_export(made: Vdictl) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        argv = made.argv("volume", "export", "desktop", "-")
        done = subprocess.run(
            argv, cwd=made.work, env=made.env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode not in (0, 3) and b"Traceback" not in done.stderr, done
