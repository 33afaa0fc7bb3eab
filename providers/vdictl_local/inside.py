"""Ways into a desktop: commands through the engine, and what the guest says of itself."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vdictl.contract.errors import NotReady, Unavailable
from vdictl.contract.model import Command, Desktop, Endpoint, Secret
from vdictl.engine.engine import Engine
from vdictl.guest import COMMAND, FLAVORS, PAGE_PORT, USER_UID
from vdictl_local import names
from vdictl_local.errors import PROVIDER, reading
from vdictl_local.world import Holding

_ANSWER_SECONDS = 15.0
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


#: Neither Podman nor Docker passes signals on to what `exec` runs. This variable marks it, so that it can be found.
_RUN = "_VDICTL_RUN"
#: The oldest process with the mark, which leads its session and group. `grep` takes each environment as lines that end
#: with a null character. A signal may come before the process does.
_SIGNAL = f"""
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  first=$(grep -lszx "{_RUN}=$1" /proc/[0-9]*/environ | tr -dc '0-9\\n' | sort -n | head -n 1)
  if [ -n "$first" ]; then
    kill -s "$2" -- "-$first" 2>/dev/null || kill -s "$2" "$first"
    exit
  fi
  sleep 0.1
done
exit 1
"""


def command(engine: Engine, *argv: str) -> Command:
    """An engine's command for somebody else to run, with the environment that this host needs."""
    return Command(argv=(engine.binary, *argv), environment={"PATH": _DEFAULT_PATH, **engine.env})


def run(engine: Engine, desktop: Desktop, argv: Sequence[str], *, tty: bool) -> Command:
    """Run a program as the desktop's user. The guest's own commands need no session around them."""
    flags = ("--interactive", "--tty") if tty else ("--interactive",)
    user = ("--user", str(USER_UID), desktop.id)
    if argv and argv[0] == COMMAND:
        return command(engine, "exec", *flags, *user, *argv)
    token = secrets.token_hex(8)
    mark = ("--env", f"{_RUN}={token}")
    ran = command(engine, "exec", *flags, *mark, *user, COMMAND, "run", "--", *argv)
    return replace(ran, signals=(engine.binary, "exec", *user, "sh", "-c", _SIGNAL, "signal", token))


def tunnel(engine: Engine, desktop: Desktop, endpoint: Endpoint) -> Command:
    """One connection over standard streams."""
    way = "rfb" if endpoint.kind == "vnc" else "page"
    return command(engine, "exec", "--interactive", "--user", str(USER_UID), desktop.id, COMMAND, way)


def logs(engine: Engine, desktop: Desktop, *, follow: bool, tail: int | None) -> Command:
    """What its process 1 wrote."""
    flags = (("--follow",) if follow else ()) + (("--tail", str(tail)) if tail is not None else ())
    return command(engine, "logs", *flags, desktop.id)


def endpoints(engine: Engine, holding: Holding) -> list[Endpoint]:
    """The page by its port (or through the engine), and VNC through the engine; the secrets come from inside."""
    container = holding.container
    if container is None or container.state != "running":
        state = container.state if container else "not made yet"
        raise NotReady(f"{holding.who.name} does not run: its container is {state}.", provider=PROVIDER)
    access = ask(engine, container.id, "access")
    flavor = FLAVORS.get(container.labels.get("vdictl.image", ""))
    port = container.ports.get(PAGE_PORT, 0)
    direct = container.labels.get(names.NETWORK) != "none" and port != 0 and not engine.traits.remote
    primary = flavor.endpoint if flavor else "vnc"
    found = [
        Endpoint(
            kind="http",
            host="127.0.0.1",
            port=port if direct else PAGE_PORT,
            direct=direct,
            primary=primary == "http",
            token=Secret(_text(access, "token")),
        )
    ]
    if primary == "vnc":
        password = Secret(_text(access, "password"))
        found.insert(0, Endpoint(kind="vnc", direct=False, primary=True, password=password))
    return found


def idle_seconds(engine: Engine, holding: Holding) -> float | None:
    """Seconds since the last key or pointer event, as the guest measures them."""
    container = holding.container
    if container is None or container.state != "running":
        return None
    idle = ask(engine, container.id, "probe", "--json").get("idle_seconds")
    return float(idle) if isinstance(idle, int | float) else None


def ask(engine: Engine, container: str, *words: str) -> dict[str, Any]:
    """The answer of one of the guest's commands.

    Raises:
        NotReady: it is not up yet. Unavailable: it said something else than JSON.
    """
    with reading():
        done = engine.call(
            "exec", "--user", str(USER_UID), container, COMMAND, *words, timeout=min(engine.timeout, _ANSWER_SECONDS)
        )
    if done.exit_code != 0:
        tail = done.stderr.strip()[-500:]
        raise NotReady("The guest inside is not up yet.", details=tail, provider=PROVIDER)
    try:
        data = json.loads(done.stdout)
    except ValueError as error:
        # Not even a part of the answer may be shown: it may hold the token.
        raise Unavailable("The guest inside said something that is no JSON.", provider=PROVIDER) from error
    if not isinstance(data, dict):
        raise Unavailable("The guest inside answered in another form.", provider=PROVIDER)
    return data


def _text(access: dict[str, Any], name: str) -> str:
    value = access.get(name)
    if not isinstance(value, str) or not value:
        raise NotReady(f"The guest inside has no {name} yet.", provider=PROVIDER)
    return value
