"""`vdictl create`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from vdictl.cli import asking
from vdictl.cli.app import verb_app
from vdictl.cli.durations import mebibytes, moment, seconds
from vdictl.cli.making import Order, make, rehearse
from vdictl.cli.run import Run, running
from vdictl.cli.sizing import Cpus, Disk, Memory, Plan
from vdictl.contract.errors import Invalid
from vdictl.contract.mark import check_name
from vdictl.contract.model import DesktopSpec
from vdictl.core.creating import Until
from vdictl.core.inputs import Inputs

app = verb_app()


@app.command()
def create(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Argument(help="Default: the setting default_name.")] = None,
    plan: Plan = None,
    cpus: Cpus = None,
    memory: Memory = None,
    disk: Disk = None,
    gpu: Annotated[int | None, typer.Option(min=1, max=64, metavar="N", help="So many GPUs.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="The provider's image; see: vdictl images list")
    ] = None,
    flavor: Annotated[str | None, typer.Option(metavar="FLAVOR", help="Our image: xfce, minimal, code, ...")] = None,
    from_snapshot: Annotated[
        str | None, typer.Option(metavar="SNAPSHOT", help="A copy of this one: its name, DESKTOP/NAME, or id.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="REGION", help="Where, at a provider with several places.")
    ] = None,
    home: Annotated[
        str | None, typer.Option(metavar="VOLUME|none|ephemeral", help="Default: a volume named as the desktop.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="K[=V]", help="A variable for inside; K alone takes its value from here. Repeatable."),
    ] = None,
    env_file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Variables, a line each; - is stdin. Repeatable.")
    ] = None,
    setup: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A script that runs once inside as the user; - is stdin.")
    ] = None,
    packages: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Debian packages that its image has as well.")
    ] = None,
    git: Annotated[str | None, typer.Option(metavar="URL", help="A repository to clone into the home.")] = None,
    dotfiles: Annotated[str | None, typer.Option(metavar="URL", help="A repository of dotfiles to install.")] = None,
    sudo: Annotated[bool, typer.Option("--sudo", help="A writable system with root inside: less isolation.")] = False,
    ttl: Annotated[str | None, typer.Option(metavar="TIME", help="It expires after so long: 8h.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="It expires then: 2030-01-31T18:00.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A label to find it by. Repeatable.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="An option of the provider's own. Repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until a person could work in it.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return after the first step.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
) -> None:
    """Make a desktop, or take up the one that is there.

    Example: vdictl create web --plan local-2c-4gb --ttl 8h

    The same create again gives the same desktop: started if it was stopped, finished if it is half made. One that is
    there with another spec is a conflict (exit 9). The last line of the output is the URL that opens it; it holds
    the token, so treat it as a password.
    """
    with running(ctx) as run:
        values = asking.variables(env or (), files=env_file or (), environment=run.context.environment, stdin=sys.stdin)
        inputs = Inputs(env=values, setup=asking.script(setup, stdin=sys.stdin) if setup else None)
        called = check_name("desktop", run.context.config.text("default_name") if name is None else name)
        spec = DesktopSpec(
            name=called,
            owner=run.context.owner,
            fleet=run.context.fleet,
            plan=asking.whole(plan, option="--plan"),
            cpus=asking.processors(cpus),
            memory_mib=mebibytes(memory, option="--memory") if memory is not None else None,
            disk_gib=asking.gibibytes(disk, option="--disk") if disk is not None else None,
            gpu=gpu,
            region=asking.whole(region, option="--region"),
            image=asking.whole(image, option="--image"),
            flavor=asking.whole(flavor, option="--flavor"),
            home=asking.home(home),
            sudo=sudo,
            packages=asking.packages(packages or ()),
            git=asking.repository(git, option="--git"),
            dotfiles=asking.repository(dotfiles, option="--dotfiles"),
            inputs=inputs.marks(called),
            expires=_expiry(run, ttl, expires),
            labels=asking.labels(label or ()),
            options=asking.pairs(option or (), option="--option"),
        )
        order = Order(spec=spec, inputs=inputs, snapshot=from_snapshot, until=_until(wait=wait, detach=detach))
        limit = run.timeout(timeout)
        if dry_run:
            rehearse(run, order)
        else:
            make(run, order, timeout=limit)


def _expiry(run: Run, ttl: str | None, expires: str | None) -> datetime | None:
    now = run.context.clock.now()
    if ttl is not None and expires is not None:
        raise Invalid("--ttl and --expires say the same; give one of them.")
    if expires is not None:
        return moment(expires, option="--expires", now=now)
    return now + timedelta(seconds=seconds(ttl, option="--ttl")) if ttl is not None else None


def _until(*, wait: bool, detach: bool) -> Until:
    if detach:
        return Until.BEGUN
    return Until.USABLE if wait else Until.SETTLED
