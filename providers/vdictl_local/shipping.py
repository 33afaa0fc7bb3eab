"""Images as archives, and into registries: by the engine's own commands, with the engine's own login."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from vdictl.contract.errors import Invalid
from vdictl.contract.model import Command, Image
from vdictl_local import images
from vdictl_local.errors import PROVIDER
from vdictl_local.inside import command
from vdictl_local.tools import Tools

#: HOST[:PORT]/PATH[:TAG]. No user, no password, nothing that could be an option or another transport.
_REFERENCE: Final = re.compile(
    r"(?P<host>[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?(?::[0-9]{1,5})?)"
    r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*){1,10}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
_LOADED: Final = re.compile(r"^Loaded image(?:\(s\)| ID)?: (.+)$", re.MULTILINE)
#: Docker pushes by name only: the name is given for the time of it, unless it is there already.
_TAG_AND_PUSH: Final = """
"$0" image inspect "$2" >/dev/null 2>&1 && there=yes
"$0" tag "$1" "$2" && "$0" push "$2"; code=$?
[ -n "$there" ] || "$0" image rm "$2" >/dev/null 2>&1
exit $code
"""


def save(tools: Tools, image: Image) -> Command:
    """The engine's archive of it."""
    return command(tools.engine, "save", images.reference_of(image))


def load(tools: Tools) -> Command:
    """The engine reads one."""
    return command(tools.engine, "load")


def loaded(tools: Tools, said: str) -> Sequence[Image]:
    """The images among what the engine says it has loaded.

    Raises:
        Invalid: none of them holds our guest.
    """
    names = [name.strip() for told in _LOADED.findall(said) for name in told.split(",")]
    found = [image for name in names if (image := images.described(tools, name)) is not None]
    if not found:
        raise Invalid(
            "No image for desktops is in the archive.",
            details=f"The engine has loaded: {', '.join(names)}." if names else said.strip()[-500:],
            advice=f"Remove what you do not need: {tools.engine.kind} image rm NAME",
            provider=PROVIDER,
        )
    return found


def push(tools: Tools, image: Image, reference: str) -> Command:
    """The engine pushes it.

    Raises:
        Invalid: the reference names no registry, or is none.
    """
    parts = _REFERENCE.fullmatch(reference)
    if parts is None or not (set(".:") & set(parts["host"]) or parts["host"] == "localhost"):
        raise Invalid(
            f"{reference[:60]!a} is no reference of an image in a registry.",
            advice="Write it as registry.example/team/name:tag; a login is the engine's own (podman login).",
            provider=PROVIDER,
        )
    source = images.reference_of(image)
    if tools.engine.kind == "podman":
        return command(tools.engine, "push", source, f"docker://{reference}")
    whole = command(tools.engine)
    return Command(argv=("sh", "-c", _TAG_AND_PUSH, *whole.argv, source, reference), environment=whole.environment)
