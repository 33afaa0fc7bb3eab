"""Which image a desktop is made from, and its build where it is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from vdictl.contract.errors import Conflict, Invalid, NotFound
from vdictl.contract.model import DesktopSpec, Image, Work
from vdictl.engine.build import BuildStatus, ensure_started, look
from vdictl.engine.errors import Busy, EngineError, NoSuchObject
from vdictl.engine.nouns import Image as EngineImage
from vdictl.engine.objects import image_id, inspect_image, list_images, snapshot_of_everything
from vdictl.guest import DEFAULT_FLAVOR, FLAVORS, REPOSITORY, BuildContext, Flavor, context
from vdictl_local import names
from vdictl_local.errors import PROVIDER, changing, reading, whole
from vdictl_local.tools import Tools
from vdictl_local.world import Holding, World

_FLAVOR_LABEL: Final = "vdictl.image"  # set by the guest's Containerfile
_GUEST_LABEL: Final = "vdictl.guest"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to run. `context`: how to build it; `None`: it is there or it is not, nothing builds it."""

    reference: str
    flavor: Flavor | None
    context: BuildContext | None = None


@dataclass(frozen=True, kw_only=True)
class Building:
    """It is not there yet: built just now, or its build failed."""

    doing: str
    progress: float | None = None
    failed: str = ""
    runs: bool = False  #: somebody builds it now: there is nothing to do but to wait


def recipe(world: World, spec: DesktopSpec) -> Recipe:
    """What `spec` is made from; of a snapshot, what the snapshot was made from where `spec` says nothing else.

    Raises:
        Invalid: no such flavor, a bad package name, or packages for an image that is not built here.
    """
    flavor, packages, sudo = spec.flavor, spec.packages, spec.sudo
    taken = world.snapshot(spec.from_snapshot) if spec.from_snapshot else None
    if taken is not None:
        kept = taken.labels.get(names.IMAGE, "")
        if kept.startswith(SNAPSHOT_PREFIX) and sudo:
            return Recipe(reference=kept, flavor=FLAVORS.get(taken.labels.get(names.FLAVOR, "")))
        flavor = flavor or taken.labels.get(names.FLAVOR) or None
    if spec.image and spec.image not in FLAVORS:
        if packages or spec.flavor:
            raise Invalid(
                "--image names a finished image: --flavor and --packages do not go with it.", provider=PROVIDER
            )
        return Recipe(reference=spec.image, flavor=None)
    return built(spec.image or flavor or DEFAULT_FLAVOR, packages=packages, sudo=sudo)


SNAPSHOT_PREFIX: Final = f"{names.SNAPSHOT_IMAGES}:"


def built(flavor: str, *, packages: Sequence[str] = (), sudo: bool = False) -> Recipe:
    """A flavor's recipe. Raises Invalid: no such flavor, or a bad package name."""
    try:
        how = context(flavor, packages=packages, sudo=sudo)
    except ValueError as error:
        brief = str(error)
        raise Invalid(f"{brief[:1].upper()}{brief[1:]}.", provider=PROVIDER) from error
    return Recipe(reference=how.tag, flavor=FLAVORS[flavor], context=how)


def check(tools: Tools, wanted: Recipe) -> Recipe:
    """For an image that is not built here: it must be there and hold our guest.

    Raises:
        NotFound, Invalid.
    """
    if wanted.context is not None or wanted.flavor is not None:
        return wanted
    labels = _labels(tools, wanted.reference)
    if labels is None:
        raise NotFound(
            f"There is no image {wanted.reference!a} here.",
            advice=f"Name a flavor ({', '.join(FLAVORS)}), or an image made from one of vdictl's.",
            provider=PROVIDER,
        )
    if _GUEST_LABEL not in labels:
        raise Invalid(
            f"The image {wanted.reference!a} has no vdictl guest inside: nothing would show its screen.",
            advice=f"Make yours FROM one of vdictl's ({REPOSITORY}/...).",
            provider=PROVIDER,
        )
    return Recipe(reference=wanted.reference, flavor=FLAVORS.get(labels.get(_FLAVOR_LABEL, "")))


def ready(tools: Tools, wanted: Recipe) -> Building | None:
    """`None`: the image is there. Else its build was begun, goes on, or has failed."""
    with changing():
        if wanted.context is None:
            if image_id(tools.engine, wanted.reference) is not None:
                return None
            raise NotFound(
                f"The image {wanted.reference} is gone.",
                advice="Destroy the desktop (its home stays) and create it from another image.",
                provider=PROVIDER,
            )
        status = ensure_started(tools.engine, wanted.context, state_dir=tools.state_dir, since=tools.since)
    return building(status)


def kept_or_built(tools: Tools, world: World, holding: Holding, image: str) -> Building | str:
    """The image to run: the one it had, unless that is gone."""
    if image and is_there(tools, image):
        return image
    wanted = recipe(world, holding.mark.spec)
    return ready(tools, wanted) or wanted.reference


def any_of_ours(tools: Tools) -> str | None:
    """An image whose tools can look into volumes: a flavor of this version, else the newest; `None`: none is there."""
    there = [one for one in whole(lambda: list_images(tools.engine, label=_GUEST_LABEL)) if one.tags]
    tags = {tag for one in there for tag in one.tags}
    current = next((tag for name in FLAVORS if (tag := context(name).tag) in tags), None)
    newest = max(there, key=lambda one: one.created, default=None)
    return current or (newest.tags[0] if newest else None)


def is_there(tools: Tools, reference: str) -> bool:
    """Whether the engine has it."""
    with reading():
        return image_id(tools.engine, reference) is not None


