"""The reference provider: a cloud in memory (or in one file), with all its faults at hand. For tests only."""

from __future__ import annotations

from vdictl.contract.provider import Manifest, Setting

MANIFEST = Manifest(
    name="memory",
    title="Memory",
    summary="A cloud in memory, for tests: it makes nothing real.",
    entry="vdictl.testing.memory.provider:MemoryProvider",
    capabilities=frozenset(
        {
            "SupportsAdopt",
            "SupportsPower",
            "SupportsSnapshots",
            "SupportsVolumes",
            "SupportsAttach",
            "SupportsTransfer",
            "SupportsCatalogue",
            "SupportsImages",
            "SupportsImageTransfer",
            "SupportsExec",
            "SupportsTunnel",
            "SupportsLogs",
            "SupportsActivity",
            "SupportsMark",
            "SupportsResize",
            "SupportsStrays",
        }
    ),
    settings=(
        Setting(name="state", summary="file that keeps the cloud between runs; without it, it lives in this process"),
        Setting(name="cloud", summary="name of the cloud within this process", default="default"),
        Setting(name="token", summary="the account's token", secret=True),
        Setting(name="latency", summary="seconds that every call takes", default="0"),
        Setting(name="boot", summary="seconds from start to running", default="0.2"),
        Setting(name="task", summary="seconds that a stop, a copy or a delete takes", default="0.1"),
        Setting(name="build", summary="seconds that the build of an image takes", default="0.5"),
        Setting(name="lag", summary="seconds until lists show a change", default="0"),
        Setting(name="page", summary="objects on one page of a list", default="2"),
        Setting(name="rate", summary="calls a second that the cloud allows", default="0"),
        Setting(name="page_port", summary="port of 127.0.0.1 that is every desktop's page; the test serves it"),
        Setting(name="faults", summary="faults to come: NAME[:CALL[:TIMES[:VALUE]]], with commas between"),
    ),
    timestamp_unit=0.001,
    cheap_check=True,
    guest_timer=True,
    kept_costs=True,
    resize_restarts=True,
)
