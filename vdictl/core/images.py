"""Which images there are, which one is meant, and which ones nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vdictl.contract.capabilities import SupportsImages
from vdictl.contract.errors import Conflict, NotFound, VdictlError
from vdictl.contract.model import Image
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.everywhere import ask
from vdictl.core.fanout import require_all
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token

_ANSWER = 60.0  #: seconds for one look


@dataclass(frozen=True)
class Stocked:
    """An image and the provider that has it."""

    at: Opened
    image: Image


@dataclass(frozen=True)
class Stock:
    """The images that were found, and which providers could not be asked."""

    found: Sequence[Stocked]
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)

    def superfluous(self, *, everything: bool = False) -> list[Stocked]:
        """Those that are there and that nothing needs: not the flavors of this version, unless `everything`.

        In an order in which they can go: what was made from another one before that one.
        """
        kinds = ("snapshot", "custom", *(("flavor",) if everything else ()))
        able = [one for one in self.found if one.image.ready and one.image.used is False and one.image.kind in kinds]
        return sorted(able, key=lambda one: kinds.index(one.image.kind))


def stock(context: Context, only: str = "") -> Stock:
    """All images, of all configured providers or of that one.

    Raises:
        Unsupported: the provider `only` has none. What a single named provider raises.
    """
    told = ask(context, only, SupportsImages, lambda able: able.images(), to="list images")
    context.lexicon.keep("image", {name: [("", i.name) for i in images] for name, images in told.given.items()})
    found = [Stocked(context.open(name), image) for name, images in told.given.items() for image in images]
    return Stock(found, told.failures)


def find(context: Context, at: Opened, name: str) -> Image:
    """The image of this name or id that is there.

    Raises:
        NotFound: there is none. Conflict: it is not built yet.
    """
    able = at.need(SupportsImages, to="list images")
    images = again(lambda: list(able.images()), clock=context.clock, deadline=Deadline(context.clock, _ANSWER))
    meant = next((one for one in images if name in (one.id, one.name)), None)
    if meant is None:
        raise NotFound(
            f"There is no image called {name[:100]!a}.", advice="See all: vdictl images list", provider=at.name
        )
    if not meant.ready:
        advice = f"Build it first: vdictl images build {meant.name}"
        raise Conflict(f"The image {meant.name} is not built yet.", advice=advice, provider=at.name)
    return meant


def delete(context: Context, stocked: Stocked) -> None:
    """Remove it; already gone is success. Conflict while something needs it."""
    able, image = stocked.at.need(SupportsImages, to="delete images"), stocked.image
    told = {"token": new_token(), "key": "", "name": image.name, "provider": stocked.at.name}
    with context.journal.operation("image-delete", **told):
        again_with_token(
            lambda: able.image_delete(image), clock=context.clock, deadline=Deadline(context.clock, _ANSWER)
        )


def total(stocked: Iterable[Stocked]) -> int:
    """What they take together, where it is known; layers that they share count each time."""
    return sum(one.image.size_bytes or 0 for one in stocked)
