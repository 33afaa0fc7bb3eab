"""Homes as archives: what comes out goes in again, counts once it is whole, and half of it is never left."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from vdictl.contract.errors import Conflict
from vdictl.contract.model import Volume
from vdictl.testing.conformance.keeping import Keeping
from vdictl.testing.conformance.optional import run
from vdictl.testing.conformance.suite import needs
from vdictl.testing.world import World, new_token

_KEPT = "cat note; stat -c %a note run; readlink link; stat -c %h one two; ls -d empty"


def archive(**files: str) -> bytes:
    """A tar of files, as somebody else would make it."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.gid = len(text), 0o644, 1000, 1000
            tar.addfile(member, io.BytesIO(text.encode()))
    return into.getvalue()


class TransferTests(Keeping):
    """Export and import."""

    @needs("SupportsVolumes", "SupportsTransfer", "SupportsExec")
    def test_what_is_exported_can_be_imported(self, world: World, provider: Any) -> None:
        """With modes and links; a desktop works with it."""
        one = world.made(provider)
        script = "echo hello > note; chmod 640 note; touch run; chmod 750 run; ln -s /etc/hosts link; mkdir empty;"
        before = self.inside(world, provider, one, f"{script} echo x > one; ln one two; {_KEPT}")
        world.gone(provider, one)
        whole = self.exported(provider, "one")
        made = self.imported(world, provider, "two", whole)
        assert (made.name, made.owner, made.fleet, made.attached_to) == ("two", world.owner, world.fleet, "")
        two = world.made(provider, "two")
        assert self.inside(world, provider, two, f"echo more > new; {_KEPT}") == before

    @needs("SupportsVolumes", "SupportsTransfer", "SupportsExec")
    def test_an_import_counts_once_it_is_finished(self, world: World, provider: Any) -> None:
        """Until then what was there is there; then it is replaced, and finishing again changes nothing."""
        self.imported(world, provider, "kept", archive(note="first"))
        count = world.raw_count() if world.can("raw_count") else 0
        token = self.unpacked(world, provider, "kept", archive(note="second"), replace=True)
        assert self.note(provider, "kept") == "first", "it counts before it is finished"
        made = self.finish(world, provider, "kept", token)
        assert self.note(provider, "kept") == "second"
        assert self.finish(world, provider, "kept", token).id == made.id
        self.drop(world, provider, "kept", token)
        assert self.note(provider, "kept") == "second", "what counts was dropped"
        assert not world.can("raw_count") or world.raw_count() == count, "something is left over"

    @needs("SupportsVolumes", "SupportsTransfer")
    def test_an_import_replaces_only_when_told(self, world: World, provider: Any) -> None:
        """And never what a desktop uses."""
        made = self.imported(world, provider, "kept", archive(note="first"))
        with pytest.raises(Conflict):
            self.imported(world, provider, "kept", archive(note="second"))
        desktop = world.made(provider, home="kept")
        with pytest.raises(Conflict):
            self.imported(world, provider, "kept", archive(note="second"), replace=True)
        assert [(each.id, each.attached_to) for each in provider.volumes()] == [(made.id, desktop.key)]
        assert self.note(provider, "kept") == "first"

    @needs("SupportsVolumes", "SupportsTransfer")
    def test_a_dropped_import_leaves_nothing(self, world: World, provider: Any) -> None:
        """Half unpacked, or not begun."""
        for given in (archive(note="x" * 100_000)[:60_000], b""):
            token = self.unpacked(world, provider, "kept", given, whole=False)
            for _ in range(2):
                self.drop(world, provider, "kept", token)
            assert not list(provider.volumes())
            assert not world.can("raw_count") or world.raw_count() == 0, "something is left over"
            with pytest.raises(Conflict):
                self.finish(world, provider, "kept", token)

    @needs("SupportsVolumes", "SupportsTransfer", "SupportsStrays")
    def test_a_killed_import_leaves_nothing_that_counts(self, world: World, provider: Any) -> None:
        """Its room is a stray; the next import of the name goes well, and leaves none."""
        for tidy in (True, False):
            killed: Any = world.open()
            self.unpacked(world, killed, "kept", archive(note="x" * 100_000)[:60_000], whole=False)
            killed.close()
            assert not list(provider.volumes()), "half an import counts"
            for stray in list(provider.strays()) if tidy else ():
                provider.stray_delete(stray)
            assert not tidy or not world.can("raw_count") or world.raw_count() == 0, "its room is not found"
            self.imported(world, provider, "kept", archive(note="whole"))
            assert self.note(provider, "kept") == "whole"
            assert not list(provider.strays())
            (volume,) = provider.volumes()
            provider.volume_delete(volume)
            assert not world.can("raw_count") or world.raw_count() == 0, "something is left over"

    @needs("SupportsVolumes", "SupportsTransfer", "SupportsExec")
    def test_an_import_does_not_overtake_a_desktop(self, world: World, provider: Any) -> None:
        """One that takes the name up meanwhile keeps what it has."""
        token = self.unpacked(world, provider, "one", archive(note="imported"))
        desktop = world.made(provider)
        self.inside(world, provider, desktop, "echo mine > note")
        with pytest.raises(Conflict):
            self.finish(world, provider, "one", token)
        self.drop(world, provider, "one", token)
        assert self.inside(world, provider, desktop, "cat note") == "mine"
        world.gone(provider, desktop, "homes")
        assert not world.can("raw_count") or world.raw_count() == 0, "something is left over"

    def exported(self, provider: Any, name: str) -> bytes:
        """The archive of a home."""
        volume = next(each for each in provider.volumes() if each.name == name)
        done = run(provider.volume_export(volume))
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def note(self, provider: Any, name: str) -> str:
        """The file `note` in a home."""
        with tarfile.open(fileobj=io.BytesIO(self.exported(provider, name))) as tar:
            found = next((each for each in tar if each.name in ("note", "./note")), None)
            file = tar.extractfile(found) if found else None
            return file.read().decode() if file else ""

    def unpacked(
        self, world: World, provider: Any, name: str, given: bytes, *, replace: bool = False, whole: bool = True
    ) -> str:
        """The token of an import whose command has ended, well if `whole`."""
        token = new_token()
        command = provider.volume_import(name, owner=world.owner, fleet=world.fleet, token=token, replace=replace)
        done = run(command, stdin=given)
        assert not whole or done.returncode == 0, done.stderr.decode(errors="replace")
        return token

    def imported(self, world: World, provider: Any, name: str, given: bytes, *, replace: bool = False) -> Volume:
        """A home from an archive."""
        token = self.unpacked(world, provider, name, given, replace=replace)
        return self.finish(world, provider, name, token)

    def finish(self, world: World, provider: Any, name: str, token: str) -> Volume:
        """Let it count."""
        made = provider.volume_import_finish(name, owner=world.owner, fleet=world.fleet, token=token)
        assert isinstance(made, Volume)
        return made

    def drop(self, world: World, provider: Any, name: str, token: str) -> None:
        """Give it up."""
        provider.volume_import_drop(name, owner=world.owner, fleet=world.fleet, token=token)
