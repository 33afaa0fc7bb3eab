"""Open a desktop for a person: its page in a browser, its screen in a VNC viewer, or a shell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vdictl.cli.run import Run
from vdictl.cli.through import run_through
from vdictl.connect import masking, redirect, viewers
from vdictl.connect.des import password_file
from vdictl.connect.tunnel import HOST, Tunnel
from vdictl.connect.viewers import NoViewer, Viewer
from vdictl.contract.capabilities import SupportsExec
from vdictl.contract.model import Endpoint, Secret
from vdictl.core import doors
from vdictl.core.inventory import Found

#: A login shell of the user's; bash where there is one.
SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l")


@dataclass(frozen=True)
class Reached:
    """An endpoint at an address of this machine, and the tunnel that leads there, if one had to be made."""

    endpoint: Endpoint
    host: str
    port: int
    tunnel: Tunnel | None


@contextmanager
def reach(run: Run, found: Found, *kinds: str, port: int = 0) -> Iterator[Reached]:
    """Reach the endpoint of the first of these kinds that it has, while the block lasts.

    Raises:
        Unsupported: there is none, or no way to it. NotReady: the desktop does not run. Conflict: the port is taken.
    """
    way = doors.door(found.at, found.desktop, *kinds)
    if way.tunnel is None:
        yield Reached(way.endpoint, way.endpoint.host, way.endpoint.port, None)
        return
    with Tunnel(way.tunnel, port=port, trouble=run.context.progress.warn) as tunnel:
        yield Reached(way.endpoint, HOST, tunnel.port, tunnel)


def screen(run: Run, found: Found, *, only_print: bool, port: int = 0) -> None:
    """Open the page in a browser; where a desktop has no page, its screen in a viewer."""
    with reach(run, found, "http", "vnc", port=port) as reached:
        (_page if reached.endpoint.kind == "http" else _vnc)(run, found, reached, only_print=only_print)


def vnc(run: Run, found: Found, *, only_print: bool, port: int = 0) -> None:
    """Show the screen in a native viewer."""
    with reach(run, found, "vnc", port=port) as reached:
        _vnc(run, found, reached, only_print=only_print)


def _page(run: Run, found: Found, reached: Reached, *, only_print: bool) -> None:
    """In a browser; or print its link where that cannot be or is not wanted."""
    url = redirect.page_url(reached.endpoint, host=reached.host, port=reached.port)
    link(run, found.desktop.name, url, reached.endpoint.token, only_print=only_print)
    _hold(run, reached)


def link(run: Run, name: str, url: Secret, token: Secret | None, *, only_print: bool) -> None:
    """Open the link in a browser; or print it where that cannot be or is not wanted."""
    if only_print or not _browse(run, name, url):
        print_link(run, name, url, *([token] if token else []))


def _browse(run: Run, name: str, url: Secret) -> bool:
    environment = run.context.environment
    folder = redirect.private_folder(environment, run.context.state_dir)
    # Found first: a redirect file for nobody would lie about.
    looked = viewers.find_browser(folder / "page.html", environment)
    if isinstance(looked, NoViewer):
        run.say(f"{looked.reason} Here is the link:")
        return False
    viewer = viewers.find_browser(redirect.write(url, folder), environment)
    failed = viewers.launch(viewer) if isinstance(viewer, Viewer) else viewer.reason
    if failed:
        run.say(f"{failed} Here is the link:")
        return False
    run.say(f"{name} opens in {looked.name}.")
    run.output.words({"name": name, "opened": looked.name, "url": None}, [])
    return True


def print_link(run: Run, name: str, url: Secret, *secrets: Secret) -> None:
    """The link on stdout, hidden from the log of a CI job where that has a way."""
    hide(run, url, *secrets)
    run.output.words({"name": name, "opened": None, "url": url.reveal()}, [url.reveal()])
    sys.stdout.flush()


def hide(run: Run, *secrets: Secret) -> None:
    """Before secrets are printed: let the CI system mask them, or say that it cannot."""
    mask = masking.masking(run.context.environment, *secrets)
    sys.stderr.write("".join(f"{line}\n" for line in mask.lines))
    sys.stderr.flush()
    if mask.note:
        run.context.progress.warn(mask.note)


def _hold(run: Run, reached: Reached) -> None:
    """A tunnel lives as long as we do."""
    if reached.tunnel is None:
        return
    with until_ctrl_c(run):
        run.say("It is reached through a tunnel, which stays open until Ctrl-C.")
    run.say("The tunnel is closed.")


@contextmanager
def until_ctrl_c(run: Run) -> Iterator[None]:
    """Say what there is in the block, then wait: what works goes on in threads. Ctrl-C counts in the block too."""
    try:
        yield
        while True:
            run.context.clock.sleep(3600)
    except KeyboardInterrupt:
        return


def _vnc(run: Run, found: Found, reached: Reached, *, only_print: bool) -> None:
    """In a native viewer until it is closed; or print where one can connect."""
    viewer: viewers.Found = NoViewer(reason="") if only_print else _viewer(run, reached)
    if isinstance(viewer, Viewer):
        if _watch(run, found, viewer, reached.endpoint.password):
            return
    elif viewer.reason:
        run.say(f"{viewer.reason} Connect one of your own:")
    password = reached.endpoint.password
    login = f":{quote(password.reveal(), safe='')}@" if password else ""
    print_link(
        run,
        found.desktop.name,
        Secret(f"vnc://{login}{reached.host}:{reached.port}"),
        *([password] if password else []),
    )
    _hold(run, reached)


def _watch(run: Run, found: Found, viewer: Viewer, password: Secret | None) -> bool:
    """Until the viewer is closed. False: it could not show the desktop."""
    if viewer.asks and password:
        hide(run, password)
        run.tell(f"{viewer.name} asks for the password: {password.reveal()}")
    run.say(f"{found.desktop.name} opens in {viewer.name}; close its window, or press Ctrl-C, to end.")
    try:
        code, said = viewers.run(viewer)
    except KeyboardInterrupt:
        return True
    if code:
        run.context.progress.warn(f"{viewer.name} ended with {code}. {said}".strip())
    return code == 0


def _viewer(run: Run, reached: Reached) -> viewers.Found:
    """The viewer, with a password file that goes away by itself."""
    environment, password = run.context.environment, reached.endpoint.password
    found = viewers.find_vnc_viewer(reached.host, reached.port, None, environment)
    if isinstance(found, NoViewer) or password is None:
        return found
    folder = redirect.private_folder(environment, run.context.state_dir)
    file = _write_password(password, folder)
    return viewers.find_vnc_viewer(reached.host, reached.port, file, environment)


def _write_password(password: Secret, folder: Path) -> Path:
    import secrets  # only here

    file = folder / f"vnc-{secrets.token_hex(8)}"
    redirect.private_file(file, password_file(password))
    redirect.forget_later(file, keep=60.0)
    return file


def shell(found: Found) -> int:
    """A shell inside, on our own streams; gives its exit code."""
    able = found.at.need(SupportsExec, to="open shells")
    tty = sys.stdin.isatty() and sys.stdout.isatty()
    return run_through(able.exec(found.desktop, SHELL, tty=tty), tty=tty)
