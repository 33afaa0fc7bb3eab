"""Only Debian's own main archive is taken from the machine's apt sources."""

from __future__ import annotations

from pathlib import Path

from vdictl.engine.sources import Source, deb822, debian_only, one_line, read

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
# within
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""

FOREIGN = """\
deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.gpg] https://download.example/linux/debian bookworm stable
deb [signed-by=/usr/share/keyrings/pg.gpg] https://pg.example/ bookworm-pgdg main
deb [signed-by=/usr/share/keyrings/x.gpg] https://x.example/debian bookworm main
deb http://node.example/ nodistro main
deb-src http://mirror.example/debian bookworm main
# deb http://commented.example/debian bookworm main
deb tor+http://onion.example/debian bookworm main
"""


def test_deb822() -> None:
    first, second = deb822(DEB822)
    assert first.uris == ("http://mirror.example/debian",)
    assert first.suites == ("bookworm", "bookworm-updates")
    assert dict(first.options)["signed-by"] == "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert second.suites == ("bookworm-security",)


def test_an_inline_key_stays_whole() -> None:
    key = " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: http://m.example\nSuites: bookworm\nComponents: main\nSigned-By:\n{key}\n"
    made = debian_only(deb822(text), "bookworm", "bookworm")
    assert key in made
    (again,) = deb822(made)
    assert "abc" in dict(again.options)["signed-by"]


def test_foreign_archives_are_left_out() -> None:
    assert debian_only(one_line(FOREIGN), "bookworm", "bookworm") == ""


def test_one_line_with_options() -> None:
    (source,) = one_line("deb [arch=amd64 trusted=yes] http://m.example/debian bookworm main contrib # note\n")
    assert source == Source(
        ("http://m.example/debian",), ("bookworm",), ("main", "contrib"), (("arch", "amd64"), ("trusted", "yes"))
    )
    made = debian_only([source], "bookworm", "bookworm")
    assert "Trusted: yes" in made
    assert "Components: main\n" in made


def test_another_debian_is_rewritten_to_the_wanted_one() -> None:
    text = "deb http://m.example/debian trixie main\ndeb http://m.example/s trixie-security main\n"
    text += "deb http://m.example/debian stable-updates main\ndeb http://m.example/debian trixie-backports main\n"
    made = debian_only(one_line(text), "trixie", "bookworm")
    suites = [line for line in made.splitlines() if line.startswith("Suites")]
    assert suites == ["Suites: bookworm", "Suites: bookworm-security", "Suites: bookworm-updates"]


def test_read_takes_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://a.example/debian bookworm main\n")
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "b.list").write_text("deb http://b.example/debian bookworm main\n")
    (parts / "c.sources").write_text(DEB822)
    (parts / "d.list.disabled").write_text("deb http://d.example/debian bookworm main\n")
    hosts = [source.uris[0].split("/")[2] for source in read(tmp_path)]
    assert hosts == ["a.example", "b.example", "mirror.example", "mirror.example"]


def test_no_sources_at_all(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == []
