"""The link and the one-time file."""

from __future__ import annotations

import os
import re
import stat
import time
from html import unescape
from pathlib import Path

import pytest

from vdictl.connect import forget, redirect
from vdictl.contract.errors import Unavailable, VdictlError
from vdictl.contract.model import Endpoint, Secret

URL = Secret('http://127.0.0.1:6080/#token=abc&"<script>')


def until_gone(path: Path, seconds: float) -> float:
    begun = time.monotonic()
    while path.exists():
        assert time.monotonic() - begun < seconds, "it is still there"
        time.sleep(0.05)
    return time.monotonic() - begun


def test_the_link() -> None:
    endpoint = Endpoint(kind="http", host="127.0.0.1", port=4711, token=Secret("a-b_c.d~e/f+g="))
    link = redirect.page_url(endpoint)
    assert link.reveal() == "http://127.0.0.1:4711/#token=a-b_c.d~e%2Ff%2Bg%3D"
    assert str(link) == "***"
    afar = redirect.page_url(Endpoint(kind="http", direct=False, token=Secret("t")), host="::1", port=99)
    assert afar.reveal() == "http://[::1]:99/#token=t"
    assert redirect.page_url(Endpoint(kind="http", host="h", port=1)).reveal() == "http://h:1/"


def test_the_file_is_private_and_leads_there(tmp_path: Path) -> None:
    folder = redirect.private_folder({}, tmp_path)
    path = redirect.write(URL, folder, keep=5)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "abc" not in str(path)
    text = path.read_text()
    assert "<script>" not in text
    match = re.search(r'content="0;url=([^"]*)"', text)
    assert match is not None
    assert unescape(match[1]) == URL.reveal()
    until_gone(path, 10)


def test_no_process_shows_the_token(tmp_path: Path) -> None:
    path = redirect.write(Secret("http://h/#token=visible-to-nobody"), tmp_path, keep=3)
    lines = b"".join(p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists())
    assert b"forget.py" in lines
    assert b"visible-to-nobody" not in lines
    until_gone(path, 8)


def test_it_goes_after_it_was_read(tmp_path: Path) -> None:
    path = redirect.write(URL, tmp_path, keep=60)
    time.sleep(0.5)
    assert path.exists()
    path.read_bytes()
    if path.stat().st_atime_ns <= path.stat().st_mtime_ns:
        pytest.skip("this file system keeps no access times, so the time limit alone removes the file")
    assert until_gone(path, 8) > 1


def test_it_goes_when_nobody_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "open-x.html"
    path.write_text("x")
    begun = time.monotonic()
    forget.forget(path, 0.4, tick=0.05)
    assert 0.3 < time.monotonic() - begun < 2
    assert not path.exists()
    forget.forget(path, 5)  # gone already: ends at once
    assert time.monotonic() - begun < 3


def test_the_next_run_sweeps(tmp_path: Path) -> None:
    old, secret, new = tmp_path / "open-1.html", tmp_path / "vnc-1", tmp_path / "open-2.html"
    other = tmp_path / "note.html"
    for path in (old, secret, new, other):
        path.write_text("x")
    for path in (old, secret, other):
        os.utime(path, (1, 1))
    assert redirect.sweep(tmp_path, older=60) == 2
    assert not old.exists() and not secret.exists() and new.exists() and other.exists()
    assert redirect.sweep(tmp_path) == 1


def test_where_the_folder_is(tmp_path: Path) -> None:
    runtime, state = tmp_path / "run", tmp_path / "state"
    runtime.mkdir()
    assert redirect.private_folder({"XDG_RUNTIME_DIR": str(runtime)}, state) == runtime / "vdictl"
    assert redirect.private_folder({"XDG_RUNTIME_DIR": "relative"}, state) == state / "vdictl"
    assert redirect.private_folder({"XDG_RUNTIME_DIR": str(tmp_path / "nosuch")}, state) == state / "vdictl"
    (state / "vdictl").chmod(0o755)
    redirect.private_folder({}, state)
    assert stat.S_IMODE((state / "vdictl").stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "vdictl").symlink_to(elsewhere)
    with pytest.raises(VdictlError, match="not a folder of yours"):
        redirect.private_folder({}, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        redirect.private_folder({}, tmp_path / "file")


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (tmp_path / "name").symlink_to(trap)
    with pytest.raises(Unavailable):
        redirect.private_file(tmp_path / "name", b"secret")
    assert not trap.exists()
