"""The table of verbs: help, completion and "did you mean" read it and import no verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A verb: the section of the help it stands in, and one line of what it does."""

    section: str
    summary: str

    hidden: bool = False


DESKTOPS, INSIDE, KEEP, OFFER, TOOL = (
    "Desktops",
    "Work with a desktop",
    "Snapshots and homes",
    "What there is",
    "vdictl itself",
)

VERBS: Mapping[str, Verb] = {
    "create": Verb(DESKTOPS, "Make a desktop, or take up the one that is there."),
    "apply": Verb(DESKTOPS, "Make desktops, or change them, to what a document says."),
    "list": Verb(DESKTOPS, "List desktops on all configured providers."),
    "show": Verb(DESKTOPS, "Show everything known about a desktop."),
    "rename": Verb(DESKTOPS, "Give a desktop another name."),
    "label": Verb(DESKTOPS, "Set labels of desktops, and take labels away."),
    "extend": Verb(DESKTOPS, "Move the end of desktops: that of their mark, and their own timer."),
    "resize": Verb(DESKTOPS, "Give a desktop another size."),
    "adopt": Verb(DESKTOPS, "Take a machine that was made without vdictl."),
    "start": Verb(DESKTOPS, "Start a stopped desktop."),
    "stop": Verb(DESKTOPS, "Stop a desktop; its home and its place stay."),
    "restart": Verb(DESKTOPS, "Stop a desktop and start it again."),
    "destroy": Verb(DESKTOPS, "Take desktops away; homes and snapshots stay unless told."),
    "wait": Verb(DESKTOPS, "Wait until desktops are running, usable, stopped, parked or deleted."),
    "connect": Verb(INSIDE, "Open a desktop: in a browser, a VNC viewer or a shell."),
    "exec": Verb(INSIDE, "Run a command inside a desktop."),
    "cp": Verb(INSIDE, "Copy files into a desktop or out of it."),
    "share": Verb(INSIDE, "Let somebody open one desktop who has no keys."),
    "port-forward": Verb(INSIDE, "Reach ports inside a desktop from this machine."),
    "ssh-config": Verb(INSIDE, "Print settings for ssh, scp, rsync and editors over SSH."),
    "ssh-proxy": Verb(INSIDE, "Be one SSH connection to a desktop: what ssh runs.", hidden=True),
    "logs": Verb(INSIDE, "Print what a desktop said while it started and ran."),
    "health": Verb(INSIDE, "Check each step from 'it exists' to 'a person could work'."),
    "screenshot": Verb(INSIDE, "Save a picture of a desktop's screen as PNG."),
    "snapshot": Verb(KEEP, "Create, list, delete, prune, restore and clone snapshots."),
    "volume": Verb(KEEP, "List, create, delete, attach, export and import volumes: homes, which outlive desktops."),
    "plans": Verb(OFFER, "List the sizes on offer."),
    "regions": Verb(OFFER, "List the places where machines can be had."),
    "images": Verb(OFFER, "List, build, prune, save, load and push what desktops are made from."),
    "providers": Verb(OFFER, "List the providers, and what each one can do."),
    "config": Verb(TOOL, "Show settings and where each one comes from."),
    "doctor": Verb(TOOL, "Find out what is wrong on this machine, with a cure for each thing."),
    "gc": Verb(TOOL, "Remove what is expired, half made, or has lost its desktop; also by a timer."),
    "journal": Verb(TOOL, "Tell what was done from this machine, by whom, and what is left to do."),
    "support": Verb(TOOL, "Pack what belongs into a bug report, without secrets."),
    "completion": Verb(TOOL, "Print the script that lets a shell complete verbs, options and names."),
    "help": Verb(TOOL, "Show the help of a verb: the same as VERB --help."),
    "version": Verb(TOOL, "Print the version."),
}
