"""Images of the reference provider: listed, built, removed, saved, loaded, pushed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from vdictl.contract.errors import Invalid
from vdictl.contract.model import Command, Image, Work
from vdictl.testing.memory import convert, offer, steps
from vdictl.testing.memory.base import Basics
from vdictl.testing.memory.errors import border
from vdictl.testing.memory.homes import gone

#: An archive is a tar with one empty file, called as the image.
_SAVE: Final = 'mkdir -p "$1" && cd "$1" && : >"$2" && exec tar -c -f - "$2"'
_LOAD: Final = 'names=$(tar -t -f -) || exit; for name in $names; do echo "Loaded image: $name"; done'
_PUSH: Final = 'mkdir -p "$1" && echo "$2" >"$1/$(echo "$3" | tr / _)"'
_REFERENCE: Final = re.compile(r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9._-]+)?")


class Images(Basics):
    """What desktops are made from."""

    def images(self) -> Iterable[Image]:
        """See `SupportsImages`."""
        with border():
            used = {raw["image"] for raw, _ in self._machines(all_fleets=True)}
            used |= {raw["image"] for raw in steps.snapshots(self.api)}
            return [convert.image(raw, used=raw["id"] in used) for raw in self.api.images()]

    def image_build(self, name: str, *, packages: Sequence[str] = (), retry: bool = False) -> Work:
        """See `SupportsImages`."""
        if name not in offer.NAMES:
            raise Invalid(f"There is no image {name!a}.", details="There are " + ", ".join(sorted(offer.NAMES)) + ".")
        with border():
            return convert.work(self.api.build_image(convert.derived(name, packages), again=retry))

    def image_delete(self, image: Image) -> None:
        """See `SupportsImages`."""
        gone(lambda: self.api.delete_image(image.id))

    def image_save(self, image: Image) -> Command:
        """See `SupportsImageTransfer`."""
        return self._shell(_SAVE, "saved", image.id)

    def image_load(self) -> Command:
        """See `SupportsImageTransfer`."""
        return Command(argv=("sh", "-c", _LOAD))

    def image_loaded(self, said: str) -> Sequence[Image]:
        """See `SupportsImageTransfer`."""
        told = re.findall(r"^Loaded image: (\S+)$", said, re.MULTILINE)
        ours = [name for name in told if name.partition("-")[0] in offer.NAMES]
        if not ours:
            raise Invalid("No image for desktops is in the archive.", details=f"There is: {', '.join(told)}.")
        with border():
            return [convert.image(self.api.register_image(name)) for name in ours]

    def image_push(self, image: Image, reference: str) -> Command:
        """See `SupportsImageTransfer`. The registry is a folder."""
        if not _REFERENCE.fullmatch(reference):
            raise Invalid(f"{reference[:60]!a} is no reference of an image in a registry.")
        return self._shell(_PUSH, "registry", image.id, reference)

    def _shell(self, script: str, folder: str, *words: str) -> Command:
        return Command(argv=("sh", "-c", script, "sh", str(self.api.cloud.store.root() / folder), *words))
