"""The cloud's errors -> ours, in one context manager."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from vdictl.contract.errors import (
    AuthFailed,
    Busy,
    Conflict,
    NotFound,
    QuotaExceeded,
    RateLimited,
    ReplyLost,
    Unavailable,
    VdictlError,
)
from vdictl.testing.memory.cloud import CloudError, ConnectionLost


@contextlib.contextmanager
def border() -> Iterator[None]:
    """What the cloud raises inside comes out as an error of the contract."""
    try:
        yield
    except CloudError as error:
        raise translate(error) from error
    except ConnectionLost as error:
        if error.sent:
            raise ReplyLost("The memory cloud's reply was lost; it may have done what it was asked.") from error
        raise Unavailable("The memory cloud did not answer.") from error


def translate(error: CloudError) -> VdictlError:
    """One error of the cloud in our words. Only a missing *machine* means that the desktop is not there."""
    details = str(error)
    if error.status == 404 and error.code == "machine":
        return NotFound("The desktop is not there.", details=details)
    if error.status == 401:
        return AuthFailed("The memory cloud refused the token.", details=details, advice="Set providers.memory.token.")
    if error.status == 403:
        return QuotaExceeded("The account may have no more machines.", details=details)
    if error.status == 429:
        return RateLimited("Too many requests.", retry_after=error.retry_after, details=details)
    if error.status == 412:
        return Busy("Somebody else changed it meanwhile.", details=details)
    if error.status < 500:
        return Conflict("The memory cloud refused: " + error.message + ".", details=details)
    return Unavailable("The memory cloud cannot now.", details=details)
