"""`vdictl exec`."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.cli.through import run_through
from vdictl.contract.errors import Invalid
from vdictl.core import doors

app = verb_app()
#: Stands where the name was left out; no desktop is called so.
_THE_ONLY_ONE: Final = "--"


class _Nameless(TyperCommand):
    """A command whose name may be left out before `--`, which the library would not tell from one that is there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the library's, with the name filled in."""
        return super().parse_args(ctx, self._with_name(args))

    def _with_name(self, args: list[str]) -> list[str]:
        options = [param for param in self.params if isinstance(param, typer.core.TyperOption)]
        valued = {word for option in options if not option.is_flag for word in option.opts}
        place = 0
        while place < len(args) and args[place].startswith("-") and args[place] != "--":
            place += 2 if args[place] in valued else 1
        return [*args[:place], "--", _THE_ONLY_ONE, *args[place + 1 :]] if args[place : place + 1] == ["--"] else args


@app.command(cls=_Nameless, context_settings={"allow_interspersed_args": False})
def exec_(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; before -- it may be left out: the only one."),
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND...", help="The command and its own options.")
    ] = None,
    tty: bool | None = typer.Option(
        None, "--tty/--no-tty", "-t/-T", help="With a terminal inside; default: if stdin and stdout are one here."
    ),
) -> None:
    """Run a command inside a desktop, as its user, in its home.

    Example: vdictl exec desktop ls -l

    All that stands after NAME, or after --, belongs to the command; options of vdictl stand before. Who has one desktop
    only writes exec -- ls -l. No shell reads it: for pipes and variables write sh -c '...'. Standard input, the
    terminal, signals and the exit code go through.

    The exit code is the command's own (128 + N where signal N ended it). When vdictl itself fails, it says so on
    stderr in a line that begins with "vdictl:" (with -o json: one JSON object), and ends with its own code, as ssh
    and docker do; where the difference matters, ask first: vdictl wait NAME --for running
    """
    argv = words[1:] if words and words[0] == "--" else list(words or ())
    if not argv:
        raise Invalid("Which command?", advice=f"For a shell: {_for_a_shell(name)}")
    with running(ctx) as run:
        found = one(run, None if name == _THE_ONLY_ONE else name)
        with_tty = sys.stdin.isatty() and sys.stdout.isatty() if tty is None else tty
        command = doors.inside(found.at, found.desktop, argv, tty=with_tty, to="run commands inside desktops")
        code = run_through(command, tty=with_tty)
    raise typer.Exit(code)


def _for_a_shell(name: str | None) -> str:
    called = "" if name in {None, _THE_ONLY_ONE} else f" {ascii(name)[1:-1]}"
    return f"vdictl connect --shell{called}"
