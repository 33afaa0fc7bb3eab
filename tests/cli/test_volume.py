"""`vdictl volume`: list, create, delete, attach, detach."""

from __future__ import annotations

import pytest

from tests.cli.front import Vdictl


def users(vdictl: Vdictl) -> dict[str, str | None]:
    return {v["name"]: v["desktop"] for v in vdictl.ok("volume", "list", "-o", "json").data}


def write(vdictl: Vdictl, desktop: str, text: str) -> None:
    vdictl.ok("exec", desktop, "sh", "-c", f"echo '{text}' > note")


def test_one_that_is_made_is_taken_up_by_a_create(vdictl: Vdictl) -> None:
    none = vdictl.ok("volume", "list")
    assert none.out == "" and "vdictl volume create NAME" in none.err
    made = vdictl.ok("volume", "create", "work", "--size", "5g", "--region", "there", "-o", "json").data
    assert (made["how"], made["name"], made["size_bytes"], made["region"]) == ("created", "work", 5 << 30, "there")
    again = vdictl.ok("volume", "create", "work", "-o", "json").data
    assert (again["how"], again["id"]) == ("existing", made["id"])
    other = vdictl("volume", "create", "work", "--size", "9g", "-o", "json")
    assert other.code == 9 and "5 GiB" in other.error["details"]
    vdictl.ok("create", "desktop", "--home", "work", "--no-wait")
    header, row = vdictl.ok("volume", "list").out.splitlines()
    assert header.split() == ["VOLUME", "PROVIDER", "SIZE", "DESKTOP", "AGE", "REGION", "PRICE"]
    assert row.split()[:5] == ["work", "memory", "5.0", "GiB", "desktop"] and "EUR/hour" in row
    assert users(vdictl) == {"work": "desktop"}
    told = vdictl.ok("journal", "list", "-o", "json").data
    assert ("volume-create", "work", "done") in {(one["verb"], one["name"], one["outcome"]) for one in told}


def test_what_a_desktop_has_is_not_deleted(vdictl: Vdictl) -> None:
    vdictl.ok("create", "desktop", "--no-wait")
    vdictl.ok("volume", "create", "a")
    used = vdictl("volume", "delete", "a", "desktop", "--yes", "-o", "json")
    assert used.code == 9 and "desktop: desktop" in used.error["details"]
    assert set(users(vdictl)) == {"a", "desktop"}  # nothing was done
    vdictl.ok("destroy", "desktop")
    assert users(vdictl)["desktop"] is None
    asked = vdictl("volume", "delete", "a", "desktop")
    assert asked.code == 2 and "  a  memory" in asked.err and "--yes" in asked.err
    assert vdictl("volume", "delete", "a", "nothing", "--yes").code == 4
    done = vdictl.ok("volume", "delete", "a", "desktop", "nothing", "--yes", "--ignore-not-found", "-o", "json")
    assert [(row["name"], row["result"]) for row in done.data] == [("a", "deleted"), ("desktop", "deleted")]
    assert vdictl("volume", "delete", "a").code == 4
    vdictl.ok("volume", "delete", "a", "--ignore-not-found")


def test_one_is_deleted_without_a_word_and_at_a_terminal_it_asks(vdictl: Vdictl) -> None:
    vdictl.ok("volume", "create", "a")
    assert vdictl("volume", "delete", "a", tty=True, stdin="n\n").code == 2
    vdictl.ok("volume", "delete", "a")
    assert users(vdictl) == {}


def test_a_home_moves_from_desktop_to_desktop(vdictl: Vdictl) -> None:
    for name in ("one", "two"):
        vdictl.ok("create", name, "--no-wait")
        write(vdictl, name, f"of {name}")
    vdictl.ok("destroy", "one")
    running = vdictl("volume", "attach", "one", "two", "-o", "json")
    assert running.code == 9 and "vdictl stop two" in running.error["advice"]
    vdictl.ok("stop", "two")
    attached = vdictl.ok("volume", "attach", "one", "two", "-o", "json").data
    assert (attached["home"], attached["state"], attached["spec"]["home"]) == ("one", "stopped", "one")
    vdictl.ok("volume", "attach", "one", "two")  # it is so already
    vdictl.ok("start", "two")
    assert vdictl.ok("exec", "two", "cat", "note").out == "of one\n"
    assert users(vdictl) == {"one": "two", "two": None}
    vdictl.ok("stop", "two")
    assert vdictl.ok("volume", "detach", "two", "-o", "json").data["home"] == "none"
    assert users(vdictl) == {"one": None, "two": None}
    vdictl.ok("volume", "detach")  # of the only desktop; it has none


def test_what_is_in_an_ephemeral_home_is_lost_only_when_told(vdictl: Vdictl) -> None:
    vdictl.ok("volume", "create", "work")
    vdictl.ok("create", "desktop", "--home", "ephemeral", "--no-wait")
    vdictl.ok("stop", "desktop")
    assert vdictl("volume", "attach", "work").code == 2
    vdictl.ok("volume", "attach", "work", "--yes")
    assert users(vdictl) == {"work": "desktop"}


def test_somebody_else_takes_the_home_before_the_step(vdictl: Vdictl) -> None:
    """Killed after the wish; then the home goes: the desktop is as it was, and can be used."""
    vdictl.ok("create", "desktop", "--no-wait")
    vdictl.ok("volume", "create", "work")
    vdictl.ok("stop", "desktop")
    vdictl.configure(memory='faults = "auth-failed:attach_machine:1"')
    assert vdictl("volume", "attach", "work").code == 5
    assert vdictl.ok("show", "-o", "json").data["operation"] == "attach"
    vdictl.ok("volume", "delete", "work")
    lost = vdictl("start", "desktop")
    assert lost.code == 9 and "taken by somebody else" in lost.err
    vdictl.ok("start", "desktop")
    assert users(vdictl) == {"desktop": "desktop"}


@pytest.mark.parametrize("bad", ["../x", "a b", "-x", "x" * 300, "\U0001f5a5"])
def test_bad_names_are_refused_and_nothing_is_made(vdictl: Vdictl, bad: str) -> None:
    for words in (("create", bad), ("delete", bad), ("attach", bad), ("detach", bad)):
        done = vdictl("volume", *words)
        assert done.code == 2 and "Traceback" not in done.err and len(done.err) < 700, (words, done)
    assert users(vdictl) == {}


def test_other_wrong_usage(vdictl: Vdictl) -> None:
    assert vdictl("volume").code == 2 and vdictl("volume", "delete").code == 2
    assert vdictl("volume", "create", "a", "--size", "much").code == 2
    assert vdictl("volume", "create", "a", "--size", "512m").code == 2
    assert vdictl("volume", "create", "a", "--region", "nowhere").code == 2
    assert vdictl("volume", "attach", "nothing", "nobody").code == 4
    assert users(vdictl) == {}
