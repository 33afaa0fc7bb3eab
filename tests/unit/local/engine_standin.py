"""A stand-in for the part of Podman and Docker that marks need: volumes in a folder, as a program of its own.

It differs as the two differ: Podman refuses a name that is taken, Docker gives the volume that is there; Podman lists
with labels, Docker by `inspect`. Written after Podman 4.3.1 and Docker 20.10, whose answers it repeats.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vdictl.engine.engine import Engine, Kind, Traits

_PROGRAM = """#!{python} -IS
import json, os, sys
kind, folder, args = {kind!r}, {folder!r}, sys.argv[1:]
now = "2030-01-01T12:00:00Z"
def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)
def row(name):
    try:
        with open(os.path.join(folder, name)) as file:
            return dict(Name=name, CreatedAt=now, Labels=json.load(file))
    except FileNotFoundError:
        fail("Error: no volume with name %r found: no such volume" % name)
def taken(flag):
    return [args[i + 1] for i, word in enumerate(args) if word == flag]
def wanted():
    for name in sorted(os.listdir(folder)):
        labels = row(name)["Labels"]
        for text in [one.removeprefix("label=") for one in taken("--filter")]:
            key, equals, value = text.partition("=")
            if labels.get(key) == value or (not equals and key in labels):
                yield name
if args[0] in ("ps", "container"):
    print("[]" if kind == "podman" else "")
elif args[:2] == ["volume", "create"]:
    name = args[-1]
    try:
        with open(os.path.join(folder, name), "x") as file:
            json.dump(dict(one.split("=", 1) for one in taken("--label")), file)
    except FileExistsError:
        if kind == "podman":
            fail("Error: volume with name %s already exists: volume already exists" % name, 125)
    print(name)
elif args[:2] == ["volume", "ls"]:
    torn = os.path.join(os.path.dirname(folder), "torn")
    left = int(open(torn).read()) if os.path.exists(torn) else 0
    if left:
        open(torn, "w").write(str(left - 1))
        fail("Error: volume x found in database: no such volume", 125)
    names = list(wanted())
    print(json.dumps([row(name) for name in names]) if kind == "podman" else chr(10).join(names))
elif args[:2] == ["volume", "inspect"]:
    print(json.dumps([row(name) for name in args[2:]]))
elif args[:2] == ["volume", "rm"]:
    for name in args[2:]:
        if not os.path.exists(os.path.join(folder, name)):
            fail("Error: no volume with name %r found: no such volume" % name)
        os.unlink(os.path.join(folder, name))
else:
    fail("the stand-in knows no " + " ".join(args))
"""


def engine(folder: Path, kind: Kind) -> Engine:
    """An engine of this kind whose volumes are files in `folder`/volumes."""
    (folder / "volumes").mkdir()
    program = folder / kind
    program.write_text(_PROGRAM.format(python=sys.executable, kind=kind, folder=str(folder / "volumes")))
    program.chmod(0o755)
    return Engine(kind, str(program), {}, 20.0, Traits(version="stand-in"))


def tear(folder: Path, times: int) -> None:
    """The next lists of volumes fail, as Podman's do where one is removed while they are read."""
    (folder / "torn").write_text(str(times))


def volumes(folder: Path) -> list[str]:
    """The volumes that are there."""
    return sorted(one.name for one in (folder / "volumes").iterdir())
