"""What runs "inside" a desktop of the memory provider: a program of its own, which needs the standard library only.

Arguments: FLAGS MACHINE-FOLDER HOME-FOLDER PROGRAM... . The program `vdictl-guest` is played here; others really run.
"""

# ruff: noqa: ARG001, S606, TID251 - a program of its own: it has an environment, and its commands look alike

import argparse
import hashlib
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

WIDTH, HEIGHT = 64, 48


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boot", default="1")
    parser.add_argument("--flavor", default="xfce")
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--inputs", action="store_true")
    parser.add_argument("--expires", default="never")
    parser.add_argument("machine", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("program", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    asked.machine.mkdir(parents=True, exist_ok=True)
    asked.home.mkdir(parents=True, exist_ok=True)
    if asked.program[:1] != ["vdictl-guest"]:
        return run(asked, asked.program)
    verb, *rest = asked.program[1:]
    return {
        "probe": probe,
        "access": access,
        "expire": expire,
        "receive": receive,
        "rfb": rfb,
        "break": break_part,
        "run": run,
        "tcp": tcp,
        "share": share,
        "ssh-host-key": ssh_host_key,
        "sshd": sshd,
    }[verb](asked, rest)


def run(asked: argparse.Namespace, rest: list[str]) -> int:
    """Run a program as the desktop's user: in the home, with what was delivered in the environment."""
    argv = rest[1:] if rest[:1] == ["--"] else rest
    delivered = read(asked.machine / "inputs.json").get("env", {})
    os.chdir(asked.home)
    try:
        os.execvpe(argv[0], argv, os.environ | {"HOME": str(asked.home)} | delivered)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126


def probe(asked: argparse.Namespace, rest: list[str]) -> int:
    """Tell how the desktop is. What `break` broke is broken until the next boot."""
    broken = read(asked.machine / "broken.json")
    down = broken.get("parts", []) if broken.get("boot") == asked.boot else []
    inputs = read(asked.machine / "inputs.json")
    state = inputs.get("state") or ("waiting" if asked.inputs else "none")
    touched, expires = asked.machine / "touched", asked.machine / "expires"
    limit = expires.read_text().strip() if expires.exists() else asked.expires
    answer: dict[str, Any] = {
        part: {"ok": not asked.never_ready and part not in down, "detail": f"memory {part}"}
        for part in ("display", "window_manager", "page")
    }
    answer["inputs"] = {
        "ok": state in ("none", "done"),
        "detail": inputs.get("detail", ""),
        "state": state,
        "exit_code": inputs.get("exit_code"),
    }
    answer["idle_seconds"] = max(0.0, time.time() - touched.stat().st_mtime) if touched.exists() else None
    answer["flavor"] = asked.flavor
    answer["expires"] = None if limit == "never" else float(limit)
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def access(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print the desktop's token and password, made on first use."""
    file = asked.machine / "access.json"
    if not file.exists():
        write(file, {"token": secrets.token_urlsafe(32), "password": secrets.token_hex(4)})
    sys.stdout.write(file.read_text() + "\n")
    return 0


def expire(asked: argparse.Namespace, rest: list[str]) -> int:
    """Note when the desktop stops itself: epoch seconds, or "never"."""
    limit = rest[0] if rest[0] == "never" else str(float(rest[0]))
    (asked.machine / "expires").write_text(limit)
    return 0


def break_part(asked: argparse.Namespace, rest: list[str]) -> int:
    """Break a part until the next boot: display, window_manager or page. For tests."""
    write(asked.machine / "broken.json", {"boot": asked.boot, "parts": rest})
    return 0


def receive(asked: argparse.Namespace, rest: list[str]) -> int:
    """Take the inputs (JSON on stdin): environment, repository, dotfiles, then the set-up script. Once for a hash."""
    given, file = json.load(sys.stdin), asked.machine / "inputs.json"
    if read(file).get("hash") == given.get("hash") and file.exists():
        return 0
    record: dict[str, Any] = {"hash": given.get("hash"), "env": given.get("env") or {}, "state": "running"}
    write(file, record)
    code, detail = 0, ""
    environment = os.environ | {"HOME": str(asked.home)} | record["env"]
    for name, argv in _first_boot(given):
        done = subprocess.run(argv, check=False, capture_output=True, cwd=asked.home, env=environment)
        with (asked.machine / "first-boot.log").open("ab") as log:
            log.write(done.stdout + done.stderr)
        code, detail = done.returncode, f"{name} ended with {done.returncode}"
        if code:
            break
    write(file, record | {"state": "failed" if code else "done", "exit_code": code, "detail": detail})
    return 0


def _first_boot(given: dict[str, Any]) -> list[tuple[str, list[str]]]:
    steps = []
    if given.get("git"):
        steps.append(("git", ["git", "clone", "--quiet", given["git"]]))
    if given.get("dotfiles"):
        steps.append(("dotfiles", ["git", "clone", "--quiet", given["dotfiles"], ".dotfiles"]))
    if given.get("setup"):
        steps.append(("setup", ["sh", "-c", given["setup"]]))
    return steps


def rfb(asked: argparse.Namespace, rest: list[str]) -> int:
    """A small RFB 3.8 server on stdin and stdout: no login, one picture of many colours that keys change."""
    if asked.never_ready:
        sys.stderr.write("the display does not answer\n")
        return 1
    try:
        Screen(sys.stdin.buffer, sys.stdout.buffer, asked.machine / "touched").serve()
    except (EOFError, BrokenPipeError):
        return 0
    return 0


def tcp(asked: argparse.Namespace, rest: list[str]) -> int:
    """A port of this machine's loopback, which stands for the desktop's, on stdin and stdout."""
    try:
        link = socket.create_connection(("127.0.0.1", int(rest[0])), timeout=10)
    except OSError:
        sys.stderr.write(f"vdictl-guest: nothing listens at port {rest[0]} inside\n")
        return 1
    link.settimeout(None)

    def up() -> None:
        while data := os.read(0, 65536):
            link.sendall(data)
        link.shutdown(socket.SHUT_WR)

    threading.Thread(target=up, daemon=True).start()
    while data := link.recv(65536):
        os.write(1, data)
    return 0


def share(asked: argparse.Namespace, rest: list[str]) -> int:
    """Make, list or revoke shares; only hashes of their tokens are kept."""
    file, now = asked.machine / "shares.json", time.time()
    kept = [each for each in read(file).get("shares", []) if each["until"] > now]
    if rest == ["add"]:
        wish, token = json.load(sys.stdin), secrets.token_urlsafe(32)
        made = {"id": secrets.token_hex(4), "created": int(now), "until": int(now + wish["seconds"]), "by": wish["by"]}
        write(file, {"shares": [*kept, made | {"hash": hashlib.sha256(token.encode()).hexdigest()}]})
        answer: Any = made | {"token": token}
    elif rest == ["list"]:
        answer = [{name: value for name, value in each.items() if name != "hash"} for each in kept]
    else:
        gone = [each for each in kept if rest == ["revoke", "--all"] or each["id"] in rest[1:]]
        write(file, {"shares": [each for each in kept if each not in gone]})
        answer = [each["id"] for each in gone]
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def ssh_host_key(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print a host key that is no machine's."""
    sys.stdout.write(f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43}\n")
    return 0


def sshd(asked: argparse.Namespace, rest: list[str]) -> int:
    """No SSH server: it greets as one, tells whom it would let in, and ends."""
    sys.stdout.write(f"SSH-2.0-memory\r\n{rest[0]}\n")
    return 0


class Screen:
    """One connection."""

    def __init__(self, source: BinaryIO, target: BinaryIO, touched: Path) -> None:
        self.source, self.target, self.touched = source, target, touched
        self.format = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        self.keys, self.waiting, self.fresh = 0, False, True

    def take(self, length: int) -> bytes:
        data = self.source.read(length)
        if len(data) < length:
            raise EOFError
        return data

    def send(self, data: bytes) -> None:
        self.target.write(data)
        self.target.flush()

    def serve(self) -> None:
        self.send(b"RFB 003.008\n")
        self.take(12)
        self.send(b"\x01\x01")
        if self.take(1) != b"\x01":
            self.send(struct.pack(">II", 1, 7) + b"refused")
            return
        self.send(struct.pack(">I", 0))
        self.take(1)
        name = b"memory desktop"
        self.send(struct.pack(">HH", WIDTH, HEIGHT) + self.format + struct.pack(">I", len(name)) + name)
        while True:
            self.message(self.take(1)[0])

    def message(self, kind: int) -> None:
        if kind == 0:
            self.format = self.take(19)[3:]
            self.fresh = True
        elif kind == 2:
            self.take(4 * struct.unpack(">xH", self.take(3))[0])
        elif kind == 3:
            incremental = self.take(9)[0]
            self.waiting = True
            self.fresh = self.fresh or not incremental
        elif kind == 4:
            self.key(self.take(7)[0])
        elif kind == 5:
            self.take(5)
            self.touched.touch()
        elif kind == 6:
            self.take(abs(struct.unpack(">3xi", self.take(7))[0]))
        else:
            raise EOFError
        if self.waiting and self.fresh:
            self.draw()

    def key(self, down: int) -> None:
        self.keys += down
        self.fresh = self.fresh or bool(down)
        self.touched.touch()

    def draw(self) -> None:
        bits, _, big, _, *rest = struct.unpack(">BBBBHHHBBBxxx", self.format)
        maxima, shifts = rest[:3], rest[3:]
        pixels = bytearray()
        for y in range(HEIGHT):
            for x in range(WIDTH):
                colour = (x * 4, y * 5, (x * y + self.keys * 40) % 256)
                value = sum((c * most // 255) << shift for c, most, shift in zip(colour, maxima, shifts, strict=True))
                pixels += value.to_bytes(bits // 8, "big" if big else "little")
        self.send(struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0) + pixels)
        self.waiting, self.fresh = False, False


def read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def write(file: Path, data: dict[str, Any]) -> None:
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.touch(0o600)
    fresh.write_text(json.dumps(data))
    fresh.replace(file)


if __name__ == "__main__":
    raise SystemExit(main())
