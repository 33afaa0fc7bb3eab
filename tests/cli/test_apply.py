"""apply: documents in, desktops out; on the reference provider."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.cli.front import Vdictl

YAML = """\
name: web
labels: {team: blue}
spec:
  plan: mem-1c-1gb
  flavor: minimal
---
name: db
spec: {flavor: minimal, home: data}
"""
TOML = """\
[[desktop]]
name = "web"
ttl = "3h"
[desktop.spec]
memory_mib = 2048
flavor = "minimal"
"""


def apply(vdictl: Vdictl, text: str, *words: str, code: int = 0) -> Any:
    done = vdictl("apply", "-f", "-", "-o", "json", *words, stdin=text)
    assert done.code == code, f"{done.code}\n{done.out}\n{done.err}"
    return done.data if done.out else done.error


def test_what_is_not_there_is_made_and_the_same_again_changes_nothing(vdictl: Vdictl) -> None:
    planned = apply(vdictl, YAML, "--dry-run")
    assert [(one["name"], one["action"], one["result"]) for one in planned] == [
        ("web", "create", "planned"),
        ("db", "create", "planned"),
    ]
    assert vdictl.names() == []
    made = apply(vdictl, YAML)
    assert [one["result"] for one in made] == ["created", "created"]
    there = {one["name"]: one for one in vdictl.ok("list", "-o", "json").data}
    assert (there["web"]["plan"], there["web"]["labels"], there["db"]["home"]) == (
        "mem-1c-1gb",
        {"team": "blue"},
        "data",
    )
    again = apply(vdictl, YAML)
    assert [(one["action"], one["changes"]) for one in again] == [("nothing", []), ("nothing", [])]


def test_what_show_prints_is_taken_back(vdictl: Vdictl) -> None:
    words = "--ttl 5h --label team=blue --packages gimp --memory 2g --env KEY=value"
    vdictl.ok("create", "web", *words.split())
    vdictl.ok("rename", "web", "shop")
    document = vdictl.ok("show", "shop", "-o", "yaml").out
    (same,) = apply(vdictl, document)
    assert (same["action"], same["changes"]) == ("nothing", [])
    vdictl.ok("label", "shop", "team=red", "more=1")
    vdictl.ok("extend", "shop", "--never")
    vdictl.ok("resize", "shop", "--memory", "8g", "--yes")
    (back,) = apply(vdictl, document, "--yes")
    assert {one["field"] for one in back["changes"]} == {"memory_mib", "label team", "label more", "expires"}
    was, now = (yaml.safe_load(text) for text in (document, vdictl.ok("show", "shop", "-o", "yaml").out))
    assert all(was[field] == now[field] for field in ("key", "plan", "labels", "expires", "home"))


def test_a_document_makes_a_destroyed_desktop_again(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--flavor", "minimal", "--plan", "mem-2c-4gb", "--label", "a=1")
    vdictl.ok("exec", "web", "--", "sh", "-c", "echo kept > note")
    vdictl.ok("rename", "web", "shop")
    document = vdictl.ok("show", "shop", "-o", "yaml").out
    vdictl.ok("destroy", "shop")
    assert apply(vdictl, document)[0]["result"] == "created"
    assert vdictl.ok("exec", "shop", "cat", "note").out == "kept\n"
    assert vdictl.ok("show", "shop", "-o", "json").data["labels"] == {"a": "1"}


def test_a_restart_is_asked_about_and_several_go_on_after_a_failure(vdictl: Vdictl) -> None:
    (vdictl.work / "desktops.toml").write_text(TOML)
    vdictl.ok("apply", "-f", "desktops.toml")
    larger = TOML.replace("2048", "8192")
    told = vdictl("apply", "-f", "-", stdin=larger)
    assert told.code == 2 and "which restarts it" in told.err and "memory_mib: 2048 -> 8192" in told.err
    assert apply(vdictl, larger, "--yes")[0]["result"] == "changed"
    assert vdictl.ok("show", "web", "-o", "json").data["plan"] == "mem-4c-16gb"
    vdictl.configure(memory='faults = "quota:create_machine:1"')
    two = vdictl("apply", "-f", "-", "-o", "json", stdin="name: one\n---\nname: two\n")
    assert two.code == 7 and [one["result"] for one in two.data] == ["failed", "created"]


def test_what_cannot_be_changed_is_a_conflict_and_nothing_is_done(vdictl: Vdictl) -> None:
    apply(vdictl, YAML)
    error = apply(vdictl, YAML.replace("flavor: minimal\n---", "flavor: xfce\n---") + "labels: {x: y}\n", code=9)
    assert "flavor" in error["details"] and "destroy web" in error["advice"]
    assert vdictl.ok("show", "db", "-o", "json").data["labels"] == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: web\nowner: other", "--owner other"),
        ("name: web\nfleet: other", "--fleet other"),
        ("name: web\nprovider: nowhere", "nowhere"),
        ("name: web\nexpires: 2001-01-01", "over already"),
        ("name: web\nspec: {plan: none}", "none"),
        ("name: web\nspec: {inputs: {setup: abc}}", "no values"),
        ("name: web\nlabels: {'a b': x}", "key of a label"),
        ("name: web\nspec: {git: 'https://me:secret@host/x'}", "credentials"),
        ("name: web\nspec: {packages: ['a b']}", "Debian package"),
    ],
)
def test_a_document_that_cannot_be_meant_changes_nothing(vdictl: Vdictl, text: str, said: str) -> None:
    done = vdictl("apply", "-f", "-", stdin=text)
    assert done.code in {2, 4} and "Traceback" not in done.err
    assert said in done.err, done.err
    assert not (vdictl.folder / "cloud/state.json").exists() or vdictl.names() == []


def test_a_file_that_is_not_there(vdictl: Vdictl) -> None:
    assert vdictl("apply", "-f", "nothing.yaml").code == 2
    assert vdictl("apply").code == 2
