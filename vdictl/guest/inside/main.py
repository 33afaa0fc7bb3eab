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
  rfb, page, tcp PORT standard input and output <-> VNC, the page, a port of the loopback
  share add           makes a share from JSON on standard input; JSON with its token (secret)
  share list          the shares that hold, as JSON
  share revoke ID...|--all
  ssh-host-key        the public host key; made on first use
  sshd PUBLIC-KEY     one SSH connection on standard input and output, for this key
  ssh-session         what such a login runs (started by sshd)
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
    if verb == "tcp" and len(rest) == 1:
        from .bridge import tcp

        return tcp(rest[0])
    task = {
        "init": _init,
        "serve": _serve,
        "first-boot": _first_boot,
        "probe": _probe,
        "access": _access,
        "receive": _receive,
        "ssh-host-key": _ssh_host_key,
        "ssh-session": _ssh_session,
    }.get(verb)
    if task is not None and (not rest or rest == ["--json"]):
        return task()
    if verb == "expire" and len(rest) == 1:
        return _expire(rest[0])
    if verb == "share" and rest:
        return _share(rest[0], rest[1:])
    if verb == "sshd" and len(rest) == 1:
        return _sshd(rest[0])
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


def _share(verb: str, rest: list[str]) -> int:
    import json

    from . import shares
    from .settings import Settings

    if verb == "add" and not rest:
        try:
            asked = json.loads(sys.stdin.buffer.read(4096))
            made = shares.add(Settings.load().key, float(asked["seconds"]), str(asked.get("by", "")))
        except (ValueError, TypeError, KeyError, AttributeError, shares.Refused) as error:
            why = error if isinstance(error, shares.Refused) else "not a wish for a share"
            print(f"vdictl-guest: {why}", file=sys.stderr)
            return 2
        print(json.dumps(made))
        return 0
    if verb == "list" and not rest:
        print(json.dumps([share.facts for share in shares.valid()]))
        return 0
    if verb == "revoke" and rest:
        print(json.dumps(shares.revoke(None if rest == ["--all"] else set(rest))))
        return 0
    sys.stderr.write(USAGE)
    return 2


def _ssh_host_key() -> int:
    from .sshd import host_key

    print(host_key())
    return 0


def _ssh_session() -> int:
    from .sshd import session

    session()


def _sshd(key: str) -> int:
    from .sshd import Refused, serve

    try:
        serve(key)
    except Refused as refusal:
        print(f"vdictl-guest: {refusal}", file=sys.stderr)
        return 2


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
