"""vdictl: virtual desktops on any cloud, from one command."""

__version__ = "0.1.0"
