"""Where a copy goes: the rules of `cp -r`, the same in both directions."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.connect.copyworld import leftovers
from vdictl.connect import copying
from vdictl.connect.copying import Copied
from vdictl.contract.errors import Conflict, NotFound


class TestTargets:
    """The rules of `cp -r`, the same in both directions."""

    @pytest.fixture(params=["put", "get"])
    def copy(self, request: pytest.FixtureRequest, run: copying.Exec, here: Path, home: Path) -> Callable[..., Copied]:
        """`copy(source, target)` by names relative to each side's root; the source's side is `self.sides[0]`."""
        self.source_root, self.target_root = (here, home) if request.param == "put" else (home, here)
        if request.param == "put":
            return lambda s, t, **kw: copying.put(run, f"{here}/{s}", t, **kw)
        return lambda s, t, **kw: copying.get(run, s, f"{here}/{t}", **kw)

    @pytest.fixture(autouse=True)
    def _sources(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "file").write_text("new")
        (self.source_root / "dir" / "deep").mkdir(parents=True)
        (self.source_root / "dir" / "deep" / "leaf").write_text("leaf")
        (self.source_root / "dir" / "both").write_text("new")

    def test_file_to_new_name(self, copy: Callable[..., Copied]) -> None:
        copy("file", "named")
        assert (self.target_root / "named").read_text() == "new"

    def test_file_into_folder(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into").mkdir()
        copy("file", "into")
        copy("file", "into/")
        assert (self.target_root / "into" / "file").read_text() == "new"

    def test_file_over_file_keeps_a_symlink_there(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "real").write_text("old")
        (self.target_root / "alias").symlink_to("real")
        copy("file", "alias")
        assert (self.target_root / "alias").is_symlink()
        assert (self.target_root / "real").read_text() == "new"

    def test_file_to_missing_folder(self, copy: Callable[..., Copied]) -> None:
        for target in ("no/such/place", "nosuch/"):
            with pytest.raises(NotFound):
                copy("file", target)

    def test_file_over_folder_of_its_name(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "file").mkdir(parents=True)
        with pytest.raises(Conflict):
            copy("file", "into")

    def test_folder_to_new_name(self, copy: Callable[..., Copied]) -> None:
        for target in ("fresh", "fresh2/"):
            copy("dir", target)
            assert (self.target_root / target / "deep" / "leaf").read_text() == "leaf"

    def test_folder_into_folder_and_merge(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "dir" / "deep").mkdir(parents=True, mode=0o750)
        (self.target_root / "into" / "dir" / "deep" / "kept").write_text("kept")
        (self.target_root / "into" / "dir" / "both").write_text("old")
        copy("dir", "into")
        below = self.target_root / "into" / "dir"
        assert sorted(path.name for path in below.rglob("*")) == ["both", "deep", "kept", "leaf"]
        assert (below / "both").read_text() == "new"
        assert stat.S_IMODE((below / "deep").stat().st_mode) == 0o750

    def test_contents_of_a_folder(self, copy: Callable[..., Copied]) -> None:
        self.target_root.chmod(0o751)
        copy("dir/.", ".")
        assert (self.target_root / "deep" / "leaf").read_text() == "leaf"
        assert (self.target_root / "both").read_text() == "new"
        assert stat.S_IMODE(self.target_root.stat().st_mode) == 0o751

    def test_folder_over_file(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "taken").write_text("old")
        with pytest.raises(Conflict):
            copy("dir", "taken")
        assert (self.target_root / "taken").read_text() == "old"

    def test_merge_meets_a_file_where_a_folder_should_be(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "dir").mkdir(parents=True)
        (self.target_root / "into" / "dir" / "deep").write_text("a file")
        with pytest.raises(Conflict):
            copy("dir", "into")
        assert (self.target_root / "into" / "dir" / "deep").read_text() == "a file"

    def test_merge_does_not_follow_a_symlink(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "elsewhere").mkdir()
        (self.target_root / "into" / "dir").mkdir(parents=True)
        (self.target_root / "into" / "dir" / "deep").symlink_to(self.target_root / "elsewhere")
        with pytest.raises(Conflict):
            copy("dir", "into")
        assert list((self.target_root / "elsewhere").iterdir()) == []

    def test_named_symlink_is_followed(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "alias").symlink_to("file")
        (self.source_root / "aliasdir").symlink_to("dir")
        copy("alias", "alias")
        copy("aliasdir", "aliasdir")
        assert not (self.target_root / "alias").is_symlink()
        assert (self.target_root / "alias").read_text() == "new"
        assert (self.target_root / "aliasdir" / "deep" / "leaf").is_file()

    def test_missing_source(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "dangling").symlink_to("nowhere")
        for source in ("nosuch", "dangling", "file/below"):
            with pytest.raises(NotFound):
                copy(source, "target")
        assert not (self.target_root / "target").exists()

    def test_several_sources_need_a_folder(self, copy: Callable[..., Copied]) -> None:
        with pytest.raises(NotFound):
            copy("file", "named", into=True)
        (self.target_root / "named").mkdir()
        copy("file", "named", into=True)
        assert (self.target_root / "named" / "file").is_file()

    def test_read_only_folder_keeps_its_mode(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "dir").chmod(0o555)
        copy("dir", "fresh")
        assert stat.S_IMODE((self.target_root / "fresh").stat().st_mode) == 0o555
        (self.source_root / "dir").chmod(0o755)

    def test_empty_file_and_folder(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "nothing").write_bytes(b"")
        (self.source_root / "hollow").mkdir()
        copy("nothing", "nothing")
        copy("hollow", "hollow")
        assert (self.target_root / "nothing").read_bytes() == b""
        assert list((self.target_root / "hollow").iterdir()) == []

    @pytest.fixture(autouse=True)
    def _nothing_left(self, here: Path, home: Path, _sources: None) -> object:
        yield
        assert not leftovers(here, home)
