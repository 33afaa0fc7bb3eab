"""Who may see the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdictl.guest.inside import gate


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:6080", "LOCALHOST:1", "127.0.0.1:40000", "127.8.8.8", "[::1]:6080", "[::1]"]
)
def test_loopback_is_let_in(host: str) -> None:
    assert gate.host_allowed(host, ())


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.5:6080", "0.0.0.0", "[::]:1",
     "localhost:6080; script-src *", "localhost:6080\r\nX: y", "user@localhost", "127.1", "[::1", "::1"],
)  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    assert not gate.host_allowed(host, ())


def test_configured_names_are_let_in() -> None:
    assert gate.host_allowed("desk.example.org:8443", ["Desk.example.org"])
    assert not gate.host_allowed("example.org", ["desk.example.org"])


@pytest.mark.parametrize(
    ("origin", "host", "right"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("https://desk.example.org", "Desk.example.org", True),
        ("http://127.0.0.1:8081", "127.0.0.1:8080", False),
        ("http://localhost:8080", "127.0.0.1:8080", False),
        ("null", "127.0.0.1:8080", False),
        ("", "127.0.0.1:8080", False),
        (None, "127.0.0.1:8080", False),
        ("file://127.0.0.1:8080", "127.0.0.1:8080", False),
        ("http://[", "127.0.0.1:8080", False),
    ],
)
def test_origin_is_this_very_page(origin: str | None, host: str, right: bool) -> None:
    assert gate.origin_matches(origin, host) is right


def test_cookie_is_of_one_desktop_and_not_the_token() -> None:
    assert gate.cookie_name("k1") != gate.cookie_name("k2")
    assert gate.cookie_value("token-a") != gate.cookie_value("token-b")
    assert "token-a" not in gate.cookie_value("token-a")


@given(st.text())
def test_comparing_never_fails(given_text: str) -> None:
    assert gate.same(given_text, "right") is (given_text == "right")


@given(st.text(max_size=60))
def test_policy_has_no_room_for_a_host_that_was_let_in(host: str) -> None:
    if gate.host_allowed(host, ()):
        policy = gate.headers(host)["Content-Security-Policy"]
        assert policy.count(";") == 8
        assert "\n" not in policy


def test_only_what_is_without_content_is_open() -> None:
    assert {path.rpartition(".")[2] for path in gate.OPEN_PATHS} <= {
        "/",
        "js",
        "css",
        "svg",
        "ico",
        "/login",
        "/healthz",
    }
    assert "/session" not in gate.OPEN_PATHS
