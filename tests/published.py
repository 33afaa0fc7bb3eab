"""The published schemas of `docs/schemas`: what each verb prints with `-o json` is held against them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from vdictl.cli.verbs import VERBS

FOLDER = Path(__file__).parents[1] / "docs/schemas"
TABLE = FOLDER / "verbs.json"
HOW = "docs/schemas/README.md says how to add one"


@cache
def table() -> dict[str, str | None]:
    """Verb, sub-command and option that changes the form -> file of its schema; None: it prints no JSON."""
    rows: dict[str, str | None] = json.loads(TABLE.read_text(encoding="utf-8"))
    return rows


@cache
def schemas() -> dict[str, Any]:
    """File name -> schema."""
    files = (file for file in FOLDER.glob("*.json") if file != TABLE)
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # only for tests that read JSON
    from referencing import Registry, Resource

    registry = Registry().with_resources((n, Resource.from_contents(s)) for n, s in schemas().items())
    return Draft202012Validator(schemas()[name], registry=registry)


def check(data: Any, name: str) -> None:
    """Fail where `data` does not fit the schema of this file, saying where."""
    found = [
        f"{'/'.join(map(str, e.absolute_path)) or '(top)'}: {e.message}" for e in _validator(name).iter_errors(data)
    ]
    assert not found, f"this is not what docs/schemas/{name} says:\n" + "\n".join(found)


def row_of(words: Sequence[str]) -> str | None:
    """The row of the table that a command line falls under: the longest that fits."""
    verb = next((word for word in words if word in VERBS), None)
    if verb is None:
        return None
    after = words[words.index(verb) + 1 :]
    below = next((f"{verb} {word}" for word in after if f"{verb} {word}" in table() and word[0] != "-"), verb)
    if below not in table() and f"{below} create" in table():
        below = f"{below} create"  # what `share NAME` is short for
    return next((f"{below} {word}" for word in after if word[:2] == "--" and f"{below} {word}" in table()), below)


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether all fields are asked for as JSON."""
    pairs = set(pairwise(words))
    return bool(pairs & {("-o", "json"), ("--output", "json")}) and not any(w.startswith("--json") for w in words)


def check_run(words: Sequence[str], out: str, err: str) -> None:
    """Hold what a run with `-o json` has printed against the schemas; other runs pass."""
    if not asks_for_json(words):
        return
    last = err.splitlines()[-1] if err else ""
    if last.startswith('{"error"'):
        check(json.loads(last), "error.json")
    row = row_of(words)
    if row is None or not out:
        return
    assert row in table(), f"vdictl {row} prints JSON and has no row in docs/schemas/verbs.json: {HOW}"
    if (name := table()[row]) is not None:
        check(json.loads(out), name)
