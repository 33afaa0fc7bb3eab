"""Every option has a variable of the environment: VDICTL_CREATE_TTL is `create --ttl`, VDICTL_QUIET is `--quiet`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from vdictl.contract.errors import Invalid

if TYPE_CHECKING:
    from vdictl.core.settings import Explained


_SECRET = frozenset({"env"})  #: options whose value may hold a secret


def variable(path: Sequence[str], option: str) -> str:
    """The variable of an option of a command: ("snapshot", "create"), "--timeout" -> VDICTL_SNAPSHOT_CREATE_TIMEOUT."""
    return "_".join(("vdictl", *path, option.lstrip("-"))).replace("-", "_").upper()


def give(command: Any, path: Sequence[str]) -> None:
    """Let each option of the command listen to its variable; those of commands below are not touched."""
    for param in command.params:
        long = next((word for word in param.opts if word.startswith("--")), None)
        if long and param.param_type_name == "option" and not param.is_eager:
            param.envvar, param.show_envvar = variable(path, long), False


def explain(name: str, environment: Mapping[str, str]) -> Explained:
    """The option that listens to this variable, as a setting.

    Raises:
        Invalid: none does; a near one is named.
    """
    from vdictl.core.settings import Explained  # only to explain one

    known = dict(_all())
    if name not in known:
        near = get_close_matches(name, known, n=1)
        advice = f"Did you mean {near[0]}?" if near else "VDICTL_CREATE_TTL is --ttl of create, and so on for all."
        raise Invalid(f"No option listens to {name[:60]!a}.", advice=advice)
    words, option = known[name]
    value = environment.get(name, "")
    return Explained(
        name=words,
        value="***" if value and option.name in _SECRET else value,
        origin=f"variable {name}" if value else "default",
        summary=" ".join((option.help or "").split()),
        variables=(name,),
    )


def _all() -> Iterator[tuple[str, tuple[str, Any]]]:
    """Variable -> the words of the command with the option, and the option. Imports every verb."""
    from vdictl.cli.app import build
    from vdictl.cli.verbs import VERBS

    def below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, Any]]]:
        for param in command.params:
            if param.envvar:
                yield param.envvar, (" ".join((*path, param.opts[0])), param)
        for name, sub in getattr(command, "commands", {}).items():
            yield from below(sub, (*path, name))

    root = build()
    yield from below(root, ())
    for verb in VERBS:
        yield from below(root.get_command(None, verb), (verb,))
