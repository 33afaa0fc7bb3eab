"""The optional verbs: each for those whose manifest lists it."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from vdictl.contract.errors import Conflict, Invalid, NotReady
from vdictl.contract.model import Command, State
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import World, new_token


def run(command: Command, *, stdin: bytes = b"", timeout: float = 60.0) -> subprocess.CompletedProcess[bytes]:
    """Run a command that a provider gave."""
    environment = dict(command.environment) or None
    return subprocess.run(command.argv, input=stdin, capture_output=True, timeout=timeout, check=False, env=environment)


class PowerTests(Suite):
    """On and off."""

    @needs("SupportsPower")
    def test_stop_and_start(self, world: World, provider: Any) -> None:
        """Both ways, twice each: what is already so is success."""
        desktop = world.made(provider)
        for _ in range(2):
            stopped = world.settle(provider, provider.stop(desktop, token=new_token(), grace=1.0))
            assert stopped is not None and stopped.state is State.STOPPED
            assert stopped.operation is None
        with pytest.raises(NotReady):
            provider.endpoints(stopped)
        for _ in range(2):
            started = world.settle(provider, provider.start(desktop, token=new_token()))
            assert started is not None and started.state is State.RUNNING
            assert started.key == desktop.key

    @needs("SupportsPower")
    def test_restart_happens_once_for_a_token(self, world: World, provider: Any) -> None:
        """Sent again after it is done, it is done already."""
        desktop, token = world.made(provider), new_token()
        running = world.settle(provider, provider.restart(desktop, token=token))
        assert running is not None and running.state is State.RUNNING
        again = provider.restart(running, token=token)
        assert (again.state, again.operation) == (State.RUNNING, None), "restarted twice for one token"

    @needs("SupportsPower")
    def test_a_stopped_desktop_keeps_its_mark(self, world: World, provider: Any) -> None:
        """Name, labels and request are those of before."""
        desktop = world.made(provider, labels={"team": "blue"})
        world.settle(provider, provider.stop(desktop, token=new_token(), grace=1.0))
        other = world.open()
        there = other.desktop(desktop.key)
        other.close()
        assert (there.name, dict(there.labels), there.created) == ("one", {"team": "blue"}, desktop.created)

    @needs("SupportsPower")
    def test_delete_wins_over_a_stop(self, world: World, provider: Any) -> None:
        """A desktop that is stopping can be deleted, and a deleted one cannot be started."""
        desktop = world.made(provider)
        provider.stop(desktop, token=new_token(), grace=1.0)
        left = provider.delete(desktop)
        if left is not None:
            try:
                provider.start(desktop, token=new_token())
            except Exception as error:
                assert getattr(error, "exit_code", 0) in (4, 9), f"a start of what is being deleted: {error!r}"
            else:
                assert provider.advance(desktop).state is State.DELETING, "a start has undone the delete"
            assert world.settle(provider, left) is None


class InsideTests(Suite):
    """Commands that are run inside, or are a way in."""

    @needs("SupportsExec")
    def test_exec_passes_streams_and_codes(self, world: World, provider: Any) -> None:
        """stdin in, stdout out, the exit code as it is."""
        desktop = world.made(provider)
        world.ways(provider, desktop)
        done = run(provider.exec(desktop, ["sh", "-c", "cat; echo oops >&2; exit 7"]), stdin=b"\x00\xffhello")
        assert done.stdout == b"\x00\xffhello"
        assert b"oops" in done.stderr
        assert done.returncode == 7
        done = run(provider.exec(desktop, ["printf", "%s|", "a b", "$HOME", "", "'"]))
        assert done.stdout == b"a b|$HOME||'|", "arguments went through a shell"

    @needs("SupportsTunnel")
    def test_a_tunnel_speaks_the_endpoints_protocol(self, world: World, provider: Any) -> None:
        """The first bytes from a VNC server are its version."""
        desktop = world.made(provider)
        ways = [each for each in world.ways(provider, desktop) if each.kind == "vnc" and not each.direct]
        for each in ways:
            command = provider.tunnel(desktop, each)
            environment = dict(command.environment) or None
            child = subprocess.Popen(command.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            assert child.stdin is not None and child.stdout is not None
            try:
                assert child.stdout.read(4) == b"RFB "
            finally:
                child.stdin.close()
                child.kill()
                child.wait()
                child.stdout.close()

    @needs("SupportsLogs")
    def test_logs_can_be_read(self, world: World, provider: Any) -> None:
        """All, or the last lines."""
        desktop = world.made(provider)
        assert run(provider.logs(desktop)).returncode == 0
        last = run(provider.logs(desktop, tail=1))
        assert last.returncode == 0
        assert len((last.stdout + last.stderr).splitlines()) <= 1

    @needs("SupportsActivity")
    def test_idle_is_seconds_or_not_known(self, world: World, provider: Any) -> None:
        """Never a guess."""
        desktop = world.made(provider)
        world.ways(provider, desktop)
        idle = provider.idle_seconds(desktop)
        assert idle is None or idle >= 0


class CatalogueTests(Suite):
    """What is on offer, and what is lost."""

    @needs("SupportsCatalogue")
    def test_plans_are_cheapest_first(self, provider: Any) -> None:
        """With unique ids."""
        plans = list(provider.plans())
        assert plans, "nothing is on offer"
        assert len({plan.id for plan in plans}) == len(plans)
        prices = [plan.price.amount for plan in plans if plan.price is not None]
        assert prices == sorted(prices)
        regions = {region.id for region in provider.regions()}
        assert all(set(plan.regions) <= regions for plan in plans)

    @needs("SupportsImages")
    def test_images_are_told_apart(self, provider: Any) -> None:
        """Unique ids; a build of one that is there is done."""
        images = list(provider.images())
        assert images
        assert len({image.id for image in images}) == len(images)
        ready = next((image for image in images if image.ready and image.kind == "flavor"), None)
        if ready is not None:
            work = provider.image_build(ready.name)
            assert work.done and not work.failed

    @needs("SupportsImages")
    def test_images_in_use_are_told_and_kept(self, world: World, provider: Any) -> None:
        """What a desktop was made from is used, and is not removed."""
        world.made(provider)
        used = [image for image in provider.images() if image.used]
        assert used or all(image.used is None for image in provider.images()), "what a desktop runs from is not used"
        for image in used:
            with pytest.raises(Conflict):
                provider.image_delete(image)

    @needs("SupportsImages", "SupportsImageTransfer")
    def test_an_image_comes_back_from_its_archive(self, world: World, provider: Any) -> None:
        """What a save wrote, a load takes; other archives are refused."""
        image = world.image(provider)
        saved = run(provider.image_save(image), timeout=600)
        assert saved.returncode == 0, saved.stderr
        assert saved.stdout[-1024:] == bytes(1024), "that is no whole tar"
        loaded = run(provider.image_load(), stdin=saved.stdout, timeout=600)
        assert loaded.returncode == 0, loaded.stderr
        (there,) = provider.image_loaded((loaded.stdout + loaded.stderr).decode())
        assert (there.id, there.ready) == (image.id, True)
        assert run(provider.image_load(), stdin=b"no archive").returncode != 0
        with pytest.raises(Invalid):
            provider.image_loaded("")

    @needs("SupportsImages", "SupportsImageTransfer")
    def test_bad_references_are_refused(self, world: World, provider: Any) -> None:
        """Nothing that could be an option, or holds a password."""
        image = world.image(provider)
        for bad in ("", "--help", "a b", "user:secret@registry.example/x", "registry.example/X Y", "x" * 600):
            with pytest.raises(Invalid):
                provider.image_push(image, bad)

    @needs("SupportsStrays")
    def test_a_whole_desktop_has_no_strays(self, world: World, provider: Any) -> None:
        """What belongs to a desktop is not lost, nor is a kept home."""
        desktop = world.made(provider)
        assert not list(provider.strays())
        world.gone(provider, desktop)
        assert not list(provider.strays())

    @needs("SupportsStrays", world=("outsider_remove", "raw_count"))
    def test_strays_are_found_and_removed(self, world: World, provider: Any) -> None:
        """An outsider removes the machine: what it leaves is listed or stray, and can be removed."""
        desktop = world.made(provider, home="ephemeral")
        world.outsider_remove(desktop)
        world.list_lag()
        for each in list(provider.desktops()):
            world.gone(provider, each, "homes", "snapshots")
        for stray in list(provider.strays()):
            provider.stray_delete(stray)
            provider.stray_delete(stray)
        assert world.raw_count() == 0
        assert not list(provider.strays())
