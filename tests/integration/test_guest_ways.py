"""More ways into a hardened desktop: a port, SSH by an unprivileged sshd, and a share of the page."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.guest_support import Guest, engine_or_skip, image, started
from vdictl.engine.engine import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_or_skip(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def desk(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with started(engine, image(engine, tmp_path_factory.mktemp("build"), "minimal")) as guest:
        guest.until_well()
        yield guest


# -- a port ---------------------------------------------------------------------------------------------------------


def test_a_port_of_the_loopback_is_reached_and_a_closed_one_is_told(desk: Guest) -> None:
    link = desk.popen("vdictl-guest", "tcp", "6080")
    assert link.stdin and link.stdout
    link.stdin.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    link.stdin.flush()
    out = link.stdout.read()  # the page takes a half close for a hang-up: so the input stays open
    assert out.startswith(b"HTTP/1.0 200") and out.endswith(b"ok")
    link.communicate(timeout=60)
    closed = desk.popen("vdictl-guest", "tcp", "6081")
    out, err = closed.communicate(timeout=60)
    assert (closed.returncode, out) == (1, b"")
    assert b"nothing listens at port 6081 inside" in err


# -- SSH ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ssh(desk: Guest, engine: Engine, tmp_path: Path) -> list[str]:
    """Options for ssh and scp that lead there, with a key of the test's own."""
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    known = tmp_path / "known"
    known.write_text(f"desk {desk.exec('vdictl-guest', 'ssh-host-key')}")
    proxy = tmp_path / "proxy"
    exports = "".join(
        f"export {name}='{value}'\n" for name, value in engine.env.items() if name.startswith("CONTAINER")
    )
    proxy.write_text(f"#!/bin/sh\n{exports}exec {engine.binary} exec -i {desk.name} vdictl-guest sshd '{public}'\n")
    proxy.chmod(0o755)
    options = {
        "ProxyCommand": str(proxy),
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentityFile": str(key),
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
    }
    return ["-F", "none", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]


def run(*argv: str, code: int = 0, **more: Any) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def test_ssh_lands_in_the_session_of_the_person(desk: Guest, ssh: list[str]) -> None:
    seen = run("ssh", *ssh, "user@desk", "id -u; pwd; echo $DISPLAY; grep NoNewPrivs /proc/self/status").split()
    assert seen == ["1000", "/home/user", ":0", "NoNewPrivs:", "1"]
    run("ssh", *ssh, "user@desk", "exit 7", code=7)
    assert "/dev/pts/" in run("ssh", "-tt", *ssh, "user@desk", "tty")
    assert "login" in run("ssh", *ssh, "user@desk", input="shopt -q login_shell && echo login\n")


