"""Mistakes in what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract.errors import Unavailable, VdictlError
from vdictl.contract.model import Command, Desktop, DesktopSpec, Endpoint
from vdictl.testing.memory.cloud import ConnectionLost


class Prints(Broken):
    """Tells the user."""

    caught_by = "test_says_nothing"
    says = "it printed: creating one"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        print(f"creating {spec.name}")
        return super().create(spec, token=token)


class LeaksInRepr(Broken):
    """Shows its token when it is shown."""

    caught_by = "test_no_secret_prints"
    says = "a secret shows in provider"

    def __repr__(self) -> str:
        return f"Provider(token={self.api._token})"


class LeaksInTheMark(Broken):
    """Writes the token into the mark."""

    caught_by = "test_no_secret_at_the_provider"
    says = "a secret can be read at the provider"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(replace(spec, options={"token": self.api._token}), token=token)


class LeaksInArguments(Broken):
    """Gives the token to a program as an argument."""

    caught_by = "test_no_secret_in_commands"
    says = "a secret is in an argument"

    def exec(self, desktop: Desktop, argv: Sequence[str], *, tty: bool = False) -> Command:
        return Command(argv=("curl", "-H", f"Authorization: {self.api._token}", *argv))


class LeaksInErrors(Broken):
    """Puts the request, token and all, into the error."""

    caught_by = "test_only_errors_of_our_tree_come_out"
    says = "a secret shows in the error"

    def desktops(self) -> Iterable[Desktop]:
        try:
            return super().desktops()
        except VdictlError as error:
            error.details = f"GET /machines Authorization: {self.api._token}"
            raise


class ForeignErrors(Broken):
    """Lets the vendor's errors out."""

    caught_by = "test_only_errors_of_our_tree_come_out"
    says = "came out as CloudError"

    def advance(self, desktop: Desktop) -> Desktop:
        self.api.machine(desktop.id)
        return super().advance(desktop)


class RetriesByItself(Broken):
    """Tries again, which is the core's business."""

    caught_by = "test_only_errors_of_our_tree_come_out"
    says = "check: unavailable was swallowed"

    def check(self) -> Any:
        try:
            return super().check()
        except Unavailable:
            return super().check()


class ForgetsThePatience(Broken):
    """A rate limit is just an outage."""

    caught_by = "test_a_rate_limit_says_how_long"
    says = "Unavailable"

    def desktops(self) -> Iterable[Desktop]:
        try:
            return super().desktops()
        except Unavailable as error:
            raise Unavailable("Try again.") from error


class LostIsRefused(Broken):
    """A lost reply is told as a refusal: sent again, it may make two."""

    caught_by = "test_a_lost_reply_makes_one_desktop"
    says = "the connection was lost"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        try:
            return super().create(spec, token=token)
        except Unavailable as error:
            cause = error.__cause__
            raise Unavailable("The request failed.", details=str(cause)) from (
                cause if isinstance(cause, ConnectionLost) else error
            )


class EndpointsAtOnce(Broken):
    """Gives addresses of what does not run yet."""

    caught_by = "test_endpoints_wait_until_it_runs"
    says = "DID NOT RAISE"

    def endpoints(self, desktop: Desktop) -> Sequence[Endpoint]:
        return (Endpoint(kind="vnc", host="10.0.0.1", port=5900, primary=True),)
