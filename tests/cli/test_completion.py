"""`vdictl completion`: what a shell is told, and real shells that complete with it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.front import Vdictl


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Vdictl:
    """A home whose lists have shown some names, with the command on the path."""
    vdictl = Vdictl(tmp_path_factory.mktemp("completion"))
    for name in ("web", "work"):
        vdictl.ok("create", name, "--no-wait", "-q")
    vdictl.ok("create", "theirs", "--no-wait", "-q", "--owner", "bob")
    vdictl.ok("snapshot", "create", "web", "before", "-q")
    vdictl.ok("snapshot", "create", "work", "other", "-q")
    for words in (("list",), ("plans",), ("regions",), ("images", "list"), ("snapshot", "list"), ("volume", "list")):
        vdictl.ok(*words)
    vdictl.ok("config", "list")
    vdictl.ok("config", "set", "fleet", "office", "--profile", "day")
    programs = vdictl.folder / "bin"
    programs.mkdir()
    (programs / "vdictl").write_text(f'#!/bin/sh\nexec {sys.executable} -m vdictl "$@"\n', encoding="utf-8")
    (programs / "vdictl").chmod(0o755)
    vdictl.env["PATH"] = f"{programs}{os.pathsep}{vdictl.env['PATH']}"
    return vdictl


def offered(vdictl: Vdictl, line: str, **env: str) -> list[str]:
    """What bash is told for this line."""
    told = vdictl.ok(env={"_VDICTL_COMPLETE": "bash", "_VDICTL_LINE": line, **env})
    assert told.err == ""
    return [row.partition("\t")[0] for row in told.out.splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vdictl cr", ["create"]),
        ("vdictl -q sta", ["start"]),
        ("vdictl show w", ["web", "work"]),
        ("vdictl show nothing", []),
        ("vdictl show web ", []),
        ("vdictl destroy web ", ["work"]),
        ("vdictl show --owner bob ", ["theirs"]),
        ("vdictl create --plan mem-1", ["mem-1c-1gb"]),
        ("vdictl create --plan=mem-1", ["mem-1c-1gb"]),
        ("vdictl create --region ", ["here", "there"]),
        ("vdictl create --flavor co", ["code"]),
        ("vdictl create --home w", ["web", "work"]),
        ("vdictl create --from-snapshot ", ["web/before", "work/other"]),
        ("vdictl create --no-w", ["--no-wait"]),
        ("vdictl create --no-wait --no-w", []),
        ("vdictl create --label a=b --lab", ["--label"]),
        ("vdictl create --env-file ", []),
        ("vdictl snapshot re", ["restore"]),
        ("vdictl snapshot restore web ", ["before"]),
        ("vdictl volume attach w", ["web", "work"]),
        ("vdictl cp w", ["web:", "work:"]),
        ("vdictl cp a.txt w", ["web:", "work:"]),
        ("vdictl -p m", ["memory"]),
        ("vdictl list --profile ", ["day"]),
        ("vdictl list --profile day -o ", ["table", "json", "yaml", "csv", "name"]),
        ("vdictl show --profile day ", []),
        ("vdictl list --state sto", ["stopping", "stopped"]),
        ("vdictl wait --for us", ["usable"]),
        ("vdictl completion f", ["fish"]),
        ("vdictl share w", ["web", "work"]),
        ("vdictl exec web -- --", []),
        ("vdictl config get providers.local.", ["providers.local.engine"]),
        ("vdictl nothing-such ", []),
        ("vdictl show 'w", ["web", "work"]),
    ],
)
def test_words(known: Vdictl, line: str, words: list[str]) -> None:
    found = offered(known, line)
    assert sorted(found) == sorted(words)


def test_a_word_goes_with_its_desktop(vdictl: Vdictl) -> None:
    assert offered(vdictl, "vdictl show ") == []
    vdictl.ok("create", "box", "--no-wait", "-q")
    assert offered(vdictl, "vdictl show ") == ["box"]
    assert offered(vdictl, "vdictl show ", VDICTL_FLEET="other") == []
    vdictl.ok("destroy", "box", "-q")
    assert offered(vdictl, "vdictl show ") == []


def test_what_is_kept_is_private_holds_no_secret_and_may_be_torn_or_gone(vdictl: Vdictl) -> None:
    vdictl.configure(memory='token = "env:THE_TOKEN"')
    vdictl.ok("create", "box", "--no-wait", "-q", "--env", "PASSWORD=hunter2", env={"THE_TOKEN": "hunter2-too"})
    folder = vdictl.state / "completion"
    files = list(folder.iterdir())
    assert [file.name for file in files if file.name.startswith(".")] == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = folder / "default@.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert all("hunter2" not in file.read_text() for file in files)
    for torn in ("{", "[]", '{"desktop": 7}', '{"desktop": {"memory": []}}'):
        kept.write_text(torn)
        assert offered(vdictl, "vdictl show ") == []
    assert vdictl.ok("list", "-o", "name", env={"THE_TOKEN": "x"}).out == "box\n"
    assert offered(vdictl, "vdictl show ") == ["box"]
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert vdictl.ok("list", "-o", "name", env={"THE_TOKEN": "x"}).out == "box\n"
    assert offered(vdictl, "vdictl cre") == ["create"]


def shell_of(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


BASH = """
source <(vdictl completion bash)
ask() {
    COMP_LINE="$1" COMP_POINT=${#1}
    read -ra COMP_WORDS <<< "$1"
    [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _vdictl 2>/dev/null
    echo "$1=> ${COMPREPLY[*]}"
}
ask "vdictl cre"
ask "vdictl show w"
ask "vdictl create --plan mem-1"
ask "vdictl cp "
"""


def test_bash_asks_and_gets_words(known: Vdictl) -> None:
    done = subprocess.run(
        [shell_of("bash"), "-c", BASH], env=known.env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == [
        "vdictl cre=> create",
        "vdictl show w=> web work",
        "vdictl create --plan mem-1=> mem-1c-1gb",
        "vdictl cp => web: work:",
    ], done.stderr


def test_fish_asks_and_gets_words(known: Vdictl) -> None:
    lines = ("vdictl cre", "vdictl show w", "vdictl create --plan mem-1")
    script = "vdictl completion fish | source\n" + "".join(f'complete -C "{line}"\necho ==\n' for line in lines)
    done = subprocess.run(
        [shell_of("fish"), "-c", script], env=known.env, capture_output=True, text=True, timeout=120, check=False
    )
    parts = [[row.partition("\t")[0] for row in part.split("\n") if row] for part in done.stdout.split("==\n")]
    assert parts == [["create"], ["web", "work"], ["mem-1c-1gb"], []], done.stderr


def typed(vdictl: Vdictl, argv: list[str], keys: list[tuple[str, str]]) -> str:
    """What a shell on a terminal shows: each text is typed when what stands before it has been shown."""
    pid, near = pty.fork()
    if pid == 0:
        os.chdir(vdictl.work)
        os.execve(argv[0], argv, vdictl.env | {"TERM": "xterm", "PS1": "ready> ", "COLUMNS": "120", "LINES": "40"})
    shown, end, left = "", time.monotonic() + 120, list(keys)
    since = 0
    while time.monotonic() < end:
        if left and left[0][0] in shown[since:]:
            since = len(shown)
            os.write(near, left.pop(0)[1].encode())
        if select.select([near], [], [], 0.1)[0]:
            try:
                part = os.read(near, 65536)
            except OSError:
                break
            shown += part.decode(errors="replace")
            if not part:
                break
    os.close(near)
    os.waitpid(pid, 0)
    return shown


def test_bash_on_a_terminal_completes_at_tab(known: Vdictl) -> None:
    keys = [
        ("ready>", "source <(vdictl completion bash) && echo 'lo'aded\r"),
        ("loaded", "vdictl create --plan=mem-1\t"),
        ("mem-1c-1gb", " --dry-run -o json --json pl\x15echo do''ne; exit\r"),
    ]
    shown = typed(known, [shell_of("bash"), "--norc", "--noprofile", "-i"], keys)
    assert "--plan=mem-1c-1gb" in shown and "done" in shown


def test_zsh_on_a_terminal_completes_at_tab(known: Vdictl) -> None:
    keys = [
        (
            "ready>",
            "autoload -U compinit && compinit -u -D\rsource <(vdictl completion zsh); echo 'lo'aded\r",
        ),
        ("loaded", "vdictl destroy wor\t"),
        ("work", "\x15vdictl create --plan mem-8c-32gb-\t"),
        ("mem-8c-32gb-1g", "\x15echo do''ne; exit\r"),
    ]
    shown = typed(known, [shell_of("zsh"), "-f", "-i"], keys)
    assert "work" in shown and "mem-8c-32gb-1g" in shown and "done" in shown


def test_each_script_says_where_it_belongs_on_a_terminal_only(known: Vdictl, tmp_path: Path) -> None:
    for shell in ("bash", "zsh", "fish", "powershell"):
        script = known.ok("completion", shell)
        assert script.err == "" and "_VDICTL_COMPLETE" in script.out
    assert "Where this belongs" in known("completion", "bash", tty=True).out
    assert known("completion", "tcsh").code == 2
    (tmp_path / "vdictl.bash").write_text(known.ok("completion", "bash").out)
    subprocess.run([shell_of("bash"), "-n", str(tmp_path / "vdictl.bash")], check=True)
