"""Process 1 of a desktop: makes what the first start needs, keeps the services, reaps, halts in well under a second."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from . import access, environment, expiry, inputs, places, records, x11
from .services import services
from .settings import Settings
from .supervisor import Supervisor, spawn

_GRACE = 0.6  #: seconds that programs have to end before the container goes down
_TICK = 1.0  #: seconds between two looks at expiry and inputs
_BACKGROUND = 0x1F3A4D


def main() -> int:
    """Run until told to stop or until the desktop's time is over."""
    return Init().run()


def say(text: str) -> None:
    """One line for the container's log. Never a secret."""
    print(f"vdictl-guest: {text}", file=sys.stderr, flush=True)


class Init:
    """The state of process 1."""

    def __init__(self) -> None:
        """Take the signals first: a stop in the first millisecond counts too."""
        self._halt = ""
        self._wake, wake_up = os.pipe()
        for end in (self._wake, wake_up):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.settings = Settings.from_environment()
        self._warned: int | None = None
        self._ready_for_notes = time.monotonic() + 5  # seconds until there is a session to show them
        self._first_boot = 0
        self._released = False
        self._painted = False

    def _stop(self, *_: object) -> None:
        self._halt = self._halt or "stopped"

    def run(self) -> int:
        """Prepare, supervise, halt."""
        prepare(self.settings)
        inputs.settle(self.settings.inputs)
        supervisor = Supervisor(services(self.settings, self._session_may_start), say)
        while not self._halt:
            self._look_at_inputs()
            self._look_at_expiry()
            wait = supervisor.step()
            self._paint()
            self._sleep(min(wait, _TICK))
            for pid, status in reap():
                if not supervisor.ended(pid, status) and pid == self._first_boot:
                    self._first_boot_ended()
        halt(self._halt)
        return 0

    def _sleep(self, seconds: float) -> None:
        if self._halt:
            return
        with suppress(InterruptedError):
            ready, _, _ = select.select([self._wake], [], [], seconds)
            if ready:
                os.read(self._wake, 4096)

    def _session_may_start(self) -> bool:
        return self._released

    def _look_at_inputs(self) -> None:
        if self._first_boot:
            return
        state = inputs.progress(self.settings.inputs).state
        self._released = self._released or state != "waiting"
        if state == "delivered":
            self._first_boot = spawn(["vdictl-guest", "first-boot"], environment.session(self.settings.flavor))

    def _first_boot_ended(self) -> None:
        self._first_boot = 0
        now = inputs.progress(self.settings.inputs)
        if now.state in ("delivered", "running"):  # it was killed, or could not write down how it ended
            now = replace(now, state="failed", detail=f"interrupted{f': {now.step}' if now.step else ''}")
            with suppress(OSError):
                now.keep()
        say(f"first boot: {now.state}")

    def _look_at_expiry(self) -> None:
        expires = expiry.read()
        if expires is None:
            return
        left = expires - time.time()
        if left <= 0:
            say("its time is over: it halts")
            self._halt = self._halt or "expired"
        elif left <= expiry.WARNING_SECONDS and self._warned != expires and time.monotonic() > self._ready_for_notes:
            self._warned = expires
            self._notify(left)

    def _notify(self, left: float) -> None:
        """Tell a person who looks through a native viewer; the page shows it by itself."""
        minutes = max(1, round(left / 60))
        text = f"This desktop stops in {minutes} minute{'s' if minutes > 1 else ''}. Files in your home are kept."
        commands = {
            "xfce": ["notify-send", "-u", "critical", "-a", "vdictl", "Time is nearly over", text],
            "minimal": ["xterm", "-geometry", "70x5-20+20", "-T", "Time is nearly over", "-e", "sh", "-c",
                        'echo; echo " $1"; sleep 60', "sh", text],
        }  # fmt: skip
        say(f"it stops in {round(left)} s")
        with suppress(OSError, KeyError):
            spawn(commands[self.settings.flavor], environment.session(self.settings.flavor))

    def _paint(self) -> None:
        """A colour instead of black until the session paints, or while it waits for its inputs."""
        if self._painted or not places.X_SOCKET.exists():
            return
        with suppress(x11.XError), x11.XConnection(timeout=0.2) as display:
            display.paint_root(_BACKGROUND)
            self._painted = True


def prepare(settings: Settings) -> None:
    """Make what is not there; take away what a sudden end has left. Every step can be done twice."""
    os.umask(0o022)
    for folder, mode in (
        (places.RUN, 0o700),
        (places.runtime_dir(), 0o700),
        (places.STATE, 0o700),
        (places.X_SOCKETS, 0o1777),
        (places.ICE_SOCKETS, 0o1777),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # made by root already
            folder.chmod(mode)
    for stale in (places.X_LOCK, places.X_SOCKET, places.RFB, places.CODE, places.ENDING):
        stale.unlink(missing_ok=True)
    if not places.MACHINE_ID.exists():
        records.write(places.MACHINE_ID, uuid.uuid4().hex.encode() + b"\n", mode=0o644)
    settings.keep()
    made = access.ensure()
    if settings.flavor != "code":
        access.write_vnc_password(made.password)
    expiry.seed()
    prepare_home(places.home(), settings.flavor)


def prepare_home(home: Path, flavor: str) -> None:
    """An empty home gets /etc/skel; in a used one, locks of programs that can't be alive are taken away."""
    os.chdir(home)
    if not any(entry.name != "lost+found" for entry in home.iterdir()):
        shutil.copytree("/etc/skel", home, symlinks=True, dirs_exist_ok=True)
    for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
        # Chromium's lock names a host: after a restore it would ask whether another computer uses the profile.
        (home / ".config/chromium" / name).unlink(missing_ok=True)
    editor = home / ".local/share/code-server/User"
    if flavor == "code" and not editor.exists():
        editor.mkdir(parents=True)
        shutil.copy(places.SHARE / "code-settings.json", editor / "settings.json")


def reap() -> list[tuple[int, int]]:
    """Every child that ended, those too that we inherited."""
    gone: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return gone
        if not pid:
            return gone
        gone.append((pid, status))


def halt(reason: str) -> None:
    """End everything: a moment to save, then the kernel does it when process 1 ends."""
    say(f"halting: {reason}")
    with suppress(OSError):
        records.write(places.ENDING, reason.encode())
    if os.getpid() != 1:  # tried out by hand: -1 would mean every process of this user
        return
    with suppress(OSError):
        os.kill(-1, signal.SIGTERM)
    end = time.monotonic() + _GRACE
    while time.monotonic() < end:
        reap()
        try:
            if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                time.sleep(0.01)
        except ChildProcessError:
            return
