"""`vdictl journal`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import seconds
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Output, Record
from vdictl.cli.reporting import printable
from vdictl.cli.run import Run, running
from vdictl.cli.wishes import Wishes
from vdictl.core import chronicle, outlook, paths
from vdictl.core.chronicle import Chronicle, Event, Story
from vdictl.core.journal import files
from vdictl.core.outlook import Outlook

app = verb_app(invoke_without_command=True)

_SINCE = typer.Option(metavar="TIME", help="Only the last so long: 2h.")
_DESKTOP = typer.Option(metavar="NAME", help="Only of this desktop, by the name it had then.")
_OPERATION = typer.Option(metavar="OPERATION", help="Only of this operation, or the beginning of its name.")


@app.callback()
def journal(ctx: typer.Context) -> None:
    """Tell what was done from this machine, by whom, and what is left to do; alone, it lists everything.

    Example: vdictl journal list --since 2h

    The journal only explains the past: deleting it loses nothing. It holds no secret.
    """
    if ctx.invoked_subcommand is None:
        list_(ctx, since=None, desktop="", operation="")


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    since: Annotated[str | None, _SINCE] = None,
    desktop: Annotated[str, _DESKTOP] = "",
    operation: Annotated[str, _OPERATION] = "",
) -> None:
    """List what was noted, oldest first.

    Example: vdictl journal list --desktop web -o json
    """
    with running(ctx) as run:
        told = _read(run)
        ago = timedelta(seconds=seconds(since, option="--since")) if since else None
        begin = run.context.clock.now() - ago if ago else None
        events = told.only(since=begin, desktop=desktop, operation=operation, provider=run.provider)
        run.output.many([records.of(event) for event in events], COLUMNS, empty="Nothing was noted.")


@app.command()
def show(ctx: typer.Context, operation: str = typer.Argument("", help="Its name; default: the latest.")) -> None:
    """Explain one operation: what was done, by whom, when, and what is left to do.

    Example: vdictl journal show

    Of its name the first four characters will do. The provider is asked how the desktop is now; where it does not
    answer, the journal alone is told, and that is said.
    """
    with running(ctx) as run:
        story = _read(run).story(operation)
        seen = outlook.look(run.context, story)
        if run.output.is_data:
            run.output.one(_record(story, seen), [])
        else:
            typer.echo("\n".join(printable(line) for line in _sentences(story, seen)))


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the journal is, or would be.

    Example: tail -f "$(vdictl journal path)"
    """
    wishes = ctx.ensure_object(Wishes)  # no run: the way to the file must be told also when the config is broken
    file = files(paths.state_dir(os.environ))[0]
    output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
    if output.is_data and output.form != "name":
        output.one({"name": str(file), "exists": file.exists()}, [])
    else:
        typer.echo(str(file))


def _read(run: Run) -> Chronicle:
    told = chronicle.read(run.context.state_dir)
    if told.skipped:
        run.context.progress.warn(f"Lines of the journal that are no events, and were skipped: {told.skipped}.")
    return told


# -- the story, in words and as a record ------------------------------------------------------------------------------

_TITLES = {
    "image-build": "The build of the image {0}",
    "snapshot-delete": "The deletion of a snapshot of {0}",
    "volume-create": "The creation of the volume {0}",
    "volume-delete": "The deletion of the volume {0}",
    "stray-delete": "The deletion of {0}, which had lost its desktop",
}
_ENDS = {
    "done": "it was done",
    "begun": "its first step was done; nobody waited for the rest",
    "joined": "somebody else's create of this name was quicker, and was joined",
    "timed-out": "the time limit was reached; the work may have gone on",
    "interrupted": "it was interrupted",
}
_EVENTS = {
    "again": "the reply was lost, and it was sent once more",
    "resume": "another run went on with it",
    "lost-race": "another create of this name was older: this one was removed",
    "settled": "no step of it remained",
}


def _sentences(story: Story, seen: Outlook) -> Iterator[str]:
    first = story.first
    title = _TITLES.get(first.verb, f"The {first.verb or 'change'} of the desktop {{0}}").format(first.name)
    fleet = f", fleet {first.fleet}" if first.fleet not in ("", "default") else ""
    yield f"{title} at {first.provider}{fleet} (operation {first.operation})."
    if story.begin is None:
        yield "  Its begin is not in this journal: it was on another machine, or long ago."
    for event in story.events:
        yield f"  {_stamp(event.time)}  {_said(event)}"
    if story.end is None:
        yield "  Its end was not noted: it goes on, or its process was killed."
    if seen.silent is not None:
        yield f"{first.provider} could not be asked: {seen.silent.brief}"
    yield seen.left
    for line in seen.advice.splitlines():
        yield f"  -> {line}"


def _said(event: Event) -> str:
    if event.event == "begin":
        whose = f" for {event.owner}" if event.owner != event.by else ""
        return f"{event.by} asked for it{whose} (process {event.pid})"
    if event.event == "end":
        said = _ENDS.get(event.outcome, "it failed")
        return f"{said}: {event.brief} ({event.error})" if event.brief else said
    return event.doing or _EVENTS.get(event.event, event.event)


def _record(story: Story, seen: Outlook) -> dict[str, Any]:
    first, begin, end = story.first, story.begin, story.end
    took = (end.time - begin.time).total_seconds() if begin and end else None
    return {
        "name": first.operation,
        "verb": first.verb,
        "desktop": first.name,
        "key": first.key,
        "provider": first.provider,
        "fleet": first.fleet,
        "owner": first.owner,
        "by": first.by,
        "begun": records.plain(begin.time) if begin else None,
        "ended": records.plain(end.time) if end else None,
        "seconds": took,
        "outcome": end.outcome if end else None,
        "error": (end.error or None) if end else None,
        "asked": seen.asked,
        "silent": seen.silent.brief if seen.silent else None,
        "now": records.of_desktop(seen.desktop) if seen.desktop else None,
        "left": seen.left,
        "advice": seen.advice,
        "events": [records.of(event) for event in story.events],
    }


# -- the list ---------------------------------------------------------------------------------------------------------


def _stamp(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _detail(record: Record) -> str:
    return str(record["doing"] or record["brief"] or record["outcome"])


COLUMNS = (
    Column("TIME (UTC)", lambda r: _stamp(datetime.fromisoformat(r["time"]))),
    Column("OPERATION", lambda r: str(r["operation"])),
    Column("BY", lambda r: str(r["by"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("NAME", lambda r: str(r["name"])),
    Column("VERB", lambda r: str(r["verb"])),
    Column("EVENT", lambda r: str(r["event"])),
    Column("DETAIL", _detail, wraps=True, optional=True),
)
