"""One tree of errors. Each says what happened (`brief`), the evidence (`details`) and what to do now (`advice`).

Providers translate foreign errors into these at their border, always `raise ... from error`. Only `vdictl.cli.main`
turns them into exit codes; everywhere else they fly.
"""

from __future__ import annotations

from typing import ClassVar


class VdictlError(Exception):
    """Something failed, and we know what. Base of all errors that vdictl raises on purpose; exit code 1."""

    exit_code: ClassVar[int] = 1
    slug: ClassVar[str] = "failed"
    #: Worth another try of the same call, by the core's retry (providers never retry).
    passing: ClassVar[bool] = False

    def __init__(
        self, brief: str, *, details: str = "", advice: str = "", provider: str = "", request_id: str = ""
    ) -> None:
        """`brief`: one sentence. `details`: evidence, may have lines. `advice`: what to do now. No secret in any."""
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.advice = advice
        self.provider = provider
        self.request_id = request_id

    def as_dict(self) -> dict[str, object]:
        """The JSON form of an error, as `-o json` prints it on stderr."""
        return {
            "error": self.slug,
            "code": self.exit_code,
            "brief": self.brief,
            "details": self.details,
            "advice": self.advice,
            "provider": self.provider or None,
            "request_id": self.request_id or None,
        }


class Invalid(VdictlError):
    """The request is wrong, and stays wrong however often it is sent: a bad name, an unknown plan, a missing option."""

    exit_code, slug = 2, "invalid"


class NotFound(VdictlError):
    """A successful, authenticated call said that the thing is not there."""

    exit_code, slug = 4, "not-found"


class AuthFailed(VdictlError):
    """The credentials are missing, wrong, or have no right to this."""

    exit_code, slug = 5, "auth-failed"


class NotConfigured(AuthFailed):
    """No credentials, settings or engine for this provider on this machine."""

    slug = "not-configured"


class Unsupported(VdictlError):
    """This provider cannot do that."""

    exit_code, slug = 6, "unsupported"


class Partial(VdictlError):
    """Part of the work is done; the rest is named in `details`."""

    exit_code, slug = 7, "partial"


class TimedOut(VdictlError):
    """We stopped waiting. The work may go on; `advice` says how to look."""

    exit_code, slug = 8, "timed-out"


class Conflict(VdictlError):
    """It exists with another spec, is in use elsewhere, or changed meanwhile."""

    exit_code, slug = 9, "conflict"


class Busy(Conflict):
    """Something holds a lock on it for now."""

    slug = "busy"
    passing = True


class NotReady(Conflict):
    """Asked too early: the desktop has no endpoint yet."""

    slug = "not-ready"
    passing = True


class QuotaExceeded(VdictlError):
    """Quota, stock or budget does not allow it."""

    exit_code, slug = 10, "quota-exceeded"


class Unavailable(VdictlError):
    """The provider did not answer, or said that it cannot now. Nothing was changed."""

    slug = "unavailable"
    passing = True


class ReplyLost(Unavailable):
    """The request was sent and no reply came: it may have been done. Look for the token before sending it again."""

    slug = "reply-lost"
    passing = False


class RateLimited(Unavailable):
    """Too many requests. `retry_after` is in seconds, if the provider told."""

    slug = "rate-limited"

    def __init__(self, brief: str, *, retry_after: float | None = None, details: str = "", advice: str = "") -> None:
        """As `VdictlError`, with the provider's own waiting time."""
        super().__init__(brief, details=details, advice=advice)
        self.retry_after = retry_after


class Interrupted(VdictlError):
    """The user pressed Ctrl-C, or the process was asked to end. The next run picks up."""

    exit_code, slug = 130, "interrupted"
