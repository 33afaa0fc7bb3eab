"""What comes out: endpoints in time, errors of one tree, and no secret anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from vdictl.contract.errors import AuthFailed, NotReady, RateLimited, VdictlError
from vdictl.contract.model import Command, Desktop, Endpoint, Secret, State
from vdictl.contract.provider import Provider
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import World, new_token


def secret_texts(world: World, endpoints: list[Endpoint]) -> list[str]:
    """All that must not show."""
    found = [secret for each in endpoints for secret in (each.token, each.password) if secret is not None]
    return [secret.reveal() for secret in (*found, *world.secrets)]


def shown_in(texts: list[str], place: object) -> list[str]:
    """The secrets that show in a place, as their first letters."""
    return [f"{text[:3]}..." for text in texts if text and text in str(place)]


class SpeakingTests(Suite):
    """Answers, errors, silence."""

    def test_endpoints_wait_until_it_runs(self, world: World, provider: Provider) -> None:
        """NotReady while it is pending; then ways in that can be used."""
        desktop = provider.create(world.spec(), token=new_token())
        if desktop.operation is not None and desktop.state is State.PENDING:
            with pytest.raises(NotReady):
                provider.endpoints(desktop)
        settled = world.settle(provider, desktop)
        assert settled is not None
        endpoints = list(world.ways(provider, settled))
        assert sum(each.primary for each in endpoints) == min(1, len(endpoints)), "one of them is the main one"
        for each in endpoints:
            assert each.kind in ("vnc", "http", "ssh")
            assert all(secret is None or type(secret) is Secret for secret in (each.token, each.password))
            assert not each.direct or (each.host and 0 < each.port < 65536), "direct, and no address"

    def test_no_secret_prints(self, world: World, provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
        """Not in a noun, not in an error, not in the log at its loudest."""
        with caplog.at_level(logging.DEBUG):
            desktop = world.made(provider)
            endpoints = list(world.ways(provider, desktop))
            there = provider.desktop(desktop.key)
            world.gone(provider, desktop)
        texts = secret_texts(world, endpoints)
        places = {"desktop": there, "list": desktop, "endpoints": endpoints, "log": caplog.text, "provider": provider}
        for name, place in places.items():
            assert not shown_in(texts, f"{place!r} {place!s}"), f"a secret shows in {name}: {shown_in(texts, place)}"

    @needs(world=("raw_text",))
    def test_no_secret_at_the_provider(self, world: World, provider: Provider) -> None:
        """Marks, labels and arguments can be read by whoever may look."""
        desktop = world.made(provider)
        texts = secret_texts(world, list(world.ways(provider, desktop)))
        assert desktop.key in world.raw_text(), "raw_text() does not show the mark, so it would show no secret"
        assert not shown_in(texts, world.raw_text()), "a secret can be read at the provider"

    def test_no_secret_in_commands(self, world: World, provider: Any) -> None:
        """What is in an argument can be read by everybody on this machine."""
        desktop = world.made(provider)
        endpoints = list(world.ways(provider, desktop))
        commands: list[Command] = []
        if "SupportsExec" in world.manifest.capabilities:
            commands.append(provider.exec(desktop, ["true"]))
        if "SupportsLogs" in world.manifest.capabilities:
            commands.append(provider.logs(desktop))
        if "SupportsTunnel" in world.manifest.capabilities:
            commands += [provider.tunnel(desktop, each) for each in endpoints if not each.direct]
        for command in commands:
            assert isinstance(command, Command)
            assert not shown_in(secret_texts(world, endpoints), command.argv), "a secret is in an argument"

    def test_says_nothing(self, world: World, provider: Provider, capfd: pytest.CaptureFixture[str]) -> None:
        """stdout and stderr belong to the command line."""
        desktop = world.made(provider)
        list(provider.desktops())
        world.gone(provider, desktop)
        out, err = capfd.readouterr()
        assert not out and not err, f"it printed: {out}{err}"

    @needs(faults=("unavailable", "auth-failed", "rate-limited"))
    def test_only_errors_of_our_tree_come_out(self, world: World, provider: Provider) -> None:
        """Foreign errors are translated at the border, with a sentence, and hold no secret."""
        desktop = world.made(provider)
        for fault in ("unavailable", "auth-failed", "rate-limited"):
            for verb, error in self._errors(world, provider, desktop, fault):
                assert isinstance(error, VdictlError), f"{verb}: {fault} came out as {error!r}"
                assert error.brief, f"{verb}: {fault} came out without a sentence"
                shown = shown_in(secret_texts(world, []), error.as_dict())
                assert not shown, f"{verb}: a secret shows in the error"

    def _errors(
        self, world: World, provider: Provider, desktop: Desktop, fault: str
    ) -> list[tuple[str, BaseException]]:
        assert world.faults is not None
        verbs: dict[str, Callable[[], object]] = {
            "check": provider.check,
            "desktops": lambda: list(provider.desktops()),
            "desktop": lambda: provider.desktop(desktop.key),
            "create": lambda: provider.create(world.spec("two"), token=new_token()),
            "advance": lambda: provider.advance(desktop),
            "delete": lambda: provider.delete(desktop),
            "endpoints": lambda: provider.endpoints(desktop),
        }
        caught: list[tuple[str, BaseException]] = []
        for verb, call in verbs.items():
            world.faults.arm(fault, "any", 1)
            try:
                call()
            except Exception as error:
                caught.append((verb, error))
            else:
                raise AssertionError(f"{verb}: {fault} was swallowed")
            finally:
                world.faults.clear()
        return caught

    @needs(faults=("rate-limited",))
    def test_a_rate_limit_says_how_long(self, world: World, provider: Provider) -> None:
        """The provider's own patience is handed on."""
        assert world.faults is not None
        world.faults.arm("rate-limited", "any", 1)
        with pytest.raises(RateLimited) as caught:
            list(provider.desktops())
        assert caught.value.retry_after is not None and caught.value.retry_after > 0
        assert caught.value.passing

    @needs(faults=("auth-failed",))
    def test_check_tells_a_refused_login(self, world: World, provider: Provider) -> None:
        """AuthFailed, not another."""
        assert world.faults is not None
        world.faults.arm("auth-failed", "any", 1)
        with pytest.raises(AuthFailed):
            provider.check()