def peek(tools: Tools, wanted: Recipe) -> Building | None:
    """As `ready`, but begins nothing."""
    if wanted.context is None:
        return None
    with reading():
        return building(look(tools.engine, wanted.context, state_dir=tools.state_dir))


def building(status: BuildStatus) -> Building | None:
    """What a build's status means to people; `None`: it is done."""
    if status.state == "done":
        return None
    if status.state == "failed":
        log = f"; the whole log is in {status.log}" if status.log else ""
        return Building(doing="building its image", failed=f"its image could not be built: {status.reason}{log}")
    step = f", step {status.step} of {status.total}" if status.total else ""
    progress = status.step / status.total if status.total and status.step is not None else None
    text = f": {status.text}" if status.text else ""
    doing = f"building image {short_tag(status.tag)}{step}{text}"
    return Building(doing=doing, progress=progress, runs=status.state == "running")


def short_tag(tag: str) -> str:
    """What a person wants to read of a tag: the flavor."""
    return tag.removeprefix(f"{REPOSITORY}/").partition(":")[0]


def listed(tools: Tools) -> list[Image]:
    """Flavors, built or not; what else of ours is there; snapshots' images. All with whether something needs them."""
    there = [one for one in whole(lambda: list_images(tools.engine, label=_FLAVOR_LABEL)) if one.tags]
    by_tag = {tag: one for one in there for tag in one.tags}
    needed = _needed(tools)
    found = [_flavor(flavor, by_tag.pop(context(flavor.name).tag, None)) for flavor in FLAVORS.values()]
    found += [_other(tag, one) for tag, one in sorted(by_tag.items()) if tag.startswith(f"{REPOSITORY}/")]
    ids = {tag: one.id for one in there for tag in one.tags}
    return [replace(one, used=bool({reference_of(one), ids.get(reference_of(one))} & needed)) for one in found]


def described(tools: Tools, reference: str) -> Image | None:
    """One image by its name; `None`: it is not there, or does not hold our guest."""
    with reading():
        try:
            there = inspect_image(tools.engine, reference)
        except NoSuchObject:
            return None
    if _GUEST_LABEL not in there.labels:
        return None
    flavor = next((one for one in FLAVORS.values() if context(one.name).tag == reference), None)
    return _flavor(flavor, there) if flavor else _other(reference, there)


def reference_of(image: Image) -> str:
    """What the engine calls it."""
    return context(image.id).tag if image.id in FLAVORS else image.id


def _needed(tools: Tools) -> set[str]:
    """Names and ids of the images that some container, snapshot or desktop on this engine needs, whosever it is."""
    containers, volumes = whole(lambda: snapshot_of_everything(tools.engine))
    world = World.of(containers, volumes)
    found = {one.image_id for one in containers}
    for kept in world.kind("snapshot"):
        found |= {kept.labels.get(names.IMAGE, ""), kept.labels.get(names.DIGEST, "")}
    for holding in world.holdings.values():
        with suppress(Invalid):  # made with a flavor that this version does not have
            found.add(recipe(world, holding.mark.spec).reference)
    return found - {""}


def build(tools: Tools, name: str, *, packages: Sequence[str], retry: bool) -> Work:
    """Begin a build, or look at it."""
    how = built(name, packages=packages).context
    assert how is not None  # a flavor always has one
    with changing():
        status = ensure_started(tools.engine, how, state_dir=tools.state_dir, retry=retry)
    now = building(status)
    return Work(
        id=status.tag,
        done=now is None,
        failed=bool(now and now.failed),
        doing=now.doing if now else "",
        progress=now.progress if now else 1.0,
        reason=now.failed if now else "",
        log=str(status.log or ""),
    )


def remove(tools: Tools, image: Image) -> None:
    """Remove an image. Raises Conflict while something is made from it, or needs it to be made again."""
    with reading():
        there = image_id(tools.engine, reference_of(image))
    if {reference_of(image), there} & _needed(tools):
        raise Conflict(
            f"The image {image.name} is in use.",
            advice="Destroy the desktops and snapshots that need it first.",
            provider=PROVIDER,
        )
    try:
        tools.engine.run("image", "rm", reference_of(image))
    except NoSuchObject:
        return
    except Busy as error:
        raise Conflict(
            f"The image {image.name} is in use.",
            details=error.stderr.strip(),
            advice="Destroy the desktops and images that are made from it first.",
            provider=PROVIDER,
        ) from error
    except EngineError:
        with changing():
            raise


def remove_snapshots(tools: Tools, references: Iterable[str]) -> None:
    """Remove snapshots' images; one that a clone still runs from stays until that desktop goes."""
    for reference in references:
        with changing():
            try:
                tools.engine.run("image", "rm", reference)
            except (NoSuchObject, Busy):
                continue


def _labels(tools: Tools, reference: str) -> Mapping[str, str] | None:
    with reading():
        try:
            return inspect_image(tools.engine, reference).labels
        except NoSuchObject:
            return None


def _flavor(flavor: Flavor, there: EngineImage | None) -> Image:
    return Image(
        id=flavor.name,
        name=flavor.name,
        kind="flavor",
        ready=there is not None,
        size_bytes=there.size_bytes if there else None,
        created=there.created if there else None,
        note=flavor.summary,
    )


def _other(tag: str, there: EngineImage) -> Image:
    kept = tag.startswith(SNAPSHOT_PREFIX)
    return Image(
        id=tag,
        name=tag.removeprefix(f"{REPOSITORY}/"),
        kind="snapshot" if kept else "custom",
        size_bytes=there.size_bytes,
        created=there.created,
        note="the system of a snapshot" if kept else f"made from {there.labels.get(_FLAVOR_LABEL, '')}",
    )
