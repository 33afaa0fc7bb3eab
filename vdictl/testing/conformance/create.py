"""Create: at once, once for a token, with a whole mark."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Invalid, QuotaExceeded, ReplyLost, VdictlError
from vdictl.contract.model import Desktop, State, Wish
from vdictl.contract.provider import Provider
from vdictl.testing.conformance.suite import Suite, Watch, needs
from vdictl.testing.world import World, new_token

LONGEST = "a23456789-123456789-123456789-12345678-z"
LABELS = {"team": "Grüße, 世界", "empty": "", "long": "x" * 63}
_STARTED = {State.PENDING, State.STARTING, State.RUNNING}


def bearing(provider: Provider, key: str) -> list[Desktop]:
    """The listed desktops with this key."""
    return [desktop for desktop in provider.desktops() if desktop.key == key]


class CreateTests(Suite):
    """From a request to a desktop that runs."""

    def test_create_returns_at_once(self, world: World, provider: Provider) -> None:
        """It does the first step and gives the desktop back; it waits for nothing."""
        token = new_token()
        with Watch() as watch:
            desktop = provider.create(world.spec(labels={"a": "b"}), token=token)
        assert not watch.slept, f"create slept at {watch.slept}"
        assert desktop.state in _STARTED
        assert (desktop.key, desktop.name, desktop.owner, desktop.fleet) == (token, "one", world.owner, world.fleet)
        assert desktop.provider == world.manifest.name
        assert dict(desktop.labels) == {"a": "b"}
        assert desktop.operation is not None or desktop.state is not State.PENDING, "pending, and nothing is open"

    def test_advance_leads_to_running(self, world: World, provider: Provider) -> None:
        """Step by step, until nothing remains to be done."""
        desktop = world.made(provider)
        assert desktop.operation is None
        assert not desktop.due
        there = provider.desktop(desktop.key)
        assert (there.state, there.key, there.name) == (State.RUNNING, desktop.key, "one")

    def test_the_same_token_gives_the_same_desktop(self, world: World, provider: Provider) -> None:
        """However often it is sent, at whatever stage."""
        token, spec = new_token(), world.spec()
        first = provider.create(spec, token=token)
        world.list_lag()
        second = provider.create(spec, token=token)
        assert second.key == first.key == token
        settled = world.settle(provider, second)
        assert settled is not None
        count = world.raw_count() if world.can("raw_count") else 0
        third = provider.create(spec, token=token)
        world.list_lag()
        assert (third.key, third.id) == (token, settled.id), "the same token gave another desktop"
        assert len(list(provider.desktops())) == 1, "the same token made another desktop"
        assert not count or world.raw_count() == count, "the same token made more objects"

    def test_the_mark_is_whole_in_the_same_call(self, world: World, provider: Provider) -> None:
        """A second machine sees at once whose it is, what was asked, and what is open."""
        expires = (datetime.now(UTC) + timedelta(days=3650)).replace(microsecond=0)
        token, spec = new_token(), world.spec(labels=LABELS, expires=expires)
        made = provider.create(spec, token=token)
        world.list_lag()
        other = world.open()
        seen = bearing(other, token)
        assert len(seen) == 1, "another machine does not see what create has made"
        there = other.desktop(token)
        other.close()
        for desktop in (seen[0], there):
            assert (desktop.name, desktop.owner, desktop.fleet) == (spec.name, spec.owner, spec.fleet)
            assert dict(desktop.labels) == LABELS
            assert desktop.expires == expires
        assert there.spec is not None, "desktop() gives the spec"
        assert marks.asked(there.spec) == marks.asked(spec), "what was asked is not what is remembered"
        if made.operation is not None and there.operation is not None:
            operation = there.operation
            assert (operation.verb, operation.token, operation.wish) == ("create", token, Wish.PRESENT)

    def test_a_second_machine_sees_the_same_fleet(self, world: World, provider: Provider) -> None:
        """No state of ours but at the provider."""
        desktop = world.made(provider)
        other = world.open()
        assert [each.key for each in other.desktops()] == [desktop.key]
        world.gone(other, desktop, "homes")
        other.close()
        world.list_lag()
        assert not list(provider.desktops())

    def test_names_at_the_limit_work(self, world: World, provider: Provider) -> None:
        """Forty characters of name and owner, dots in the owner."""
        spec = world.spec(LONGEST, owner="a.b-c." + "d" * 34)
        desktop = provider.create(spec, token=new_token())
        world.list_lag()
        assert [(each.name, each.owner) for each in provider.desktops()] == [(LONGEST, spec.owner)]
        assert world.settle(provider, desktop) is not None

    @pytest.mark.parametrize(
        "name",
        ["", "-a", "a-", "A", "a b", "a" * 41, "a" * 300, "../a", "a/b", "a\nb", "a\0b", "ä", "😀", "a_b", "a.b"],
    )
    def test_bad_names_are_refused(self, world: World, provider: Provider, name: str) -> None:
        """Before anything is made."""
        with pytest.raises(Invalid):
            provider.create(world.spec(name), token=new_token())
        with pytest.raises(Invalid):
            provider.create(world.spec(owner=name + "/"), token=new_token())
        world.list_lag()
        assert not list(provider.desktops()), "refused, and made all the same"
        assert not world.can("raw_count") or world.raw_count() == 0, "refused, and something was made"

    def test_a_taken_name_is_a_conflict(self, world: World, provider: Provider) -> None:
        """Another token, the same name and owner: no second desktop."""
        desktop = provider.create(world.spec(), token=new_token())
        world.list_lag()
        with pytest.raises(Conflict):
            provider.create(world.spec(), token=new_token())
        world.list_lag()
        assert [each.key for each in provider.desktops()] == [desktop.key]

    def test_a_name_belongs_to_its_owner(self, world: World, provider: Provider) -> None:
        """Two people may call their desktops alike; names that join to the same text stay apart."""
        keys = {provider.create(world.spec("c", owner=owner), token=new_token()).key for owner in ("a-b", "a.b")}
        keys.add(provider.create(world.spec("b-c", owner="a"), token=new_token()).key)
        world.list_lag()
        assert {each.key for each in provider.desktops()} == keys

    @needs("SupportsCatalogue")
    def test_an_unknown_plan_is_refused(self, world: World, provider: Provider) -> None:
        """Invalid, and nothing is made."""
        with pytest.raises(Invalid):
            provider.create(world.spec(plan="no-such-plan"), token=new_token())
        world.list_lag()
        assert not list(provider.desktops())

    @needs(faults=("reply-lost",))
    def test_a_lost_reply_makes_one_desktop(self, world: World, provider: Provider) -> None:
        """The request was done and nobody heard: ReplyLost, the token is found, and sent again it makes no second."""
        token, spec = new_token(), world.spec()
        assert world.faults is not None
        world.faults.arm("reply-lost", "create")
        with pytest.raises(ReplyLost):
            provider.create(spec, token=token)
        world.list_lag()
        assert len(bearing(provider, token)) == 1, "the request was done; its desktop is not to be found by its token"
        provider.create(spec, token=token)
        world.list_lag()
        assert len(list(provider.desktops())) == 1
        assert world.settle(provider, provider.desktop(token)) is not None

    @needs(faults=("unavailable",))
    def test_a_create_that_was_refused_made_nothing(self, world: World, provider: Provider) -> None:
        """`Unavailable` means: nothing was changed."""
        assert world.faults is not None
        world.faults.arm("unavailable", "create")
        with pytest.raises(VdictlError) as caught:
            provider.create(world.spec(), token=new_token())
        assert caught.value.passing, f"worth another try, and not told so: {caught.value!r}"
        world.list_lag()
        assert not list(provider.desktops())

    @needs(faults=("quota",))
    def test_quota_is_told(self, world: World, provider: Provider) -> None:
        """QuotaExceeded, and nothing is made."""
        assert world.faults is not None
        world.faults.arm("quota", "create")
        with pytest.raises(QuotaExceeded):
            provider.create(world.spec(), token=new_token())
        world.list_lag()
        assert not list(provider.desktops())

    def test_created_is_when_it_was_made(self, world: World, provider: Provider) -> None:
        """The provider's own time, as good as its unit: the same at every look."""
        before = time.time()
        desktop = provider.create(world.spec(), token=new_token())
        again = provider.desktop(desktop.key) if not world.manifest.list_lag else desktop
        assert again.created == desktop.created
        assert desktop.created.timestamp() > before - 86400 or desktop.created.year >= 2030
        assert world.settle(provider, desktop) is not None
        assert provider.desktop(desktop.key).created == desktop.created, "a desktop's age changes as it is finished"
