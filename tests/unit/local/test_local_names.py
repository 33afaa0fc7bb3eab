"""Names are one-to-one with what they stand for, and labels carry any text through both engines."""

from __future__ import annotations

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from vdictl_local.names import HomeName, Who, label_flags, pack, short, unpack

NAME = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
OWNER = st.from_regex(r"[a-z0-9](?:[a-z0-9.-]{0,12}[a-z0-9])?", fullmatch=True)
WHO = st.builds(Who, OWNER, OWNER, NAME)
#: What Podman and Docker take as a name (libpod/define: names.go; moby: daemon/names).
ENGINE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def all_names(who: Who) -> set[str]:
    home = HomeName(who.fleet, who.owner, who.name)
    return {
        who.container,
        who.claim,
        who.state("k1"),
        who.snapshot("s1"),
        who.done("t1"),
        who.copy("t1"),
        home.volume(1),
        HomeName(who.fleet, who.owner, who.name, scratch=True).volume(1),
    }


@given(WHO, WHO)
def test_two_desktops_share_no_name(one: Who, other: Who) -> None:
    assert one == other or not all_names(one) & all_names(other)


@given(WHO, WHO)
def test_a_record_is_told_by_its_key_alone(one: Who, other: Who) -> None:
    assert one.record("k1", 2) not in all_names(one) | all_names(other) | {other.record("k2", 2)}
    same = (one.fleet, one.owner) == (other.fleet, other.owner)
    assert (one.record("k1", 2) == other.record("k1", 2)) == same, "a rename would begin a second sequence"
    assert ENGINE_NAME.fullmatch(one.record("k1", 2))


@given(WHO)
def test_every_name_is_one_an_engine_takes(who: Who) -> None:
    found = all_names(who)
    assert len(found) == 8
    assert all(ENGINE_NAME.fullmatch(name) for name in found)


def test_the_longest_names_fit_a_file_name() -> None:
    who = Who("f" * 40, "o" * 40, "n" * 40)
    assert max(len(name) for name in all_names(who)) <= 255 - len(".lock")


@given(st.text())
def test_a_label_brings_any_text_back_and_is_no_csv(text: str) -> None:
    packed = pack(text)
    assert unpack(packed) == text
    assert not set(packed) & set(",\"'\n\r\t ")
    assert set(packed) <= set(string.printable)


@given(st.text())
def test_a_short_token_is_part_of_a_name(token: str) -> None:
    assert re.fullmatch(r"[a-z0-9]{1,40}", short(token))


def test_tokens_of_the_core_stay_as_they_are() -> None:
    assert short("0123456789abcdef") == "0123456789abcdef"
    assert short("A") != short("a")


def test_label_flags_are_sorted() -> None:
    assert label_flags({"b": "2", "a": "1"}) == ["--label", "a=1", "--label", "b=2"]
