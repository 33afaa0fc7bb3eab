"""One process at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdictl.contract.errors import Busy
from vdictl.core.locking import held
from vdictl.testing.clock import MovableClock


def test_who_comes_second_waits_for_a_while_and_then_says_so(tmp_path: Path) -> None:
    clock, lock = MovableClock(), tmp_path / ".lock"
    with held(lock, clock=clock, patience=1.0, what="the config"):
        begun = clock.monotonic()
        with (
            pytest.raises(Busy, match="Another vdictl holds the config"),
            held(lock, clock=clock, patience=1, what="the config"),
        ):
            pytest.fail("two hold it at once")
        assert clock.monotonic() - begun >= 1.0
    with held(lock, clock=clock, patience=0.0, what="the config"):
        pass
    assert lock.stat().st_mode & 0o777 == 0o600
