"""Documents: what is read, what a text that cannot be meant is answered, and never anything but a sentence."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vdictl.contract.errors import Invalid
from vdictl.contract.model import NEVER
from vdictl.core.documents import read

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name: web\nexpires: 2030-01-31T12:00:00Z\nlabels: {n: 1, yes: true}\nspec: {cpus: 2}", "a.yaml"),
        ("name: web\nexpires: '2030-01-31T13:00:00+01:00'\nlabels: {n: '1', yes: 'true'}\nspec: {cpus: 2}", "stdin"),
        ('{"name": "web", "expires": "2030-01-31T12:00Z", "labels": {"n": 1, "yes": true}, "spec": {"cpus": 2}}', "j"),
        ('name = "web"\nexpires = 2030-01-31T12:00:00Z\nlabels = {n = 1, yes = true}\nspec.cpus = 2', "a.toml"),
        ('[[desktop]]\nname = "web"\nexpires = 2030-01-31T12:00:00Z\nlabels = {n=1, yes=true}\nspec.cpus = 2', "stdin"),
        ("- name: web\n  expires: 2030-01-31 12:00:00Z\n  labels: {n: 1, yes: true}\n  spec: {cpus: 2.0}", "list"),
    ],
)
def test_each_form_says_the_same(text: str, where: str) -> None:
    text = text.replace("yes: true", "'yes': true").replace("yes: 'true'", "'yes': 'true'")  # YAML's yes is a boolean
    (document,) = read(text, where=where)
    assert (document.name, document.expires, document.labels) == ("web", NOON, {"n": "1", "yes": "true"})
    assert document.spec == {"cpus": 2.0}


def test_what_is_not_said_is_none_and_null_is_never() -> None:
    bare, endless = read("name: a\n---\nname: b\nexpires: null\nlabels: {}\nspec: {home: null}", where="x.yaml")
    assert (bare.expires, bare.labels, bare.provider, bare.spec) == (None, None, "", {})
    assert (endless.expires, endless.labels, endless.spec) == (NEVER, {}, {})


def test_facts_are_passed_over_in_a_record_only() -> None:
    (document,) = read("key: k1\nname: web\nstate: running\nplan: x\nendpoints: []\nspec: {}", where="x.yaml")
    assert document.spec == {}
    with pytest.raises(Invalid):
        read("name: web\nstate: running", where="x.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no document"),
        ("just words", "mapping"),
        ("name: web\nplan: x", "plan stands under spec"),
        ("name: web\nlables: {}", "Did you mean labels"),
        ("name: web\nspec: {memry_mib: 5}", "Did you mean memory_mib"),
        ("name: web\nspec: {memory_mib: much}", "whole number"),
        ("name: web\nspec: {memory_mib: -1}", "whole number"),
        ("name: web\nspec: {memory_mib: true}", "whole number"),
        ("name: web\nspec: {cpus: .nan}", "number above zero"),
        ("name: web\nspec: {sudo: 1}", "yes or no"),
        ("name: web\nspec: {packages: git}", "no list"),
        ("name: web\nspec: [1]", "mapping"),
        ("name: web\nexpires: soon", "no time"),
        ("name: web\nexpires: [1]", "no text"),
        ("name: ../x", "cannot be the name"),
        ("name: web\n---\nname: web", "Two documents"),
        ("spec: {}", "has no name"),
        ("name: [web", "no YAML"),
        ("name: web\nlabels: {a: [x]}", "no text"),
        ("name: web\nspec: {gpu: 0x" + "f" * 5000 + "}", "whole number"),
        ("name: " + "9" * 5000, "no YAML"),
        ("x: &a [x]\ny: &b [*a, *a]\nname: [*b, *b]", "there is no"),
        ("name: &a [*a]", "no"),
    ],
)
def test_what_cannot_be_meant_is_told(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(text, where="stdin")
    assert said in f"{caught.value.brief} {caught.value.advice}"
    assert len(caught.value.brief) < 400


@pytest.mark.parametrize("text", ["name = 9" + "9" * 5000, "a = [", 'name = "web"\nname = "web"'])
def test_what_is_no_toml_is_told(text: str) -> None:
    with pytest.raises(Invalid, match="no TOML"):
        read(text, where="a.toml")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(["name", "owner", "provider", "labels", "expires", "ttl", "spec", "key", "plan", "cpus"])


@given(st.dictionaries(WORDS, PLAIN), st.booleans())
def test_any_document_is_read_or_refused_with_a_sentence(data: dict[str, object], named: bool) -> None:
    text = yaml.safe_dump(data | ({"name": "web"} if named else {}), allow_unicode=True)
    with contextlib.suppress(Invalid):
        read(text, where="any.yaml")


@given(st.text())
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for where in ("a.toml", "a.yaml", "stdin"):
        with contextlib.suppress(Invalid):
            read(text, where=where)
