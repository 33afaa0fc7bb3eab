"""One run of vdictl: its settings, its clock, whom it acts for, and the providers it has opened."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vdictl.contract.errors import VdictlError
from vdictl.contract.mark import OWNER, check_name
from vdictl.contract.provider import Settings
from vdictl.core import paths
from vdictl.core.bucket import Bucket
from vdictl.core.clock import Clock, SystemClock
from vdictl.core.config import Config
from vdictl.core.journal import Journal
from vdictl.core.lexicon import Lexicon, file_for
from vdictl.core.progress import Progress, Silent
from vdictl.core.registry import Opened, Registry

CALL_SECONDS = 60.0  #: the time limit of one call to a provider


@dataclass
class Context:
    """What every verb needs. Make it with `build`."""

    config: Config
    registry: Registry
    clock: Clock
    progress: Progress
    journal: Journal
    lexicon: Lexicon
    owner: str
    fleet: str
    state_dir: Path
    environment: Mapping[str, str]
    every_fleet: bool = False  #: providers that are opened from now on see all fleets
    _open: dict[str, Opened] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        environment: Mapping[str, str],
        *,
        profile: str = "",
        owner: str = "",
        fleet: str = "",
        clock: Clock | None = None,
        progress: Progress | None = None,
    ) -> Context:
        """Read the config and settle who acts, on which fleet.

        Raises:
            Invalid: owner or fleet cannot be a name, or the config is wrong.
        """
        config = Config.load(environment, profile=profile)
        clock = clock or SystemClock()
        owner = check_name("owner", owner or config.text("owner") or usual_owner(environment), OWNER)
        fleet = check_name("fleet", fleet or config.text("fleet"), OWNER)
        state = paths.state_dir(environment)
        return cls(
            config=config,
            registry=Registry(config.packages()),
            clock=clock,
            progress=progress or Silent(),
            journal=Journal(state, clock=clock, owner=owner, by=usual_owner(environment), fleet=fleet),
            lexicon=Lexicon(file_for(state, fleet, config.profile), usual=usual_owner(environment)),
            owner=owner,
            fleet=fleet,
            state_dir=state,
            environment=environment,
        )

    def open(self, name: str) -> Opened:
        """The provider, opened once a run.

        Raises:
            Invalid: there is none of this name. NotConfigured: it lacks settings or is not installed.
        """
        if name not in self._open:
            manifest = self.registry.manifest(name)
            values, secrets = self.config.provider_settings(manifest)
            settings = Settings(
                values=values,
                secrets=secrets,
                fleet=None if self.every_fleet else self.fleet,
                state_dir=self.state_dir / name,
                environment=self.environment,
                throttle=self._throttle(manifest.requests_per_second),
            )
            provider = self.registry.open(name, settings, timeout=CALL_SECONDS)
            self._open[name] = Opened(name, manifest, provider, self.registry)
        return self._open[name]

    def close(self) -> None:
        """Let all providers go. Trouble while closing is no trouble of the user's."""
        while self._open:
            try:
                self._open.popitem()[1].provider.close()
            except VdictlError:
                continue

    def _throttle(self, rate: float | None) -> Callable[[], None]:
        return Bucket(rate, clock=self.clock).take if rate else lambda: None


def in_ci(environment: Mapping[str, str]) -> bool:
    """Whether a CI job runs us: all the usual ones set `CI`."""
    return environment.get("CI", "").lower() not in {"", "0", "false"}


def usual_owner(environment: Mapping[str, str]) -> str:
    """The owner when nobody says: 'ci' in a CI job, else the login name made fit for a mark."""
    if in_ci(environment):
        return "ci"
    try:
        login = next((environment[v] for v in ("LOGNAME", "USER", "USERNAME") if environment.get(v)), "")
        login = login or getpass.getuser()
    except (KeyError, OSError, ImportError):
        login = "user"
    return re.sub(r"[^a-z0-9.]+", "-", login.lower()).strip("-.")[:40].strip("-.") or "user"
