"""docs/contract.md says what the code says: verbs, capabilities, errors, nouns, states."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from vdictl.contract import errors, model
from vdictl.contract.provider import Manifest, Provider
from vdictl.testing.conformance.manifest import capability_protocols, verbs

PAGE = (Path(__file__).parents[3] / "docs" / "contract.md").read_text(encoding="utf-8")


def rows(title: str) -> dict[str, str]:
    """First cell -> the rest, of the table under a heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|", 1) for line in section.splitlines() if line.startswith("| `")]
    return {cell[0].strip(): cell[1] for cell in cells}


def named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)", text))


def test_the_nine_verbs_with_their_parameters() -> None:
    there = {name.strip("`").partition("(")[0]: name for name in rows("Nine verbs")}
    assert there.keys() == verbs(Provider).keys()
    assert len(there) == 9
    for name, function in verbs(Provider).items():
        code = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        parameters = [each for each in code.co_varnames[:count] if each not in ("self", "cls")]
        assert there[name].strip("`") == f"{name}({', '.join(parameters)})"


def test_every_capability_with_its_verbs() -> None:
    there = {
        name.strip("`"): named(cells.partition(";")[0].partition(":")[0])
        for name, cells in rows("Capabilities").items()
    }
    assert there == {name: set(verbs(protocol)) for name, protocol in capability_protocols().items()}


def test_every_error_and_whether_it_is_tried_again() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    tree = {each.__name__: each for each in classes if issubclass(each, errors.VdictlError)}
    there = {name: cells for cell, cells in rows("Errors").items() for name in named(cell)}
    assert there.keys() == tree.keys() - {"VdictlError"}
    for name, cells in there.items():
        verdict = cells.rstrip("|").rpartition("|")[2].strip()
        if verdict:
            assert verdict.startswith("yes") == tree[name].passing, f"{name}: {verdict}"


@pytest.mark.parametrize("name", sorted(each.value for each in (*model.State, *model.Wish)))
def test_every_state_and_wish(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_nouns_and_facts_exist() -> None:
    sentence = PAGE.partition("Frozen, keyword-only: ")[2].partition(". Times")[0]
    nouns = {name for name, each in vars(model).items() if isinstance(each, type) and is_dataclass(each)}
    assert named(sentence) <= nouns
    assert nouns - named(sentence) == {"Health", "Rung"}, "those two are the core's"
    facts = named(PAGE.partition("## Facts in the manifest")[2]) - {"check"}
    assert facts <= {field.name for field in fields(Manifest)}
