"""`vdictl create`."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.front import Vdictl, until


def test_it_makes_a_usable_desktop_and_says_how_to_take_it_away(vdictl: Vdictl) -> None:
    made = vdictl.ok("create")
    assert made.out == "desktop  usable  memory  mem-1c-1gb\n"
    assert "vdictl destroy desktop" in made.err
    assert "default_provider" in made.err  # which provider, and why
    assert vdictl.names() == ["desktop"]


def test_data_on_stdout_and_nothing_else_anywhere_when_quiet(vdictl: Vdictl) -> None:
    made = vdictl.ok("create", "web", "-o", "json", "-q", "--label", "team=blue", "--ttl", "8h")
    assert made.err == ""
    assert {k: made.data[k] for k in ("name", "provider", "state", "owner", "usable", "how", "labels")} == {
        "name": "web",
        "provider": "memory",
        "state": "running",
        "owner": "tester",
        "usable": True,
        "how": "created",
        "labels": {"team": "blue"},
    }
    assert made.data["expires"] > made.data["created"]
    assert vdictl.ok("create", "web", "-o", "name").out == "web\n"
    assert vdictl.ok("create", "web", "--json", "name,key").data == {"name": "web", "key": made.data["key"]}


def test_the_same_again_is_the_same_desktop_and_another_spec_a_conflict_with_a_table(vdictl: Vdictl) -> None:
    first = vdictl.ok("create", "--plan", "mem-1c-1gb", "-o", "json").data
    again = vdictl.ok("create", "--plan", "mem-1c-1gb", "-o", "json").data
    assert (again["key"], again["how"]) == (first["key"], "found")
    other = vdictl("create", "--plan", "mem-2c-4gb", "--cpus", "2", "-q")
    assert other.code == 9
    assert other.out == ""
    rows = [line.split("  ") for line in other.err.splitlines() if "mem-2c-4gb" in line or "asked then" in line]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["option", "asked then", "asked now"],
        ["plan", "mem-1c-1gb", "mem-2c-4gb"],
    ]
    assert vdictl("create", "--cpus", "2", "-o", "json").error["code"] == 9


def test_the_home_that_it_has_is_no_difference(vdictl: Vdictl) -> None:
    made = vdictl.ok("create", "web", "--no-wait", "-o", "json").data
    assert vdictl.ok("create", "web", "--home", "web", "--no-wait", "-o", "json").data["key"] == made["key"]
    assert vdictl("create", "web", "--home", "other", "--no-wait").code == 9


def test_a_stopped_one_is_started_and_a_half_made_one_finished(vdictl: Vdictl) -> None:
    half = vdictl.ok("create", "--detach", "-o", "json").data
    assert half["state"] == "pending"
    whole = vdictl.ok("create", "-o", "json").data
    assert (whole["key"], whole["state"], whole["how"]) == (half["key"], "running", "found")
    vdictl.ok("stop")
    started = vdictl.ok("create", "-o", "json").data
    assert (started["key"], started["state"], started["how"]) == (half["key"], "running", "started")


@pytest.mark.parametrize(
    "name", ["x" * 300, "a\nb", "../etc", "-rf", "Web", "\N{GRINNING FACE}", "", " ", "a/b", "web-", "a\x1b[31mb"]
)
def test_what_cannot_be_a_name_is_refused_in_a_sentence(vdictl: Vdictl, name: str) -> None:
    refused = vdictl("create", "--", name)
    assert refused.code == 2
    assert refused.out == ""
    assert "Traceback" not in refused.err
    assert "\x1b" not in refused.err
    assert len(refused.err) < 500
    assert vdictl.names() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ttl", "8h", "--expires", "2099-01-01"], "one of them"),
        (["--ttl", "soon"], "no length of time"),
        (["--ttl", "0s"], "--ttl"),
        (["--expires", "2001-01-01"], "over already"),
        (["--memory", "much"], "no size"),
        (["--cpus", "0"], "--cpus"),
        (["--cpus", "nan"], "--cpus"),
        (["--ttl", ""], "--ttl"),  # as an empty variable of a script makes it
        (["--expires", ""], "--expires"),
        (["--memory", ""], "--memory"),
        (["--timeout", ""], "--timeout"),
        (["--git", ""], "--git"),
        (["--packages", "../x"], "--packages"),
        (["--packages", "git," + "x" * 300], "--packages"),
        (["--label", "team"], "KEY=VALUE"),
        (["--label", "a b=c"], "label"),
        (["--env", "NOT_SET_HERE"], "not set here"),
        (["--env", "1X=2"], "name of a variable"),
        (["--env-file", "nowhere"], "cannot be read"),
        (["--setup", "nowhere.sh"], "cannot be read"),
        (["--setup", "."], "cannot be read"),
        (["--git", "https://me:pw@example.com/x.git"], "credentials"),
        (["--git", "https://token@example.com/x.git"], "credentials"),
        (["--git", "me:pw@example.com:x.git"], "credentials"),
        (["--dotfiles", "https://example.com/x?private_token=1"], "credentials"),
        (["--git", "--upload-pack=x"], "no URL"),
        (["--home", "../other"], "home"),
        (["--option", "geometri=1x1"], "has no option"),
        (["--plan", "a\nb"], "--plan"),
        (["--timeout", "never"], "--timeout"),
        (["--flavour", "xfce"], "--flavor"),
    ],
)
def test_wrong_options_change_nothing(vdictl: Vdictl, words: list[str], said: str) -> None:
    refused = vdictl("create", *words)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err
    assert "pw@" not in refused.err
    assert vdictl.names() == []


def test_an_option_of_the_providers_own_is_corrected(vdictl: Vdictl) -> None:
    refused = vdictl("create", "-p", "local", "--option", "geometri=1x1")
    assert refused.code == 2
    assert "Did you mean geometry?" in refused.err


def test_variables_and_the_script_arrive_inside_and_nowhere_else(vdictl: Vdictl) -> None:
    (vdictl.work / "set.sh").write_text('echo "$PLAIN $FROM_HERE $FILED" > out.txt; echo S3CRET-SCRIPT > /dev/null\n')
    (vdictl.work / "env").write_text("# a comment\n\nexport FILED=S3CRET-filed\n")
    words = ["--env", "PLAIN=S3CRET-plain", "--env", "FROM_HERE", "--env-file", "env", "--setup", "set.sh"]
    made = vdictl.ok("create", *words, env={"FROM_HERE": "S3CRET-here"})
    assert vdictl.ok("exec", "desktop", "cat", "out.txt").out == "S3CRET-plain S3CRET-here S3CRET-filed\n"
    assert "S3CRET" not in made.out + made.err
    assert "S3CRET" not in vdictl.ok("show", "-o", "json").out
    assert "S3CRET" not in (vdictl.folder / "cloud/state.json").read_text()
    assert "S3CRET" not in "".join(f.read_text() for f in vdictl.state.rglob("*") if f.is_file())
    again = vdictl.ok("create", *words, env={"FROM_HERE": "S3CRET-here"}, stdin="")
    assert "usable" in again.out
    assert vdictl("create", *words, env={"FROM_HERE": "another"}).code == 9


@pytest.mark.parametrize("line", ["-----BEGIN KEY-----", "S3CRETbase64", "S3CRET/base64+x=="])
def test_nothing_of_a_file_of_variables_is_shown(vdictl: Vdictl, line: str) -> None:
    """A value over several lines: what follows its first line is no variable, and still a secret."""
    (vdictl.work / "env").write_text(f"# a key\n\nKEY=first\n{line}\n")
    refused = vdictl("create", "--env-file", "env")
    assert refused.code == 2 and "line 4 of 'env'" in refused.err
    assert line not in refused.err and "S3CRET" not in refused.err


def test_a_machine_without_the_inputs_ends_with_7_naming_them(vdictl: Vdictl) -> None:
    vdictl.ok("create", "--env", "A=1", "--detach")
    other = vdictl("wait", "desktop")
    assert other.code == 7
    assert "env:A" in other.err
    assert vdictl.ok("create", "--env", "A=1").out.startswith("desktop  usable")


def test_a_script_that_fails_is_told(vdictl: Vdictl) -> None:
    (vdictl.work / "set.sh").write_text("exit 3\n")
    failed = vdictl("create", "--setup", "set.sh")
    assert failed.code == 1
    assert "first boot" in failed.err
    assert "3" in failed.err


def test_a_rehearsal_changes_nothing(vdictl: Vdictl) -> None:
    seen = vdictl.ok("create", "--dry-run", "--cpus", "2", "-o", "json").data
    assert (seen["action"], seen["plan"], seen["price"]["amount"]) == ("create", "mem-2c-4gb", "0.03")
    assert vdictl.names() == []
    assert vdictl.ok("create", "--dry-run", "--flavor", "code", "-o", "json").data["builds_image"] is True
    vdictl.ok("create", "--cpus", "2")
    assert vdictl.ok("create", "--dry-run", "--cpus", "2", "-o", "json").data["action"] == "nothing"
    assert vdictl("create", "--dry-run", "--cpus", "4").code == 9
    vdictl.ok("stop")
    assert "would be started" in vdictl.ok("create", "--dry-run").out
    assert vdictl.ok("show", "-o", "json").data["state"] == "stopped"
    vdictl.ok("create", "other", "--detach")
    assert vdictl.ok("create", "other", "--dry-run", "-o", "json").data["action"] == "finish"
    assert vdictl("create", "third", "--home", "other", "--dry-run").code == 9
    assert vdictl("create", "third", "--plan", "mem-8c-32gb", "--dry-run").code == 10
    assert vdictl("create", "third", "--plan", "nope", "-p", "memory", "--dry-run").code == 4
    assert "xfce, minimal, code" in vdictl("create", "third", "--flavor", "nope", "--dry-run").err
    assert vdictl("create", "third", "--timeout", "never", "--dry-run").code == 2


def test_the_plan_says_which_provider_and_why(vdictl: Vdictl) -> None:
    vdictl.configure(settings='default_name = "box"')
    vdictl.config.write_text(vdictl.config.read_text().replace('default_provider = "memory"', ""))
    made = vdictl.ok("create", "--plan", "mem-2c-4gb")
    assert "only memory has the plan mem-2c-4gb" in made.err
    assert vdictl.names() == ["box"]
    assert vdictl("create", "x", "--plan", "nope").code == 4
    assert vdictl("create", "x", "--plan", "mem-8c-32gb").code == 10
    without = vdictl("create", "x")  # the default is local, where no engine answers
    assert without.code == 5
    assert vdictl.names() == ["box"]


def test_no_provider_and_an_unknown_one(vdictl: Vdictl) -> None:
    assert vdictl("create", "-p", "memroy").code == 2
    assert "Did you mean memory?" in vdictl("create", "-p", "memroy").err
    vdictl.config.write_text('[providers.local]\nengine = "/nonexistent/engine"\n')
    nothing = vdictl("create", "-o", "json")
    assert (nothing.code, nothing.error["error"]) == (5, "not-configured")


def test_a_home_in_use_is_a_conflict(vdictl: Vdictl) -> None:
    vdictl.ok("create", "first", "--home", "work")
    assert vdictl("create", "second", "--home", "work").code == 9
    assert vdictl.names() == ["first"]


def test_a_copy_of_a_snapshot_has_what_its_home_had(vdictl: Vdictl) -> None:
    vdictl.ok("create", "--plan", "mem-2c-4gb")
    vdictl.ok("exec", "desktop", "sh", "-c", "echo kept > file")
    vdictl.ok("snapshot", "create", "desktop", "before")
    made = vdictl.ok("create", "copy", "--from-snapshot", "desktop/before", "-o", "json").data
    assert made["spec"]["plan"] == "mem-2c-4gb"
    assert vdictl.ok("exec", "copy", "cat", "file").out == "kept\n"
    assert vdictl.ok("create", "copy", "--from-snapshot", "before", "-o", "json").data["key"] == made["key"]
    assert vdictl("create", "third", "--from-snapshot", "nope").code == 4
    assert vdictl("create", "third", "--from-snapshot", "a\nb").code == 2


@pytest.mark.parametrize(
    "fault", ["reply-lost:create_machine:1", "unavailable:create_machine:2", "rate-limited:create:1:0.1"]
)
def test_faults_on_the_way_end_with_one_desktop(vdictl: Vdictl, fault: str) -> None:
    vdictl.configure(memory=f'faults = "{fault}"')
    vdictl.ok("create")
    assert vdictl.names() == ["desktop"]


def test_one_that_never_becomes_usable_is_timed_out_with_what_it_waits_for(vdictl: Vdictl) -> None:
    vdictl.configure(memory='faults = "never-ready"')
    late = vdictl("create", "--timeout", "8s", "-o", "json")
    assert (late.code, late.out) == (8, "")
    assert "handshake" in late.error["details"]
    assert "vdictl wait desktop" in late.error["advice"]


def test_no_wait_returns_when_nothing_of_ours_remains(vdictl: Vdictl) -> None:
    vdictl.configure(memory='faults = "never-ready"')
    made = vdictl.ok("create", "--no-wait", "-o", "json").data
    assert (made["state"], made["operation"], made["usable"]) == ("running", None, None)


def test_two_at_once_make_one(vdictl: Vdictl) -> None:
    both = [vdictl.start("create", "-o", "json", "-q") for _ in range(3)]
    ends = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], ends
    assert len(vdictl.ok("list", "-o", "json").data) == 1


def _interrupted(vdictl: Vdictl, log: Path, *words: str, times: int = 1) -> tuple[int, str]:
    """Begin, interrupt once something goes on there, and give the exit code and what was said."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            vdictl.argv(*words), cwd=vdictl.work, env=vdictl.env, stderr=said, stdout=subprocess.DEVNULL
        )
        until(lambda: "booting" in log.read_text() or "deleting" in log.read_text())
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        return process.wait(5), log.read_text()  # it must not wait for what goes on there


def test_ctrl_c_says_how_to_finish_and_undo_and_the_next_run_finishes(vdictl: Vdictl) -> None:
    vdictl.config.write_text(vdictl.config.read_text().replace('boot = "0.02"', 'boot = "6"'))
    code, said = _interrupted(vdictl, vdictl.folder / "log", "create")
    assert code == 130
    assert "the same create again" in said
    assert "vdictl destroy desktop" in said
    key = vdictl.ok("list", "-o", "json").data[0]["key"]
    assert vdictl.ok("create", "-o", "json").data["key"] == key


def test_ctrl_c_twice_and_term_leave_at_once_too(vdictl: Vdictl) -> None:
    vdictl.config.write_text(vdictl.config.read_text().replace('boot = "0.02"', 'boot = "6"'))
    assert _interrupted(vdictl, vdictl.folder / "log", "create", times=2)[0] == 130
    process = vdictl.start("create", "other")
    until(lambda: "other" in vdictl.names())
    process.terminate()
    _, said = process.communicate(timeout=5)
    assert process.returncode == 130
    assert b"Undo it" in said
