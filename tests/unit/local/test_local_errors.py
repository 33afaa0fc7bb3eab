"""The border: every error of the engine has one of ours, and a list that fails never says "not there"."""

from __future__ import annotations

import pytest

from vdictl.contract import errors as ours
from vdictl.engine import errors as theirs
from vdictl_local import errors

ARGV = ("podman", "rm", "x")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (theirs.EngineMissing("no podman"), ours.NotConfigured),
        (theirs.EngineUnreachable("silent"), ours.Unavailable),
        (theirs.EngineHung("hung"), ours.Unavailable),
        (theirs.NoSuchObject(ARGV, 1, "no such container"), ours.NotFound),
        (theirs.ImageMissing(ARGV, 1, "no such image"), ours.NotFound),
        (theirs.NameTaken(ARGV, 1, "in use"), ours.Conflict),
        (theirs.Busy(ARGV, 1, "busy"), ours.Busy),
        (theirs.NotRunning(ARGV, 1, "not running"), ours.NotReady),
        (theirs.DiskFull(ARGV, 1, "no space left on device"), ours.QuotaExceeded),
        (theirs.RegistryUnreachable(ARGV, 1, "dial tcp"), ours.Unavailable),
        (theirs.HostLacks(ARGV, 1, "rlimit"), ours.Unsupported),
        (theirs.CommandFailed(ARGV, 1, "boom"), ours.VdictlError),
        (theirs.BuildFailed("tag", "boom"), ours.VdictlError),
    ],
)
def test_each_error_has_one_of_ours(error: theirs.EngineError, kind: type[ours.VdictlError]) -> None:
    with pytest.raises(kind) as caught, errors.changing():
        raise error
    if not isinstance(error, theirs.EngineHung):
        assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert caught.value.provider == "local"
    assert caught.value.brief[0].isupper() or not caught.value.brief[0].isalpha()
    assert caught.value.brief.endswith(".")


def test_no_answer_to_a_change_leaves_open_whether_it_was_done() -> None:
    with pytest.raises(ours.ReplyLost), errors.changing():
        raise theirs.EngineHung("hung")
    with pytest.raises(ours.Unavailable) as caught, errors.reading():
        raise theirs.EngineHung("hung")
    assert caught.value.passing


def test_a_list_that_fails_says_nothing_of_what_is_there() -> None:
    with pytest.raises(ours.Unavailable), errors.reading():
        raise theirs.NoSuchObject(ARGV, 1, "no such volume")


@pytest.mark.parametrize("error", [theirs.EngineMissing("x"), theirs.EngineUnreachable("x"), theirs.EngineHung("x")])
def test_an_engine_that_cannot_be_opened_is_not_configured(error: theirs.EngineError) -> None:
    with pytest.raises(ours.NotConfigured), errors.opening():
        raise error
