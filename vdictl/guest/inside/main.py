"""The verbs of `vdictl-guest`. Each is imported when it is asked for: `rfb` has to be there in a blink."""

from __future__ import annotations

import os
import sys

USAGE = """usage: vdictl-guest VERB
  init                process 1
  serve               the page server (started by init)
  first-boot          the delivered work (started by init)
  probe               is it well? one JSON object
  access              token and password, as JSON (secret)
  rfb, page           standard input and output <-> VNC, the page
  receive             takes one delivery as JSON on standard input
  expire TIME|never   when it halts by itself, in seconds since 1970
  run [-- COMMAND]    in the environment of the session; a login shell without COMMAND
"""


def main(args: list[str]) -> int:
    """Do one verb; its exit code."""
    verb, rest = (args[0], args[1:]) if args else ("", [])
    if verb == "rfb":
        from .bridge import rfb

        return rfb()
    if verb == "page":
        from .bridge import page

        return page()
    task = {
        "init": _init,
        "serve": _serve,
        "first-boot": _first_boot,
        "probe": _probe,
        "access": _access,
        "receive": _receive,
    }.get(verb)
    if task is not None and (not rest or rest == ["--json"]):
        return task()
    if verb == "expire" and len(rest) == 1:
        return _expire(rest[0])
    if verb == "run":
        return _run(rest[1:] if rest[:1] == ["--"] else rest)
    sys.stderr.write(USAGE)
    return 2


def _init() -> int:
    from . import init

    return init.main()


def _serve() -> int:
    sys.path.append("/usr/lib/python3/dist-packages")  # the entry program runs without `site`
    from . import serve

    return serve.main()


def _first_boot() -> int:
    from . import firstboot

    return firstboot.main()


def _probe() -> int:
    import json

    from .probe import probe

    print(json.dumps(probe()))
    return 0


def _access() -> int:
    from . import places

    try:
        text = places.ACCESS.read_text()
    except OSError as error:
        print(f"vdictl-guest: no access yet: {error.strerror}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


def _receive() -> int:
    import json

    from . import inputs
    from .settings import Settings

    data = sys.stdin.buffer.read(inputs.LIMIT + 1)
    try:
        if len(data) > inputs.LIMIT:
            raise inputs.Refused(f"a delivery has at most {inputs.LIMIT} bytes", 2)
        now = inputs.receive(data, Settings.load().inputs)
    except inputs.Refused as refusal:
        print(f"vdictl-guest: {refusal}", file=sys.stderr)
        return refusal.code
    print(json.dumps(inputs.report(now)))
    return 0


def _expire(text: str) -> int:
    from . import expiry

    try:
        expiry.write(expiry.parse(text))
    except ValueError as error:
        print(f"vdictl-guest: {error}", file=sys.stderr)
        return 2
    return 0


def _run(command: list[str]) -> int:
    from . import environment, places
    from .settings import Settings

    env = environment.session(Settings.load().flavor)
    os.chdir(places.home())
    command = command or [env["SHELL"], "-l"]
    try:
        os.execvpe(command[0], command, env)  # noqa: S606
    except FileNotFoundError:
        print(f"vdictl-guest: no such command: {command[0]}", file=sys.stderr)
        return 127
    except OSError as error:
        print(f"vdictl-guest: {command[0]}: {error.strerror}", file=sys.stderr)
        return 126
