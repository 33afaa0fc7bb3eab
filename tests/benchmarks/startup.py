"""The bare command against a minimal program of the same library: what our own modules cost before any work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Result, home, paired, seconds_of, vdictl

BAR = 1.2
PROGRAM = '''
import typer

app = typer.Typer(add_completion={completion}, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version")) -> None:
    """A minimal program."""
    typer.echo("minimal 1.0")


@app.command()
def create() -> None:
    """A command to complete."""


app(prog_name="minimal")
'''


def run(folder: Path, *, runs: int = 21) -> Iterator[Result]:
    """Version, a usage error, completion."""
    plain = folder / "minimal.py"
    plain.write_text(PROGRAM.format(completion=False))
    completing = folder / "completing.py"
    completing.write_text(PROGRAM.format(completion=True))
    yield _case("`--version`", folder, plain, "--version", runs=runs)
    yield _case("a usage error", folder, plain, "--no-such-option", code=2, runs=runs)
    yield _case("completion of a verb", folder, completing, asks=True, runs=runs)


def _case(what: str, folder: Path, program: Path, *words: str, code: int = 0, asks: bool = False, runs: int) -> Result:
    ours = home(folder, **(_asked("VDICTL") if asks else {}))
    theirs = home(folder, **(_asked("MINIMAL") if asks else {}))
    return paired(
        what,
        "a minimal Typer program",
        lambda: seconds_of(vdictl(*words), ours, code=code),
        lambda: seconds_of([sys.executable, str(program), *words], theirs, code=code),
        bar=BAR,
        runs=runs,
    )


def _asked(name: str) -> dict[str, str]:
    """What a shell sets to ask for words."""
    return {f"_{name}_COMPLETE": "complete_bash", "COMP_WORDS": f"{name.lower()} cr", "COMP_CWORD": "1"}
