"""The file of a share: what it holds, and what is no such file. Private files beside it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdictl.contract.errors import AuthFailed, Conflict, Invalid, NotConfigured, VdictlError
from vdictl.contract.model import Secret
from vdictl.core import private
from vdictl.core.shares import Ticket

UNTIL = datetime(2030, 1, 31, 18, 0, tzinfo=UTC)
TICKET = Ticket(id="0a1b", name="web", url="http://127.0.0.1:6080/", token=Secret("t" * 43), until=UNTIL)


def test_it_comes_back_as_it_was_and_prints_no_token() -> None:
    assert Ticket.decode(TICKET.encode()) == TICKET
    assert "ttt" not in repr(TICKET)
    later = json.loads(TICKET.encode()) | {"note": "of a later minor version"}
    assert Ticket.decode(json.dumps(later)) == TICKET
    assert (TICKET.endpoint.host, TICKET.endpoint.port, TICKET.endpoint.direct) == ("127.0.0.1", 6080, True)


def test_it_holds_until_its_time() -> None:
    TICKET.require_time(now=UNTIL - timedelta(seconds=1))
    with pytest.raises(AuthFailed, match="2030-01-31 18:00"):
        TICKET.require_time(now=UNTIL)


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"version": "1"},
        {"version": None},
        {"kind": "other"},
        {"until": "2099-01-01"},
        {"until": 5},
        {"token": ""},
        {"token": "a b\nc"},
        {"url": "javascript:alert(1)"},
        {"url": "file:///etc/passwd"},
        {"url": "http://good.example@evil.example/"},
        {"url": "http://:80/"},
        {"url": "http://h:99999/"},
        {"url": "http://["},
        {"name": "\u001b[2J"},
        {"id": None},
    ],
)
def test_what_is_no_share_of_this_version_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Ticket.decode(json.dumps(json.loads(TICKET.encode()) | changed))


@given(st.text() | st.dictionaries(st.text(), st.none() | st.integers() | st.text()).map(json.dumps))
def test_nothing_else_is_taken_for_one(text: str) -> None:
    with pytest.raises(Invalid):
        Ticket.decode(text)


def test_what_stands_behind_the_address_is_dropped() -> None:
    odd = json.loads(TICKET.encode()) | {"url": "https://desk.example/there?next=evil#token=other"}
    assert Ticket.decode(json.dumps(odd)).url == "https://desk.example/there"


def test_a_private_file_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with private.Draft(file) as draft:
        assert not file.exists()
        draft.finish("text")
    assert (file.read_text(), file.stat().st_mode & 0o777, private.read(file)) == ("text", 0o600, "text")
    with pytest.raises(Conflict):
        private.Draft(file)
    with private.Draft(file, replace=True) as draft:
        draft.finish("new")
    with private.Draft(tmp_path / "other"):
        pass  # nothing was written: nothing is there
    assert [path.name for path in tmp_path.iterdir()] == ["secret"] and file.read_text() == "new"


def test_one_that_comes_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    with private.Draft(tmp_path / "x") as draft:
        (tmp_path / "x").write_text("theirs")
        with pytest.raises(Conflict):
            draft.finish("mine")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


def test_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(Invalid, match="no ordinary file"):
        private.Draft(pipe, replace=True)
    assert pipe.is_fifo()


def test_a_folder_that_is_not_there_is_found_out_before(tmp_path: Path) -> None:
    with pytest.raises(VdictlError, match="cannot be written"):
        private.Draft(tmp_path / "nowhere/x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_touch_is_not_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_text("x")
    file.chmod(mode)
    with pytest.raises(NotConfigured, match="Others can read"):
        private.read(file)
