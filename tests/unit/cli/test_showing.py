"""What the live line says of time."""

from __future__ import annotations

import pytest

from vdictl.cli.showing import Live


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.replace("\033[K", "").replace("\n", "\r").split("\r") if line]


def test_time_begins_at_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    live = Live()
    live.step("web", "asking for it")
    assert shown(capsys) == ["web: asking for it [0 s]"]


def test_the_end_says_how_long_it_took_where_it_was_seen_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    live = Live()
    live.step("web", "destroying")
    live.finish("web", "destroyed")
    live.finish("web", "is back at before")
    steps = shown(capsys)
    assert steps[1].startswith("web: destroyed [0.")
    assert steps[2] == "web: is back at before"
