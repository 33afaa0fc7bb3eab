"""Each JSON output has a schema in `docs/schemas`, and keeps to it.

`tests/cli/front.py` holds every `-o json` of every test against the schemas too; here each verb runs once, and the
schemas themselves are looked at.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests import published
from tests.cli import planting
from tests.cli.front import Vdictl
from vdictl.cli import records
from vdictl.cli.app import build
from vdictl.cli.verbs import VERBS
from vdictl.contract import errors
from vdictl.contract.model import Desktop, Price, State

#: One life of some desktops: every row of the table that has a schema, in an order that works.
STORY = (
    "config path",
    "config set fleet lab",
    "config unset fleet",
    "config list",
    "config",
    "config get fleet",
    "config explain all",
    "version",
    "providers",
    "plans",
    "regions",
    "images list",
    "images build minimal --packages gimp",
    "images save xfce xfce.tar",
    "images load xfce.tar",
    "images push xfce registry.example/team/xfce:1",
    "images prune --dry-run",
    "images prune --yes",
    "create web --dry-run",
    "create web --flavor minimal --ttl 3h --label team=blue",
    "create web --dry-run",
    "list",
    "show web",
    "health web",
    "wait web",
    "cp notes.txt web:",
    "screenshot web picture.png",
    "ssh-config",
    "share list web",
    "share revoke web --all",
    "snapshot create web one",
    "snapshot list",
    "snapshot clone web one second",
    "snapshot prune --keep 0 --dry-run",
    "snapshot restore web one --yes",
    "snapshot delete web one",
    "snapshot create web two",
    "snapshot prune web --keep 0 --yes",
    "stop web",
    "volume create work --size 5g",
    "volume list",
    "volume attach work web",
    "volume detach web",
    "volume export work work.tar",
    "volume import again work.tar",
    "volume delete work again --yes",
    "start web",
    "restart web",
    "label web team=red stage-",
    "extend web 5h",
    "resize web --plan mem-2c-4gb --yes",
    "rename web shop",
    "rename shop web",
    "apply -f desktop.yaml",
    "adopt --list",
    "adopt m-0001 mine",
    "doctor",
    "journal",
    "journal list",
    "journal show",
    "journal path",
    "support --list",
    "gc --dry-run",
    "gc --remove-timer",
    "destroy web second --yes --with-volumes",
)

#: These cannot run there: what holds a tunnel (below), what wants a page, a timer of the system, or no config.
ELSEWHERE = {
    "connect",
    "port-forward",
    "share create",  # tests/cli/test_share.py
    "gc --install-timer",  # tests/cli/test_gc.py
    "config init",  # tests/cli/test_config_writing.py
}


def commands() -> Iterator[str]:
    """Every command that can be called: "list", "snapshot create", "config" (alone)."""
    root = build()
    for name in VERBS:
        command: Any = root.get_command(None, name)
        below = getattr(command, "commands", {})
        if not below or command.invoke_without_command:
            yield name
        yield from (f"{name} {sub}" for sub in below)


def test_every_verb_says_what_its_json_looks_like() -> None:
    missing = sorted(set(commands()) - published.table().keys())
    assert missing == [], f"these have no row in docs/schemas/verbs.json: {published.HOW}"
    known = set(commands())
    assert [row for row in published.table() if re.sub(r" --.*", "", row) not in known] == []
    named = {name for name in published.table().values() if name}
    assert named <= published.schemas().keys()


def test_each_verb_keeps_to_its_schema(vdictl: Vdictl) -> None:
    (vdictl.work / "notes.txt").write_text("kept")
    (vdictl.work / "desktop.yaml").write_text("name: web\nlabels: {team: green}\n")
    assert planting.machine(vdictl) == "m-0001"
    seen = set()
    for line in STORY:
        words = [*line.split(), "-o", "json", "-q"]
        result = vdictl(*words, env={"CI": "true"})  # the front door holds it against the schema
        assert result.out and result.code == 0, (line, result.code, result.err)
        seen.add(published.row_of(words))
    with_schema = {row for row, name in published.table().items() if name}
    assert with_schema - seen == ELSEWHERE, "these rows are not run: add a line to STORY"


@pytest.mark.parametrize("line", ["connect --print", "port-forward web 0:3000"])
def test_what_holds_a_tunnel_keeps_to_its_schema(vdictl: Vdictl, line: str) -> None:
    vdictl.ok("create", "web", "-q")
    words = [*line.split(), "-o", "json", "-q"]
    with vdictl.start(*words) as process:
        assert process.stdout is not None
        shown = b""
        while not _is_json(shown):
            part = process.stdout.readline()
            assert part, "it ended"
            shown += part
        process.send_signal(signal.SIGINT)
    published.check_run(words, shown.decode(), "")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_an_error_is_an_object_with_a_schema_too(vdictl: Vdictl) -> None:
    for line in ("show nope", "create ../x", "list -p nothing", "stop", "lits", "list --nothing", "-p local list"):
        result = vdictl(*line.split(), "-o", "json")
        assert result.code and result.error["code"] == result.code, line


def test_every_kind_of_error_is_in_the_schema() -> None:
    def kinds(base: type[errors.VdictlError]) -> Iterator[type[errors.VdictlError]]:
        yield base
        for kind in base.__subclasses__():
            yield from kinds(kind)

    from vdictl.cli import bug  # brings its own kind

    assert bug.Bug in set(kinds(errors.VdictlError))
    for kind in kinds(errors.VdictlError):
        if kind.__module__.startswith("vdictl"):
            published.check(kind("What happened.").as_dict(), "error.json")


def test_schemas_are_closed_named_by_their_file_and_lead_somewhere() -> None:
    from jsonschema import Draft202012Validator

    for name, schema in published.schemas().items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == name and schema["title"], name
        for where, part in _parts(schema):
            if "properties" in part and where != ("$defs", "fields"):
                closed = {part.get("additionalProperties", True), part.get("unevaluatedProperties", True)}
                assert False in closed, f"{name}: {'/'.join(where) or 'it'} lets unknown fields pass"
            if file := part.get("$ref", "").partition("#")[0]:
                assert file in published.schemas(), f"{name} leads to {file}"


def _parts(schema: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(schema, dict):
        yield where, schema
        for key, value in schema.items():
            yield from _parts(value, (*where, key))
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from _parts(value, (*where, str(number)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"surprise": 1}, "surprise"),
        ({"created": "2026-11-27T02:58:12+00:00"}, "created"),
        ({"created": "2026-11-27 02:58:12"}, "created"),
        ({"price": {"amount": 0.01, "currency": "EUR", "per": "hour"}}, "price"),
        ({"state": "up"}, "state"),
        ({"image": None}, "image"),
        ({"key": ...}, "key"),
    ],
)
def test_a_change_of_a_field_is_seen(change: dict[str, Any], said: str) -> None:
    price = Price(amount=Decimal("1E-7"), currency="EUR")
    base: Any = {"id": "1", "provider": "p", "fleet": "f", "owner": "o", "name": "n", "state": State.RUNNING}
    record = records.of_desktop(Desktop(key="k", created=datetime.now(UTC), price=price, **base))
    published.check([record], "desktops.json")
    kept = {key: value for key, value in (record | change).items() if value is not ...}
    with pytest.raises(AssertionError, match=said):
        published.check([kept], "desktops.json")
