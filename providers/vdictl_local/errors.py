"""From the engine's errors to the contract's: the provider's border."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from vdictl.contract import errors as ours
from vdictl.engine import errors as theirs

PROVIDER: Final = "local"
T = TypeVar("T")
_TORN_READS: Final = 8

# The first match wins, so children stand before their parents.
_TABLE: tuple[tuple[type[theirs.EngineError], type[ours.VdictlError]], ...] = (
    (theirs.EngineMissing, ours.NotConfigured),
    (theirs.EngineUnreachable, ours.Unavailable),
    (theirs.EngineHung, ours.Unavailable),
    (theirs.RegistryUnreachable, ours.Unavailable),
    (theirs.ImageMissing, ours.NotFound),
    (theirs.NoSuchObject, ours.NotFound),
    (theirs.NameTaken, ours.Conflict),
    (theirs.Busy, ours.Busy),
    (theirs.NotRunning, ours.NotReady),
    (theirs.DiskFull, ours.QuotaExceeded),
    (theirs.HostLacks, ours.Unsupported),
)


@contextmanager
def opening() -> Iterator[None]:
    """Around finding the engine: one that does not answer is none."""
    try:
        yield
    except (theirs.EngineMissing, theirs.EngineUnreachable, theirs.EngineHung) as error:
        raise _as(ours.NotConfigured, error) from error
    except theirs.EngineError as error:
        raise translated(error) from error


@contextmanager
def reading() -> Iterator[None]:
    """Around lists: what vanished while it was read is a list to be asked for again, never "it is not there"."""
    try:
        yield
    except theirs.NoSuchObject as error:
        raise _as(ours.Unavailable, error) from error
    except theirs.EngineError as error:
        raise translated(error) from error


def whole(read: Callable[[], T]) -> T:
    """What `read` gives; again at once where the list was torn.

    Podman's lists read names first and then each object: one that goes in between fails the list ("no such volume",
    "image not known"). Where twenty desktops or an image are made at the time this is not rare.
    """
    with reading():
        for _ in range(_TORN_READS):
            try:
                return read()
            except theirs.NoSuchObject:
                continue
        return read()


@contextmanager
def changing() -> Iterator[None]:
    """Around calls that change something: no answer in time leaves open whether it was done."""
    try:
        yield
    except theirs.EngineHung as error:
        raise _as(ours.ReplyLost, error) from error
    except theirs.EngineError as error:
        raise translated(error) from error


def is_final(error: ours.VdictlError) -> bool:
    """Whether another try is of no use. While one is, the operation stays open: closed, it would look done."""
    return not error.passing and not isinstance(error, ours.ReplyLost)


def translated(error: theirs.EngineError) -> ours.VdictlError:
    """The contract's error for an engine's."""
    kind = next((mine for foreign, mine in _TABLE if isinstance(error, foreign)), ours.VdictlError)
    return _as(kind, error)


def _as(kind: type[ours.VdictlError], error: theirs.EngineError) -> ours.VdictlError:
    brief = error.brief[:1].upper() + error.brief[1:]
    if not brief.endswith((".", "!", "?")):
        brief += "."
    return kind(brief, details=error.details, advice=error.advice, provider=PROVIDER)
