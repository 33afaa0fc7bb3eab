"""The kinds of desktop that vdictl can build by itself, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

DEFAULT_FLAVOR: Final = "xfce"


@dataclass(frozen=True, kw_only=True)
class Flavor:
    """One kind of desktop."""

    name: str
    summary: str
    endpoint: Literal["vnc", "http"]  #: what its main endpoint speaks; the page on PAGE_PORT is there in both cases
    min_memory_mib: int  #: below this the programs named in the summary do not all start
    #: What `--cap-add` needs after `--cap-drop=ALL`. Chromium's own sandbox calls chroot inside its user namespace,
    #: and a capability outside the bounding set is not to be had there either.
    cap_add: tuple[str, ...] = ()
    recipe: Literal["desktop", "code"] = "desktop"  #: which Containerfile
    packages: tuple[str, ...] = ()  #: of Debian, without their recommendations


#: What every flavor has: the guest's own Python, and the tools that `--git`, `--setup`, a shell and SSH need.
_ALL = (
    "ca-certificates", "python3-minimal", "python3-aiohttp", "procps", "bash-completion", "less", "nano", "git",
    "openssh-client", "openssh-server", "rsync", "curl", "xz-utils", "unzip",
)  # fmt: skip
_DISPLAY = (
    "tigervnc-standalone-server", "tigervnc-tools", "dbus-daemon", "dbus-bin", "fonts-dejavu-core",
    "fonts-wqy-microhei", "fonts-noto-color-emoji", "xclip", "xdg-user-dirs",
)  # fmt: skip
_XFCE = (
    "xfce4-session", "xfwm4", "xfce4-panel", "xfdesktop4", "xfce4-settings", "xfce4-terminal", "xfce4-notifyd",
    "libnotify-bin", "thunar", "mousepad", "chromium", "adwaita-icon-theme", "librsvg2-common", "xdg-utils",
    "greybird-gtk-theme", "elementary-xfce-icon-theme",
)  # fmt: skip


def _flavors(*flavors: Flavor) -> Mapping[str, Flavor]:
    return MappingProxyType({flavor.name: flavor for flavor in flavors})


FLAVORS: Final[Mapping[str, Flavor]] = _flavors(
    Flavor(
        name="xfce",
        summary="XFCE: terminal, browser (Chromium), editor, file manager",
        endpoint="vnc",
        min_memory_mib=2048,
        cap_add=("SYS_CHROOT",),
        packages=(*_ALL, *_DISPLAY, *_XFCE),
    ),
    Flavor(
        name="minimal",
        summary="Openbox and a terminal: the smallest",
        endpoint="vnc",
        min_memory_mib=512,
        packages=(*_ALL, *_DISPLAY, "openbox", "xterm"),
    ),
    Flavor(
        name="code",
        summary="VS Code in the browser (code-server)",
        endpoint="http",
        min_memory_mib=1536,
        recipe="code",
        packages=(*_ALL, "python3-venv"),
    ),
)
