"""Shares of a desktop: made, found by token and by cookie, over, taken back; never carried into another desktop."""

from __future__ import annotations

import io
import json
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from vdictl.guest.inside import main, places, shares
from vdictl.guest.inside.settings import Settings


def test_a_share_opens_by_its_token_and_then_by_its_cookie(inside: Path) -> None:
    made, other = shares.add("k", 60, "ann"), shares.add("k", 60, "ben")
    book = shares.Book("k")
    found = book.by_token(made["token"])
    assert found is not None and found.id == made["id"] and found.by == "ann"
    assert book.by_cookie(found.cookie) == found
    second = book.by_token(other["token"])
    assert second is not None and second.cookie != found.cookie
    for wrong in ("", "x", made["token"][:-1], found.hash, found.cookie, made["id"], "\ud800"):
        assert book.by_token(wrong) is None
    for wrong in ("", made["token"], found.hash, f"{other['id']}.{found.cookie.partition('.')[2]}"):
        assert book.by_cookie(wrong) is None


def test_only_a_hash_is_kept_and_it_prints_nowhere(inside: Path) -> None:
    made = shares.add("k", 60, "ann")
    kept = places.SHARES.read_text()
    assert made["token"] not in kept
    assert places.SHARES.stat().st_mode & 0o777 == 0o600
    [share] = shares.valid()
    assert share.hash not in repr(share) + json.dumps(share.facts)
    assert set(share.facts) == {"id", "created", "until", "by"}


def test_one_that_is_over_or_taken_back_opens_nothing(inside: Path) -> None:
    short, long = shares.add("k", 0.01, ""), shares.add("k", 60, "")
    book = shares.Book("k")
    time.sleep(1.1)  # times are whole seconds
    assert book.by_token(short["token"]) is None
    assert book.holds(long["id"])
    assert shares.revoke({long["id"], "nonsense"}) == [long["id"]]
    assert not book.holds(long["id"]) and book.by_token(long["token"]) is None  # also in a book that is open
    assert shares.revoke({long["id"]}) == []
    assert shares.valid() == []


def test_all_are_taken_back(inside: Path) -> None:
    ids = [shares.add("k", 60, "")["id"] for _ in range(3)]
    assert shares.revoke(None) == ids
    assert shares.valid() == []


def test_a_copy_of_the_state_in_another_desktop_carries_no_share(inside: Path) -> None:
    made = shares.add("the first", 60, "")
    assert shares.Book("the first").by_token(made["token"]) is not None
    shutil.copy(places.SHARES, places.SHARES.with_name("copy"))
    shutil.move(places.SHARES.with_name("copy"), places.SHARES)
    assert shares.Book("a clone").by_token(made["token"]) is None


def test_damage_lets_nobody_in(inside: Path) -> None:
    made = shares.add("k", 60, "")
    for text in ("", "{", "[]", '{"shares": 3}', '{"shares": [1, {}, {"id": "x", "hash": "", "until": 9e99}]}'):
        places.SHARES.write_text(text)
        assert shares.Book("k").by_token(made["token"]) is None
    assert shares.add("k", 60, "")["id"]  # and the next one is made as ever


def test_many_at_once_lose_none(inside: Path) -> None:
    threads = [threading.Thread(target=shares.add, args=("k", 60, str(n))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {share.by for share in shares.valid()} == {str(n) for n in range(12)}


def test_there_is_an_end_to_their_number_and_length(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0, -1, float("nan"), float("inf"), shares.LONGEST + 1):
        with pytest.raises(shares.Refused):
            shares.add("k", seconds, "")
    monkeypatch.setattr(shares, "MOST", 2)
    shares.add("k", 60, "")
    shares.add("k", 60, "")
    with pytest.raises(shares.Refused):
        shares.add("k", 60, "")


def said(monkeypatch: pytest.MonkeyPatch, text: str, *words: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return main.main(["share", *words])


def test_the_command(inside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("VDICTL_KEY", "k-1")
    Settings.from_environment().keep()
    assert said(monkeypatch, '{"seconds": 60, "by": "ann"}', "add") == 0
    made = json.loads(capsys.readouterr().out)
    assert shares.Book("k-1").by_token(made["token"]) is not None
    assert said(monkeypatch, "", "list") == 0
    assert [each["id"] for each in json.loads(capsys.readouterr().out)] == [made["id"]]
    assert said(monkeypatch, "", "revoke", made["id"]) == 0
    assert json.loads(capsys.readouterr().out) == [made["id"]]
    for text, words in (("", ["add"]), ("[]", ["add"]), ('{"seconds": "x"}', ["add"]), ("", ["revoke"]), ("", ["x"])):
        assert said(monkeypatch, text, *words) == 2
