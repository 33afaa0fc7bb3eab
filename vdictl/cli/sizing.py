"""The options that name a size, for the verbs that take one."""

from __future__ import annotations

from typing import Annotated

import typer

Plan = Annotated[str | None, typer.Option(metavar="PLAN", help="The size by its name; see: vdictl plans")]
Cpus = Annotated[float | None, typer.Option(min=0.1, max=1024, metavar="N", help="At least so many processors.")]
Memory = Annotated[str | None, typer.Option(metavar="SIZE", help="At least so much memory: 8g, 512m.")]
Disk = Annotated[str | None, typer.Option(metavar="SIZE", help="At least so much disk: 40g.")]
