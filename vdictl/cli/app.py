"""The command line as a whole: verbs loaded when chosen, and options that stand before or after the verb alike."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from vdictl.cli import variables
from vdictl.cli.verbs import VERBS
from vdictl.cli.wishes import FORMATS, Wishes
from vdictl.contract.errors import Interrupted


def _global_options() -> list[TyperOption]:
    """Options of every verb. They end in `Wishes`, wherever they stand; the one after the verb wins."""
    texts = {
        "provider": (
            ["-p", "--provider"],
            "Which provider; else the request, then the settings decide. [VDICTL_PROVIDER]",
        ),
        "fleet": (["--fleet"], "Which fleet. [VDICTL_FLEET]"),
        "owner": (["--owner"], "Whose desktops; default: your own. [VDICTL_OWNER]"),
        "profile": (["--profile"], "Which profile of the config. [VDICTL_PROFILE]"),
        "output": (["-o", "--output"], "table, json, yaml, csv or name. [VDICTL_OUTPUT]"),
        "fields": (["--json"], "JSON with these fields only: name,state"),
    }
    options = [_global(decls, name, help=text, metavar=name.upper()) for name, (decls, text) in texts.items()]
    options.append(_global(["-q", "--quiet"], "quiet", help="No progress on stderr. [VDICTL_QUIET]", is_flag=True))
    return options


def _global(decls: list[str], name: str, **kwargs: Any) -> TyperOption:
    return TyperOption(param_decls=[name, *decls], expose_value=False, callback=_store, default=None, **kwargs)


def _store(ctx: typer.Context, param: Any, value: Any) -> Any:
    if value is None or ctx.resilient_parsing:
        return value
    if param.name == "output" and value not in FORMATS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(FORMATS)}.", ctx=ctx, param=param)
    if param.name == "fields" and not value.replace(",", "").strip():
        raise typer.BadParameter("it names no field.", ctx=ctx, param=param)
    setattr(ctx.ensure_object(Wishes), param.name, value)
    return value


def _with_globals(command: Any, *path: str) -> Any:
    """Give the command, and all below it, its variables, the global options, and its arguments their usual look."""
    variables.give(command, path)
    for param in command.params:
        if param.param_type_name == "argument":
            # The library writes {name}; everybody else writes NAME, and [NAME] for what may be left out.
            param.make_metavar = partial(_metavar, param)
    command.params += _global_options()
    for below in getattr(command, "commands", {}).values():
        _with_globals(below, *path, below.name)
    return command


def _metavar(param: Any, ctx: Any, *, usage: bool = False) -> str:  # noqa: ARG001 - the library's signature
    text = param.metavar or f"{param.name.rstrip('_').upper()}{'...' if param.nargs != 1 else ''}"
    return f"[{text}]" if usage and not param.required and not text.startswith("[") else text


def _with_example(command: Any, text: str) -> str:
    """Help of a verb that only holds others gets the first example of those below."""
    texts = (sub.help or "" for sub in getattr(command, "commands", {}).values())
    lines = (line.strip() for below in texts for line in below.splitlines())
    example = next((line for line in lines if line.startswith("Example: ")), "")
    return f"{text}\n\n{example}" if example and "Example: " not in text else text


class LazyGroup(TyperGroup):
    """The root: knows all verbs by the table, imports one."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        """All names."""
        return [name for name, verb in VERBS.items() if not verb.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import the verb's module and make its command."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"vdictl.cli.commands.{cmd_name.replace('-', '_')}")
        command = get_command(module.app)
        command.name = cmd_name
        command.help = _with_example(command, command.help or VERBS[cmd_name].summary)
        return _with_globals(command, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the library's, with names near to a mistyped one from the table."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            near = get_close_matches(args[0], VERBS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else " See them all: vdictl --help"
            ctx.fail(f"There is no verb {args[0][:60]!a}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """As the library's, which would swallow Ctrl-C without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.", advice="What has begun is seen by: vdictl list") from None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The verbs first: they are what a newcomer looks for."""
        self.format_commands(ctx, formatter)
        options: Any = TyperCommand.format_options  # those of a group end with its commands
        options(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The verbs by section, from the table."""
        for section in dict.fromkeys(verb.section for verb in VERBS.values()):
            rows = [(n, v.summary) for n, v in VERBS.items() if v.section == section and not v.hidden]
            with formatter.section(section):
                formatter.write_dl(rows)


def verb_app(**kwargs: Any) -> typer.Typer:
    """A Typer for one verb's module: plain help, no completion options of its own."""
    kwargs.setdefault("rich_markup_mode", None)
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **kwargs)


def _version(ctx: typer.Context, param: Any, value: bool | None) -> None:  # noqa: ARG001 - the library's signature
    if value and not ctx.resilient_parsing:
        from vdictl import __version__  # one line for one option

        typer.echo(f"vdictl {__version__}")
        raise typer.Exit


HELP = """Virtual desktops on any cloud: one command gives a working desktop, one takes it away.

  vdictl create          a desktop on this machine, and the URL that opens it
  vdictl connect         open it again
  vdictl destroy         take it away; the home stays

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a bug, 4 not found, 5 login refused, 6 not possible there,
7 partly done, 8 timed out, 9 conflict, 10 quota, 130 interrupted.

Help of one verb, with an example: vdictl help VERB, or vdictl VERB --help

Every option has a variable: VDICTL_CREATE_TTL is --ttl of create. An option wins over its variable.
"""


def build() -> LazyGroup:
    """The whole command line."""
    version = TyperOption(
        param_decls=["version", "--version"],
        help="Print the version.",
        expose_value=False,
        callback=_version,
        is_flag=True,
        is_eager=True,
        default=None,
    )
    params: Any = [version, *_global_options()]
    for param in params:
        if param.name in {"provider", "quiet", "fields"}:  # what the settings do not read themselves
            param.envvar, param.show_envvar = variables.variable((), param.opts[-1]), False
    return LazyGroup(
        name="vdictl",
        help=HELP.replace("\n  ", "\n\b\n  ", 1),
        params=params,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
