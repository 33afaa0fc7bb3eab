"""`vdictl list`."""

from __future__ import annotations

from tests.cli.front import Vdictl


def test_an_empty_list_is_an_empty_array_and_says_how_to_begin(vdictl: Vdictl) -> None:
    assert vdictl.ok("list", "-o", "json").data == []
    table = vdictl.ok("list")
    assert table.out == ""
    assert "vdictl create" in table.err
    assert vdictl.ok("list", "-q").err == ""
