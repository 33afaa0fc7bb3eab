"""The local provider: desktops in Podman or Docker containers on this machine. Here: what it can, without doing it."""

from vdictl.contract.provider import Manifest, Setting

MANIFEST = Manifest(
    name="local",
    title="This machine",
    summary="Containers on this machine, by Podman or Docker",
    entry="vdictl_local.provider:LocalProvider",
    capabilities=frozenset(
        {
            "SupportsActivity",
            "SupportsAttach",
            "SupportsCatalogue",
            "SupportsDoctor",
            "SupportsExec",
            "SupportsImageTransfer",
            "SupportsImages",
            "SupportsLogs",
            "SupportsMark",
            "SupportsPower",
            "SupportsResize",
            "SupportsSnapshots",
            "SupportsTransfer",
            "SupportsStrays",
            "SupportsTunnel",
            "SupportsVolumes",
        }
    ),
    settings=(
        Setting(
            name="engine",
            summary="podman, docker, or the path of one; else the first that answers, Podman before Docker",
            variables=("VDICTL_ENGINE",),
        ),
    ),
    options={"geometry": "size of the screen, WIDTHxHEIGHT; the page changes it to its window's"},
    extra="local",
    list_lag=0.0,
    timestamp_unit=1.0,  # Docker's volumes tell whole seconds
    cheap_check=True,
    guest_timer=True,
    kept_costs=False,
)
