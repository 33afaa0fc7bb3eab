"""The way in, and the only place that turns errors into exit codes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import Interrupted, Invalid, VdictlError


def run() -> NoReturn:
    """`vdictl`: run the command line and end the process."""
    signal.signal(signal.SIGINT, _leave)  # while we load there is nothing to tidy up, and nothing worth a traceback
    _open_what_is_closed()
    code = main(sys.argv[1:])
    # Not sys.exit: a provider's thread that hangs in an SDK must not hold the exit.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def _open_what_is_closed() -> None:
    """A standard stream that was closed (`>&-`) leads nowhere: else the next file opened would be taken for it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _leave(*_: object) -> None:
    os._exit(Interrupted.exit_code)


def main(argv: list[str]) -> int:
    """Run one command line; gives the exit code. Every error ends here."""
    if "_VDICTL_COMPLETE" in os.environ:  # a shell asks for words, at every Tab
        from vdictl.cli.completing import answer

        return answer(argv)
    from typer.exceptions import Exit, TyperException  # after the process is up

    from vdictl.cli.app import build

    _survive_the_terminal()
    wishes = Wishes()
    try:
        code = build().main(argv, prog_name="vdictl", standalone_mode=False, obj=wishes)
        sys.stdout.flush()
    except Exit as leave:
        return leave.exit_code
    except TyperException as error:
        if not wishes.output and _asks_for_json(argv):  # the mistake stood before it, so that nobody has read it yet
            wishes.output = "json"
        return _report(_usage(error), wishes)
    except VdictlError as error:
        return _report(error, wishes)
    except KeyboardInterrupt:
        return _report(Interrupted("Interrupted.", advice="What has begun is seen by: vdictl list"), wishes)
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        return _report(_from_os(error), wishes)
    except Exception as error:  # the last net: a bug of ours
        from vdictl.cli.bug import report  # seldom needed

        return report(error, argv, wishes)
    return code if isinstance(code, int) else 0  # a verb's own `typer.Exit` comes back as a number


def _survive_the_terminal() -> None:
    """No locale must not break output; TERM means the same as Ctrl-C, and Ctrl-C is an exception from here on."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(ValueError, OSError):  # not in the main thread, or no such signal here
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def _usage(error: Exception) -> VdictlError:
    """What the option parser found wrong, in our words."""
    show = getattr(error, "format_message", None)
    brief = str(show() if show else error).strip()
    where = getattr(error, "ctx", None)
    path = where.command_path if where is not None else "vdictl"
    if type(error).__name__ == "NoArgsIsHelpError":
        return Invalid(brief)
    return Invalid(ascii(brief)[1:-1] if not brief.isprintable() else brief, advice=f"See: {path} --help")


def _asks_for_json(argv: list[str]) -> bool:
    """Whether the line says so, read without knowing the options of the verb."""
    ours = argv[: argv.index("--")] if "--" in argv else argv
    pairs = zip(ours, [*ours, ""][1:], strict=True)
    return any(
        (word in {"-o", "--output"} and after == "json") or word in {"-ojson", "--output=json"} or word[:6] == "--json"
        for word, after in pairs
    )


def _report(error: VdictlError, wishes: Wishes) -> int:
    from vdictl.cli.reporting import show_error  # only when something is wrong

    with contextlib.suppress(BrokenPipeError, OSError):
        form = wishes.output or os.environ.get("VDICTL_OUTPUT", "")
        show_error(error, as_json=form == "json" or bool(wishes.fields))
    return error.exit_code


def _pipe_closed() -> int:
    """`| head` has seen enough: no trouble, and nothing more to say."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _from_os(error: OSError) -> VdictlError:
    what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    return VdictlError("The operating system refused something.", details=what, advice="See: vdictl doctor")
