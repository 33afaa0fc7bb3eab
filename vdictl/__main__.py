"""`python -m vdictl`."""

from vdictl.cli.main import run

run()