def test_scp_and_sftp_carry_files_both_ways(desk: Guest, ssh: list[str], tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "there").write_bytes(data)
    run("scp", *ssh, str(tmp_path / "there"), "user@desk:blob")
    run("scp", *ssh, "user@desk:blob", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data


def test_ssh_lets_in_nobody_else(desk: Guest, ssh: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    wrong = [word.replace(str(tmp_path / "id"), str(other)) for word in ssh]
    run("ssh", *wrong, "user@desk", "true", code=255)
    run("ssh", *ssh, "root@desk", "true", code=255)
    run("ssh", *ssh, "-o", "PubkeyAuthentication=no", "user@desk", "true", code=255)
    for key in ("", "x", "ssh-ed25519 AAAA\nssh-ed25519 BBBB", "command=x ssh-ed25519 AAAA"):
        assert desk.code("vdictl-guest", "sshd", key) == 2


def test_the_host_key_is_made_once_and_never_in_the_image(desk: Guest) -> None:
    first = desk.exec("vdictl-guest", "ssh-host-key")
    assert first.startswith("ssh-ed25519 ") and desk.exec("vdictl-guest", "ssh-host-key") == first
    assert desk.exec("stat", "-c", "%a", "/var/lib/vdictl/ssh-host-key").strip() == "600"
    assert desk.exec("sh", "-c", "ls /etc/ssh | grep host_ || true") == ""


# -- shares ---------------------------------------------------------------------------------------------------------


class Visitor:
    """A browser's share of the work, without the browser."""

    def __init__(self, desk: Guest) -> None:
        self.address = urlsplit(desk.url())
        self.cookie = ""

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        link = http.client.HTTPConnection(str(self.address.hostname), self.address.port or 0, timeout=60)
        with contextlib.closing(link):
            link.request(method, path, body=body, headers={"Cookie": self.cookie} if self.cookie else {})
            answer = link.getresponse()
            self.cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0] or self.cookie
            return answer.status, answer.read().decode()

    def login(self, token: str) -> int:
        return self.ask("POST", "/login", json.dumps({"token": token}))[0]

    def socket(self) -> socket.socket:
        """The desktop's screen over a WebSocket, open."""
        link = socket.create_connection((str(self.address.hostname), self.address.port or 0), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        link.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {self.address.netloc}\r\nOrigin: http://{self.address.netloc}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: binary\r\nCookie: {self.cookie}\r\n\r\n".encode()
        )
        assert link.recv(12) == b"HTTP/1.1 101"
        return link


def share(desk: Guest, seconds: float) -> dict[str, Any]:
    wish = json.dumps({"seconds": seconds, "by": "ann"}).encode()
    return dict(json.loads(desk.exec("vdictl-guest", "share", "add", input=wish)))


def drained(link: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    seen = b""
    with link, contextlib.suppress(ConnectionError):
        while data := link.recv(65536):
            seen += data
    return seen


def test_a_share_opens_the_page_until_it_is_revoked(desk: Guest) -> None:
    made, visitor, owner = share(desk, 600), Visitor(desk), Visitor(desk)
    assert visitor.login("wrong") == 403
    assert visitor.login(made["token"]) == 204 and made["token"] not in visitor.cookie
    assert owner.login(desk.access()["token"]) == 204
    assert json.loads(visitor.ask("GET", "/session")[1])["shared_until"] == made["until"]
    assert json.loads(owner.ask("GET", "/session")[1])["shared_until"] is None
    screen, mine = visitor.socket(), owner.socket()
    assert json.loads(desk.exec("vdictl-guest", "share", "revoke", made["id"])) == [made["id"]]
    assert (4004).to_bytes(2, "big") in drained(screen)  # a close frame that says why
    assert visitor.ask("GET", "/session")[0] == 401
    assert visitor.login(made["token"]) == 403
    assert owner.ask("GET", "/session")[0] == 200
    mine.settimeout(1)
    with mine, pytest.raises(TimeoutError):  # the owner's goes on: the server waits for a client's first word
        while mine.recv(65536):
            pass


def test_a_share_that_is_over_ends_by_itself(desk: Guest) -> None:
    made, visitor = share(desk, 4), Visitor(desk)
    assert visitor.login(made["token"]) == 204
    screen = visitor.socket()
    assert (4004).to_bytes(2, "big") in drained(screen)
    assert time.time() >= made["until"]
    assert visitor.ask("GET", "/session")[0] == 401
    assert made["id"] not in desk.exec("vdictl-guest", "share", "list")


def test_tokens_of_shares_show_nowhere(desk: Guest, engine: Engine) -> None:
    made = share(desk, 600)
    Visitor(desk).login(made["token"])
    state = desk.exec("sh", "-c", "cat /var/lib/vdictl/*.json; cat /run/vdictl/*.json")
    seen = desk.logs() + engine.run("inspect", desk.name) + desk.exec("ps", "axww", "-o", "args") + state
    assert made["token"] not in seen
    desk.exec("vdictl-guest", "share", "revoke", "--all")
    assert json.loads(desk.exec("vdictl-guest", "share", "list")) == []
